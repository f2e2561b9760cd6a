"""What a journal says was decided is decided again, and what it does not say truly is found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robotd.core.chart import Chart
from robotd.journal.errors import JournalError
from robotd.journal.kinds import BOOT, DECISION, SHUTDOWN
from robotd.journal.memory import MemoryStore
from robotd.journal.replay import Report, replay
from robotd.journal.store import Select
from tests.core.making import AT_EASE, arrow, chart, region, when
from tests.core.test_machine_by_reference import Story, charts, messages, readings
from tests.counts import cases
from tests.journal.played import Written, changed, morning


def told(report: Report) -> list[tuple[str, Any, Any]]:
    assert report.divergence is not None
    return [tuple(difference) for difference in report.divergence.differences]


def test_what_was_decided_is_decided_again() -> None:
    journal = morning()
    report = replay(journal)

    assert report == Report(rows=journal.last_seq, decisions=25, boots=2, passed_over=0, divergence=None)


@settings(max_examples=cases(500), deadline=None)
@given(charts(), st.lists(st.tuples(messages, readings), max_size=20))
def test_whatever_a_machine_decided_it_decides_again(chart: Chart, story: Story) -> None:
    journal = Written()
    journal.boot(chart)
    for message, seen in story:
        journal.decide(message, seen)
    journal.shutdown()

    assert replay(journal).divergence is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("outcome", "stayed"),
        ("before", ["armed.teleop"]),
        ("after", ["armed.auto"]),
        ("entered", ["armed"]),
        ("left", ["estopped"]),
        ("starts", ["base.drive"]),
        ("note", "unhandled"),
        ("state", "0123456789abcdef"),
        ("refusal", {"reason": "guard_false", "message": "no"}),
    ],
)
def test_whatever_is_not_as_it_was_decided_is_found(key: str, value: Any) -> None:
    journal = morning()
    armed = list(journal.rows(Select(kinds=[DECISION])))[3]
    report = replay(changed(journal, armed.seq, lambda body: body.update({key: value})))

    assert told(report) == [(key, value, armed.data.get(key))]
    assert report.divergence is not None
    assert report.divergence.row.seq == armed.seq


def test_nothing_is_played_after_a_divergence() -> None:
    journal = morning()
    armed = list(journal.rows(Select(kinds=[DECISION])))[3]
    report = replay(changed(journal, armed.seq, lambda body: body.update(note="?")))

    assert (report.rows, report.decisions, report.boots) == (armed.seq, 4, 1)


def test_a_reading_that_was_another_is_found_by_what_follows_from_it() -> None:
    journal = morning()
    armed = list(journal.rows(Select(kinds=[DECISION])))[3]
    report = replay(changed(journal, armed.seq, lambda body: body["saw"].update({"battery.value": 9.0})))

    assert ("outcome", "moved", "refused") in told(report)


def test_a_reading_that_the_journal_says_nothing_of_is_found() -> None:
    journal = morning()
    armed = list(journal.rows(Select(kinds=[DECISION])))[3]
    saw = dict(armed.data["saw"])
    report = replay(changed(journal, armed.seq, lambda body: body["saw"].pop("bumper.active")))

    assert ("saw", {"battery.value": 12.0}, saw | {"bumper.active": None}) in told(report)


def test_a_reading_that_no_guard_looked_at_is_found_except_where_a_rule_did() -> None:
    journal = morning()
    *_, drive, bump = list(journal.rows(Select(kinds=[DECISION])))[:6]
    more = {"range.value": 0.2}
    of_a_rule = replay(changed(journal, bump.seq, lambda body: body.update(saw=more)))
    of_none = replay(changed(journal, drive.seq, lambda body: body["saw"].update(more)))

    assert of_a_rule.divergence is None
    assert told(of_none) == [("saw", drive.data["saw"] | more, drive.data["saw"])]


def test_a_message_that_is_missing_is_found_by_the_stays_that_it_began() -> None:
    journal = Written()
    machine = journal.boot(chart(region("a", transitions=[arrow("again", "a", "a")])))
    machine.decide(journal.command("again"), AT_EASE)  # and no row of it
    journal.decide(journal.command("again"))

    assert [key for key, *_ in told(replay(journal))] == ["state"]


def test_the_machine_at_the_end_has_to_be_where_it_was() -> None:
    journal = morning()
    end = next(journal.rows(Select(kinds=[SHUTDOWN])))
    report = replay(changed(journal, end.seq, lambda body: body.update(state="0123456789abcdef")))

    assert told(report) == [("state", "0123456789abcdef", end.data["state"])]


def test_always_transitions_in_circles_are_left_out_as_the_daemon_does() -> None:
    ways = [
        arrow("go", "c", "a"),
        arrow("", "a", "b", when("bumper.active")),
        arrow("", "b", "a", when("bumper.active")),
    ]
    journal = Written()
    machine = journal.boot(chart(region("c", "a", "b", transitions=ways)))
    journal.decide(journal.command("go"), {"bumper.active": True})

    assert machine.leaves == ("a",)
    assert replay(journal).divergence is None


def test_a_journal_without_its_oldest_rows_is_played_from_the_next_boot() -> None:
    journal = morning()
    *_, second = journal.rows(Select(kinds=[BOOT]))
    report = replay(journal, Select(since=1))

    assert (report.passed_over, report.boots, report.divergence) == (second.seq - 2, 1, None)


def test_an_empty_journal_is_played_at_once() -> None:
    assert replay(MemoryStore()) == Report(rows=0, decisions=0, boots=0, passed_over=0, divergence=None)


def test_progress_is_told_on_the_way_and_at_the_end() -> None:
    journal = morning()
    for _ in range(2_000):
        journal.decide(journal.command("nothing"))
    reports: list[int] = []
    replay(journal, progress=reports.append)

    assert reports == [1_000, 2_000, journal.last_seq]


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (BOOT, {"chart": None}),
        (BOOT, {"chart": {"version": 1, "regions": [{}], "commands": []}}),
        (DECISION, {"lane": "fast"}),
        (DECISION, {"type": None}),
        (SHUTDOWN, {"state": None}),
    ],
)
def test_a_row_that_does_not_say_what_it_should_is_named(kind: str, change: dict[str, Any]) -> None:
    journal = morning()
    row = next(journal.rows(Select(kinds=[kind])))
    broken = changed(journal, row.seq, lambda body: _change(body, change))

    with pytest.raises(JournalError, match=f"row {row.seq} "):
        replay(broken)


def _change(body: dict[str, Any], change: Mapping[str, Any]) -> None:
    """None takes a key away."""
    for key, value in change.items():
        if value is None:
            del body[key]
        else:
            body[key] = value
