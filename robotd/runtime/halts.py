"""Which actuators were told to stand still, or did less than was asked, and why: evidence for afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

from hal import Actuator, Device, HalError, Lapsed
from robotd.core.message import Message
from robotd.runtime.failure import explain
from robotd.runtime.readings import Clock
from robotd.runtime.record import Record
from robotd.runtime.robot import Permit


class _Halt(NamedTuple):
    device: str
    what: Mapping[str, Any]
    cause: Message | None


class _Clamp(NamedTuple):
    device: Actuator
    what: str
    asked: float
    taken: float


class Halts:
    """Listens to every actuator. What it has to write it writes in the next turn: halts come first."""

    def __init__(self, devices: Mapping[str, Device], record: Record, clock: Clock) -> None:
        self._record = record
        self._clock = clock
        self._movers: dict[Actuator, tuple[Permit, float]] = {}
        """Who commanded each actuator last, and when."""
        self.on_lapse: Callable[[Message], None] = lambda _: None
        """Told of the message whose motion went on until its time was over."""
        self._why: str | None = None
        self._cause: Message | None = None
        self._waiting: list[_Halt | _Clamp] = []
        self._clamped_to: dict[tuple[Actuator, str], float] = {}
        """What was asked when a limit cut it last: a stream beyond one is one thing, not twenty a second."""
        for device in devices.values():
            if isinstance(device, Actuator):
                device.halt_listeners.append(partial(self._halted, device))
                device.clamp_listeners.append(partial(self._clamped, device))

    def commanded(self, device: Actuator, permit: Permit) -> None:
        """An action has set something in motion."""
        self._movers[device] = (permit, self._clock())

    @contextmanager
    def because(self, why: str, cause: Message | None = None) -> Iterator[None]:
        """What halts meanwhile, halts for this reason."""
        before = self._why, self._cause
        self._why, self._cause = why, cause
        try:
            yield
        finally:
            self._why, self._cause = before

    def _halted(self, device: Actuator, reason: HalError, moved: bool) -> None:
        mover = self._movers.pop(device, None)
        if not moved or mover is None:
            return
        permit, commanded_at = mover
        said: dict[str, Any] = {"why": self._why or _reason(reason), "action": permit.action}
        if permit.cause is not None:
            said["command"] = permit.cause.id
        if isinstance(reason, Lapsed):
            if permit.cause is not None:
                self.on_lapse(permit.cause)
            said["age_ms"] = round((self._clock() - commanded_at) * 1000, 1)
        elif self._why is None:
            said["message"] = explain(reason).message
        self._later(_Halt(device.name, said, self._cause))

    def _clamped(self, device: Actuator, what: str, asked: float, taken: float) -> None:
        if self._clamped_to.get((device, what)) != asked:
            self._clamped_to[device, what] = asked
            self._later(_Clamp(device, what, asked, taken))

    def _later(self, row: _Halt | _Clamp) -> None:
        self._waiting.append(row)
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_soon(self._write)

    def _write(self) -> None:
        waiting, self._waiting = self._waiting, []
        for row in waiting:
            if isinstance(row, _Halt):
                self._record.halted(*row)
            elif (mover := self._movers.get(row.device)) is not None:
                # By now it is known who asked: a verb is known to be taken when it has returned.
                permit, _ = mover
                self._record.limited(
                    row.device.name, permit.action, permit.cause, {row.what: row.asked}, {row.what: row.taken}
                )


def _reason(error: HalError) -> str:
    return "freshness" if isinstance(error, Lapsed) else explain(error).reason
