"""What the journal promises about motion and about what clients are told, on a disk of our own."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from robotd.clock import WallClock
from robotd.core.stage import TERMINAL
from robotd.daemon.ids import Ids
from robotd.daemon.journaling import Opened, in_memory
from robotd.journal import kinds
from robotd.journal.errors import JournalFailed
from robotd.journal.memory import MemoryStore
from robotd.journal.row import BEGINNING, Row, follows, is_whole
from robotd.journal.store import Beginning, OpenCommand, Remembered
from robotd.journal.why import explain
from robotd.runtime.readings import Clock
from robotd.sim.simulation import BEGINNING as SIMULATED
from robotd.sim.simulation import Disk
from robotd.wire.service import SendRequest
from tests.daemon.story import ROVER, Story, robot_file, tell

DRIVE = {"linear": 0.2}
COMMIT_S = 0.05
NEVER = float("inf")
WALL = int((SIMULATED.timestamp() - 3600) * 1e6)
"""An hour before."""


def slow(commit_s: float = COMMIT_S) -> Disk:
    """A disk that takes its time."""
    return Disk(MemoryStore(), commit_s)


def moves(story: Story) -> bool:
    return not story.stands_still()


async def armed(story: Story) -> None:
    command = story.send("arm")
    await story.until(lambda: story.names(command)[-1] == "done", 1.0)


# -- what moves ---------------------------------------------------------------------------------------


def test_no_byte_of_a_motion_is_written_before_its_row_is_durable():
    async def body(story: Story) -> None:
        await armed(story)
        driving = story.send("drive", DRIVE)
        await asyncio.sleep(COMMIT_S * 0.9)
        before = (moves(story), story.names(driving)[-1])
        await asyncio.sleep(COMMIT_S * 0.3)

        assert before == (False, "accepted")
        assert moves(story)
        assert story.names(driving)[2:] == ["journaled", "started"]

    tell(body, disk=slow())


def test_of_a_stream_only_the_first_setpoint_waits_for_the_disk():
    async def body(story: Story) -> None:
        await armed(story)
        first = story.send("drive", DRIVE)
        await asyncio.sleep(COMMIT_S * 1.5)
        story.send("drive", {"linear": -0.2})
        await asyncio.sleep(0)
        await asyncio.sleep(0)

        assert story.reading("base.target_linear") == -0.2
        await story.until(lambda: story.names(first)[-1] == "preempted", COMMIT_S * 2.5)

    tell(body, disk=slow())


def test_a_setpoint_that_comes_while_the_first_waits_takes_its_place():
    async def body(story: Story) -> None:
        await armed(story)
        sent = [story.send("drive", {"linear": speed}) for speed in (0.1, 0.2, -0.3)]
        await asyncio.sleep(COMMIT_S * 2.5)

        assert story.reading("base.target_linear") == -0.3
        assert [story.names(command)[-1] for command in sent] == ["preempted", "preempted", "started"]

    tell(body, disk=slow())


def test_a_faster_stream_than_the_disk_moves_all_the_same():
    async def body(story: Story) -> None:
        await armed(story)
        for _ in range(40):
            story.send("drive", DRIVE)
            await asyncio.sleep(COMMIT_S / 10)

        assert moves(story)

    tell(body, disk=slow())


def test_what_its_state_was_left_for_never_begins():
    async def body(story: Story) -> None:
        await armed(story)
        driving = story.send("drive", DRIVE)
        await asyncio.sleep(COMMIT_S / 2)
        story.send("disarm")
        await asyncio.sleep(COMMIT_S * 4)

        assert story.names(driving)[-1] == "cancelled"
        assert not moves(story)
        assert [row for row in await story.rows(kinds.HALT) if row.data["why"] != "left"] == []

    tell(body, disk=slow())


@pytest.mark.parametrize(
    ("command", "payload"), [("drive", DRIVE), ("look", {"angle": 1.0}), ("light", {"on": True})]
)
def test_what_waits_for_the_disk_longer_than_it_is_valid_never_begins(
    command: str, payload: dict[str, float]
):
    async def body(story: Story) -> None:
        await armed(story)
        sent = story.send(command, payload, valid_for_s=COMMIT_S / 2)
        await asyncio.sleep(COMMIT_S * 3)
        world = story.rig.world()

        assert story.names(sent)[-1] == "expired"
        assert "started" not in story.names(sent)
        assert not moves(story)
        assert (world["mast"], world["lamp"]) == (0.0, False)

    tell(body, disk=slow())


def test_of_two_clients_whose_streams_begin_at_once_the_newer_moves_and_the_other_hears_of_it(tmp_path: Path):
    async def body(story: Story) -> None:
        await armed(story)
        first = story.send("drive", DRIVE)
        heard: list[str] = []
        story.service.send(
            SendRequest("drive", {"linear": -0.3}, "other", "0" * 31 + "1", story.service.now()),
            "another client",
            lambda stage: heard.append(stage.stage),
        )
        await asyncio.sleep(COMMIT_S * 2.5)

        assert story.names(first)[-1] == "preempted"
        assert heard[-1] == "started"
        assert story.reading("base.target_linear") == -0.3

    tell(body, robot_file(tmp_path, lease="lease: off\n"), disk=slow())


def test_what_cannot_begin_is_refused_at_once_and_leaves_no_row_that_it_did(tmp_path: Path):
    machine = """
    machine:
      version: 1
      initial: disarmed
      states: {disarmed: {}}
      transitions:
        - {trigger: drive, source: disarmed, do: base.drive}
    """

    async def body(story: Story) -> None:
        refused = await story.do("drive", DRIVE)

        assert (refused.stage, refused.reason) == ("rejected", "device_unavailable")
        assert await story.rows(kinds.STARTED) == []

    tell(body, robot_file(tmp_path, machine=machine, events="events: {}\n"))


def test_what_a_state_does_by_itself_waits_for_its_row_too():
    async def body(story: Story) -> None:
        await armed(story)
        story.send("patrol")
        await asyncio.sleep(COMMIT_S * 0.9)
        before = moves(story)
        await asyncio.sleep(COMMIT_S)

        assert story.state == "armed.auto"
        assert not before
        assert moves(story)

    tell(body, disk=slow())


def test_a_stop_waits_for_no_disk():
    async def body(story: Story) -> None:
        await armed(story)
        await story.do("drive", DRIVE)
        moved = moves(story)
        story.disk.writer.delay_s = NEVER
        loop = asyncio.get_running_loop()
        began = loop.time()
        evidence = story.service.estop("test", "test")
        stopped = story.stands_still()
        await evidence

        assert moved
        assert stopped
        assert loop.time() - began <= 0.1
        assert story.state == "estopped"
        story.disk.writer.delay_s = 0.0

    tell(body, disk=slow(0.0))


def test_what_a_stop_halts_was_stopped():
    async def body(story: Story) -> None:
        await armed(story)
        driving = (await story.do("drive", DRIVE)).id
        await story.service.estop("test", "test")
        (halt,) = await story.rows(kinds.HALT)

        assert (halt.data["device"], halt.data["why"], halt.data["command"]) == ("base", "stopped", driving)

    tell(body)


# -- what is told -------------------------------------------------------------------------------------


def test_no_end_is_told_before_it_is_durable():
    async def body(story: Story) -> None:
        arming = story.send("arm", id="mine")
        await asyncio.sleep(COMMIT_S * 0.9)
        before, state = story.names(arming), story.state
        again: list[str] = []
        story.stages["mine"] = story.stages["mine"].copy()
        story.service.send(_repeated(story), "test", lambda stage: again.append(stage.stage))
        await asyncio.sleep(COMMIT_S)

        assert state == "armed.teleop"
        assert TERMINAL.isdisjoint(before)
        assert again == ["accepted", "journaled", "done"]

    tell(body, disk=slow())


def _repeated(story: Story) -> SendRequest:
    return SendRequest("arm", {}, "mine", story.service.new_trace_id(), story.service.now())


def test_what_is_told_carries_the_number_of_its_row():
    async def body(story: Story) -> None:
        command = story.send("arm")
        await story.settle()
        told = {stage.stage: stage.seq for stage in story.stages[command]}
        rows = {row.seq: row for row in await story.rows()}

        assert rows[told["journaled"] or 0].kind == kinds.COMMAND
        assert rows[told["done"] or 0].kind == kinds.ENDED
        assert rows[told["done"] or 0].id == command

    tell(body)


# -- a disk in trouble --------------------------------------------------------------------------------


def test_a_disk_that_is_slow_for_a_second_halts_what_moves_until_it_answers():
    async def body(story: Story) -> None:
        await armed(story)
        await story.do("drive", DRIVE)
        story.disk.writer.delay_s = 3.0
        loop = asyncio.get_running_loop()
        began = loop.time()
        while loop.time() < began + 0.95:
            story.send("drive", DRIVE)
            await asyncio.sleep(0.05)
        moved = moves(story)
        while moves(story) and loop.time() < began + 2.0:
            story.send("drive", DRIVE)
            await asyncio.sleep(0.01)
        took_s = loop.time() - began
        refused = await story.do("drive", DRIVE)
        lamp = await story.do("light", {"on": True})
        allowed = await story.do("disarm")

        assert moved
        assert took_s <= 1.06
        assert (refused.stage, refused.reason) == ("rejected", "journal_unavailable")
        assert not story.rig.world()["lamp"]
        assert lamp.stage == "accepted"
        assert allowed.stage != "rejected"
        story.disk.writer.delay_s = 0.0
        await asyncio.sleep(4.0)
        assert story.engine.journal.trouble is None
        assert story.stages[lamp.id][-1].reason == "journal_unavailable"
        await armed(story)
        await story.do("drive", DRIVE)
        assert moves(story)
        said = [row.data["what"] for row in await story.rows(kinds.JOURNAL)]
        assert said == ["slow", "well"]

    tell(body, disk=slow(0.0))


def test_a_full_disk_ends_motion_keeps_the_ends_in_its_reserve_and_goes_on_when_there_is_room():
    async def body(story: Story) -> None:
        await armed(story)
        driving = (await story.do("drive", DRIVE)).id
        story.disk.store.room = 0
        await story.until(story.stands_still, 1.0)
        await story.settle()
        refused = await story.do("drive", DRIVE)
        stopped = story.service.estop("test", "test")
        await stopped

        assert story.names(driving)[-1] in ("failed", "done")
        assert (refused.stage, refused.reason) == ("rejected", "journal_unavailable")
        assert story.state == "estopped"
        story.disk.store.room = 100_000
        await story.until(lambda: story.engine.journal.trouble is None, 2.5)
        rows = await story.rows()
        assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
        assert {"full", "well"} <= {row.data["what"] for row in rows if row.kind == kinds.JOURNAL}

    tell(body, disk=slow(0.0))


def test_a_disk_that_fails_ends_the_daemon_and_nothing_more_is_told():
    class Failing(MemoryStore):
        broken = False

        def commit(self, rows: list[Row]) -> None:  # type: ignore[override]  # it only looks at them
            if self.broken:
                raise JournalFailed("the disk said EIO")
            super().commit(rows)

    store = Failing()

    async def body(story: Story) -> None:
        await armed(story)
        await story.do("drive", DRIVE)
        store.broken = True
        arming = story.send("light", {"on": True})
        await story.settle()

        assert story.stands_still()
        assert isinstance(story.engine.crashed.result(), JournalFailed)
        assert story.names(arming) == ["received", "accepted"]

    tell(body, disk=Disk(store, 0.0))


# -- what is in it ------------------------------------------------------------------------------------


def test_the_rows_have_no_gap_and_form_one_chain():
    async def body(story: Story) -> None:
        await armed(story)
        await story.do("drive", DRIVE)
        await asyncio.sleep(1.0)
        story.engine.rig.set_world("bumper", True)
        await asyncio.sleep(0.2)
        rows = await story.rows()
        hashes = [BEGINNING, *(row.hash for row in rows)]

        assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
        assert all(is_whole(row) for row in rows)
        assert all(follows(row, before) for row, before in zip(rows, hashes, strict=False))
        assert rows[0].kind == kinds.BOOT
        assert {row.boot for row in rows} == {story.engine.ids.boot}

    tell(body)


def test_a_sample_a_second_and_everything_around_a_fault():
    async def body(story: Story) -> None:
        await asyncio.sleep(5.0)
        quiet = await story.rows(kinds.READINGS)
        story.service.estop("test", "test")
        at = story.service.now()
        await asyncio.sleep(5.0)
        dense = [entry for row in await story.rows(kinds.READINGS) for entry in row.data.get("dense", ())]
        times = [entry[0] for entry in dense]

        assert 4 <= len(quiet) <= 6
        assert all("dense" not in row.data for row in quiet)
        assert quiet[-1].data["values"]["bumper.active"] is False
        assert min(times) == pytest.approx(at - 2.0, abs=0.1)
        assert max(times) == pytest.approx(at + 2.0, abs=0.1)
        assert sum(1 for entry in dense if entry[1] == "battery.value") >= 70
        assert times == sorted(times)

    tell(body)


def test_a_handlers_bug_is_there_with_its_traceback(tmp_path: Path):
    machine = """
    machine:
      version: 1
      initial: disarmed
      states: {disarmed: {}, armed: {active: all}}
      transitions:
        - {trigger: arm, source: disarmed, dest: armed}
        - {trigger: work, source: armed, do: work}
    """
    handlers = """
    from robotd import Robot, handler

    @handler
    async def work(robot: Robot) -> None:
        robot.base.drive(linear_m_s=0.2)
        raise ValueError("on a Tuesday")
    """

    async def body(story: Story) -> None:
        await armed(story)
        command = story.send("work")
        await story.settle()
        (bug,) = await story.rows(kinds.BUG)
        (letter,) = await story.rows(kinds.DEAD)

        assert bug.id == command
        assert bug.data["error"] == "ValueError: on a Tuesday"
        assert "line" in bug.data["traceback"]
        assert letter.id == command

    tell(body, robot_file(tmp_path, machine=machine, handlers=handlers, events="events: {}\n"))


# -- a start after a crash ----------------------------------------------------------------------------


class Reopened(Disk):
    """A disk with a journal that another daemon left."""

    def __init__(self, beginning: Beginning, commit_s: float = 0.0) -> None:
        super().__init__(MemoryStore(), commit_s)
        self._beginning = beginning

    def open(self, ids: Ids, clock: Clock, wall_clock: WallClock) -> Opened:
        return in_memory(
            ids, clock, wall_clock, store=self.store, writer=self.writer, beginning=self._beginning
        )


def test_what_became_of_it_is_not_told_before_that_is_durable():
    digests: list[str] = []

    async def first(story: Story) -> None:
        story.send("arm", id="mine")
        (row,) = await story.rows(kinds.COMMAND)
        digests.append(row.data["digest"])

    async def second(story: Story) -> None:
        story.send("arm", id="mine")
        await story.settle()
        before = story.names("mine")
        await asyncio.sleep(1.0)

        assert before == []
        assert story.names("mine") == ["unknown"]
        assert story.state == "disarmed"

    tell(first)
    open_command = OpenCommand("mine", "arm", "tcp:1", "0" * 31 + "2", 39, started=True)
    remembered = Remembered("mine", "local", digests[0], 39, 0, None, None)
    beginning = Beginning(last_seq=39, open_commands=[open_command], remembered=[remembered])
    tell(second, disk=Reopened(beginning, commit_s=0.8))


def test_what_one_has_left_open_is_not_the_end_of_what_another_called_alike():
    beginning = Beginning(
        last_seq=40,
        open_commands=[OpenCommand("mine", "drive", "tcp:1", "0" * 31 + "1", 38, started=True)],
        remembered=[
            Remembered("mine", "ann", "d1" * 12, 12, WALL, "done", None),
            Remembered("mine", "bob", "d2" * 12, 38, 0, None, None),
        ],
    )

    async def body(story: Story) -> None:
        now, known = story.service.now(), story.engine.ledger.known
        found = [known.find("mine", principal, now) for principal in ("ann", "bob")]

        assert [one.ended.stage for one in found if one] == ["done", "unknown"]

    tell(body, disk=Reopened(beginning))


def test_what_was_open_is_settled_and_nothing_of_it_is_run():
    beginning = Beginning(
        last_seq=40,
        open_commands=[
            OpenCommand("queued", "drive", "tcp:1", "0" * 31 + "1", 38, started=False),
            OpenCommand("moving", "drive", "tcp:1", "0" * 31 + "2", 39, started=True),
        ],
        remembered=[
            Remembered("queued", "local", "d1", 38, 0, None, None),
            Remembered("moving", "local", "d2", 39, 0, None, None),
            Remembered("old", "local", "d3", 12, WALL, "done", "freshness"),
        ],
    )

    async def body(story: Story) -> None:
        rows = await story.rows(kinds.DEAD)
        known = {name: story.engine.ledger.known.find(name, "local", story.service.now()) for name in NAMES}
        await asyncio.sleep(1.0)

        assert rows[0].seq > 40
        assert [(row.id, row.data["stage"], row.data["reason"]) for row in rows] == [
            ("queued", "expired", "restart"),
            ("moving", "unknown", "restart"),
        ]
        assert {name: found.ended.stage for name, found in known.items() if found} == {
            "queued": "expired",
            "moving": "unknown",
            "old": "done",
        }
        assert story.service.status()["journal"]["recovered"] == {"commands": {"expired": 1, "unknown": 1}}
        assert not moves(story)
        assert await story.rows(kinds.STARTED) == []

    tell(body, disk=Reopened(beginning))


NAMES = ("queued", "moving", "old")


def test_a_soft_limit_that_cut_what_was_asked_is_said_once_for_a_stream(tmp_path: Path):
    clamping = ROVER.read_text().replace("max_accel: 1.5 m/s2}", "max_accel: 1.5 m/s2, on_limit: clamp}")
    (tmp_path / "rover.yaml").write_text(clamping)
    (tmp_path / "patrol.py").write_text((ROVER.parent / "patrol.py").read_text())

    async def body(story: Story) -> None:
        await armed(story)
        first = story.send("drive", {"linear": 5.0})
        for _ in range(5):
            await asyncio.sleep(0.1)
            story.send("drive", {"linear": 5.0})
        await story.do("drive", {"linear": 0.2})
        rows = await story.rows(kinds.LIMIT)
        explained = explain(story.disk.store, rows[0].seq)

        assert [(row.data["device"], row.data["action"], row.id) for row in rows] == [
            ("base", "base.drive", first)
        ]
        ((name, asked),) = rows[0].data["asked"].items()
        assert (asked, rows[0].data["sent"]) == (5.0, {name: 0.8})
        assert "base.drive beyond its limit" in explained.summary

    tell(body, tmp_path / "rover.yaml")
