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
from hal.drivers.servo_twin import TwinJoint


def make_twin(
    name: str, spec: BoardSpec, devices: Mapping[str, DeviceSpec], rng: random.Random
) -> DynamixelTwin:
    """The servos of the board `name`, each where 0 is, or at the limit that is nearest to it."""
    return DynamixelTwin(
        {
            device: _joint(spec)
            for device, spec in devices.items()
            if spec.board == name and isinstance(spec, DynamixelAxisSpec)
        }
    )


def _joint(spec: DynamixelAxisSpec) -> TwinJoint[SimulatedServo]:
    angle_rad = spec.to_servo(min(max(0.0, spec.low), spec.high))
    servo = SimulatedServo(spec.product, spec.id, angle_rad=angle_rad)
    return TwinJoint(servo, spec.from_servo, spec.to_servo)


DRIVER = Driver(
    name="dynamixel",
    board_spec=DynamixelBoardSpec,
    device_specs={"joint": DynamixelJointSpec, "gripper": DynamixelGripperSpec},
    board=DynamixelBoard,
    twin=make_twin,
    probes=PROBES,
)
