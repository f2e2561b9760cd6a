"""Feetech's serial servos, STS and SCS: many on one half-duplex wire, moving joints and grippers."""

from __future__ import annotations

import random
from collections.abc import Mapping

from hal.board import BoardSpec
from hal.device import DeviceSpec
from hal.driver import Driver
from hal.drivers.feetech.board import FeetechBoard
from hal.drivers.feetech.probe import PROBES
from hal.drivers.feetech.servo import SimulatedServo
from hal.drivers.feetech.specs import (
    FeetechAxisSpec,
    FeetechBoardSpec,
    FeetechGripperSpec,
    FeetechJointSpec,
)
from hal.drivers.feetech.twin import FeetechTwin
from hal.drivers.servo_twin import joints_on


def make_twin(
    name: str, spec: BoardSpec, devices: Mapping[str, DeviceSpec], rng: random.Random
) -> FeetechTwin:
    """The servos of the board `name`, each where 0 is, or at the limit that is nearest to it."""
    return FeetechTwin(joints_on(name, devices, FeetechAxisSpec, _servo))


def _servo(spec: FeetechAxisSpec, angle_rad: float) -> SimulatedServo:
    return SimulatedServo(spec.product, spec.id, angle_rad=angle_rad)


DRIVER = Driver(
    name="feetech",
    board_spec=FeetechBoardSpec,
    device_specs={"joint": FeetechJointSpec, "gripper": FeetechGripperSpec},
    board=FeetechBoard,
    twin=make_twin,
    probes=PROBES,
)
