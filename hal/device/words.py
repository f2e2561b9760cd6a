"""What is said about a device: its state, its readings, its stop, its section of the robot's file."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Literal, NamedTuple

from pydantic import BaseModel, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from hal.units import write_defaults


class DeviceState(StrEnum):
    """Where a device is in its life."""

    ABSENT = "absent"
    """Its board is not there."""
    INACTIVE = "inactive"
    """There, but no present state of the machine needs it: it takes no setpoint."""
    ACTIVE = "active"
    FAULTED = "faulted"
    """Something is wrong with it; `Device.fault` says what. Its board brings it back to inactive."""


class Reading(NamedTuple):
    """One value, in SI, and when it was heard or commanded."""

    value: float | bool
    unit: str
    """Empty for a plain number, `bool` for a flag."""
    at: float


class Evidence(NamedTuple):
    """What is known about a stopped actuator: the far end confirmed it, or why that is not known."""

    confirmed: bool
    value: float | None = None
    age_s: float | None = None
    why: str | None = None


Feedback = Literal["none", "output", "motion"]
"""What comes back from an actuator to be compared with its limits: nothing, what its board says that it puts
out (a pin's state, a register), or what it really does (a position, a speed)."""


class DeviceSpec(BaseModel, frozen=True, extra="forbid", use_attribute_docstrings=True):
    """What the robot's file says about one device. Drivers add their wiring to the kinds' specs."""

    kind: str
    board: str | None = None

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler, /
    ) -> JsonSchemaValue:
        return write_defaults(handler.resolve_ref_schema(handler(schema)))

    def resources(self) -> dict[str, str]:
        """What it occupies on its board, by field: `{"pwm_pin": "5"}`. Two devices cannot share one."""
        return {}

    def parts(self) -> tuple[str, ...]:
        """The names of the devices that it is made of; one with parts has no board of its own."""
        return ()


class ActuatorSpec(DeviceSpec, frozen=True):
    """What every actuator can be told in the robot's file. Kinds narrow it to what they can do."""

    FEEDBACK: ClassVar[Feedback] = "none"
    """What its driver gets from it."""

    on_stop: Literal["zero", "hold", "off", "keep"] = "zero"
    """The safe value: output zero, stay in place, switch off, or leave the output as it is."""
    on_limit: Literal["refuse", "clamp"] = "refuse"
    """What becomes of a finite setpoint beyond a limit. One that is not a number is always refused."""
