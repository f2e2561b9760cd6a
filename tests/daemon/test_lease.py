"""The lease of a whole robot: who moves it, what halts when they are not heard, and who is told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from robotd.core.role import Role
from robotd.core.stage import Stage
from robotd.daemon import status
from robotd.errors import Refused
from robotd.journal import kinds
from robotd.journal.why import explain
from robotd.safety.lease import LOST_S
from robotd.wire.hub import Update
from robotd.wire.service import SendRequest, Who
from tests.daemon.story import Story, robot_file, tell

FORWARD = {"linear": 0.3, "angular": 0.0}
LATE_S = 0.05
"""A robot whose operator is lost stands still within the window and so much."""
LONG_S = 20.0
"""A setpoint that is valid for so long shows what halts it before."""


class Client:
    """One session of a robot; it hears what concerns it alone."""

    def __init__(self, story: Story, name: str, *, principal: str = "", role: Role = Role.OPERATOR) -> None:
        self.story = story
        self.who = Who(f"tcp:{name}", principal or name, role)
        self.notices: list[Update] = []
        self.lease_id = ""
        story.service.hub.enter(self.who.source, self)
        story.service.joined(self.who.source, self.who.principal)

    def update(self, update: Update) -> None:
        self.notices.append(update)

    def acquire(self, window_s: float | None = None, *, steal: bool = False) -> Mapping[str, Any]:
        now = self.story.service.now()
        answer = self.story.service.acquire(self.who, now, window_s, steal=steal)
        self.lease_id = answer["lease_id"]
        return answer

    def renew(self) -> None:
        self.story.service.renew(self.who, self.lease_id, self.story.service.now())

    def release(self) -> None:
        self.story.service.release(self.who, self.lease_id)

    def send(self, kind: str, payload: Mapping[str, Any] | None = None, **more: Any) -> list[Stage]:
        """Send a command; returns its stages, as far as they go."""
        service = self.story.service
        heard: list[Stage] = []
        request = SendRequest(
            kind,
            payload or {},
            service.new_id(),
            service.new_trace_id(),
            more.pop("at", service.now()),
            self.who.principal,
            role=self.who.role,
            **more,
        )
        service.send(request, self.who.source, heard.append)
        return heard

    async def do(self, kind: str, payload: Mapping[str, Any] | None = None, **more: Any) -> Stage:
        """Send a command and let it be decided."""
        heard = self.send(kind, payload, **more)
        await self.story.settle()
        return heard[-1]

    async def drive(self, duration_s: float) -> None:
        """Stream setpoints."""
        for _ in range(round(duration_s / 0.1)):
            assert (await self.do("drive", FORWARD)).stage == "started"
            await asyncio.sleep(0.1)

    def leave(self) -> None:
        self.story.service.hub.leave(self.who.source)
        self.story.service.left(self.who.source, "connection lost", self.story.service.now())


def lease(story: Story) -> Any:
    return status.status(story.engine, frozenset(), 0, 0.0)["lease"]


def holder(story: Story) -> str | None:
    held = lease(story)["holder"]
    return None if held is None else str(held["principal"])


async def happened(story: Story) -> list[tuple[str, str]]:
    """What became of the lease, as the journal has it."""
    rows = await story.rows(kinds.LEASE)
    return [(row.data["what"], row.data["principal"]) for row in rows]


# -- one moves it


def test_the_first_who_drives_has_the_lease_and_another_is_told_who_that_is():
    async def body(story: Story) -> None:
        ann, bob = Client(story, "ann"), Client(story, "bob")
        await ann.do("arm")
        assert holder(story) is None  # it moves nothing
        await ann.drive(0.3)
        refused = await bob.do("drive", {"linear": -0.3})

        assert (refused.stage, refused.reason) == ("rejected", "no_lease")
        assert refused.error is not None
        assert refused.error["data"]["holder"]["principal"] == "ann"
        assert 0 < refused.error["data"]["retry_after_ms"] <= 500
        assert story.reading("base.target_linear") == 0.3
        assert lease(story) == {
            "holder": {"source": "tcp:ann", "principal": "ann", "role": "operator"},
            "window_ms": 500,
            "age_ms": pytest.approx(100, abs=1),
            "explicit": False,
            "unattended": False,
        }
        assert (await bob.do("disarm")).stage == "done"  # what moves nothing needs no lease

    tell(body)


def test_a_command_that_finds_no_place_takes_no_lease_but_keeps_its_sender_s():
    async def body(story: Story) -> None:
        ann, bob = Client(story, "ann"), Client(story, "bob")
        await ann.do("arm")
        for _ in range(256):
            story.send("arm")
        flooded = ann.send("drive", FORWARD)

        assert flooded[-1].reason == "busy"
        assert holder(story) is None
        for _ in range(20):
            await story.settle()
        bob.acquire()
        await asyncio.sleep(1.0)
        for _ in range(256):
            story.send("arm")
        assert bob.send("drive", FORWARD)[-1].reason == "busy"
        assert lease(story)["age_ms"] == 0

    tell(body)


def test_a_command_that_is_too_old_takes_no_lease():
    async def body(story: Story) -> None:
        ann = Client(story, "ann")
        await ann.do("arm")
        late = await ann.do("drive", FORWARD, at=story.service.now() - 0.45)

        assert late.stage == "expired"
        assert await happened(story) == []

    tell(body)


def test_what_is_over_is_given_back_by_itself_and_nobody_was_lost():
    async def body(story: Story) -> None:
        ann, bob = Client(story, "ann"), Client(story, "bob")
        await ann.do("arm")
        await ann.do("look", {"angle": 0.5})
        refused = await bob.do("look", {"angle": -0.5})
        await asyncio.sleep(4.5)

        assert refused.reason == "no_lease"
        assert await happened(story) == [("taken", "ann"), ("released", "ann")]
        assert (await bob.do("look", {"angle": -0.5})).stage == "started"
        assert story.events("operator_lost") == []

    tell(body)


def test_a_motion_with_an_end_keeps_the_lease_of_a_client_that_only_waits(tmp_path: Path):
    async def body(story: Story) -> None:
        ann = Client(story, "ann")
        await ann.do("arm")
        went = ann.send("forward")
        await asyncio.sleep(7.0)
        assert holder(story) == "ann"
        assert not story.stands_still()
        await asyncio.sleep(6.0)

        assert went[-1].stage == "done"
        assert holder(story) is None

    tell(body, robot_file(tmp_path, machine=GOING))


GOING = """
machine:
  version: 1
  initial: disarmed
  states:
    disarmed: {}
    armed: {active: all}
    gone: {}
  transitions:
    - {trigger: arm, source: disarmed, dest: armed}
    - {trigger: drive, source: armed, do: base.drive}
    - {trigger: forward, source: armed, do: {base.forward: {distance: 1 m, speed: 0.1 m/s}}}
    - {trigger: operator_lost, source: armed, dest: gone}
    - {trigger: bump, source: armed, do: base.halt}
    - {trigger: battery_low, source: armed, do: base.halt}
"""


# -- and is lost


def test_a_frozen_client_is_lost_within_the_window_and_the_machine_is_told_2_s_later(tmp_path: Path):
    async def body(story: Story) -> None:
        ann = Client(story, "ann")
        await ann.do("arm")
        ann.acquire()
        await ann.do("drive", FORWARD, valid_for_s=LONG_S)
        await asyncio.sleep(1.0)
        ann.renew()
        assert not story.stands_still()

        took_s = await story.until(story.stands_still, 2.0 + LATE_S)
        assert took_s > 1.9
        assert lease(story)["lost_ms"] < 10
        assert [notice.data["why"] for notice in ann.notices] == ["lapsed"]
        assert story.state == "armed"
        told_s = await story.until(lambda: story.state == "gone", 2.5)
        assert told_s == pytest.approx(LOST_S, abs=0.05)
        assert await happened(story) == [("taken", "ann"), ("lapsed", "ann"), ("released", "ann")]

    tell(body, robot_file(tmp_path, machine=GOING))


def test_a_window_that_was_asked_for_counts():
    async def body(story: Story) -> None:
        ann = Client(story, "ann")
        await ann.do("arm")
        granted = ann.acquire(0.2)
        await ann.do("drive", FORWARD, valid_for_s=LONG_S)

        assert (granted["window_ms"], granted["renew_ms"]) == (200, 40)
        assert await story.until(story.stands_still, 0.2 + LATE_S) > 0.15

    tell(body)


def test_who_takes_it_again_in_time_spares_the_machine(tmp_path: Path):
    async def body(story: Story) -> None:
        ann = Client(story, "ann")
        await ann.do("arm")
        ann.acquire()
        await asyncio.sleep(3.9)
        ann.acquire()
        for _ in range(20):
            await asyncio.sleep(0.4)
            ann.renew()

        assert story.state == "armed"
        assert story.events("operator_lost") == []

    tell(body, robot_file(tmp_path, machine=GOING))


def test_a_burst_of_late_renewals_does_not_keep_it():
    async def body(story: Story) -> None:
        ann = Client(story, "ann")
        await ann.do("arm")
        ann.acquire()
        await ann.do("drive", FORWARD, valid_for_s=LONG_S)
        await asyncio.sleep(1.9)
        for _ in range(50):
            ann.renew()
        took_s = await story.until(story.stands_still, 2.0 + LATE_S)
        for _ in range(50):
            with pytest.raises(Refused):
                ann.renew()

        assert took_s > 1.9
        assert (await ann.do("drive", FORWARD)).reason == "no_lease"
        assert story.stands_still()

    tell(body)


def test_a_burst_of_old_drives_after_a_gap_moves_nothing_until_the_lease_is_taken_again():
    async def body(story: Story) -> None:
        ann = Client(story, "ann")
        await ann.do("arm")
        await ann.drive(1.0)
        await asyncio.sleep(12.0)
        burst = [ann.send("drive", FORWARD) for _ in range(100)]
        await story.settle()

        assert {stages[-1].reason for stages in burst} == {"no_lease"}
        assert story.stands_still()
        ann.acquire()
        assert (await ann.do("drive", FORWARD)).stage == "started"

    tell(body)


def test_what_an_operator_leaves_behind_lapses_by_its_own_time(tmp_path: Path):
    async def body(story: Story) -> None:
        ann, bob = Client(story, "ann"), Client(story, "bob")
        await ann.do("arm")
        went = ann.send("forward")
        await asyncio.sleep(1.0)
        ann.leave()
        await asyncio.sleep(0.9)
        refused = await bob.do("drive", FORWARD)
        assert refused.reason == "no_lease"
        assert not story.stands_still()
        assert lease(story)["closed"]

        assert await story.until(story.stands_still, 2.0) < 0.1 + LATE_S
        assert (went[-1].stage, went[-1].reason) == ("failed", "operator_lost")
        assert story.events("base.forward.failed") == []  # its client hears of it, and nothing else asks
        assert (await bob.do("drive", FORWARD)).stage == "started"

    tell(body, robot_file(tmp_path, machine=GOING))


def test_the_lease_of_who_has_gone_passes_to_the_next_session_of_the_same_principal():
    async def body(story: Story) -> None:
        await Client(story, "ann").do("arm")
        for number in range(5):
            ann = Client(story, f"ann-{number}", principal="ann")
            assert (await ann.do("drive", FORWARD)).stage == "started"
            await asyncio.sleep(0.1)
            ann.leave()

        assert not story.stands_still()
        assert {who for _, who in await happened(story)} == {"ann"}

    tell(body)


def test_of_who_has_gone_it_is_anybodys_once_the_robot_stands():
    async def body(story: Story) -> None:
        ann, bob = Client(story, "ann"), Client(story, "bob")
        await ann.do("arm")
        ann.acquire(10.0)
        ann.leave()

        assert (await bob.do("drive", FORWARD)).stage == "started"
        assert holder(story) == "bob"

    tell(body)


# -- stealing and giving back


def test_a_higher_role_steals_it_and_first_everything_halts(tmp_path: Path):
    async def body(story: Story) -> None:
        ann, boss = Client(story, "ann"), Client(story, "boss", role=Role.MAINTAINER)
        await ann.do("arm")
        await ann.do("drive", FORWARD, valid_for_s=LONG_S)
        await asyncio.sleep(0.1)
        with pytest.raises(Refused, match="tcp:ann"):
            boss.acquire()
        waits = ann.send("forward")
        boss.acquire(steal=True)

        assert story.stands_still()
        await story.settle()
        assert (waits[-1].stage, waits[-1].reason) == ("cancelled", "no_lease")
        (notice,) = ann.notices
        assert notice.data["why"] == "stolen"
        assert notice.data["by"] == {"source": "tcp:boss", "principal": "boss", "role": "maintainer"}
        assert (await ann.do("drive", FORWARD)).reason == "no_lease"
        assert (await boss.do("drive", FORWARD)).stage == "started"
        assert await happened(story) == [("taken", "ann"), ("stolen", "ann"), ("taken", "boss")]
        audited = [row.data for row in await story.rows(kinds.AUDIT) if row.data["what"].startswith("lease")]
        assert [(one["what"], one["who"], one["holder"]["principal"]) for one in audited] == [
            ("lease.stolen", "boss", "ann")
        ]

    tell(body, robot_file(tmp_path, machine=GOING))


def test_an_equal_role_steals_it_only_when_it_is_lost():
    async def body(story: Story) -> None:
        ann, bob = Client(story, "ann"), Client(story, "bob")
        await ann.do("arm")
        ann.acquire()
        with pytest.raises(Refused, match="tcp:ann") as refusal:
            bob.acquire(steal=True)
        assert refusal.value.data["holder"]["principal"] == "ann"
        await asyncio.sleep(2.5)
        with pytest.raises(Refused, match="is not heard"):
            bob.acquire()
        bob.acquire(steal=True)
        await asyncio.sleep(1.9)

        assert holder(story) == "bob"
        assert story.events("operator_lost") == []

    tell(body)


def test_who_gives_it_back_stops_what_it_moves_and_anybody_may_have_it():
    async def body(story: Story) -> None:
        ann, bob = Client(story, "ann"), Client(story, "bob")
        await ann.do("arm")
        ann.acquire()
        driving = ann.send("drive", FORWARD, valid_for_s=LONG_S)
        await asyncio.sleep(0.1)
        with pytest.raises(Refused):
            bob.release()
        ann.release()

        assert story.stands_still()
        await story.settle()
        assert (driving[-1].stage, driving[-1].reason) == ("failed", "no_lease")
        assert (await bob.do("drive", FORWARD)).stage == "started"
        assert await happened(story) == [("taken", "ann"), ("released", "ann"), ("taken", "bob")]

    tell(body)


# -- unattended


def test_an_unattended_state_goes_on_without_an_operator():
    async def body(story: Story) -> None:
        ann = Client(story, "ann")
        await ann.do("arm")
        ann.acquire()
        await ann.do("patrol")
        await asyncio.sleep(4.5)

        assert story.state == "armed.auto"
        assert not story.stands_still()
        assert lease(story) == {"holder": None, "unattended": True}
        assert story.events("operator_lost") == ["operator_lost"]
        assert (await ann.do("drive", FORWARD)).reason == "no_lease"

    tell(body)


ATTENDED = """
machine:
  version: 1
  initial: disarmed
  states:
    disarmed: {}
    armed:
      active: all
      initial: teleop
      states:
        teleop: {}
        auto: {do: patrol}
        watched: {unattended: UNATTENDED, initial: inner, states: {inner: {do: patrol}}}
  transitions:
    - {trigger: arm, source: disarmed, dest: armed}
    - {trigger: patrol, source: armed.teleop, dest: armed.auto}
    - {trigger: [bump, battery_low], source: armed.teleop, dest: armed.watched}
    - {trigger: patrol.failed, source: armed, dest: armed.teleop}
"""


def test_a_handler_of_any_other_state_halts_with_its_operator(tmp_path: Path):
    async def body(story: Story) -> None:
        ann = Client(story, "ann")
        await ann.do("arm")
        ann.acquire()
        await ann.do("patrol")
        await story.until(lambda: not story.stands_still(), 1.0)

        assert await story.until(story.stands_still, 2.0 + LATE_S) > 1.5
        await story.settle()
        assert story.state == "armed.teleop"
        (failed,) = [one.message for one in story.decisions if one.message.type == "patrol.failed"]
        assert failed.payload["reason"] == "operator_lost"

    tell(body, robot_file(tmp_path, machine=ATTENDED.replace("UNATTENDED", "false")))


@pytest.mark.parametrize("marked", [False, True])
def test_what_an_event_begins_needs_an_operator_too_unless_it_is_unattended(tmp_path: Path, marked: bool):
    async def body(story: Story) -> None:
        await Client(story, "ann").do("arm")
        story.rig.set_world("battery", 10.0)
        await asyncio.sleep(1.0)

        assert story.events("battery_low") == ["battery_low"]
        assert story.events("patrol.failed") == ([] if marked else ["patrol.failed"])
        assert story.stands_still() is not marked

    tell(body, robot_file(tmp_path, machine=ATTENDED.replace("UNATTENDED", str(marked).lower())))


# -- none at all


def test_a_robot_without_a_lease_is_everybodys_and_says_so(tmp_path: Path):
    async def body(story: Story) -> None:
        ann, bob = Client(story, "ann"), Client(story, "bob")
        await ann.do("arm")
        assert (await ann.do("drive", FORWARD)).stage == "started"
        assert (await bob.do("drive", FORWARD)).stage == "started"
        assert bob.acquire() == {"lease_id": "off", "window_ms": 2000, "renew_ms": 400}
        bob.renew()
        bob.release()
        await asyncio.sleep(5.0)

        assert lease(story) == "off"
        assert await happened(story) == []
        assert (await ann.do("drive", FORWARD)).stage == "started"

    tell(body, robot_file(tmp_path, lease="lease: off\n"))


def test_that_it_has_none_is_said_at_every_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    async def body(story: Story) -> None:
        await story.settle()

    tell(body, robot_file(tmp_path, lease="lease: off\n"))
    assert "lease: off, says the file" in capsys.readouterr().out
    tell(body)
    assert "lease: off" not in capsys.readouterr().out


# -- and why


def test_why_ends_with_the_client_that_was_not_heard():
    async def body(story: Story) -> None:
        ann = Client(story, "ann")
        await ann.do("arm")
        ann.acquire()
        driving = ann.send("drive", FORWARD, valid_for_s=LONG_S)
        await asyncio.sleep(5.0)
        await story.engine.journal.settle()
        heard_s = "the client tcp:ann was not heard for 2000 ms"

        assert explain(story.disk.store, None).summary == f"base stopped (operator_lost) <- {heard_s}"
        assert explain(story.disk.store, driving[0].id).summary.endswith(heard_s)
        told = [one.message.id for one in story.decisions if one.message.type == "operator_lost"]
        assert explain(story.disk.store, told[0]).summary.endswith(heard_s)

    tell(body)


def test_why_names_who_stole_it():
    async def body(story: Story) -> None:
        ann, boss = Client(story, "ann"), Client(story, "boss", role=Role.ADMIN)
        await ann.do("arm")
        await ann.do("drive", FORWARD, valid_for_s=LONG_S)
        boss.acquire(steal=True)
        await story.settle()
        await story.engine.journal.settle()

        assert "tcp:boss took the lease from tcp:ann" in explain(story.disk.store, None).summary

    tell(body)
