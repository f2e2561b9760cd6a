import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.kinds.ticker import PERIOD_S
from hal.kinds.travel import Travel
from tests.counts import cases


def speeds(travel: Travel, late_s: list[float]) -> list[tuple[float, float]]:
    """Every speed that is held, and for how long, when the ticks come so late, over and over."""
    now = 0.0
    held: list[tuple[float, float]] = []
    speed = travel.advance(now, PERIOD_S)
    while speed is not None:
        due = travel.ends_at if travel.ends_at is not None else now + PERIOD_S
        later = due + late_s[len(held) % len(late_s)]
        held.append((speed, later - now))
        now, elapsed_s = later, min(later - now, 2 * PERIOD_S)
        speed = travel.advance(now, elapsed_s)
    return held


@given(
    cruise_s=st.floats(1e-6, 2.0),
    speed_m_s=st.floats(0.01, 5.0),
    speed_up_s=st.floats(0.01, 1.0) | st.just(0.0),
)
@settings(max_examples=cases(3_000), deadline=None)
def test_every_travel_ends_where_it_should_within_its_limits(cruise_s, speed_m_s, speed_up_s):
    length_m = speed_m_s * cruise_s
    accel_m_s2 = speed_m_s / speed_up_s if speed_up_s else math.inf
    travel = Travel(length_m, speed_m_s, accel_m_s2, now=0.0)
    held = speeds(travel, [0.0])

    assert travel.done_m == pytest.approx(length_m)
    assert sum(speed * for_s for speed, for_s in held) == pytest.approx(length_m)
    before = 0.0
    for speed, _ in held:
        assert 0 < speed <= speed_m_s
        assert abs(speed - before) <= accel_m_s2 * PERIOD_S * (1 + 1e-6)
        before = speed
    assert before <= accel_m_s2 * held[-1][1] * (1 + 1e-6)


@given(
    length_m=st.floats(1e-3, 5.0),
    late_s=st.lists(st.floats(0.0, 0.3), min_size=1, max_size=5),
)
@settings(max_examples=cases(3_000), deadline=None)
def test_late_ticks_are_counted_as_what_they_were(length_m, late_s):
    travel = Travel(length_m, 0.5, 1.5, now=0.0)
    held = speeds(travel, late_s)

    assert travel.done_m == pytest.approx(sum(speed * for_s for speed, for_s in held))
    assert length_m <= travel.done_m * (1 + 1e-9)
    assert travel.done_m <= length_m + 0.5 * (max(late_s) + 1e-9)


def test_a_long_way_is_a_trapezoid_and_no_slower_than_it_must_be():
    held = speeds(Travel(1.0, 0.5, 1.5, now=0.0), [0.0])

    assert sum(for_s for _, for_s in held) == pytest.approx(1.0 / 0.5 + 0.5 / 1.5, abs=PERIOD_S)
