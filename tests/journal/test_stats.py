"""What is counted of a journal."""

from __future__ import annotations

import pytest

from robotd.journal.stats import Stats
from tests.journal.history import History, ann_drives


def counted(*histories: History) -> Stats:
    stats = Stats()
    for history in histories:
        for row in history.rows.rows():
            stats.add(row)
    return stats


def test_rows_are_counted_by_kind_the_most_frequent_first() -> None:
    history = History()
    ann_drives(history)

    data = counted(history).as_data()

    assert data["rows"] == sum(data["kinds"].values()) == 12
    assert list(data["kinds"].items())[:2] == [("decision", 3), ("command", 2)]


def test_commands_are_counted_by_how_they_ended_and_why() -> None:
    history = History()
    ann_drives(history)

    assert counted(history).as_data()["commands"] == [
        {"stage": "done", "reason": "freshness", "count": 1},
        {"stage": "rejected", "reason": "guard_false", "count": 1},
    ]


def test_each_boot_says_how_long_it_ran() -> None:
    first, second = History(), History(boot="b00700000002")
    for history in (first, second):
        history.add("boot", robot="rover", version="0.1.0")
        history.add("shutdown", after_s=2.0)

    stats = counted(first, second)

    assert [(boot.robot, boot.lasted_s) for boot in stats.boots.values()] == [("rover", 2.0)] * 2
    assert stats.rows_per_s == pytest.approx(1.0)


def test_an_empty_journal_has_no_first_row_and_no_rate() -> None:
    data = counted().as_data()

    assert (data["rows"], data["first_seq"], data["last_wall_us"], data["rows_per_s"]) == (
        0,
        None,
        None,
        None,
    )
