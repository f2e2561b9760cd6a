"""What the servos on one wire are told: all that is due in one request, and the frames that stop them all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from hal.drivers.bus import REQUEST_LIMIT_BYTES, Bus, Outcome, Priority, Transaction
from hal.drivers.bus_servo import BusServo
from hal.errors import LinkFull
from hal.kinds import StopValue

CHUNK = 8
"""So many servos are told with one request."""
MEANT_FOR_S = 0.1
"""A goal that the bus had no room for so long is told no more; the newest is."""
FILLER = bytes(REQUEST_LIMIT_BYTES)
"""What a servo that waits for the rest of a broken request takes for it; no header is in it."""


_T = TypeVar("_T")


class Language(Protocol):
    """How a family of servos is told something. Nobody answers."""

    def goal_frame(self, goals: Mapping[BusServo, float]) -> bytes:
        """Tell at most `CHUNK` servos their goals, in rad from their middle."""

    def torque_frame(self, switches: Mapping[BusServo, bool]) -> bytes:
        """Switch the torque of at most `CHUNK` servos."""


class Setpoints:
    """The goals and switches that wait, of all servos of a board."""

    def __init__(self, servos: Mapping[int, BusServo], bus: Bus[Any], language: Language) -> None:
        self._servos = servos
        self._bus = bus
        self._language = language
        self._telling = False
        self._stops: tuple[StopValue, ...] = ()
        self._stop_frames = b""

    def tell_soon(self) -> None:
        """What waits in one turn of the loop goes out together, at its end."""
        if not self._telling:
            self._telling = True
            asyncio.get_running_loop().call_soon(self._tell)

    def stop_frames(self) -> bytes:
        """What ends any broken request; then each goal where its servo stands; then the torque."""
        stops = tuple(servo.stop_value for servo in self._servos.values())
        if stops != self._stops or not self._stop_frames:
            self._stops, self._stop_frames = stops, FILLER
            for chunk in _chunks(zip(self._servos.values(), stops, strict=True)):
                goals = {s: s.spec.to_servo(stop.goal_rad) for s, stop in chunk if stop.goal_rad is not None}
                switches = {s: stop.torque for s, stop in chunk if stop.torque is not None}
                self._stop_frames += self._language.goal_frame(goals) if goals else b""
                self._stop_frames += self._language.torque_frame(switches) if switches else b""
        return self._stop_frames

    def _tell(self) -> None:
        self._telling = False
        for number, servos in enumerate(_chunks(self._servos.values())):
            self._tell_goals(number, servos)
            self._tell_switches(number, servos)

    def _tell_goals(self, number: int, servos: Iterable[BusServo]) -> None:
        goals = {s: goal for s in servos if s.goal_waits and (goal := s.next_goal_rad) is not None}

        def sent(now: float) -> None:
            for servo, goal_rad in goals.items():
                servo.goal_was_sent(goal_rad, now)

        if goals:
            self._put(self._language.goal_frame(goals), ("goals", number), sent)

    def _tell_switches(self, number: int, servos: Iterable[BusServo]) -> None:
        switches = {s: s.wants_torque for s in servos if s.torque_waits and s.wants_torque is not None}

        def sent(now: float) -> None:
            for servo, on in switches.items():
                servo.torque_was_sent(on, now)

        if switches:
            self._put(self._language.torque_frame(switches), ("torque", number), sent)

    def _put(self, frame: bytes, topic: object, sent: Callable[[float], None]) -> None:
        loop = asyncio.get_running_loop()

        def done(outcome: Outcome[Any]) -> None:
            if outcome.trouble is None:
                sent(loop.time())

        setpoint = Transaction(frame, Priority.SETPOINT, topic=topic, begin_by=loop.time() + MEANT_FOR_S)
        with suppress(LinkFull):  # it waits, and is told when a read shows that it is missing
            self._bus.put(setpoint, done)


def _chunks(items: Iterable[_T]) -> Iterator[list[_T]]:
    """In the order of the servos: one that waits is always in the same chunk, whose newest request counts."""
    rest = list(items)
    while rest:
        yield rest[:CHUNK]
        del rest[:CHUNK]
