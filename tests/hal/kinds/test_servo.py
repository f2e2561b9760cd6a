import asyncio
import math
from collections.abc import Callable

import pytest
from pydantic import ValidationError

from hal.errors import DeviceGone, DeviceUnavailable, HalError, Halted, LinkFull, OutOfRange
from hal.kinds import Servo, ServoSpec
from tests import virtual
from tests.hal.bench import Wire, now

LIMITS = {"min": "-80 deg", "max": "80 deg", "max_rate": "1 rad/s"}


def servo(wire: Wire, **spec: object) -> Servo:
    device = Servo("mast", ServoSpec.model_validate(LIMITS | spec), wire)
    device.present()
    device.activate()
    return device


def angle(device: Servo) -> float | None:
    reading = device.reading("angle")
    return None if reading is None else reading.value


def test_the_first_move_is_one_step_and_takes_as_long_as_the_whole_range():
    wire = Wire()

    async def story() -> None:
        mast = servo(wire)
        assert angle(mast) is None
        assert await mast.move_to(0.5) == 0.5
        assert now() == pytest.approx(math.radians(160))
        assert set(wire.values) == {0.5}
        assert mast.at_rest

    virtual.run(story())


def test_a_move_is_led_at_the_rate_and_ends_when_it_must_be_there():
    wire = Wire()

    async def story() -> None:
        mast = servo(wire)
        await mast.move_to(0.0)
        wire.log.clear()
        began = now()
        assert await mast.move_to(-0.33) == -0.33
        assert now() - began == pytest.approx(0.33)
        assert angle(mast) == -0.33
        written = [(at - began, value) for at, value in wire.log]
        assert [at for at, _ in written] == pytest.approx([n * 0.02 for n in range(17)])
        assert [value for _, value in written] == pytest.approx(
            [max(-0.02 * (n + 1), -0.33) for n in range(17)]
        )
        wire.log.clear()
        await asyncio.sleep(5)
        assert wire.log == []

    virtual.run(story())


def test_a_move_to_where_it_is_ends_at_once():
    async def story() -> None:
        mast = servo(Wire())
        await mast.move_to(0.2)
        began = now()
        assert await mast.move_to(0.2) == 0.2
        assert now() == began

    virtual.run(story())


def test_the_newest_goal_wins_from_where_the_servo_is():
    wire = Wire()

    async def story() -> None:
        mast = servo(wire)
        await mast.move_to(0.0)
        older = asyncio.ensure_future(mast.move_to(1.0))
        await asyncio.sleep(0.305)
        began = now()
        assert await mast.move_to(0.1) == 0.1
        assert now() - began == pytest.approx(0.22)
        with pytest.raises(Halted, match="a newer goal"):
            await older

    virtual.run(story())


@pytest.mark.parametrize("goal", [1.4, -1.4, math.nan, math.inf, -math.inf, 1e308])
async def test_a_goal_beyond_the_limits_is_refused_with_the_limit_and_its_unit(goal):
    wire = Wire()

    with pytest.raises(OutOfRange, match=r"mast: angle .* -?1\.39626 rad$") as refusal:
        await servo(wire).move_to(goal)

    assert abs(refusal.value.limit) == math.radians(80)
    assert refusal.value.unit == "rad"
    assert wire.log == []


@pytest.mark.parametrize(("on_stop", "stop_value"), [("hold", [0.31]), ("keep", []), ("zero", [0.0])])
def test_a_stop_in_the_middle_goes_to_the_stop_value_and_the_move_is_halted(on_stop, stop_value):
    wire = Wire()

    async def story() -> None:
        mast = servo(wire, on_stop=on_stop)
        await mast.move_to(0.0)
        move = asyncio.ensure_future(mast.move_to(1.0))
        await asyncio.sleep(0.295)
        wire.log.clear()
        mast.halt()
        assert wire.values == pytest.approx([0.3] if stop_value == [0.31] else stop_value)
        with pytest.raises(Halted):
            await move
        wire.log.clear()
        await asyncio.sleep(1)
        assert wire.log == []
        assert mast.at_rest

    virtual.run(story())


def test_zero_outside_of_the_limits_means_the_limit_nearest_to_it():
    wire = Wire()

    async def story() -> None:
        servo(wire, min="10 deg", on_stop="zero").halt()

    virtual.run(story())

    assert wire.values == [math.radians(10)]


def test_a_servo_of_which_nothing_is_known_is_not_moved_by_a_stop():
    wire = Wire()
    servo(wire).halt()

    assert wire.log == []


def test_a_cancelled_move_holds():
    wire = Wire()

    async def story() -> None:
        mast = servo(wire)
        await mast.move_to(0.0)
        move = asyncio.ensure_future(mast.move_to(1.0))
        await asyncio.sleep(0.3)
        move.cancel()
        await asyncio.gather(move, return_exceptions=True)
        assert mast.at_rest
        held = angle(mast)
        await asyncio.sleep(1)
        assert angle(mast) == held

    virtual.run(story())


@pytest.mark.parametrize(
    ("end", "error"),
    [
        (lambda mast: mast.vanish(), DeviceGone),
        (lambda mast: mast.fail("it smokes"), DeviceUnavailable),
        (lambda mast: mast.expires(0.0), Halted),
    ],
)
def test_a_move_that_something_ends_says_what(end: Callable[[Servo], None], error: type[HalError]):
    async def story() -> None:
        mast = servo(Wire())
        move = asyncio.ensure_future(mast.move_to(1.0))
        await asyncio.sleep(0.1)
        end(mast)
        with pytest.raises(error):
            await move

    virtual.run(story())


@pytest.mark.parametrize("wait_s", [0.0, 0.1])
def test_a_move_ends_with_what_the_wire_says_when_it_takes_no_more(wait_s):
    wire = Wire()

    async def story() -> None:
        mast = servo(wire)
        if wait_s == 0.0:
            wire.refusal = LinkFull("4096 bytes wait")
        else:
            asyncio.get_running_loop().call_later(
                wait_s, setattr, wire, "refusal", LinkFull("4096 bytes wait")
            )
        with pytest.raises(LinkFull):
            await mast.move_to(1.0)
        assert mast.at_rest
        assert now() < 0.13

    virtual.run(story())


def test_a_board_that_was_away_does_not_know_where_its_servo_is():
    async def story() -> None:
        mast = servo(Wire())
        await mast.move_to(0.2)
        mast.vanish()
        mast.present()
        assert angle(mast) is None

    virtual.run(story())


def test_limits_must_be_in_order():
    with pytest.raises(ValidationError, match="max must be more than min"):
        ServoSpec.model_validate({"min": "10 deg", "max": "10 deg"})
