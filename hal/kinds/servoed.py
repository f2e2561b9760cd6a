"""What a joint and a gripper have in common: one servo, told by a kind, heard from a driver."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import ClassVar

from hal.device import Actuator, Reading
from hal.errors import DeviceRefused, HalError
from hal.kinds.axis import Axis, AxisSpec, JointOutput, StopValue
from hal.kinds.leading import Leading
from hal.kinds.output import Output

READINGS: Mapping[str, str] = {
    "position": "rad",
    "velocity": "rad/s",
    "current": "A",
    "temperature": "degC",
    "target": "rad",
    "moving": "bool",
    "torque": "bool",
}
TOLD = ("position", "velocity", "current", "temperature")
"""The readings that its servo says itself..."""
COMMANDED = ("target", "moving", "torque")
"""...and those that say what it was told."""


class Servoed(Leading):
    """A device with one servo of its own. Its driver tells it what the servo says."""

    READINGS: ClassVar[Mapping[str, str]] = READINGS
    INITIAL: ClassVar[Mapping[str, float | bool]] = {"moving": False}

    spec: AxisSpec

    def __init__(self, name: str, spec: AxisSpec, line: JointOutput) -> None:
        super().__init__(name, spec)
        self.axis = Axis(name, spec, line)
        self.stale_after_s = spec.stale
        self.group: Actuator | None = None
        """The group that it is a joint of."""

    @property
    def output(self) -> Output:
        """Takes its goals, in rad."""
        return self.axis.output

    @output.setter
    def output(self, output: Output) -> None:
        self.axis.output = output

    @property
    def _led(self) -> Sequence[Servoed]:
        return (self,)

    # ------------------------------------------------------------------ for its driver

    def update(
        self,
        position_rad: float | None = None,
        velocity_rad_s: float | None = None,
        current_a: float | None = None,
        temperature_degc: float | None = None,
        *,
        at: float,
    ) -> None:
        """What its servo says at loop time `at`; None for what it was not asked. Angles as the file counts.

        What is not finite is left out.
        """
        told = position_rad, velocity_rad_s, current_a, temperature_degc
        self._renew(zip(TOLD, told, strict=True), at)
        if position_rad is not None and isfinite(position_rad):
            self.axis.see(position_rad, velocity_rad_s, at)
            self._heard(at)

    def reading(self, name: str | None = None) -> Reading | None:
        """As every device's; what it was told is as fresh as the last word of its servo."""
        found = super().reading(name)
        if found is None or name not in COMMANDED or found.at >= self.axis.present_at:
            return found
        return Reading(found.value, found.unit, self.axis.present_at)

    def update_torque(self, on: bool, at: float) -> None:
        """Whether its servo has torque, as it says itself. One that lost it by itself stops what it is in."""
        lost = self.axis.torque is True and not on
        if on is not self.axis.torque:
            self.axis.torque = on
            self.axis.goal = self.axis.present if on else None
            self.axis.settling = False
            self._show(at)
        if lost:
            self.stop_because(
                DeviceRefused(
                    self.name, "its torque went off by itself; was it overloaded, was it unplugged?"
                )
            )

    def stands_at(self, goal: float, now: float) -> None:
        """Its servo came to rest at this goal, which need not be the last: that may have got lost."""
        self.axis.goal = goal
        self._show(now)

    def stop_value(self) -> StopValue:
        """What makes it safe now, for the stop frames of its board."""
        return self.axis.stop_value(self.spec.on_stop)

    # ------------------------------------------------------------------ for its group

    def follow(self, goal: float, now: float) -> None:
        """Be led to the next goal. Raises what the wire raises."""
        self.axis.lead(goal)
        self._resting(now, False)
        self._publish("moving", True, now)
        self._show(now)

    def engage(self, now: float) -> float:
        """Have torque, as `Axis.engage`."""
        try:
            return self.axis.engage(now)
        finally:
            self._show(now)

    def go_limp(self, now: float) -> None:
        """Have no torque. Raises what the wire raises."""
        self.axis.release()
        self._stop_no_more()
        self._show(now)

    def guide(self, now: float) -> None:
        """Have no torque, to be led by hand. Raises what the wire raises."""
        self.go_limp(now)
        self.axis.guided = True
        self._resting(now, False)

    def come_to_rest(self, now: float) -> None:
        """It was led to the end."""
        self._resting(now, True)
        self._publish("moving", False, now)

    # ------------------------------------------------------------------ its life

    def vanish(self) -> None:
        """As for every actuator; where it stands, nobody knows."""
        super().vanish()
        self.axis.forget()

    def stop_because(self, reason: HalError) -> None:
        """Stop its group too: one joint that stops alone would bend the way of all others."""
        if self.group is not None and not self.group.at_rest:
            self.group.stop_because(reason)
        super().stop_because(reason)

    def _halt_own(self) -> None:
        if not self.at_rest and (self.group is None or self.group.at_rest):
            self.halt()

    def _to_stop_value(self, now: float) -> None:
        self._course = None
        self._ticker.stop()
        self._surely(self.cut, now)

    def cut(self, now: float) -> None:
        """Write the stop value now; the readings say so even if the wire refused."""
        stop = self.stop_value()
        try:
            if stop.torque is False:
                self.axis.release()
            elif stop.torque:
                self.axis.hold(now)
        finally:
            self.come_to_rest(now)
            self._show(now)

    def _heard(self, at: float) -> None:
        """It said where it stands."""

    def _show(self, now: float) -> None:
        axis = self.axis
        if axis.torque is not None:
            self._publish("torque", axis.torque, now)
        if axis.goal is not None:
            self._publish("target", axis.goal, now)

    def _renew(self, told: Iterable[tuple[str, float | None]], at: float) -> None:
        """Keep what is finite, and tell the listeners of what is another than before, or was stale."""
        values, stale_s = self._values, self.spec.stale
        for name, value in told:
            if value is not None and isfinite(value):
                known = values.get(name)
                values[name] = (value, at)
                if known is None or known[0] != value or at - known[1] > stale_s:
                    self._tell(name)

    def _require_free(self) -> None:
        if self.group is not None and not self.group.at_rest:
            raise DeviceRefused(
                self.name, f"it moves for {self.group.name} now; halt {self.group.name} first"
            )
