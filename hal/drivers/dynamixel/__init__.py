"""Dynamixel servos of the X series: many on one half-duplex wire, moving joints and grippers."""

from __future__ import annotations

import random
from collections.abc import Mapping

from hal.board import BoardSpec
from hal.device import DeviceSpec
from hal.driver import Driver
from hal.drivers.dynamixel.board import DynamixelBoard
from hal.drivers.dynamixel.probe import PROBES
from hal.drivers.dynamixel.servo import SimulatedServo
from hal.drivers.dynamixel.specs import (
    DynamixelAxisSpec,
    DynamixelBoardSpec,
    DynamixelGripperSpec,
    DynamixelJointSpec,
)
from hal.drivers.dynamixel.twin import DynamixelTwin
from hal.drivers.servo_twin import joints_on


def make_twin(
    name: str, spec: BoardSpec, devices: Mapping[str, DeviceSpec], rng: random.Random
) -> DynamixelTwin:
    """The servos of the board `name`, each where 0 is, or at the limit that is nearest to it."""
    return DynamixelTwin(joints_on(name, devices, DynamixelAxisSpec, _servo))


def _servo(spec: DynamixelAxisSpec, angle_rad: float) -> SimulatedServo:
    return SimulatedServo(spec.product, spec.id, angle_rad=angle_rad)


DRIVER = Driver(
    name="dynamixel",
    board_spec=DynamixelBoardSpec,
    device_specs={"joint": DynamixelJointSpec, "gripper": DynamixelGripperSpec},
    board=DynamixelBoard,
    twin=make_twin,
    probes=PROBES,
)
