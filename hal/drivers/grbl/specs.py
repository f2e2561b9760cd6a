"""What the robot's file says about a Grbl board and what hangs on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from hal.board import BoardSpec
from hal.device import Feedback
from hal.kinds import DigitalInputSpec, DigitalOutputSpec, RelaySpec
from hal.kinds.three_axes import GantrySpec
from hal.units import Duration, PositiveDuration

PIN_LETTERS: Mapping[str, str] = {
    "probe": "P",
    "x_limit": "X",
    "y_limit": "Y",
    "z_limit": "Z",
    "door": "D",
    "hold": "H",
    "start": "S",
}
"""By the name of an input: how a status report calls it."""


class GrblBoardSpec(BoardSpec, frozen=True):
    """A controller that runs Grbl 1.1, on an Arduino or on anything else."""

    baud: Annotated[int, Field(gt=0)] = 115200
    deadman: Duration | Literal["none"] | None = "none"
    """Grbl has none: it carries out what it was sent."""
    brake: PositiveDuration = 0.15
    """How long a stop may brake. What moves then still is reset: it stands, and has lost its position."""
    homing_limit: PositiveDuration = 60.0
    """How long it may take to home. It says nothing meanwhile."""


class GrblGantrySpec(GantrySpec, frozen=True):
    """The machine itself; a board has one. It counts its steps: what comes back is what it put out."""

    FEEDBACK: ClassVar[Feedback] = "output"

    def resources(self) -> dict[str, str]:
        """The axes."""
        return {"kind": "axes"}


class GrblDigitalOutputSpec(DigitalOutputSpec, frozen=True):
    """The coolant output (M8 and M9), with a lamp or a valve on it."""

    FEEDBACK: ClassVar[Feedback] = "output"

    def resources(self) -> dict[str, str]:
        """The output."""
        return {"kind": "coolant"}


class GrblRelaySpec(RelaySpec, frozen=True):
    """The coolant output (M8 and M9), with a relay on it: the valve of a vacuum gripper."""

    FEEDBACK: ClassVar[Feedback] = "output"

    def resources(self) -> dict[str, str]:
        """The output."""
        return {"kind": "coolant"}


class GrblDigitalInputSpec(DigitalInputSpec, frozen=True):
    """One of the inputs that a status report tells of: a vacuum switch on the probe's pin."""

    pin: Literal["probe", "x_limit", "y_limit", "z_limit", "door", "hold", "start"]
    stale: PositiveDuration = 1.0
    simulate: Literal["gripped", "constant"] = "gripped"
    """What the twin lets it feel: a part at the gripper, or nothing until its world is told."""

    def resources(self) -> dict[str, str]:
        """Its pin."""
        return {"pin": self.pin}
