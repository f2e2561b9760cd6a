"""Whatever is asked, in whatever order: nothing beyond a limit reaches a wire, and in the end all stands."""

import asyncio
import math
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hal.errors import HalError, LinkFull
from hal.kinds import Servo, ServoSpec
from tests import virtual
from tests.counts import cases
from tests.hal.bench import ACCEL_M_S2, MAX_SPEED_M_S, Rover, Wire

PERIOD_S = 0.02

numbers = st.one_of(
    st.floats(),
    st.floats(-3, 3),
    st.sampled_from([0.0, -0.0, 0.8, -0.8, 2.0, 5e-324, 1e308, math.nan, math.inf, -math.inf, 10**400]),
)
waits = st.sampled_from([0.0, 0.0, 0.0003, 0.011, 0.02, 0.1, 0.5])
calls = st.one_of(
    st.tuples(st.just("drive"), numbers, numbers),
    st.tuples(st.sampled_from(["forward", "turn"]), numbers, numbers),
    st.tuples(st.sampled_from(["halt", "cancel", "full", "free", "activate", "deactivate", "wheel"])),
)
histories = st.lists(st.tuples(calls, waits), max_size=25)


async def play(rover: Rover, history: list[tuple[tuple[Any, ...], float]]) -> None:
    motions: list[asyncio.Future[float]] = []
    plain: dict[str, Callable[[], object]] = {
        "halt": rover.base.halt,
        "cancel": lambda: [motion.cancel() for motion in motions],
        "full": lambda: rover.refuse(LinkFull("4096 bytes wait")),
        "free": lambda: rover.refuse(None),
        "activate": rover.base.activate,
        "deactivate": rover.base.deactivate,
        "wheel": rover.left.halt,
    }
    for (name, *arguments), wait_s in history:
        try:
            if name == "drive":
                rover.base.drive(*arguments)
            elif name in plain:
                plain[name]()
            else:
                motions.append(asyncio.ensure_future(getattr(rover.base, name)(*arguments)))
        except HalError:
            pass
        await asyncio.sleep(wait_s)
    rover.refuse(None)
    for motion in motions:
        motion.cancel()
    await asyncio.gather(*motions, return_exceptions=True)
    await asyncio.sleep(0.5)


@given(histories, st.sampled_from(["refuse", "clamp"]))
@settings(max_examples=cases(10_000, 100), deadline=None)
def test_no_history_of_a_base_with_or_without_a_ramp_brings_a_wire_what_it_must_not(history, on_limit):
    """Two bases live the same history: to make one up takes longer than to live it."""
    plain = Rover(on_limit=on_limit)
    virtual.run(play(plain, history))
    for wire in (plain.left_wire, plain.right_wire):
        assert all(-1.0 <= duty <= 1.0 for duty in wire.values)
        assert not wire.values or wire.last == 0.0
    assert plain.base.at_rest

    ramped = Rover(on_limit="clamp", max_accel=f"{ACCEL_M_S2} m/s2")
    virtual.run(play(ramped, history))
    for wire in (ramped.left_wire, ramped.right_wire):
        assert_no_step_is_beyond_the_ramp(wire)


def assert_no_step_is_beyond_the_ramp(wire: Wire) -> None:
    before_at, before = 0.0, 0.0
    for at, duty in wire.log:
        assert -1.0 <= duty <= 1.0
        step = ACCEL_M_S2 * PERIOD_S / MAX_SPEED_M_S * (1 + 1e-6)
        goes_on = abs(duty - before) <= step * max(1.0, (at - before_at) / PERIOD_S)
        # A stop has no ramp; one that a full wire did not take is followed by a first step all the same.
        begins = abs(duty) <= step
        assert goes_on or begins, wire.log
        before_at, before = at, duty


@given(st.lists(st.tuples(numbers, waits), max_size=20), st.sampled_from(["refuse", "clamp"]))
@settings(max_examples=cases(10_000, 100), deadline=None)
def test_no_history_of_a_servo_brings_an_angle_beyond_its_limits_to_a_wire(history, on_limit):
    wire = Wire()

    async def story() -> None:
        spec = {"min": "-80 deg", "max": "80 deg", "max_rate": "180 deg/s", "on_limit": on_limit}
        servo = Servo("mast", ServoSpec.model_validate(spec), wire)
        servo.present()
        servo.activate()
        motions = []
        for angle, wait_s in history:
            motions.append(asyncio.ensure_future(servo.move_to(angle)))
            await asyncio.sleep(wait_s)
        await asyncio.gather(*motions, return_exceptions=True)
        assert servo.at_rest

    virtual.run(story())

    limit = math.radians(80)
    assert all(-limit <= angle <= limit for angle in wire.values)
    for (earlier, before), (later, after) in zip(wire.log, wire.log[1:], strict=False):
        assert abs(after - before) <= math.pi * (max(later - earlier, PERIOD_S) + 1e-9)
