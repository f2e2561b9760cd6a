"""Listens in on the wire to a rover's Arduino: every duty that its motors are told, and when."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from hal import Rig
from hal.drivers.firmata.codec import Decoder
from hal.drivers.firmata.words import Analog, SetPin

MOTORS = {5: "left", 6: "right"}
DIRECTIONS = {4: "left", 7: "right"}
SERVO = 9
FULL_DUTY = 255


class Told(NamedTuple):
    """One write to a motor: the duty from -1 to 1."""

    at: float
    motor: str
    duty: float


class Gag:
    """Keeps a twin from saying anything while it is `on`. The twin hears and does what it is told."""

    def __init__(self, rig: Rig, board: str = "arduino") -> None:
        self.on = False
        twin = rig.twins[board]
        advance, receive = twin.advance, twin.receive
        setattr(twin, "advance", lambda now: self._muffled(advance(now)))  # noqa: B010  # mypy keeps methods
        setattr(twin, "receive", lambda data, now: self._muffled(receive(data, now)))  # noqa: B010  # as above

    def _muffled(self, said: bytes) -> bytes:
        return b"" if self.on else said


class Tap:
    """What reaches the twin, byte for byte, decoded a second time."""

    def __init__(self, rig: Rig, board: str = "arduino") -> None:
        self.told: list[Told] = []
        self.servo: list[int] = []
        """The pulses that the mast was told, in us."""
        self.duty = {"left": 0.0, "right": 0.0}
        self._sign = {"left": 1, "right": 1}
        self._twin = rig.twins[board].twin
        self._receive, self._decoder = self._twin.receive, Decoder.of_requests()
        self._twin.receive = self._listen  # type: ignore[method-assign]  # a wire has no other place to listen

    def moved_since(self, at: float) -> list[Told]:
        """Every write after `at` that would turn a wheel."""
        return [told for told in self.told if told.at >= at and told.duty]

    def _listen(self, data: bytes, now: float) -> bytes:
        for frame in self._decoder.feed(data):
            if isinstance(frame, SetPin) and frame.pin in DIRECTIONS:
                self._sign[DIRECTIONS[frame.pin]] = -1 if frame.high else 1
            elif isinstance(frame, Analog) and frame.pin in MOTORS:
                motor = MOTORS[frame.pin]
                self.duty[motor] = self._sign[motor] * frame.value / FULL_DUTY
                self.told.append(Told(asyncio.get_running_loop().time(), motor, self.duty[motor]))
            elif isinstance(frame, Analog) and frame.pin == SERVO:
                self.servo.append(frame.value)
        return self._receive(data, now)
