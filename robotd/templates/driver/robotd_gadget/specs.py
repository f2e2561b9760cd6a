"""What a robot's file says about a Gadget and what hangs on it: the kinds' specs, with channels."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from hal import AnalogInputSpec, BoardSpec, Duration, Feedback, MotorSpec
from pydantic import Field

DEADMAN_S = 0.5
"""After so long without a word its firmware stops all motors (section 4)."""

Channel = Annotated[int, Field(ge=1, le=4, strict=True)]
"""As printed on the board."""


class GadgetBoardSpec(BoardSpec, frozen=True):
    """A Gadget with firmware 1.0 or newer."""

    baud: Annotated[int, Field(gt=0)] = 115200
    deadman: Duration | Literal["none"] | None = DEADMAN_S


class GadgetMotorSpec(MotorSpec, frozen=True):
    """A motor on one of the outputs M1 to M4."""

    FEEDBACK: ClassVar[Feedback] = "output"

    on_stop: Literal["zero", "off"] = "zero"
    channel: Channel

    def resources(self) -> dict[str, str]:
        """Its output."""
        return {"channel": f"M{self.channel}"}


class GadgetAnalogInputSpec(AnalogInputSpec, frozen=True):
    """A voltage on one of the inputs A1 to A4, in millivolts before the scale."""

    channel: Channel

    def resources(self) -> dict[str, str]:
        """Its input."""
        return {"channel": f"A{self.channel}"}
