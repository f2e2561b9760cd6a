"""Several joints that live, stop and are summed up as one."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from hal.device import ActuatorSpec, Device, DeviceState, Feedback
from hal.errors import DeviceRefused
from hal.kinds.joint import Joint
from hal.kinds.leading import Leading
from hal.kinds.servoed import Servoed

MOST_JOINTS = 32
SUMMARIES: Mapping[str, Callable[[list[float | bool]], float | bool]] = {
    "temperature": max,
    "current": sum,
    "torque": all,
}
"""How a reading of the group follows from that of its joints."""


class JointGroupSpec(ActuatorSpec, frozen=True):
    """What the file says about an arm. It has no board of its own: its joints have."""

    kind: Literal["joint_group"] = "joint_group"
    board: None = None
    on_stop: Literal["hold"] = "hold"
    """Each joint does what its own `on_stop` says."""
    joints: Annotated[tuple[str, ...], Field(min_length=1, max_length=MOST_JOINTS)]
    """The names of its joints, from the base on."""

    def parts(self) -> tuple[str, ...]:
        """All joints."""
        return self.joints

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for name in self.joints:
            if self.joints.count(name) > 1:
                sentence = f"the joint {name} is named twice"
                raise PydanticCustomError("joints", "{sentence}", {"sentence": sentence, "hint": None})
        return self


class Joints(Leading):
    """The joints of an arm, in order. Its life follows theirs: all must be there for it to be there."""

    READINGS: ClassVar[Mapping[str, str]] = {
        "moving": "bool",
        "torque": "bool",
        "current": "A",
        "temperature": "degC",
    }
    INITIAL: ClassVar[Mapping[str, float | bool]] = {"moving": False}

    spec: JointGroupSpec

    def __init__(self, name: str, spec: JointGroupSpec, joints: Sequence[Joint]) -> None:
        super().__init__(name, spec)
        self._joints = {joint.name: joint for joint in joints}
        self._parts = tuple(joints)
        for joint in joints:
            joint.group = self
            joint.life_listeners.append(self._follow)
            joint.listeners.append(self._sum_up)
        self._follow(joints[0])

    @classmethod
    def of(cls, name: str, spec: JointGroupSpec, devices: Mapping[str, Device]) -> Self:
        """Make it of the joints that `spec` names. Raises `DeviceRefused`."""
        return cls(name, spec, [_joint(name, devices, part) for part in spec.joints])

    @property
    def boards(self) -> tuple[str, ...]:
        """The boards of its joints."""
        return tuple(dict.fromkeys(board for joint in self._parts for board in joint.boards))

    @property
    def feedback(self) -> Feedback:
        """Its joints are compared with their limits each by itself."""
        return "motion"

    @property
    def _led(self) -> Sequence[Servoed]:
        return self._parts

    def _named(self, name: str) -> Joint:
        joint = self._joints.get(name)
        if joint is None:
            near = difflib.get_close_matches(name, self._joints, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"it has {', '.join(self._joints)}"
            raise DeviceRefused(self.name, f"it has no joint '{name}'; {hint}")
        return joint

    def _positions(self) -> dict[str, float]:
        return {name: joint.axis.present or 0.0 for name, joint in self._joints.items()}

    def _require_free(self) -> None:
        for joint in self._parts:
            if self.at_rest and not joint.at_rest:
                raise DeviceRefused(self.name, f"its joint {joint.name} moves by itself; halt that first")

    def _to_stop_value(self, now: float) -> None:
        """Every joint does what its `on_stop` says, at once."""
        self._course = None
        self._ticker.stop()
        for joint in self._parts:
            self._surely(joint.cut, now)
        self._resting(now, True)
        self._publish("moving", False, now)

    def _follow(self, _joint: Device) -> None:
        """Live as the joints do."""
        faulted = [joint for joint in self._parts if joint.state is DeviceState.FAULTED]
        if any(joint.state is DeviceState.ABSENT for joint in self._parts):
            if self.state is not DeviceState.ABSENT:
                self.vanish()
        elif not faulted:
            self.present()
        elif self.state is not DeviceState.FAULTED:
            self.fail(f"its joint {faulted[0].name} is faulted: {faulted[0].fault}")

    def _sum_up(self, _joint: Device, reading: str) -> None:
        """Of all joints: the hottest, the sum of the currents, and whether each has torque."""
        if reading not in SUMMARIES:
            return
        found = [joint.reading(reading) for joint in self._parts]
        known = [one.value for one in found if one is not None]
        if len(known) < len(found):
            return
        at = max(one.at for one in found if one is not None)
        self._publish(reading, SUMMARIES[reading](known), at)


def _joint(group: str, devices: Mapping[str, Device], name: str) -> Joint:
    joint = devices.get(name)
    if not isinstance(joint, Joint):
        raise DeviceRefused(group, f"its joint '{name}' is no joint")
    return joint
