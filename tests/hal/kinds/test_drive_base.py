import asyncio
import math

import pytest
from pydantic import ValidationError

from hal.device import DeviceState
from hal.errors import DeviceGone, DeviceRefused, DeviceUnavailable, Halted, LinkFull, OutOfRange
from hal.kinds import DriveBaseSpec, Twist
from tests import virtual
from tests.hal.bench import ACCEL_M_S2, MAX_SPEED_M_S, Rover, now, travelled_m

RAMP = {"max_accel": f"{ACCEL_M_S2} m/s2"}


async def test_a_twist_becomes_two_duties():
    rover = Rover()

    assert rover.base.drive(0.4, 0.5) == Twist(0.4, 0.5)
    assert rover.duties == pytest.approx(((0.4 - 0.075) / 0.8, (0.4 + 0.075) / 0.8))
    assert rover.base.drive(-0.8) == Twist(-0.8, 0.0)
    assert rover.duties == (-1.0, -1.0)
    assert rover.base.drive(0.0, 2.0) == Twist(0.0, 2.0)
    assert rover.duties == pytest.approx((-0.375, 0.375))


async def test_a_motor_with_a_lower_duty_reaches_the_top_speed_with_that():
    rover = Rover()
    rover.left.max_duty = rover.right.max_duty = 0.5
    rover.base.drive(MAX_SPEED_M_S)

    assert rover.duties == (0.5, 0.5)


async def test_where_one_wheel_would_be_too_fast_both_are_slowed_and_the_curve_stays():
    rover = Rover()
    twist = rover.base.drive(0.8, 2.0)

    assert twist.linear_m_s + twist.angular_rad_s * 0.15 == pytest.approx(MAX_SPEED_M_S)
    assert twist.linear_m_s / twist.angular_rad_s == pytest.approx(0.8 / 2.0)
    assert max(map(abs, rover.duties)) <= 1.0


@pytest.mark.parametrize(
    ("linear", "angular", "limit", "unit"),
    [
        (0.81, 0.0, 0.8, "m/s"),
        (-0.81, 0.0, -0.8, "m/s"),
        (0.0, 2.1, 2.0, "rad/s"),
        (0.0, -2.1, -2.0, "rad/s"),
        (math.nan, 0.0, 0.8, "m/s"),
        (0.0, math.inf, 2.0, "rad/s"),
        (-math.inf, 0.0, -0.8, "m/s"),
        (10**400, 0.0, 0.8, "m/s"),
    ],
)
async def test_a_twist_beyond_a_limit_is_refused_with_the_limit_and_its_unit(linear, angular, limit, unit):
    rover = Rover()

    with pytest.raises(OutOfRange, match=f"base: (linear|angular) .* {limit:g} {unit}") as refusal:
        rover.base.drive(linear, angular)

    assert (refusal.value.limit, refusal.value.unit) == (limit, unit)
    assert rover.left_wire.log == rover.right_wire.log == []


async def test_a_base_that_clamps_cuts_a_finite_twist_and_refuses_one_that_is_no_number():
    rover = Rover(on_limit="clamp")

    assert rover.base.drive(5.0) == Twist(0.8, 0.0)
    assert rover.base.drive(0.0, -9.0) == Twist(0.0, -2.0)
    for wrong in (math.nan, math.inf, -math.inf):
        with pytest.raises(OutOfRange, match="must be a finite number"):
            rover.base.drive(wrong)
        with pytest.raises(OutOfRange, match="must be a finite number"):
            rover.base.drive(0.0, wrong)


def test_a_ramp_steps_at_50_hz_from_the_first_setpoint_and_ends_by_itself():
    rover = Rover(**RAMP)

    async def story() -> None:
        assert rover.base.drive(0.3) == pytest.approx((0.03, 0.0))
        assert rover.value("target_linear") == 0.3
        for _ in range(30):
            await asyncio.sleep(0.05)
            rover.base.drive(0.3)
            timers = len(asyncio.get_running_loop()._scheduled)  # type: ignore[attr-defined]  # to see that none ticks idly
        assert timers == 1  # the lapse alone
        assert rover.base.drive(0.3) == Twist(0.3, 0.0)

    virtual.run(story())

    ramp = [(at, duty) for at, duty in rover.left_wire.log if at < 0.19]
    assert [at for at, _ in ramp] == pytest.approx([n * 0.02 for n in range(10)])
    assert [duty * MAX_SPEED_M_S for _, duty in ramp] == pytest.approx([0.03 * (n + 1) for n in range(10)])


def test_the_grid_of_a_ramp_does_not_drift_when_the_loop_is_late():
    rover = Rover(**RAMP)

    async def story() -> None:
        rover.base.drive(0.8)
        for _ in range(5):
            await asyncio.sleep(0.05)
            virtual.spend(0.007)

    virtual.run(story())

    grid = [at / 0.02 for at, _ in rover.left_wire.log]
    on_time = [tick for tick in grid if abs(tick - round(tick)) < 1e-6]
    assert len(on_time) > 8
    assert all(tick - math.floor(tick + 1e-6) < 0.5 for tick in grid)


def test_a_stalled_loop_does_not_turn_a_ramp_into_a_jump():
    rover = Rover(**RAMP)

    async def story() -> None:
        rover.base.drive(0.8)
        virtual.spend(0.3)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert rover.value("linear") == pytest.approx(0.03 + 2 * 0.03)

    virtual.run(story())


def test_many_setpoints_in_one_period_do_not_outrun_the_ramp():
    rover = Rover(**RAMP)

    async def story() -> None:
        for n in range(200):
            rover.base.drive(0.001 * n)
            await asyncio.sleep(0.0001)
        assert rover.value("linear") <= ACCEL_M_S2 * (now() + 0.02)

    virtual.run(story())


def test_a_setpoint_lapses_to_zero_at_once_without_a_ramp():
    rover = Rover(**RAMP)
    lapses: list[float] = []

    async def story() -> None:
        rover.base.on_lapse = lambda: lapses.append(now())
        rover.base.drive(0.3, 0.5)
        await asyncio.sleep(0.399)
        assert rover.value("linear") == 0.3
        await asyncio.sleep(0.002)
        assert rover.duties == (0.0, 0.0)
        assert [rover.value(name) for name in rover.base.READINGS] == [0.0, 0.0, 0.0, 0.0, False]

    virtual.run(story())

    assert lapses == [pytest.approx(0.4)]


async def test_a_halt_zeroes_both_wheels_at_once_even_if_the_first_wire_fails():
    rover = Rover(**RAMP)
    rover.base.drive(0.8)
    rover.left_wire.refusal = DeviceGone("left", "its wire was lost")
    rover.base.halt()

    assert rover.right_wire.last == 0.0
    assert rover.base.at_rest
    assert rover.value("linear") == 0.0


async def test_a_wheel_that_is_halted_halts_its_base():
    rover = Rover()
    rover.base.drive(0.4)
    rover.left.halt()

    assert rover.duties == (0.0, 0.0)
    assert rover.base.at_rest


async def test_a_wheel_takes_no_setpoint_of_its_own_while_the_base_moves_and_the_other_way_round():
    rover = Rover()
    rover.left.activate()
    rover.base.drive(0.4)
    with pytest.raises(DeviceRefused, match="left: it turns for base now; halt base first"):
        rover.left.set_duty(0.1)
    rover.base.halt()
    rover.left.set_duty(0.1)
    with pytest.raises(DeviceRefused, match="base: its wheel left is told a duty by itself"):
        rover.base.drive(0.4)
    with pytest.raises(DeviceRefused, match="base: its wheel left is told a duty by itself"):
        await rover.base.forward(0.4, 0.4)

    assert rover.duties == (0.1, 0.0)


async def test_a_wheel_that_is_not_needed_by_itself_any_more_goes_on_for_its_base():
    rover = Rover()
    rover.left.activate()
    rover.base.drive(0.4)
    rover.left.deactivate()

    assert rover.duties == (0.5, 0.5)
    assert rover.left.state is DeviceState.INACTIVE


@pytest.mark.parametrize("refusal", [LinkFull("4096 bytes wait"), DeviceGone("left", "its wire was lost")])
async def test_a_base_stands_when_the_wire_takes_only_one_wheel(refusal):
    rover = Rover()
    rover.base.drive(0.4)
    rover.right_wire.refusal = refusal
    with pytest.raises(type(refusal)):
        rover.base.drive(0.5)

    assert rover.left_wire.last == 0.0
    assert rover.base.at_rest


def test_a_base_whose_ramp_meets_a_full_wire_stands_and_still_lapses():
    rover = Rover(**RAMP)
    lapses: list[float] = []

    async def story() -> None:
        rover.base.on_lapse = lambda: lapses.append(now())
        rover.base.drive(0.8)
        await asyncio.sleep(0.05)
        rover.right_wire.refusal = LinkFull("4096 bytes wait")
        await asyncio.sleep(0.05)
        assert rover.left_wire.last == 0.0
        rover.right_wire.refusal = None
        await asyncio.sleep(0.05)
        assert rover.duties == (0.0, 0.0)
        await asyncio.sleep(1)

    virtual.run(story())

    assert lapses == [pytest.approx(0.4)]


def test_a_bug_below_a_ramp_stops_the_base_and_is_not_kept_secret():
    rover = Rover(**RAMP)
    told: list[object] = []

    async def story() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: told.append(context.get("exception")))
        rover.base.drive(0.8)
        rover.right_wire.refusal = ZeroDivisionError("a bug")
        await asyncio.sleep(0.03)
        rover.right_wire.refusal = None
        assert rover.left_wire.last == 0.0
        assert rover.base.at_rest

    virtual.run(story())

    assert [str(error) for error in told] == ["a bug"]


def test_an_unchanged_twist_is_written_again_only_every_100_ms():
    rover = Rover()

    async def story() -> None:
        for _ in range(100):
            rover.base.drive(0.4)
            await asyncio.sleep(0.01)

    virtual.run(story())

    assert 9 <= len(rover.left_wire.log) <= 11


def test_forward_returns_the_distance_that_was_asked_for_and_the_wheels_travelled_it():
    rover = Rover(**RAMP)

    async def story() -> None:
        assert await rover.base.forward(1.0, 0.5) == pytest.approx(1.0)
        assert rover.base.at_rest
        assert now() == pytest.approx(1.0 / 0.5 + 0.5 / ACCEL_M_S2, abs=0.03)
        assert travelled_m(rover.left_wire, now()) == pytest.approx(1.0)
        assert travelled_m(rover.right_wire, now()) == pytest.approx(1.0)
        assert await rover.base.forward(-0.2, 0.5) == pytest.approx(-0.2)
        assert travelled_m(rover.left_wire, now()) == pytest.approx(0.8)

    virtual.run(story())


@pytest.mark.parametrize("spec", [{}, RAMP])
@pytest.mark.parametrize("angle", [1.0, -1.0, 0.01, 20.0])
def test_turn_returns_the_angle_that_was_asked_for_and_the_wheels_turned_it(spec, angle):
    rover = Rover(**spec)

    async def story() -> None:
        assert await rover.base.turn(angle, 0.8) == pytest.approx(angle)
        left, right = travelled_m(rover.left_wire, now()), travelled_m(rover.right_wire, now())
        assert (right - left) / 0.3 == pytest.approx(angle)
        assert right + left == pytest.approx(0.0, abs=1e-12)

    virtual.run(story())


async def test_a_motion_of_no_length_is_at_its_end():
    rover = Rover()

    assert await rover.base.forward(0.0, 0.5) == 0.0
    assert await rover.base.turn(0.0, 0.5) == 0.0
    assert rover.base.at_rest


def test_a_motion_returns_what_was_really_travelled_when_the_loop_was_late():
    rover = Rover()

    async def story() -> float:
        asyncio.get_running_loop().call_at(0.999, virtual.spend, 0.101)
        distance = await rover.base.forward(0.5, 0.5)
        assert distance == pytest.approx(travelled_m(rover.left_wire, now()))
        return distance

    assert virtual.run(story()) == pytest.approx(0.55)


@pytest.mark.parametrize(
    ("distance", "speed", "unit"),
    [
        (1.0, 0.0, "m/s"),
        (1.0, -0.1, "m/s"),
        (1.0, 0.9, "m/s"),
        (1.0, math.nan, "m/s"),
        (math.nan, 0.5, "m"),
        (math.inf, 0.5, "m"),
        (301.0, 0.5, "m"),
    ],
)
async def test_a_motion_that_cannot_be_is_refused_before_anything_moves(distance, speed, unit):
    rover = Rover()

    with pytest.raises(OutOfRange) as refusal:
        await rover.base.forward(distance, speed)

    assert refusal.value.unit == unit
    assert rover.left_wire.log == []


def test_a_clamping_base_moves_more_slowly_but_not_less_far():
    rover = Rover(on_limit="clamp")

    async def story() -> float:
        distance = await rover.base.forward(1.6, 99.0)
        assert now() == pytest.approx(2.0)
        return distance

    assert virtual.run(story()) == pytest.approx(1.6)


def test_a_motion_that_is_cancelled_in_the_middle_leaves_the_base_halted():
    rover = Rover(**RAMP)

    async def story() -> None:
        motion = asyncio.ensure_future(rover.base.forward(2.0, 0.5))
        await asyncio.sleep(0.555)
        motion.cancel()
        with pytest.raises(asyncio.CancelledError):
            await motion
        assert now() == pytest.approx(0.555)
        assert rover.duties == (0.0, 0.0)
        written = len(rover.left_wire.log)
        await asyncio.sleep(5)
        assert len(rover.left_wire.log) == written

    virtual.run(story())


@pytest.mark.parametrize(
    ("end", "error", "sentence"),
    [
        (lambda rover: rover.base.halt(), Halted, "it was halted"),
        (lambda rover: rover.right.halt(), Halted, "right: it was halted"),
        (lambda rover: rover.base.drive(0.1), Halted, "a newer setpoint"),
        (lambda rover: rover.base.deactivate(), Halted, "it was halted"),
        (lambda rover: rover.base.expires(0.0), Halted, "its time was over"),
        (lambda rover: rover.left.vanish(), DeviceGone, "its wire was lost"),
        (lambda rover: rover.left.fail("it smokes"), DeviceUnavailable, "it smokes"),
        (lambda rover: rover.refuse(LinkFull("4096 bytes wait")), LinkFull, "4096 bytes wait"),
    ],
)
def test_a_motion_that_something_ends_says_what(end, error, sentence):
    rover = Rover(**RAMP)

    async def story() -> None:
        motion = asyncio.ensure_future(rover.base.forward(2.0, 0.5))
        await asyncio.sleep(0.1)
        end(rover)
        with pytest.raises(error, match=sentence):
            await motion
        rover.refuse(None)
        await asyncio.sleep(1)
        assert rover.duties == (0.0, 0.0)

    virtual.run(story())


def test_a_newer_motion_starts_from_standstill_and_the_older_one_is_halted():
    rover = Rover(**RAMP)

    async def story() -> None:
        older = asyncio.ensure_future(rover.base.forward(2.0, 0.5))
        await asyncio.sleep(0.5)
        assert await rover.base.turn(1.0, 0.8) == pytest.approx(1.0)
        with pytest.raises(Halted, match="a newer motion"):
            await older
        rover.base.drive(0.3)
        await asyncio.sleep(0.1)
        assert await rover.base.forward(0.1, 0.5) == pytest.approx(0.1)
        assert rover.base.at_rest

    virtual.run(story())


def test_a_motion_that_was_refused_does_not_lend_its_time_to_the_setpoint_before_it():
    rover = Rover()

    async def story() -> None:
        rover.base.drive(0.1)
        with pytest.raises(OutOfRange):
            await rover.base.forward(1.0, 99.0)
        rover.base.motion_expires(now() + 30)
        await asyncio.sleep(0.401)
        assert rover.base.at_rest
        motion = asyncio.ensure_future(rover.base.forward(1.0, 0.5))
        await asyncio.sleep(0)
        rover.base.motion_expires(now() + 0.3)
        with pytest.raises(Halted, match="its time was over"):
            await motion
        assert now() == pytest.approx(0.701)

    virtual.run(story())


def test_a_setpoint_streamed_before_a_motion_does_not_lapse_into_it():
    rover = Rover()

    async def story() -> float:
        rover.base.drive(0.1)
        return await rover.base.forward(1.0, 0.5)

    assert virtual.run(story()) == pytest.approx(1.0)


async def test_a_base_lives_as_its_motors_do():
    rover = Rover()
    rover.left.fail("its driver is too hot")
    assert rover.base.state == "faulted"
    assert rover.base.fault == "its wheel left is faulted: its driver is too hot"

    rover.left.present()
    assert rover.base.state == "inactive"
    rover.base.activate()
    rover.base.drive(0.4)
    rover.right.vanish()
    assert rover.base.state == "absent"
    assert rover.left_wire.last == 0.0

    rover.left.vanish()
    rover.left.present()
    assert rover.base.state == "absent"
    rover.right.present()
    assert rover.base.state == "inactive"
    assert rover.value("linear") == 0.0


def test_a_wheel_cannot_be_on_both_sides():
    with pytest.raises(ValidationError, match="left and right are the same motor, left"):
        Rover(right="left")


def test_a_base_has_no_board():
    with pytest.raises(ValidationError):
        DriveBaseSpec.model_validate({"board": "arduino"})
