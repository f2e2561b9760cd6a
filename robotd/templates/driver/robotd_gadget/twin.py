"""A Gadget with motors and a battery, without the Gadget, the motors and the battery.

What it answers follows the manual, with its habits: opening the port restarts it, motors of which it hears
nothing for half a second are stopped, a channel that does not exist is not answered.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from hal import UnknownQuantity

from robotd_gadget import codec
from robotd_gadget.codec import (
    FULL_DUTY,
    Booted,
    Decoder,
    Duty,
    DutyQuery,
    Frame,
    Hello,
    Identity,
    Voltage,
)
from robotd_gadget.specs import DEADMAN_S

VERSION = Identity(1, 0)
REPORT_S = 0.05
SPIN_UP_S = 0.1
"""The time constant of a motor."""
BATTERY_V = 12.0
SAG_V = 0.4
"""By how much the battery gives way to one motor at full speed."""


class MotorModel:
    """A motor: its speed follows its duty."""

    def __init__(self) -> None:
        self.told = 0.0
        self.runs_away = False
        self.speed = 0.0
        """As a share of its full speed."""

    @property
    def duty(self) -> float:
        """What it really is driven with."""
        return 1.0 if self.runs_away else self.told

    def advance(self, duration_s: float) -> None:
        """Let time pass."""
        self.speed = self.duty + (self.speed - self.duty) * math.exp(-duration_s / SPIN_UP_S)


class GadgetTwin:
    """The far end of its wire. `motors` and `inputs` are the names of what hangs on each channel."""

    def __init__(
        self, motors: Mapping[int, str], inputs: Mapping[int, str], version: Identity = VERSION
    ) -> None:
        self.refusing = False
        self._version = version
        self._motors = {channel: MotorModel() for channel in motors}
        self._names = dict(motors)
        self._inputs = dict(inputs)
        self._pinned: dict[str, float | bool] = {}
        self._decoder = Decoder()
        self._now = 0.0
        self._reports_at = math.inf
        self._stops_at = math.inf

    def power_on(self, now: float) -> bytes:
        """The port is opened: it restarts, and says so."""
        self._move(now)
        self._decoder = Decoder()
        self._stop()
        self._reports_at = now + REPORT_S
        return codec.encode(Booted())

    def receive(self, data: bytes, now: float) -> bytes:
        """What its firmware does with these bytes."""
        self._move(now)
        frames = self._decoder.feed(data)
        if frames:
            self._stops_at = now + DEADMAN_S
        return b"".join(map(self._obey, frames))

    def advance(self, now: float) -> bytes:
        """Move the motors, and report what is due."""
        if now >= self._stops_at:
            self._move(self._stops_at)
            self._stop()
        self._move(now)
        if now < self._reports_at:
            return b""
        self._reports_at += REPORT_S * math.ceil((now - self._reports_at + 1e-9) / REPORT_S)
        world = self.world()
        return b"".join(
            codec.encode(Voltage(channel, round(world[name] * 1000)))
            for channel, name in self._inputs.items()
        )

    def wakes_at(self) -> float | None:
        """The next report, or the end of its patience."""
        due = min(self._reports_at, self._stops_at)
        return due if due < math.inf else None

    def world(self) -> dict[str, float | bool]:
        """Each motor's duty and speed, and each input's volts, by the names of the devices."""
        world: dict[str, float | bool] = {}
        for channel, motor in self._motors.items():
            world[f"{self._names[channel]}_duty"] = motor.duty
            world[f"{self._names[channel]}_speed"] = motor.speed
        battery = BATTERY_V - SAG_V * sum(abs(motor.speed) for motor in self._motors.values())
        return world | dict.fromkeys(self._inputs.values(), battery) | self._pinned

    def set_world(self, name: str, value: float | bool | None) -> None:
        """Pin what the input `name` sees."""
        if name not in self._inputs.values():
            raise UnknownQuantity(name, self._inputs.values())
        if value is None:
            self._pinned.pop(name, None)
        else:
            self._pinned[name] = value

    def run_away(self, name: str, *, on: bool) -> None:
        """A fault of the output stage."""
        for channel, motor in self._motors.items():
            if self._names[channel] == name:
                motor.runs_away = on
                return
        raise UnknownQuantity(name, self._names.values())

    def _obey(self, frame: Frame) -> bytes:
        match frame:
            case Hello():
                return codec.encode(self._version)
            case Duty(channel, per_mille) if channel in self._motors:
                if not self.refusing and abs(per_mille) <= FULL_DUTY:
                    self._motors[channel].told = per_mille / FULL_DUTY
                return self._answer(channel)
            case DutyQuery(channel) if channel in self._motors:
                return self._answer(channel)
        return b""

    def _answer(self, channel: int) -> bytes:
        return codec.encode(Duty(channel, round(self._motors[channel].duty * FULL_DUTY)))

    def _stop(self) -> None:
        self._stops_at = math.inf
        for motor in self._motors.values():
            motor.told = 0.0

    def _move(self, now: float) -> None:
        for motor in self._motors.values():
            motor.advance(now - self._now)
        self._now = now
