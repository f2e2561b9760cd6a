"""What is said under the table of faults: nothing that a trial met is passed over."""

from __future__ import annotations

from tests.faults.matrix import Result
from tests.faults.rows import ROWS
from tests.faults.table import markdown, text

ROW = ROWS[0]


def test_a_trial_that_was_made_again_is_told_with_its_reason_and_how_often() -> None:
    result = Result(
        ROW, rounds=[[0.001]], why_again=["no answer to send: a log", "no answer to send: another"]
    )

    assert f"Made again, 2 x: {ROW.title}: no answer to send." in text([result], 0.0)
    assert f"Made again, 2 x: {ROW.title}: no answer to send." in markdown([result], 0.0)


def test_what_the_host_took_is_told_beside_the_figures() -> None:
    assert "The host took 1.3 s of the cores for itself." in text([Result(ROW, rounds=[[0.001]])], 1.26)


def test_a_late_and_a_missed_stop_are_told() -> None:
    result = Result(ROW, rounds=[[ROW.limit_s + 0.1]], why_missed=["it went on"])

    told = text([result], 0.0)

    assert f"TOO LATE: {ROW.title}" in told
    assert f"MISSED: {ROW.title}: it went on" in told
    assert "2 trials, 1 missed" in told
