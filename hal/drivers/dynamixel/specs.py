"""What the robot's file says about a bus of Dynamixel servos and what they move."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field

from hal.board import BoardSpec
from hal.drivers.bus_servo import BusAxisSpec
from hal.drivers.dynamixel import codec
from hal.drivers.dynamixel.models import MODELS, Model
from hal.kinds import GripperSpec, JointSpec
from hal.units import Duration

ModelName = Literal[
    "XL330-M077",
    "XL330-M288",
    "XL430-W250",
    "XM430-W350",
    "XM430-W210",
    "XH430-W350",
    "XH430-W210",
    "XM540-W270",
    "XM540-W150",
]


class DynamixelBoardSpec(BoardSpec, frozen=True):
    """A bus of X series servos on a half-duplex adapter, such as a U2D2."""

    baud: Annotated[int, Field(gt=0)] = 1_000_000
    deadman: Duration | Literal["none"] | None = "none"
    """With a time, their bus watchdogs are set to it; they come without one."""


class DynamixelAxisSpec(BusAxisSpec, frozen=True):
    """One servo on the bus."""

    id: Annotated[int, Field(ge=0, le=codec.LARGEST_ID, strict=True)]
    model: ModelName = "XL330-M288"
    """As printed on its case; another one that answers is refused."""

    @cached_property
    def product(self) -> Model:
        """What there is to know of the model."""
        return MODELS[self.model]

    @property
    def reach_rad(self) -> float:
        """Half a turn."""
        return math.pi


class DynamixelJointSpec(JointSpec, DynamixelAxisSpec, frozen=True):
    """A joint of an arm."""


class DynamixelGripperSpec(GripperSpec, DynamixelAxisSpec, frozen=True):
    """A gripper."""
