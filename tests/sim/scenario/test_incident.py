"""What happened to the simulated rover, retold from its journal, leads through the same states."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from robotd.config import RobotConfig
from robotd.journal.errors import JournalError
from robotd.journal.kinds import BOOT, COMMAND, DEAD, DECISION, DEVICE, JOURNAL, RESET, STOP
from robotd.journal.memory import MemoryStore
from robotd.journal.row import Row
from robotd.journal.store import Select
from robotd.json import encode
from robotd.sim.scenario import incident
from robotd.sim.scenario.incident import Incident, retell_rows
from robotd.sim.scenario.reading import read_scenario
from robotd.sim.scenario.runner import Result, run_scenario
from robotd.sim.scenario.script import Robots
from robotd.sim.simulation import Simulation, simulate
from tests.sim.scenario.making import CONFIG, ROVER, robots

Story = Callable[[Simulation], Awaitable[None]]


async def bump_while_driving(sim: Simulation) -> None:
    ann = await sim.connect("ann")
    ann.send("arm")
    await sim.sleep(0.3)
    for number in range(12):
        ann.send("drive", {"linear": 0.3})
        if number == 7:
            sim.rig.set_world("bumper", True)
        await sim.sleep(0.1)
    ann.send("drive", {"linear": -0.2})
    await sim.sleep(0.1)
    sim.rig.set_world("bumper", False)
    await sim.sleep(1.0)


async def lapse(sim: Simulation) -> None:
    ann = await sim.connect("ann")
    ann.send("arm")
    for _ in range(5):
        ann.send("drive", {"linear": "0.2 m/s"})
        await sim.sleep(0.2)
    await sim.sleep(2.0)


async def lost_cable(sim: Simulation) -> None:
    ann = await sim.connect("ann")
    ann.send("arm")
    await sim.sleep(0.5)
    ann.send("patrol")
    await sim.sleep(1.0)
    sim.rig.inject("arduino", "unplug 2 s")
    await sim.sleep(1.0)
    ann.send("look", {"angle": "10 deg"})
    await sim.sleep(6.0)
    ann.send("disarm")
    ann.send("arm")
    await sim.sleep(0.5)


async def stop_and_reset(sim: Simulation) -> None:
    ann, bob = await sim.connect("ann"), await sim.connect("bob")
    ann.send("arm")
    await sim.sleep(0.4)
    ann.send("drive", {"linear": 0.4})
    await sim.sleep(0.2)
    bob.stop("a child runs across")
    await sim.sleep(1.5)
    bob.reset()
    await sim.sleep(0.2)
    ann.send("arm")
    await sim.sleep(0.2)


async def refused(sim: Simulation) -> None:
    ann = await sim.connect("ann")
    sim.rig.set_world("battery", 10.2)
    await sim.sleep(1.5)
    ann.send("arm")
    ann.send("drive", {"linear": 0.1})
    await sim.sleep(0.3)
    sim.rig.set_world("battery", 12.0)
    await sim.sleep(0.3)
    ann.send("arm")
    ann.send("drive", {"linear": 7.0})
    await sim.sleep(0.5)


async def silent_board_and_cancelled_look(sim: Simulation) -> None:
    ann = await sim.connect("ann")
    ann.send("arm")
    await sim.sleep(0.2)
    looking = ann.send("look", {"angle": "70 deg"})
    await sim.sleep(0.05)
    ann.call("cancel", {"id": looking.id})
    await sim.sleep(0.3)
    ann.send("patrol")
    await sim.sleep(1.0)
    sim.rig.inject("arduino", "stall 1 s")
    await sim.sleep(6.0)


async def bump_behind_and_in_front(sim: Simulation) -> None:
    """Between two samples one switch is let go and the other one pressed: two events, and no row says why."""
    ann = await sim.connect("ann")
    ann.send("arm")
    await sim.sleep(0.3)
    ann.send("patrol")
    await sim.sleep(0.5)
    sim.rig.set_world("bumper_rear", True)
    await sim.sleep(0.1)
    sim.rig.set_world("bumper_rear", False)
    await sim.sleep(0.1)
    ann.send("patrol")
    await sim.sleep(0.05)
    sim.rig.set_world("bumper", True)
    await sim.sleep(0.5)


async def arm_until_it_works(sim: Simulation) -> None:
    """Between the last refusal and the first success the battery has reported, and no time to do it again."""
    ann = await sim.connect("ann")
    sim.rig.set_world("battery", 10.2)
    await sim.sleep(0.4)
    ann.send("arm")
    await sim.sleep(0.2)
    sim.rig.set_world("battery", 12.0)
    while sim.state[0] == "disarmed":
        ann.send("arm")
        await sim.sleep(0.01)


async def lost_operator(sim: Simulation) -> None:
    ann = await sim.connect("ann")
    ann.send("arm")
    await sim.sleep(0.3)
    ann.call("lease.acquire", {})
    ann.send("drive", {"linear": 0.1}, valid_for_ms=20_000)
    for _ in range(10):
        await sim.sleep(0.1)
        ann.call("lease.renew", {"lease_id": ann.lease_id})
    await sim.sleep(4.5)
    ann.call("lease.acquire", {})
    await sim.sleep(0.1)
    ann.send("drive", {"linear": -0.1}, valid_for_ms=20_000)
    await sim.sleep(0.5)
    ann.call("lease.release", {"lease_id": ann.lease_id})
    await sim.sleep(0.1)
    ann.send("drive", {"linear": 0.1})
    await sim.sleep(0.2)
    ann.close()
    await sim.sleep(0.5)
    bob = await sim.connect("bob")
    bob.send("drive", {"linear": 0.2})
    await sim.sleep(0.1)


STORIES = [
    arm_until_it_works,
    bump_behind_and_in_front,
    bump_while_driving,
    lapse,
    lost_cable,
    lost_operator,
    stop_and_reset,
    refused,
    silent_board_and_cancelled_look,
]


@cache
def rover() -> RobotConfig:
    return robots().load(ROVER)


@cache
def journal_of(story: Story) -> MemoryStore:
    store = MemoryStore()
    simulate(rover(), story, store=store)
    return store


def incident_of(story: Story, **span: int) -> Incident:
    return retell_rows(journal_of(story), rover(), "example:rover", **span)


def text_of(story: Story, **span: int) -> str:
    return incident_of(story, **span).to_yaml()


def first(story: Story, kind: str, **said: Any) -> Row:
    """The first row of a kind that says so."""
    rows = journal_of(story).rows(Select(kinds=[kind]))
    return next(row for row in rows if all(row.data.get(key) == value for key, value in said.items()))


def with_rows(story: Story, *rows: tuple[str, str | None, dict[str, Any]]) -> MemoryStore:
    """The journal, and before the shutdown some rows more: kind, id, body."""
    copy = MemoryStore()
    whole = list(journal_of(story).rows())
    *kept, end = (row for row in whole if row.kind != DECISION or row.data["type"] != "shutdown")
    last = next(row for row in kept[::-1] if row.kind != "device")
    kept = [row for row in kept if row.seq <= last.seq and row.at < end.at]
    copy.commit(kept)
    for seq, (kind, about, data) in enumerate(rows, start=kept[-1].seq + 1):
        copy.commit([kept[-1]._replace(seq=seq, kind=kind, id=about, body=encode(data))])
    return copy


def retold(rows: MemoryStore, folder: Path, robot: str = "example:rover", **span: int) -> Result:
    """Through the text of its file, as a person runs it."""
    file = folder / "incident.yaml"
    file.write_text(retell_rows(rows, rover(), robot, **span).to_yaml())
    known = robots() if robot.startswith("example:") else Robots(CONFIG)
    return run_scenario(read_scenario(file, known))


def way(rows: MemoryStore) -> list[tuple[str, ...]]:
    """Where the machine was led, one after the other."""
    moved = [row.data for row in rows.rows(Select(kinds=[DECISION])) if row.data["outcome"] == "moved"]
    return [tuple(body["after"]) for body in moved if body["type"] not in ("start", "shutdown")]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_an_incident_that_is_retold_leads_through_the_same_states(story: Story, tmp_path: Path) -> None:
    rows = journal_of(story)
    result = retold(rows, tmp_path)

    assert result.failure is None
    assert result.chronicle is not None
    assert [told.after for told in result.chronicle.told if told.outcome == "moved"] == way(rows)


@pytest.mark.parametrize(
    ("story", "line", "instead"),
    [
        (bump_while_driving, "do: base.halt}", "dest: disarmed}"),
        (lapse, "source: disarmed, dest: armed", "source: disarmed, dest: docked"),
        (lost_cable, "patrol.done, patrol.failed]", "patrol.done]"),
        (stop_and_reset, "battery.value > 10.8}", "battery.value > 13}"),
        (refused, "when: battery.value > 10.8}", "when: battery.value > 9}"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_with_a_changed_robot_the_scenario_fails(
    story: Story, line: str, instead: str, tmp_path: Path
) -> None:
    text = ROVER.read_text()
    assert line in text
    (tmp_path / "patrol.py").write_text((CONFIG / "patrol.py").read_text())
    (tmp_path / "rover.yaml").write_text(text.replace(line, instead))

    assert retold(journal_of(story), tmp_path, "rover.yaml").failure is not None


# What the file looks like.


def test_the_file_says_which_rows_it_tells_and_of_which_robot() -> None:
    lines = text_of(stop_and_reset).splitlines()

    assert lines[0].startswith("# yaml-language-server")
    assert lines[1].startswith("# Retold from rows 2 to ")
    assert lines[1].endswith("written from 2026-01-01 00:00:00 UTC on.")
    assert lines[2] == "robot: example:rover"
    assert lines[3].endswith("of the journal of rover")


def test_pauses_between_commands_are_waits_and_each_client_speaks_for_itself() -> None:
    text = text_of(stop_and_reset)

    assert "  - wait: 400 ms\n  - send: {drive: {linear: 0.4, angular: 0.0}}\n" in text
    assert "  - connect: client2\n  - stop: a child runs across\n    from: client2\n" in text
    assert "  - reset: latest\n    from: client2\n" in text


def test_the_world_is_held_as_the_sensors_saw_it() -> None:
    text = text_of(bump_while_driving)

    assert "bumper: false" in text.split("steps:")[0]
    assert "  - set: {bumper: true}\n  - within: 500 ms\n    expect: {event: bump}\n" in text
    assert "expect: {stage: {drive: rejected guard_false}}" in text


def test_a_stream_of_the_same_setpoint_is_one_step_and_its_last_lapses() -> None:
    text = text_of(lapse)

    assert "  - send: {drive: {linear: 0.2, angular: 0.0}}\n    as: drive_stream\n    for: 800 ms\n" in text
    assert "expect: {stage: {drive: done freshness}}" in text


def test_a_lost_cable_is_out_from_its_loss_to_its_return() -> None:
    text = text_of(lost_cable)
    lost, back = (first(lost_cable, DECISION, type=f"arduino.{what}").at for what in ("lost", "back"))

    assert f"  - fault: {{arduino: unplug {back - lost:.3g} s}}" in text
    assert "expect: {event: arduino.lost, state: armed.teleop}" in text or "event: arduino.lost" in text


def test_a_silent_board_is_a_wire_that_stalls() -> None:
    text = text_of(silent_board_and_cancelled_look)

    assert "fault: {arduino: stall " in text
    assert "event: arduino.silent" in text
    assert "  - cancel: look\n" in text


def test_a_lease_is_taken_renewed_lost_and_given_back_as_it_was() -> None:
    text = text_of(lost_operator)

    assert text.count("  - lease: acquire\n    for: ") == 2
    assert "  - lease: acquire\n    for: 1 s\n" in text
    assert "failed operator_lost" in text
    assert "  - lease: release\n" in text
    assert "  - disconnect: operator\n  - connect: operator\n" in text


# A part of it.


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_a_part_begins_in_the_state_in_which_the_robot_was(story: Story, tmp_path: Path) -> None:
    rows = journal_of(story)
    commands = list(rows.rows(Select(kinds=[COMMAND])))
    middle = commands[len(commands) // 2]
    result = retold(rows, tmp_path, since=middle.seq)

    assert result.failure is None
    assert result.chronicle is not None
    assert [told.after for told in result.chronicle.told if told.outcome == "moved"][-1:] == way(rows)[-1:]


def test_a_stop_and_what_happened_by_itself_are_on_the_way_there_too(tmp_path: Path) -> None:
    reset = first(stop_and_reset, RESET)
    *_, disarmed = journal_of(bump_behind_and_in_front).rows(Select(kinds=[DECISION]))
    stopped = text_of(stop_and_reset, since=reset.seq)
    bumped = text_of(bump_behind_and_in_front, since=disarmed.seq - 1)

    assert stopped.index("send: arm") < stopped.index("stop: a child") < stopped.index("reset: latest")
    assert bumped.count("inject: bump") == 2
    assert retold(journal_of(stop_and_reset), tmp_path, since=reset.seq).failure is None


def test_a_part_that_begins_between_a_stop_and_its_decision_begins_with_the_stop(tmp_path: Path) -> None:
    stop = first(stop_and_reset, STOP)

    assert "stop: a child runs across" in text_of(stop_and_reset, since=stop.seq + 1)
    assert retold(journal_of(stop_and_reset), tmp_path, since=stop.seq + 1).failure is None


def test_what_the_machine_saw_on_the_way_there_is_set_before_what_it_saw_later(tmp_path: Path) -> None:
    """It was armed with a good battery, and what is looked at happened with an empty one."""

    async def drained(sim: Simulation) -> None:
        ann = await sim.connect("ann")
        ann.send("arm")
        ann.send("light", {"on": True})
        await sim.sleep(1.0)
        ann.send("disarm")
        sim.rig.set_world("battery", 10.0)
        await sim.sleep(1.5)
        ann.send("arm")
        await sim.sleep(0.5)
        sim.rig.set_world("battery", 12.0)
        await sim.sleep(0.5)
        ann.send("arm")
        await sim.sleep(0.5)
        sim.rig.set_world("bumper", True)
        await sim.sleep(1.5)
        ann.send("drive", {"linear": 0.1})
        await sim.sleep(0.5)

    rows = journal_of(drained)
    drive = first(drained, COMMAND, type="drive")
    result = retold(rows, tmp_path, since=drive.seq)
    text = text_of(drained, since=drive.seq)

    assert result.failure is None
    assert text.index("send: arm") < text.index("send: {drive")
    assert "rejected guard_false" in text


def test_a_part_ends_where_it_is_told_to(tmp_path: Path) -> None:
    stop = first(stop_and_reset, STOP)
    found = incident_of(stop_and_reset, until=stop.seq)

    assert found.scenario.title.startswith(f"rows 2 to {stop.seq} ")
    assert retold(journal_of(stop_and_reset), tmp_path, until=stop.seq).failure is None


def test_a_part_may_begin_before_the_machine_has_started(tmp_path: Path) -> None:
    assert retold(journal_of(stop_and_reset), tmp_path, since=1).failure is None
    assert retold(journal_of(stop_and_reset), tmp_path, since=3).failure is None


def test_a_story_that_nobody_could_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incident, "MOST_ROWS", 20)

    with pytest.raises(JournalError, match="more than 20 rows"):
        incident_of(lapse)
    assert incident_of(lapse, until=15).scenario.title.startswith("rows 2 to 15")


@pytest.mark.parametrize(
    ("span", "why"),
    [
        ({"since": 10_000}, "by row 10000 the daemon had ended"),
        ({"since": 20, "until": 19}, "nothing happened"),
        ({"until": 0}, "no start of the daemon"),
    ],
)
def test_rows_that_are_not_there_are_refused(span: dict[str, int], why: str) -> None:
    with pytest.raises(JournalError, match=why):
        incident_of(lapse, **span)


def test_two_starts_of_a_daemon_are_two_scenarios() -> None:
    rows = journal_of(lapse)
    second = next(rows.rows(Select(kinds=[BOOT])))
    twice = MemoryStore()
    twice.commit(list(rows.rows()))
    twice.commit([row._replace(seq=row.seq + rows.last_seq) for row in rows.rows()])

    assert second.seq == 1
    with pytest.raises(JournalError, match=f"started again at row {rows.last_seq + 1}"):
        retell_rows(twice, rover(), "example:rover", since=5)
    assert retell_rows(twice, rover(), "example:rover", until=rows.last_seq).unsaid == ()


# What cannot be retold.


def test_what_is_no_story_of_clients_sensors_and_cables_is_said_in_a_comment() -> None:
    rows = with_rows(
        lapse,
        (JOURNAL, None, {"what": "full"}),
        (DEVICE, None, {"device": "range", "state": "faulted", "fault": "it shows nonsense"}),
        (COMMAND, "c-late", {"type": "arm", "source": "tcp:127.0.0.1:40001", "payload": {}}),
        (STOP, None, {"reason": "SIGUSR1", "by": "guard", "latch_id": "latch-9", "epoch": 9}),
        (DECISION, "c-0", {**EVENT, "type": "fly", "source": "tcp:127.0.0.1:40001", "command": True}),
        (DECISION, "e-2", {**EVENT, "type": "patrol", "saw": {"battery.value": None}}),
    )
    text = retell_rows(rows, rover(), "example:rover").to_yaml()
    unsaid = [line for line in text.splitlines() if line.startswith("# Not retold: ")]

    assert len(unsaid) == 6
    assert text.splitlines()[2:8] == unsaid
    for words in (
        *("the journal's disk was full", "what was wrong with range", "arm (row"),
        *("guard did it", "fly (row", "why battery.value was stale"),
    ):
        assert any(words in line for line in unsaid), words
    assert "stop: SIGUSR1" in text


def test_an_event_that_a_scenario_told_is_told_again() -> None:
    rows = with_rows(lapse, (DECISION, "e-1", {**EVENT, "type": "patrol_timeout", "source": "scenario"}))

    assert "  - inject: patrol_timeout\n" in retell_rows(rows, rover(), "example:rover").to_yaml()


def test_a_command_that_never_began_or_was_lost_is_left_out() -> None:
    arm = {**EVENT, "type": "arm", "source": "tcp:ann", "command": True}
    ended = {"type": "arm", "stage": "rejected", "reason": "journal_unavailable"}
    rows = with_rows(lapse, (DECISION, "c-1", arm), (DEAD, "c-1", ended))
    (unsaid,) = retell_rows(rows, rover(), "example:rover").unsaid

    assert "it ended rejected (journal_unavailable)" in unsaid


def test_the_same_that_is_left_out_again_and_again_is_said_once() -> None:
    late = [(COMMAND, f"c-{number}", {"type": "arm", "source": "tcp:ann"}) for number in range(9)]
    rows = with_rows(lapse, *late)
    (unsaid,) = retell_rows(rows, rover(), "example:rover").unsaid

    assert unsaid.startswith("arm (rows ")
    assert unsaid.endswith(" and 6 more): the machine never saw it")


def test_a_board_that_is_another_one_is_said_in_a_comment() -> None:
    rows = with_rows(
        lapse, (DECISION, "e-1", {**EVENT, "type": "arduino.refused", "source": "board:arduino"})
    )
    (unsaid,) = retell_rows(rows, rover(), "example:rover").unsaid

    assert unsaid.startswith("arduino.refused (row ")


EVENT = {"source": "test", "lane": "event", "at": 0.0, "outcome": "ignored", "before": [], "after": []}
