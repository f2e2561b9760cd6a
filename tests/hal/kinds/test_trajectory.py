"""The ways that joints are led along, as arithmetic."""

import math
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hal.kinds.ticker import PERIOD_S
from hal.kinds.trajectory import Chain, Course, Jog, Playback, Trajectory
from tests.counts import cases

ROUNDING = 1e-9

angles = st.floats(-3.0, 3.0)
joints = st.lists(
    st.tuples(angles, angles, st.floats(0.01, 10.0), st.floats(0.05, 50.0)), min_size=1, max_size=6
)
elapsed = st.lists(st.floats(0.0001, 0.04), min_size=1, max_size=50)


def followed(course: Course, elapsed_s: float = PERIOD_S, most: int = 100_000) -> list[tuple[float, ...]]:
    goals: list[tuple[float, ...]] = []
    while not course.done and len(goals) < most:
        goals.append(tuple(course.advance(elapsed_s)))
    return goals


@settings(max_examples=cases(2_000), deadline=None)
@given(joints, elapsed)
def test_all_arrive_together_exactly_and_none_is_beyond_its_rate_or_acceleration(rows, beats):
    starts, goals, rates, accels = (list(column) for column in zip(*rows, strict=True))
    course = Trajectory(starts, goals, rates, accels)
    assume(course.duration_s < 60)
    at, told = 0.0, [starts]
    times = [0.0]
    beat = 0
    while not course.done or beat == 0:
        step_s = beats[beat % len(beats)]
        beat += 1
        at += step_s
        times.append(at)
        told.append(list(course.advance(step_s)))
        assume(beat < 20_000)

    assert told[-1] == goals
    for number, (start, goal, rate, accel) in enumerate(rows):
        way = [positions[number] for positions in told]
        low, high = min(start, goal), max(start, goal)
        assert all(low - ROUNDING <= angle <= high + ROUNDING for angle in way)
        for index in range(1, len(way)):
            assert abs(way[index] - way[index - 1]) <= rate * (times[index] - times[index - 1]) + ROUNDING
        peak = min(rate, math.sqrt(accel * abs(goal - start)))
        assert course.duration_s >= (abs(goal - start) / peak if peak else 0.0) - ROUNDING
        early = course.at(PERIOD_S)[number] if course.duration_s > PERIOD_S else start
        assert abs(early - start) <= accel * PERIOD_S**2 / 2 + ROUNDING


@settings(max_examples=cases(1_000), deadline=None)
@given(joints, st.floats(0.0, 1.0))
def test_every_joint_has_done_the_same_share_of_its_way_at_any_time(rows, share):
    starts, goals, rates, accels = (list(column) for column in zip(*rows, strict=True))
    assume(all(abs(goal - start) > 1e-3 for start, goal, _, _ in rows))
    course = Trajectory(starts, goals, rates, accels)

    positions = course.at(share * course.duration_s)

    shares = [
        (position - start) / (goal - start)
        for position, start, goal in zip(positions, starts, goals, strict=True)
    ]
    assert shares == pytest.approx([shares[0]] * len(shares), abs=1e-9)
    assert -ROUNDING <= shares[0] <= 1 + ROUNDING


def test_a_long_way_is_a_trapezoid_and_a_short_one_a_triangle():
    long = Trajectory([0.0], [2.0], [1.0], [4.0])
    short = Trajectory([0.0], [0.04], [1.0], [4.0])

    assert long.duration_s == pytest.approx(2.0 / 1.0 + 1.0 / 4.0)
    assert long.at(0.25) == pytest.approx((0.125,))
    assert long.at(1.125) == pytest.approx((1.0,))
    assert short.duration_s == pytest.approx(0.2)
    assert short.at(0.1) == pytest.approx((0.02,))


def test_the_slowest_joint_sets_the_pace():
    course = Trajectory([0.0, 0.0], [1.0, 0.1], [1.0, 0.01], [100.0, 100.0])

    assert course.duration_s == pytest.approx(10.0, rel=0.01)


def test_no_way_takes_no_time():
    course = Trajectory([0.3, 1.0], [0.3, 1.0], [1.0, 1.0], [1.0, 1.0])

    assert course.done
    assert course.advance(PERIOD_S) == (0.3, 1.0)


@settings(max_examples=cases(1_000), deadline=None)
@given(
    st.lists(st.tuples(st.floats(-5.0, 5.0), st.floats(0.002, 0.04)), min_size=1, max_size=120),
    st.floats(0.2, 20.0),
    st.floats(-1.5, 1.5),
)
def test_a_jog_stays_within_limits_and_gains_no_speed_beyond_its_acceleration(asked, accel, start):
    course = Jog([start], [-1.0], [1.0], [accel], [0.0])
    at, speed = start, 0.0
    for rate, elapsed_s in asked:
        course.asked = (rate,)
        (goal,) = course.advance(elapsed_s)
        held = (goal - at) / elapsed_s
        assert min(-1.0, start) - ROUNDING <= goal <= max(1.0, start) + ROUNDING
        assert abs(held) <= max(abs(speed), abs(rate)) + accel * elapsed_s + 1e-6
        assert abs(held) <= abs(speed) + accel * elapsed_s + 1e-6
        at, speed = goal, held


def test_a_jog_brakes_before_a_limit_and_stands_exactly_there():
    course = Jog([0.0], [-1.0], [1.0], [2.0], [0.0])
    course.asked = (1.0,)

    way = [0.0, *(course.advance(PERIOD_S)[0] for _ in range(200))]

    speeds = [(after - before) / PERIOD_S for before, after in pairwise(way)]
    braking = [before - after for before, after in pairwise(speeds)]
    assert way[-1] == 1.0
    assert max(speeds) == pytest.approx(1.0)
    assert max(braking) <= 2.0 * PERIOD_S * 1.5
    assert not course.done


def test_a_jog_that_is_told_to_stand_is_done_when_it_does():
    course = Jog([0.0], [-1.0], [1.0], [2.0], [0.0])
    course.asked = (0.5,)
    followed(course, most=50)

    course.asked = (0.0,)

    assert len(followed(course)) == 13
    assert course.done


points = st.lists(st.tuples(st.floats(0.0, 0.2), st.tuples(angles, angles)), min_size=1, max_size=30)


@settings(max_examples=cases(1_000), deadline=None)
@given(points)
def test_a_playback_goes_through_all_points_and_is_never_too_fast(raw):
    (_, start), *others = raw
    course = Playback(start, [2.0, 3.0])
    for pause_s, goals in others:
        course.add(pause_s, goals)

    told = [start, *followed(course)]

    assert not told[1:] or told[-1] == raw[-1][1]
    for before, after in pairwise(told):
        assert abs(after[0] - before[0]) <= 2.0 * PERIOD_S + ROUNDING
        assert abs(after[1] - before[1]) <= 3.0 * PERIOD_S + ROUNDING


def test_a_playback_keeps_the_recorded_time_where_that_is_slow_enough():
    course = Playback([0.0], [1.0])
    course.add(1.0, [0.1])
    course.add(1.0, [0.3])

    told = followed(course)

    assert len(told) == 100
    assert told[49] == pytest.approx((0.1,))
    assert told[-1] == (0.3,)


@pytest.mark.parametrize("way", [5e-324, 1e-310, 1e-300, 1e-20])
def test_a_way_that_is_next_to_none_comes_to_its_end(way):
    course = Trajectory([0.0, 0.0], [way, 0.0], [1.0, 1.0], [4.0, 4.0])

    assert len(followed(course, most=10)) < 10
    assert tuple(course.advance(PERIOD_S)) == (way, 0.0)


def test_a_chain_begins_its_second_course_where_the_first_has_ended():
    braking = Jog([0.3], [-1.0], [1.0], [4.0], [0.8])
    course = Chain(braking, lambda starts: Trajectory(starts, [0.0], [1.0], [4.0]))

    told = [0.3, *(goals[0] for goals in followed(course))]

    speeds = [(after - before) / PERIOD_S for before, after in pairwise(told)]
    assert max(told) == pytest.approx(0.3 + 0.8**2 / 8, abs=0.02)
    assert told[-1] == 0.0
    assert max(abs(after - before) for before, after in pairwise([0.8, *speeds])) <= 4.0 * PERIOD_S + 1e-6
