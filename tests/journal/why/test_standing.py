"""Why the robot stands still now."""

from __future__ import annotations

from typing import Any

import pytest

from robotd.journal.why import explain
from tests.journal.why.rover import ANN, BOB, Rover, root, why


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


@pytest.mark.parametrize(
    ("what", "how"),
    [
        ("blocked", "ended itself because its loop stood still"),
        ("aborted", "was ended by SIGABRT from the guard, systemd's watchdog or its own C code,"),
        ("crashed", "crashed"),
        ("of a later version", "crashed"),
    ],
)
def test_a_crash_that_left_a_traceback_names_the_line(rover: Rover, what: str, how: str) -> None:
    drive = rover.drive("d1")
    rover.boot = "b00700000002"
    rover.start()
    fell = rover.add("fall", what=what, error="an error", where="patrol.py:14 in think", traceback="...")
    rover.add("dead", "d1", type="drive", source=ANN, stage="unknown", reason="restart")

    for about in (None, "d1"):
        assert root(rover, about) == (
            f"robotd {how} in patrol.py:14 in think after 12:00:10.300, "
            f"base.drive under way since 12:00:10.300, by drive #{drive.seq} from {ANN}"
        )
    assert why(rover, fell.seq).summary == f"robotd {how} in patrol.py:14 in think"
    assert f"robotd journal show {fell.seq} has its traceback" in why(rover, fell.seq).links[-1].sentence


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
