"""The rarer reasons, and what a condition failed by."""

from __future__ import annotations

from typing import Any

import pytest

from robotd.journal.why import guards
from tests.journal.why.rover import ANN, BOB, NOT_PRESSED, Rover, root, why


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
