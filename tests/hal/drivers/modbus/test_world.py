"""The small world of a conveyor cell: ramps, parts, a scale, a sorter. Its only clock is the step."""

from __future__ import annotations

import pytest

from hal.drivers.modbus.world import (
    JAM_S,
    MASSES_KG,
    PART_M,
    SCALE_M,
    SORTER_M,
    SPACING_M,
    STEP_S,
    SWING_S,
    Drive,
    World,
)


def steps(duration_s: float) -> int:
    return round(duration_s / STEP_S)


def running(speed_m_s: float = 0.5, watchdog_s: float | None = None) -> World:
    world = World({"belt": Drive(0.5, 0.5, watchdog_s)})
    world.drives["belt"].goal_m_s = speed_m_s
    return world


def test_a_drive_takes_its_ramp_to_full_speed_and_back() -> None:
    world = running()
    drive = world.drives["belt"]
    world.advance(steps(0.25))
    assert drive.speed_m_s == pytest.approx(0.25)
    world.advance(steps(0.5))
    assert drive.speed_m_s == pytest.approx(0.5)
    drive.goal_m_s = -0.25
    world.advance(steps(1.0))

    assert drive.speed_m_s == pytest.approx(-0.25)


def test_a_drive_that_is_not_fed_stops_and_goes_on_standing() -> None:
    world = running(watchdog_s=1.0)
    drive = world.drives["belt"]
    for _ in range(5):
        world.advance(steps(0.9))
        drive.feed()
    assert drive.speed_m_s == 0.5
    world.advance(steps(1.0))
    assert not drive.tripped
    world.advance(steps(0.6))

    assert drive.tripped
    assert (drive.speed_m_s, drive.goal_m_s) == (pytest.approx(0.0), 0.0)


def test_time_at_rest_counts_for_the_watchdog_too() -> None:
    world = World({"belt": Drive(0.5, 0.5, watchdog_s=1.0)})
    world.advance(steps(1000))

    assert world.drives["belt"].tripped


def test_parts_come_at_their_spacing_and_are_weighed_one_by_one() -> None:
    world, seen = running(), list[float]()
    for _ in range(steps(10)):
        world.step()
        if world.weighed_kg and (not seen or seen[-1] != world.weighed_kg):
            seen.append(world.weighed_kg)

    assert SCALE_M[1] - SCALE_M[0] < SPACING_M
    assert seen[:5] == [*MASSES_KG, MASSES_KG[0]]
    assert all(
        ahead.at_m - behind.at_m >= PART_M
        for ahead, behind in zip(world.parts, world.parts[1:], strict=False)
    )


@pytest.mark.parametrize("to_the_left", [True, False])
def test_the_arm_sorts_to_the_side_where_it_is(to_the_left: bool) -> None:
    world = running()
    world.to_the_left = to_the_left
    world.advance(steps(20))

    assert (world.left > 0) is to_the_left
    assert (world.right > 0) is not to_the_left
    assert not world.jammed


def test_parts_wait_while_the_arm_swings_and_that_is_no_jam() -> None:
    world = running()
    while not world.right:
        world.step()
    world.to_the_left = True
    world.advance(steps(SWING_S / 2))

    assert 0.0 < world.arm < 1.0
    assert not world.jammed


def test_a_full_chute_ends_in_a_jam_that_goes_when_it_is_emptied() -> None:
    world = running()
    world.chute_full = True
    world.advance(steps(SORTER_M / 0.5 + JAM_S + 1.5))
    assert world.jammed
    assert world.left + world.right == 0
    world.advance(steps(20))
    assert max(part.at_m for part in world.parts) == SORTER_M
    world.chute_full = False
    world.advance(steps(1))

    assert not world.jammed
    assert world.right > 0


def test_how_steps_are_grouped_does_not_matter() -> None:
    one, other = running(0.37, 3.0), running(0.37, 3.0)
    one.advance(900)
    for size in (1, 2, 97, 300, 400, 100):
        other.advance(size)

    assert one == other
