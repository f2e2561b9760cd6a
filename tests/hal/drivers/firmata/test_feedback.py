"""What the pins of a Firmata board are doing, against the limits of what hangs on them. In virtual time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any

import pytest

from hal import Actuator, DigitalOutput, Motor, Rig, Servo
from hal.drivers.firmata import codec
from tests import virtual
from tests.counts import cases
from tests.hal.rover import DEVICES, simulated_rover

ROUND_S = 2.5
"""In this time each pin of the rover is asked for."""
PINS = {"left": 5, "mast": 9, "lamp": 13}
SLOW_LEFT = {"left": {**DEVICES["left"], "max_duty": 0.5}}


class Rover:
    """With all devices active; what their limits tell, and when which pin is asked for."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.told: list[tuple[str, str, float, float, str]] = []
        self.asked: list[tuple[float, int]] = []
        self.news = asyncio.Event()
        for device in rig.devices.values():
            device.activate()
            if isinstance(device, Actuator):
                device.limit_listeners.append(partial(self._tell, device.name))
        twin = rig.twins["arduino"]
        receive = twin.receive

        def listen(data: bytes, now: float) -> bytes:
            self.asked += [(now, pin) for pin in range(20) if codec.pin_state_query(pin) in data]
            return receive(data, now)

        setattr(twin, "receive", listen)  # noqa: B010  # mypy keeps methods

    def _tell(self, name: str, what: str, value: float, limit: float, unit: str) -> None:
        self.told.append((name, what, value, limit, unit))
        self.news.set()

    @property
    def left(self) -> Motor:
        assert isinstance(self.rig.devices["left"], Motor)
        return self.rig.devices["left"]

    @property
    def mast(self) -> Servo:
        assert isinstance(self.rig.devices["mast"], Servo)
        return self.rig.devices["mast"]

    @property
    def lamp(self) -> DigitalOutput:
        assert isinstance(self.rig.devices["lamp"], DigitalOutput)
        return self.rig.devices["lamp"]

    async def until_told(self, within_s: float = ROUND_S) -> None:
        await asyncio.wait_for(self.news.wait(), within_s)


def run(
    body: Callable[[Rover], Coroutine[Any, Any, None]],
    more: Mapping[str, Mapping[str, Any]] | None = None,
    faults: tuple[str, ...] = (),
    seed: int = 0,
) -> None:
    async def whole() -> None:
        async with simulated_rover({**DEVICES, **(more or {})}, faults=faults, seed=seed) as rig:
            await rig.online()
            await body(Rover(rig))

    virtual.run(whole())


@pytest.mark.parametrize(
    ("name", "violation"),
    [
        ("left", ("duty", 1.0, 0.0, "")),
        ("mast", ("angle", 1.5707963267948966, 1.3962634015954636, "rad")),
        ("lamp", ("level", 1.0, 0.0, "")),
    ],
)
def test_what_runs_away_is_found_by_two_samples_in_a_row_of_which_the_second_is_asked_for_at_once(
    name: str, violation: tuple[str, float, float, str]
):
    async def body(rover: Rover) -> None:
        await rover.mast.move_to(0.5)
        rover.rig.inject("arduino", f"runaway {name}")

        await rover.until_told()

        assert rover.told == [(name, *violation)]
        asked = [at for at, pin in rover.asked if pin == PINS[name]]
        assert asked[-1] - asked[-2] <= 0.001
        await asyncio.sleep(2 * ROUND_S)
        assert len(rover.told) == 1

    run(body)


def test_a_motor_that_is_driven_may_do_as_much_as_its_maximum_and_no_more():
    async def body(rover: Rover) -> None:
        async def drive() -> None:
            while True:
                rover.left.set_duty(0.5)
                await asyncio.sleep(0.1)

        driving = asyncio.ensure_future(drive())
        await asyncio.sleep(2 * ROUND_S)
        assert rover.told == []

        rover.rig.inject("arduino", "runaway left")
        await rover.until_told()
        driving.cancel()

        assert rover.told == [("left", "duty", 1.0, 0.5, "")]

    run(body, SLOW_LEFT)


def test_what_obeys_again_is_within_its_limits_again():
    async def body(rover: Rover) -> None:
        rover.rig.inject("arduino", "runaway lamp")
        await rover.until_told()
        assert rover.lamp.violations

        rover.rig.mend("arduino")
        await asyncio.sleep(ROUND_S)

        assert not rover.lamp.violations

    run(body)


def test_a_relay_that_is_on_while_its_pin_is_low_is_felt_the_right_way_round():
    async def body(rover: Rover) -> None:
        await asyncio.sleep(ROUND_S)
        rover.lamp.write(True)
        await asyncio.sleep(ROUND_S)
        assert rover.told == []

        rover.lamp.write(False)
        rover.rig.inject("arduino", "runaway lamp")
        await rover.until_told()

        assert rover.told == [("lamp", "level", 1.0, 0.0, "")]

    run(body, {"lamp": {**DEVICES["lamp"], "active": "low"}})


def test_a_servo_whose_first_angle_was_lost_on_the_way_is_beyond_nothing():
    async def body(rover: Rover) -> None:
        rover.rig.boards["arduino"].send(codec.servo_config(9, 544, 2400))
        await asyncio.sleep(ROUND_S)

        assert not rover.mast.violations
        assert rover.told == []

    run(body)


def test_a_lamp_whose_off_was_lost_on_the_way_is_told_once_more_and_beyond_nothing():
    async def body(rover: Rover) -> None:
        rover.lamp.write(True)
        await asyncio.sleep(0.1)
        rover.rig.inject("arduino", "drop 100% for 1 ms")
        rover.lamp.write(False)
        await asyncio.sleep(0.1)
        assert rover.rig.world()["lamp"] is True

        await asyncio.sleep(ROUND_S)

        assert rover.rig.world()["lamp"] is False
        assert rover.told == []

    run(body)


@pytest.mark.parametrize("seed", range(cases(20)))
@pytest.mark.parametrize("faults", [(), ("delay 5..40 ms",), ("split", "delay 1..5 ms")], ids=" ".join)
def test_a_robot_that_does_what_it_is_told_is_beyond_no_limit(faults: tuple[str, ...], seed: int):
    async def body(rover: Rover) -> None:
        rng = random.Random(seed)
        for _ in range(100):
            rover.lamp.write(rng.random() < 0.5)
            rover.left.set_duty(rng.uniform(-0.5, 0.5)) if rng.random() < 0.5 else rover.left.halt()
            moving = asyncio.ensure_future(rover.mast.move_to(rng.choice((-1.39, 1.39))))
            await asyncio.sleep(rng.uniform(0.0, 0.2))
            moving.cancel()
            await asyncio.wait({moving})

        assert rover.told == []

    run(body, SLOW_LEFT, faults, seed)
