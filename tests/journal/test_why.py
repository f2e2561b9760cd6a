"""Why something happened, from rows written by hand: what is named, and what is not."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from robotd.journal.memory import MemoryStore
from robotd.journal.row import Row
from robotd.journal.why import Explanation, NotInJournal, case, conditions, explain, guards
from tests.counts import cases
from tests.journal.history import History

ANN, BOB = "ws:127.0.0.1:40112", "tcp:127.0.0.1:40300"
CARL = "tcp:127.0.0.1:40999"
REFUSED = {"stage": "rejected", "reason": "not_in_this_state", "started": False}
ROVER = ("left", "right", "base", "mast")
ACTUATORS = {name: ["arduino"] for name in ROVER}
CHART = {
    "commands": ["arm", "disarm", "drive", "light", "look", "patrol"],
    "regions": [
        {
            "states": [{"path": "disarmed"}, {"path": "armed", "active": "all"}, {"path": "armed.teleop"}],
            "transitions": [{"triggers": ["arm"], "sources": ["disarmed"], "dest": "armed"}],
        }
    ],
}
NOT_PRESSED = "not bumper.active or payload.linear <= 0"


class Rover(History):
    """A rover's history, row by row, as a daemon writes it; between any two, perhaps, what Carl does."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__()
        self.noise = None if seed is None else Random(seed)
        self.state = ["disarmed"]

    def add(self, kind: str, about: str | None = None, **more: Any) -> Row:
        """As in every history."""
        if self.noise is not None and kind != "boot":
            for _ in range(self.noise.choice((0, 0, 1, 3))):
                self.carl(self.noise)
        if kind == "decision":
            self.state = more["after"]
        return super().add(kind, about, **more)

    def carl(self, chance: Random) -> None:
        """What explains nothing: a lamp, another client that comes and goes, samples, the clock."""
        light: dict[str, Any] = {"type": "light", "source": CARL}
        same = {"before": self.state, "after": self.state, "outcome": "stayed", "command": True}
        whole_life = [
            ("command", light),
            ("decision", light | same),
            ("started", light | {"action": "lamp.write"}),
            ("ended", light | {"stage": "done"}),
        ]
        choices: list[list[tuple[str, dict[str, Any]]]] = [
            [("session", {"source": CARL, "what": "opened"})],
            [("session", {"source": CARL, "what": "closed", "why": "no pong", "last_at": 0.0})],
            [("readings", {"values": {"range.value": chance.random()}})],
            [("clock", {"jump_s": 3600.0})],
            [("command", light), ("dead", light | REFUSED)],
            whole_life,
        ]
        about = f"carl-{self.rows.last_seq}"
        for kind, body in chance.choice(choices):
            super().add(kind, about if "type" in body else None, **{"after_s": 0.0, **body})

    def start(self) -> Row:
        """The daemon starts and finds its board."""
        about: dict[str, Any] = {"robot": "rover", "version": "0.1.0", "chart": CHART}
        about |= {"moves": ["drive", "look"], "motions": ["base.drive", "mast.move_to", "patrol"]}
        row = self.add("boot", **about, actuators=ACTUATORS)
        self.decide("start", "daemon", entered=["disarmed"], before=[""], after=["disarmed"])
        self.live("inactive")
        return row

    def live(self, state: str, **more: Any) -> None:
        for name in ROVER:
            self.add("device", after_s=0.0, device=name, state=state, **more)

    def decide(self, kind: str, source: str, about: str | None = None, **more: Any) -> Row:
        body: dict[str, Any] = {
            "outcome": "moved" if "entered" in more else "stayed",
            "before": ["armed.teleop"],
        }
        body |= {"after": ["armed.teleop"], "type": kind, "source": source, "lane": "event", **more}
        return self.add("decision", about or f"{kind}-{self.rows.last_seq}", **body)

    def ask(self, about: str, kind: str, source: str = ANN, **payload: Any) -> Row:
        asked: dict[str, Any] = {"payload": payload} if payload else {}
        return self.add("command", about, type=kind, source=source, valid_for_ms=400.0, **asked)

    def arm(self, source: str = ANN, about: str = "arm") -> None:
        self.ask(about, "arm", source)
        entered = {"before": ["disarmed"], "left": ["disarmed"], "entered": ["armed", "armed.teleop"]}
        self.decide("arm", source, about, command=True, **entered)
        self.live("active")
        self.add("ended", about, type="arm", source=source, stage="done", started=False)

    def drive(self, about: str, source: str = ANN, **payload: Any) -> Row:
        """A drive that is taken; returns the row of the command."""
        asked = self.ask(about, "drive", source, **(payload or {"linear": 0.3}))
        self.decide("drive", source, about, command=True, starts=["base.drive"])
        self.add("started", about, action="base.drive", type="drive", source=source)
        return asked

    def halt(self, about: str, why: str, **more: Any) -> Row:
        more.setdefault("action", "base.drive")
        return self.add("halt", device="base", why=why, command=about, **more)

    def lapse(self, about: str, source: str = ANN) -> Row:
        """Nobody renewed it."""
        row = self.halt(about, "freshness", age_ms=412.0, after_s=0.112)
        self.end(about, "drive", source, "done", "freshness")
        return row

    def end(self, about: str, kind: str, source: str, stage: str, reason: str, **more: Any) -> Row:
        told = "ended" if stage in ("done", "preempted", "cancelled") else "dead"
        return self.add(
            told, about, after_s=0.0, type=kind, source=source, stage=stage, reason=reason, **more
        )

    def refuse(
        self,
        about: str,
        kind: str,
        reason: str,
        message: str,
        source: str = ANN,
        *,
        state: str = "armed.teleop",
        **data: Any,
    ) -> Row:
        error = {"message": message, "data": {"reason": reason, **data}}
        return self.end(about, kind, source, "rejected", reason, error=error, started=False, state=state)


@pytest.fixture(params=[None, *range(cases(30))], ids=lambda seed: f"carl-{seed}")
def rover(request: pytest.FixtureRequest) -> Rover:
    """One that was started and armed by Ann, ten seconds ago."""
    history = Rover(request.param)
    history.start()
    history.add("session", what="opened", source=ANN)
    history.arm()
    history.at = 10.0
    return history


def why(history: History, about: str | int | None = None) -> Explanation:
    return explain(history.rows, about)


def root(history: History, about: str | int | None = None) -> str:
    """The end of the summary: the root cause."""
    return why(history, about).summary.rpartition(" <- ")[2]


# -- a setpoint that lapsed -----------------------------------------------------------------------------


def test_a_client_that_is_gone_is_the_cause_of_a_lapse(rover: Rover) -> None:
    drive = rover.drive("d1")
    rover.lapse("d1")
    rover.add("session", what="closed", source=ANN, why="no pong", last_at=drive.at, after_s=2.0)

    found = why(rover)

    assert found.summary == (
        f"base stopped (freshness, 412 ms) <- last drive #{drive.seq} from {ANN} at 12:00:10.100 <- "
        "client silent since 12:00:10.100, connection closed at 12:00:12.412 (no pong)"
    )
    assert [link.kind for link in found.links] == ["command", "halt", "session"]
    assert "Next: connect again and send a new drive." in found.links[-1].sentence


def test_a_client_that_stays_but_sends_nothing_more_is_said_to_stay(rover: Rover) -> None:
    rover.drive("d1")
    rover.lapse("d1")

    assert root(rover) == "client sent no further drive, and stayed connected"


def test_a_client_that_closes_much_later_was_still_talking(rover: Rover) -> None:
    rover.drive("d1")
    rover.lapse("d1")
    look = rover.ask("l1", "look", angle=0.1)
    rover.end("l1", "look", ANN, "done", "")
    rover.add("session", what="closed", source=ANN, why="it hung up", last_at=look.at, after_s=60.0)

    assert (
        root(rover) == f"client sent no further drive, and stayed connected; it sent look #{look.seq} instead"
    )


def test_another_client_that_goes_is_not_named(rover: Rover) -> None:
    rover.add("session", what="opened", source=BOB)
    rover.drive("d1")
    rover.lapse("d1")
    rover.add("session", what="closed", source=BOB, why="no pong", last_at=0.5)

    assert BOB not in why(rover).summary
    assert "stayed connected" in root(rover)


def test_a_setpoint_that_comes_too_late_is_the_cause(rover: Rover) -> None:
    rover.drive("d1")
    rover.lapse("d1")
    late = rover.drive("d2", linear=0.3)
    rover.lapse("d2")

    assert root(rover, "d1") == f"the next one, drive #{late.seq}, came only 412 ms later"


def test_renewals_that_were_refused_are_the_cause_of_the_lapse(rover: Rover) -> None:
    rover.drive("d1")
    asked = rover.ask("d2", "drive", linear=9.0)
    message = "base: linear 9.0 is beyond the limit of 0.8 m/s"
    rover.refuse("d2", "drive", "out_of_range", message, limit=0.8, unit="m/s")
    rover.lapse("d1")

    assert root(rover).startswith(f"drive #{asked.seq} from {ANN} rejected")
    assert root(rover).endswith(f"(out_of_range: {message})")


def test_a_handler_that_does_not_renew_its_setpoint_is_named(rover: Rover) -> None:
    rover.ask("p1", "patrol")
    rover.decide("patrol", ANN, "p1", command=True, entered=["armed.auto"], left=["armed.teleop"])
    rover.add("started", "p1", action="patrol", type="patrol", source=ANN)
    rover.add("ended", "p1", type="patrol", source=ANN, stage="done")
    rover.halt("p1", "freshness", action="patrol", age_ms=400.0)

    assert root(rover) == "patrol, under way since 12:00:10.300, did not renew it"


# -- a halt by somebody ---------------------------------------------------------------------------------


def test_a_bump_is_named_with_the_reading_that_made_it(rover: Rover) -> None:
    rover.drive("d1")
    bump = rover.decide("bump", "rule:bumper.active", starts=["base.halt"], saw={"bumper.active": True})
    rover.halt("d1", "halted", cause=bump.id)
    rover.end("d1", "drive", ANN, "preempted", "halted")

    assert why(rover).summary == "base stopped (halted) <- bump at 12:00:10.400 (bumper.active true)"
    assert root(rover, "d1") == "bump at 12:00:10.400 (bumper.active true)"


def test_drives_refused_after_a_bump_lead_to_the_bump(rover: Rover) -> None:
    rover.drive("d1")
    bump = rover.decide("bump", "rule:bumper.active", starts=["base.halt"], saw={"bumper.active": True})
    rover.halt("d1", "halted", cause=bump.id)
    rover.add("readings", values={"bumper.active": True, "battery.value": 12.0})
    rover.ask("d2", "drive", linear=0.3)
    values = {"bumper.active": True, "payload.linear": 0.3}
    message = "drive: its condition does not hold"
    rover.refuse("d2", "drive", "guard_false", message, expression=NOT_PRESSED, values=values)

    assert root(rover) == "bump at 12:00:10.400 (bumper.active true)"


def test_a_bump_that_was_long_ago_is_found_behind_a_flood_of_refusals(
    rover: Rover, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conditions, "EVIDENCE_ROWS", 20)
    rover.decide("bump", "rule:bumper.active", starts=["base.halt"], saw={"bumper.active": True})
    for number in range(30):
        rover.ask(f"d{number}", "drive", linear=0.3)
        values = {"bumper.active": True, "payload.linear": 0.3}
        rover.decide("drive", ANN, f"d{number}", command=True, saw={"bumper.active": True})
        rover.refuse(f"d{number}", "drive", "guard_false", "no", expression=NOT_PRESSED, values=values)

    assert root(rover) == "bump at 12:00:10.100 (bumper.active true)"


def test_a_bumper_that_was_free_meanwhile_is_not_the_old_bump(rover: Rover) -> None:
    rover.decide("bump", "rule:bumper.active", saw={"bumper.active": True})
    rover.add("readings", values={"bumper.active": False})
    rover.add("readings", values={"bumper.active": True})
    rover.ask("d2", "drive", linear=0.3)
    values = {"bumper.active": True, "payload.linear": 0.3}
    rover.refuse("d2", "drive", "guard_false", "no", expression=NOT_PRESSED, values=values)

    assert root(rover) == f"bumper.active true since 12:00:10.300 or before (needed: {NOT_PRESSED})"


def test_a_handlers_bug_is_named_with_its_line(rover: Rover) -> None:
    traceback = (
        'Traceback (most recent call last):\n  File "/opt/robotd/runtime/executor.py", line 240, in _run\n'
        '  File "/home/ann/robotd/patrol.py", line 14, in patrol\nZeroDivisionError: division by zero'
    )
    rover.ask("p1", "patrol")
    rover.decide("patrol", ANN, "p1", command=True, entered=["armed.auto"], left=["armed.teleop"])
    rover.add("started", "p1", action="patrol", type="patrol", source=ANN)
    rover.add("ended", "p1", type="patrol", source=ANN, stage="done")
    error = "ZeroDivisionError: division by zero"
    rover.add("bug", "p1", action="patrol", error=error, traceback=traceback, after_s=3.0)
    rover.halt("p1", "failed", action="patrol", cause="p1", after_s=0.0)
    payload = {"reason": "handler_error", "message": error}
    rover.decide("patrol.failed", "executor", payload=payload, entered=["armed.teleop"], left=["armed.auto"])

    assert why(rover).summary == (
        "base stopped (its action failed) <- "
        "patrol raised ZeroDivisionError: division by zero at patrol.py:14, 12:00:13.400"
    )


def test_a_board_that_is_lost_is_named_with_its_detail(rover: Rover) -> None:
    rover.drive("d1")
    rover.live("absent")
    rover.halt("d1", "device_gone", after_s=0.0)
    detail = "its wire was lost (unplugged); check the cable and the power"
    rover.decide("arduino.lost", "board:arduino", payload={"detail": detail}, after_s=0.001)

    assert why(rover).summary == (
        f"base stopped (device gone) <- arduino was lost at 12:00:10.301 ({detail})"
    )


def test_a_board_that_came_back_is_still_the_cause_while_its_devices_are_inactive(rover: Rover) -> None:
    rover.drive("d1")
    rover.live("absent")
    rover.halt("d1", "device_gone", after_s=0.0)
    rover.decide("arduino.lost", "board:arduino", payload={"detail": "pulled"}, after_s=0.001)
    rover.at += 0.4
    rover.live("inactive")
    rover.decide("arduino.back", "board:arduino", payload={"detail": "it is back"})

    found = why(rover)

    assert found.summary.startswith("base there again since 12:00:10.701, but inactive <- ")
    assert found.summary.endswith("arduino was lost at 12:00:10.301 (pulled)")
    assert "enter again one that activates it" in found.links[-1].sentence


# -- no argument: what holds it now ---------------------------------------------------------------------


def test_a_latch_is_named_with_the_way_out_whatever_else_happened(rover: Rover) -> None:
    rover.drive("d1")
    rover.add("stop", reason="somebody on the track", by=BOB, latch_id="L7", epoch=1)
    rover.halt("d1", "stopped", after_s=0.0)
    rover.ask("l1", "look", angle=0.1)
    rover.refuse("l1", "look", "latched", "stopped")

    found = why(rover)

    assert found.summary == f"stop by {BOB} at 12:00:10.400 (somebody on the track)"
    assert "reset with latch_id L7, then arm, then send a new command" in found.links[-1].sentence


def test_a_latch_that_was_taken_back_is_not_what_holds_it_now(rover: Rover) -> None:
    rover.add("stop", reason="enough", by=BOB, latch_id="L7", epoch=1)
    rover.add("reset", by=BOB, latch_id="L7")
    rover.arm(about="again")
    rover.drive("d1")
    rover.lapse("d1")

    assert BOB not in why(rover).summary


def test_a_robot_that_was_never_asked_says_so(rover: Rover) -> None:
    assert why(rover).summary.startswith(
        "never asked to move since the start, in armed.teleop <- robotd started"
    )


def test_after_a_reset_and_arming_it_is_said_that_nobody_asked_and_what_stopped_it(rover: Rover) -> None:
    rover.drive("d1")
    rover.add("stop", reason="enough", by=BOB, latch_id="L7", epoch=1)
    rover.halt("d1", "stopped", after_s=0.0)
    rover.live("inactive")
    rover.add("reset", by=BOB, latch_id="L7")
    rover.decide(
        "reset", BOB, before=["estopped"], left=["estopped"], entered=["disarmed"], after=["disarmed"]
    )

    found = why(rover)

    assert found.summary.startswith(
        f"not asked to move since the reset by {BOB} at 12:00:10.500 <- base stopped"
    )
    assert "Next: send arm, then a command that moves something (drive, look)." in str(found.links)

    rover.arm(about="again")
    found = why(rover)

    assert found.summary.startswith("not asked to move since arm #")
    assert found.summary.endswith(f"base stopped (estop) <- stop by {BOB} at 12:00:10.400 (enough)")
    assert "Next: send a command that moves something (drive, look)." in str(found.links)


def test_an_arm_that_was_refused_is_why_it_stays_disarmed(rover: Rover) -> None:
    rover.ask("off", "disarm")
    left = ["armed.teleop", "armed"]
    rover.decide("disarm", ANN, "off", command=True, left=left, entered=["disarmed"], after=["disarmed"])
    rover.live("inactive")
    asked = rover.ask("a2", "arm")
    needed: dict[str, Any] = {"expression": "battery.value > 10.8", "values": {"battery.value": 10.6}}
    rover.refuse("a2", "arm", "guard_false", "arm: its condition does not hold", state="disarmed", **needed)

    assert why(rover).summary == (
        f"arm #{asked.seq} from {ANN} rejected at 12:00:10.300 (guard_false) <- "
        "battery.value 10.6 (needed: battery.value > 10.8)"
    )


def test_a_motion_that_came_to_its_end_is_said_to_be_done(rover: Rover) -> None:
    asked = rover.ask("l1", "look", angle=0.1)
    rover.decide("look", ANN, "l1", command=True, starts=["mast.move_to"])
    rover.add("started", "l1", action="mast.move_to", type="look", source=ANN)
    rover.add("ended", "l1", type="look", source=ANN, stage="done", result=0.1)

    assert why(rover).summary == f"look #{asked.seq} from {ANN} done at 12:00:10.400"


def test_a_robot_that_moves_is_said_to_move(rover: Rover) -> None:
    drive = rover.drive("d1")

    assert why(rover).summary == (
        f"not told to stand still: base.drive under way since 12:00:10.300, by drive #{drive.seq} from {ANN}"
    )


def test_a_renewal_that_was_refused_does_not_end_what_it_was_to_renew(rover: Rover) -> None:
    drive = rover.drive("d1")
    rover.drive("d2", linear=9.0)
    rover.refuse("d2", "drive", "out_of_range", "base: linear 9.0 is beyond the limit of 0.8 m/s")

    assert why(rover).summary.endswith(f"by drive #{drive.seq} from {ANN}")


def test_a_halt_of_what_moved_a_device_before_is_no_end_of_what_moves_it_now(rover: Rover) -> None:
    rover.drive("d1")
    newer = rover.drive("d2", BOB)
    rover.halt("d1", "halted", cause="d2")

    assert why(rover).summary.endswith(f"by drive #{newer.seq} from {BOB}")


def test_a_motion_beside_another_that_came_to_its_end_is_still_told(rover: Rover) -> None:
    rover.drive("d1")
    rover.add("started", "l1", action="mast.move_to", type="look", source=ANN)
    rover.add("ended", "l1", type="look", source=ANN, stage="done", result=0.1)

    assert why(rover).summary.startswith("not told to stand still: base.drive under way since 12:00:10.300")


def test_a_state_that_activates_nothing_is_named_with_what_led_there(rover: Rover) -> None:
    rover.drive("d1")
    rover.lapse("d1")
    rover.ask("off", "disarm", BOB)
    left = ["armed.teleop", "armed"]
    rover.decide("disarm", BOB, "off", command=True, left=left, entered=["disarmed"], after=["disarmed"])
    rover.live("inactive")

    assert root(rover).startswith("disarm #")
    assert BOB in root(rover)


def test_a_flat_battery_is_named_and_not_the_mast_that_went_home_after_it(rover: Rover) -> None:
    rover.drive("d1")
    left = ["armed.teleop", "armed"]
    saw = {"battery.value": 10.6}
    low = rover.decide(
        "battery_low", "rule:battery.value", saw=saw, left=left, entered=["docked"], after=["docked"]
    )
    rover.halt("d1", "left", cause=low.id, after_s=0.0)
    for name in ("left", "right", "base"):
        rover.add("device", device=name, state="inactive", after_s=0.0)
    rover.add("started", low.id, action="mast.move_to", type="battery_low", source="rule:battery.value")
    rover.add("readings", values={"mast.moving": False, "battery.value": 10.6})

    assert (
        why(rover).summary
        == "base stopped (its state was left) <- battery_low at 12:00:10.400 (battery.value 10.6)"
    )


def test_a_refused_command_that_moves_nothing_is_not_the_reason(rover: Rover) -> None:
    rover.drive("d1")
    rover.lapse("d1")
    rover.ask("x1", "light", BOB)
    rover.refuse("x1", "light", "not_in_this_state", "light has no meaning here", BOB)

    assert why(rover).summary.startswith("base stopped (freshness")


def test_the_end_of_the_daemon_is_named(rover: Rover) -> None:
    rover.add("shutdown", why="asked to")

    assert why(rover).summary == "robotd ended at 12:00:10.100 (asked to)"


def test_after_a_crash_the_crash_and_what_was_under_way_are_named(rover: Rover) -> None:
    drive = rover.drive("d1")
    rover.boot = "b00700000002"
    rover.start()
    rover.add("dead", "d1", type="drive", source=ANN, stage="unknown", reason="restart")

    for about in (None, "d1"):
        assert root(rover, about) == (
            "robotd ended without a word after 12:00:10.300 (crash, kill or power cut), "
            f"base.drive under way since 12:00:10.300, by drive #{drive.seq} from {ANN}"
        )


def test_where_no_daemon_runs_a_journal_that_just_ends_tells_of_a_crash(rover: Rover) -> None:
    rover.drive("d1")
    rover.lapse("d1")

    assert explain(rover.rows, runs=False).summary == (
        "robotd ended without a word after 12:00:10.412 (crash, kill or power cut)"
    )


def test_whatever_clients_say_the_summary_is_one_line_of_bounded_length(rover: Rover) -> None:
    rover.add("stop", reason="first line\nlast line\x00" + "x" * 4000, by=BOB, latch_id="L7", epoch=1)

    found = why(rover)

    assert found.summary.startswith(f"stop by {BOB} at 12:00:10.100 (first line last line")
    assert found.summary.splitlines() == [found.summary]
    assert len(found.summary) <= 500
    assert found.links[0].sentence.endswith("reset with latch_id L7, then arm, then send a new command.")


# -- asked about something ------------------------------------------------------------------------------


def test_a_row_and_its_command_and_its_trace_tell_the_same(rover: Rover) -> None:
    drive = rover.drive("d1")
    rover.lapse("d1")

    assert why(rover, drive.seq) == why(rover, "d1") == why(rover, drive.trace)


def test_the_life_of_a_command_is_told_with_its_cause(rover: Rover) -> None:
    rover.drive("d1")
    rover.lapse("d1")

    kinds = [link.kind for link in why(rover, "d1").links]

    assert kinds == ["command", "command", "decision", "started", "halt", "ended"]


def test_a_command_that_has_not_ended_is_said_to_be_under_way(rover: Rover) -> None:
    waits = rover.ask("w", "drive")
    assert why(rover, "w").summary == f"drive #{waits.seq} from {ANN} at 12:00:10.100 waits to be decided"

    asked = rover.drive("d1")

    assert why(rover, "d1").summary == (
        f"drive #{asked.seq} from {ANN} at 12:00:10.200 has been under way since 12:00:10.400"
    )


def test_what_expired_names_how_long_it_waited_and_where_it_can_be_sent_again(rover: Rover) -> None:
    asked = rover.add("command", "e1", type="drive", source=ANN, at=10.1, valid_for_ms=400.0)
    rover.at += 0.9
    dead = rover.end("e1", "drive", ANN, "expired", "expired", started=False)

    found = why(rover, "e1")

    assert found.summary == (
        f"drive #{asked.seq} from {ANN} expired at 12:00:11.000 <- "
        "it had waited 900 ms in the queue, 400 ms were allowed"
    )
    assert f"robotd dead resend {dead.seq}" in found.links[-1].sentence


def test_what_came_from_the_wire_too_late_is_told_apart(rover: Rover) -> None:
    rover.at += 0.9
    rover.add("command", "e1", type="drive", source=ANN, at=10.1, valid_for_ms=400.0)
    rover.end("e1", "drive", ANN, "expired", "expired", started=False)

    assert root(rover, "e1") == "it had waited 900 ms on its way from the client, 400 ms were allowed"


def test_an_event_that_follows_from_a_command_names_it(rover: Rover) -> None:
    asked = rover.ask("l1", "look", BOB)
    ended = rover.decide("mast.move_to.done", "executor", correlation_id="l1")

    assert why(rover, ended.seq).summary == (
        f"mast.move_to ended at 12:00:10.200 <- look #{asked.seq} from {BOB} at 12:00:10.100"
    )


def test_times_of_another_day_carry_their_date(rover: Rover) -> None:
    rover.drive("d1")
    rover.lapse("d1")
    rover.at += 86_400.0
    rover.add("readings", values={"battery.value": 12.0})

    assert "2026-11-21 12:00:10.100" in why(rover).summary


def test_a_search_that_was_given_up_is_said(rover: Rover, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(case, "REACH_ROWS", 5)
    for _ in range(20):
        rover.add("readings", values={})
    row = rover.halt("p1", "freshness", action="patrol")

    assert (
        why(rover, row.seq).summary
        == f"base stopped (freshness) (rows before #{row.seq - 6} were not looked at)"
    )


def test_samples_of_a_long_rest_hide_nothing(rover: Rover, monkeypatch: pytest.MonkeyPatch) -> None:
    rover.drive("d1")
    rover.lapse("d1")
    said = why(rover).summary
    monkeypatch.setattr(case, "REACH_ROWS", rover.rows.last_seq)

    for _ in range(3 * rover.rows.last_seq):
        History.add(rover, "readings", values={"battery.value": 12.0})

    assert why(rover).summary == said


def test_a_robot_that_rests_for_longer_than_is_looked_at_is_not_said_never_to_have_moved(
    rover: Rover, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        rover.ask(f"l{number}", "light")
    monkeypatch.setattr(case, "REACH_ROWS", 10)

    found = why(rover).summary

    assert found.startswith("not asked to move since row #")


def test_a_guard_names_the_value_that_decided(rover: Rover) -> None:
    rover.ask("d2", "drive", linear=0.3)
    text = "(not bumper.active or payload.linear <= 0) and (not rear.active or payload.linear >= 0)"
    values = {"bumper.active": False, "rear.active": True, "payload.linear": -0.3}
    rover.refuse("d2", "drive", "guard_false", "no", expression=text, values=values, hint="it needs that")

    assert root(rover).startswith("rear.active true")


def test_what_is_not_in_the_journal_is_said_with_what_to_do(rover: Rover) -> None:
    for about in ("nobody", 4711):
        with pytest.raises(NotInJournal) as raised:
            why(rover, about)

        assert raised.value.hint


def test_an_empty_journal_is_said_to_be_empty() -> None:
    with pytest.raises(NotInJournal, match="empty"):
        explain(MemoryStore(), None)


def test_every_row_can_be_asked_about(rover: Rover) -> None:
    rover.drive("d1")
    rover.lapse("d1")
    rover.add("clock", jump_s=3600.0)
    rover.add("evidence", latch_id="L7", epoch=1, evidence={})
    rover.add("a kind of a later version", what="else")
    rover.add("halt", nothing="that this version needs")

    for seq in range(1, rover.rows.last_seq + 1):
        found = why(rover, seq)

        assert found.summary
        assert why(rover).summary
        assert [link.seq for link in found.links] == sorted(link.seq for link in found.links)


# -- the other reasons ----------------------------------------------------------------------------------


def test_a_refusal_whose_end_was_never_written_is_told_from_the_decision(rover: Rover) -> None:
    asked = rover.ask("d2", "drive", linear=0.3)
    values = {"bumper.active": True, "payload.linear": 0.3}
    refusal = {"reason": "guard_false", "message": "no", "expression": NOT_PRESSED, "values": values}
    refused = rover.decide("drive", ANN, "d2", command=True, outcome="refused", refusal=refusal)

    for about in ("d2", asked.seq, refused.seq):
        assert why(rover, about).summary == (
            f"drive #{asked.seq} from {ANN} refused at 12:00:10.200 (guard_false: no) <- "
            f"bumper.active true (needed: {NOT_PRESSED})"
        )


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"asked": {"linear": 2.0}, "sent": {"linear": 0.8}}, "asked for linear=2, allowed linear=0.8"),
        ({"asked": 2.0, "sent": 0.8}, "asked for 2.0, allowed 0.8"),
        ({"message": "base: linear 2.0 is beyond the limit."}, "base: linear 2.0 is beyond the limit"),
    ],
)
def test_a_limit_is_told_with_what_was_asked(rover: Rover, said: dict[str, Any], told: str) -> None:
    asked = rover.ask("d2", "drive", linear=2.0)
    rover.add("limit", "d2", action="base.drive", command="d2", **said)
    rover.refuse("d2", "drive", "out_of_range", "base: linear 2.0 is beyond the limit of 0.8 m/s")

    assert root(rover, "d2") == (
        f"base.drive beyond its limit at 12:00:10.200 ({told}), by drive #{asked.seq}"
    )


def test_the_end_of_the_daemon_ends_what_was_under_way(rover: Rover) -> None:
    rover.drive("d1")
    rover.halt("d1", "shutting_down")
    rover.end("d1", "drive", ANN, "cancelled", "shutting_down")
    rover.add("shutdown", why="asked to")

    assert root(rover, "d1") == root(rover) == "robotd ended at 12:00:10.500 (asked to)"
    halts = [row.seq for row in rover.rows.rows() if row.kind == "halt"]
    assert root(rover, halts[-1]) == "robotd ended at 12:00:10.500 (asked to)"


def test_a_command_that_a_full_journal_ended_names_the_journal(rover: Rover) -> None:
    rover.drive("d1")
    rover.end("d1", "drive", ANN, "failed", "journal_unavailable")
    rover.add("journal", what="full", message="no room")
    rover.halt("d1", "journal_unavailable")

    full = "the journal was full at 12:00:10.400 (no room)"
    assert why(rover).summary == full
    rover.add("journal", what="well")
    assert root(rover) == root(rover, "d1") == full


def test_a_handler_that_a_command_ran_names_its_bug(rover: Rover) -> None:
    rover.ask("p1", "patrol")
    rover.add("bug", "p1", action="patrol", error="KeyError: 'x'")
    rover.end("p1", "patrol", ANN, "failed", "handler_error", error={"message": "KeyError: 'x'"})
    failed = rover.decide(
        "patrol.failed", "executor", payload={"reason": "handler_error", "message": "KeyError: 'x'"}
    )

    for about in ("p1", failed.seq):
        assert root(rover, about) == "patrol raised KeyError: 'x', 12:00:10.200"


def test_an_action_that_hardware_failed_names_the_board(rover: Rover) -> None:
    rover.add("device", device="base", state="absent")
    rover.decide("arduino.lost", "board:arduino", payload={"detail": "pulled"}, after_s=0.001)
    rover.at += 5.0
    payload = {"reason": "device_gone", "message": "base: its wire was lost"}
    failed = rover.decide("patrol.failed", "executor", payload=payload)

    assert root(rover, failed.seq) == "arduino was lost at 12:00:10.101 (pulled)"


def test_a_fault_of_which_no_board_tells_is_the_devices_own(rover: Rover) -> None:
    rover.drive("d1")
    rover.add("device", device="base", state="faulted", fault="it is too hot.")
    rover.halt("d1", "device_unavailable", message="base: it is too hot", after_s=0.0)

    assert root(rover) == "it is too hot"


def test_a_handler_that_ended_is_named_where_its_last_setpoint_lapses(rover: Rover) -> None:
    rover.add("started", "p1", action="patrol", type="patrol", source=ANN)
    rover.decide("patrol.done", "executor")
    rover.halt("p1", "freshness", action="patrol")

    assert why(rover).summary == "base stopped (freshness) <- patrol ended at 12:00:10.200"


def test_what_was_replaced_by_nobody_knows_what_is_told_as_it_is(rover: Rover) -> None:
    drive = rover.drive("d1")
    rover.end("d1", "drive", ANN, "preempted", "newer")

    assert why(rover, "d1").summary.startswith(
        f"drive #{drive.seq} from {ANN} preempted at 12:00:10.300 (newer)"
    )


def test_a_search_goes_through_many_rows(rover: Rover) -> None:
    rover.drive("d1")
    rover.lapse("d1")
    for number in range(150):
        about = f"x{number}"
        rover.ask(about, "light", BOB)
        rover.decide("light", BOB, about, command=True)
        rover.end(about, "light", BOB, "done", "")

    assert why(rover).summary.startswith("base stopped (freshness, 412 ms)")


@pytest.mark.parametrize(
    ("text", "values", "deciding"),
    [
        ("not a.x and not b.y", {"a.x": False, "b.y": True}, ["b.y"]),
        ("not a.x and not b.y", {"a.x": True, "b.y": True}, ["a.x", "b.y"]),
        ("a.x > 3 and b.y < 2", {"a.x": 4.0, "b.y": 7.5}, ["b.y"]),
        ("a.x > 3 or payload.p > 1", {"a.x": None, "payload.p": 0.0}, ["a.x"]),
        ("not a.x or payload.p <= 0", {"a.x": True, "payload.p": 1.0}, ["a.x"]),
        ("armed.auto and payload.p > 1", {"armed.auto": True, "payload.p": 1.0}, ["payload.p"]),
        ("of a later (version", {"a.x": True}, ["a.x"]),
    ],
)
def test_the_value_that_decided_is_found(text: str, values: dict[str, Any], deciding: list[str]) -> None:
    assert list(guards.culprits(text, values)) == deciding
