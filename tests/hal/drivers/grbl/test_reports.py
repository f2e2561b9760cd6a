"""When a report is asked for, and which question one answers."""

import random

import pytest

from hal.drivers.grbl.reports import IDLE_HZ, LOST_AFTER_S, MOVING_HZ, Reports
from tests.counts import cases


@pytest.mark.parametrize("seed", range(cases(30)))
@pytest.mark.parametrize(("moving", "most"), [(False, IDLE_HZ), (True, MOVING_HZ)])
def test_however_eagerly_it_is_asked_no_second_has_too_many_questions(
    seed: int, moving: bool, most: int
) -> None:
    rng, reports, asked, now = random.Random(seed), Reports(), list[float](), 0.0
    reports.moving = moving
    for _ in range(500):
        now += rng.uniform(0.0, 0.05)
        if reports.may_ask(now):
            reports.asked(now)
            asked.append(now)

    assert max(sum(1 for at in asked if begin <= at < begin + 1.0) for begin in asked) == most


def test_a_report_answers_the_oldest_question_that_can_still_be_answered() -> None:
    reports = Reports()
    reports.asked(1.0)
    reports.asked(1.1)
    assert (reports.answered(1.2), reports.answered(1.2)) == (1.0, 1.1)
    reports.asked(2.0)
    reports.asked(2.0 + LOST_AFTER_S + 0.01)  # the first one has no answer any more

    assert reports.answered(2.4) == 2.0 + LOST_AFTER_S + 0.01
    assert reports.answered(2.5) == 2.5  # unasked: somebody pressed a key at another terminal


def test_the_next_one_is_due_sooner_in_motion() -> None:
    reports = Reports()
    reports.asked(1.0)

    assert reports.due_at() == 1.25
    reports.moving = True
    assert reports.due_at() == 1.125
