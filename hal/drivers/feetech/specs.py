"""What the robot's file says about a bus of Feetech's servos and what they move."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field

from hal.board import BoardSpec
from hal.drivers.bus_servo import BusAxisSpec
from hal.drivers.feetech.models import MODELS, Model
from hal.kinds import GripperSpec, JointSpec
from hal.units import Duration


class FeetechBoardSpec(BoardSpec, frozen=True):
    """A bus of STS or SCS servos on a half-duplex adapter."""

    baud: Annotated[int, Field(gt=0)] = 1_000_000
    deadman: Duration | Literal["none"] | None = "none"
    """The servos have none: each goes to the goal that it was told last, and holds it."""


class FeetechAxisSpec(BusAxisSpec, frozen=True):
    """One servo on the bus."""

    model: Literal["STS3215", "STS3250", "SCS0009"] = "STS3215"
    """As printed on its case."""

    @cached_property
    def product(self) -> Model:
        """What there is to know of the model."""
        return MODELS[self.model]

    @property
    def reach_rad(self) -> float:
        """Half of what its positions cover."""
        return self.product.range_rad / 2


class FeetechJointSpec(JointSpec, FeetechAxisSpec, frozen=True):
    """A joint of an arm."""


class FeetechGripperSpec(GripperSpec, FeetechAxisSpec, frozen=True):
    """A gripper."""
