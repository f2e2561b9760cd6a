"""Questions about a command, a message or a row."""

from __future__ import annotations

import pytest

from robotd.journal.memory import MemoryStore
from robotd.journal.why import NotInJournal, case, explain
from tests.journal.history import History
from tests.journal.why.rover import ANN, BOB, Rover, root, why


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
    for about in ("nobody", 4711, 0, -1, 10**30):
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
