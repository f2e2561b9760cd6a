"""What stopped an actuator: a setpoint that lapsed, or somebody who halted it."""

from __future__ import annotations

import pytest

from robotd.journal.why import conditions
from tests.journal.why.rover import ANN, BOB, NOT_PRESSED, Rover, root, why


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
