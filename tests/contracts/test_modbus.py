"""The promises of every driver, kept by the line of a conveyor cell."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from hal import Belt, Rig
from hal.testing import DriverContract, Robot, World
from tests.hal.drivers.modbus import cell


def run(rig: Rig) -> Coroutine[Any, Any, float]:
    belt = rig.devices["conveyor"]
    assert isinstance(belt, Belt)
    return belt.run(0.3)


def runs(world: World) -> bool:
    return world["conveyor_speed"] != 0


OFTEN = {"digital_input": "100 ms", "weigher": "200 ms", "relay": "300 ms", "digital_output": "300 ms"}
"""How often each kind is read, so that a story does not consist of readings."""


class TestModbus(DriverContract):
    robot = Robot(
        board=cell.LINE,
        devices={
            name: device | {"sample": OFTEN.get(device["kind"], "100 ms")}
            for name, device in cell.DEVICES.items()
        },
        move=run,
        moves=runs,
        sensor="scale",
        stops_within_s=cell.STOP_TIME_S + 0.1,
    )
