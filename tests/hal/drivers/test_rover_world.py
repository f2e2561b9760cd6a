"""The rover's world, step by step."""

import math

import pytest

from hal.drivers.rover_world import BATTERY_FULL_V, STEP_S, Disc, Joint, World


def steps(world: World, seconds: float) -> None:
    for _ in range(round(seconds / STEP_S)):
        world.step()


def drive(world: World, left_m_s: float, right_m_s: float, seconds: float) -> None:
    world.left_goal_m_s, world.right_goal_m_s = left_m_s, right_m_s
    steps(world, seconds)


def test_a_new_world_is_at_rest_and_looks_at_the_first_barrel() -> None:
    world = World()

    assert world.at_rest
    assert world.range_m == pytest.approx(1.5)
    assert not world.front_pressed


def test_equal_wheels_go_straight_and_need_a_moment_to_get_going() -> None:
    world = World()

    drive(world, 0.4, 0.4, 1.0)

    assert 0.37 < world.x_m < 0.4
    assert world.y_m == world.heading_rad == 0.0


def test_opposite_wheels_turn_on_the_spot() -> None:
    world = World(track_m=0.30)

    drive(world, -0.15, 0.15, 1.0)

    assert world.heading_rad == pytest.approx(1.0, abs=0.05)
    assert math.hypot(world.x_m, world.y_m) < 1e-9


def test_a_faster_right_wheel_bends_the_way_to_the_left() -> None:
    world = World()

    drive(world, 0.2, 0.3, 1.0)

    assert world.y_m > 0
    assert world.heading_rad > 0


def test_at_0_3_m_s_the_barrel_ahead_is_touched_within_6_s() -> None:
    world = World()
    world.left_goal_m_s = world.right_goal_m_s = 0.3
    taken = 0

    while not world.front_pressed:
        world.step()
        taken += 1

    assert 4.5 < taken * STEP_S < 6.0
    assert world.range_m == pytest.approx(0.0, abs=0.005)


def test_an_obstacle_is_not_entered_and_lets_go_when_the_rover_backs_off() -> None:
    world = World()
    drive(world, 0.5, 0.5, 6.0)
    assert world.x_m == pytest.approx(1.5)
    assert (world.front_pressed, world.rear_pressed) == (True, False)

    drive(world, 0.0, 0.0, 1.0)
    assert world.front_pressed

    drive(world, -0.2, -0.2, 0.5)
    assert not world.front_pressed


def test_backwards_into_a_wall_presses_the_rear() -> None:
    world = World()

    drive(world, -0.5, -0.5, 8.0)

    assert world.x_m == pytest.approx(-2.35)
    assert (world.front_pressed, world.rear_pressed) == (False, True)


@pytest.mark.parametrize("heading", [0.3, 1.2, 2.5, -0.7, -2.9])
def test_wherever_it_drives_it_stays_inside_and_outside(heading: float) -> None:
    world = World(heading_rad=heading)

    for _ in range(60):
        drive(world, 0.8, 0.7, 0.5)
        for barrel in world.obstacles:
            gap = math.hypot(world.x_m - barrel.x_m, world.y_m - barrel.y_m) - barrel.radius_m - 0.15
            assert gap > -0.02
        assert world.walls.left_m <= world.x_m <= world.walls.right_m
        assert world.walls.bottom_m <= world.y_m <= world.walls.top_m


def test_the_range_sensor_looks_along_the_heading() -> None:
    world = World(obstacles=(Disc(0.0, 1.0, 0.1),), heading_rad=math.pi / 2)

    assert world.range_m == pytest.approx(0.75)

    world.heading_rad = -math.pi / 2
    assert world.range_m == pytest.approx(1.85)


def test_the_battery_sags_under_load_and_runs_down() -> None:
    world = World()
    full_v = world.battery_v

    world.left_duty = world.right_duty = 1.0
    loaded_v = world.battery_v
    steps(world, 60)
    world.left_duty = world.right_duty = 0.0

    assert BATTERY_FULL_V - 0.1 < full_v < BATTERY_FULL_V
    assert full_v - loaded_v > 0.2
    assert world.battery_v < full_v


def test_an_empty_battery_does_not_fall_below_its_end() -> None:
    world = World()

    world.rest(10**9)

    assert 9.0 < world.battery_v < 9.7


def test_resting_at_once_is_the_same_as_resting_step_by_step() -> None:
    slow, fast = World(), World()

    steps(slow, 10.0)
    fast.rest(round(10.0 / STEP_S))

    assert slow == fast
    assert slow.battery_v == fast.battery_v


def test_a_joint_turns_at_its_own_rate_and_only_once_it_is_told_where() -> None:
    joint = Joint()
    joint.step()
    assert joint.at_rest

    joint.target_rad = 1.0
    for _ in range(20):
        joint.step()
    assert joint.angle_rad == pytest.approx(math.radians(300) * 0.1)
    assert not joint.at_rest

    for _ in range(20):
        joint.step()
    assert joint.angle_rad == 1.0
    assert joint.at_rest


def test_a_low_obstacle_presses_the_bumper_and_the_range_sensor_looks_over_it() -> None:
    world = World(obstacles=[Disc(1.0, 0.0, 0.1, low=True)])
    before_m = world.range_m

    drive(world, 0.4, 0.4, 4.0)

    assert world.front_pressed
    assert world.x_m == pytest.approx(0.75, abs=0.005)
    assert before_m == pytest.approx(3.35)
    assert world.range_m == pytest.approx(2.6, abs=0.005)
