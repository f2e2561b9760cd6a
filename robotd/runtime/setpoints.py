"""Streams of setpoints: which command each device follows, what renews it, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol

from hal import Actuator, Device, HalError, Halted
from robotd.core.stage import DONE, EXPIRED, FAILED, PREEMPTED
from robotd.errors import Refused
from robotd.runtime.calls import Callee
from robotd.runtime.failure import explain
from robotd.runtime.ledger import Ledger
from robotd.runtime.record import Record
from robotd.runtime.robot import Permit
from robotd.runtime.run import Run


class Finish(Protocol):
    """How a run ends: its command is settled, and the machine told unless `outcome` is False."""

    def __call__(
        self,
        run: Run,
        stage: str,
        reason: str | None = None,
        *,
        error: Refused | None = None,
        outcome: bool = True,
    ) -> None:
        """End it."""


class _Beginning:
    """A stream whose first row is not durable yet."""

    __slots__ = ("newest",)

    def __init__(self, first: Run) -> None:
        self.newest = first


class Setpoints:
    """A stream (same client, same verb, never older than its freshness) is one actuation.

    Only its first setpoint waits for the journal; what comes meanwhile takes its place. Those that renew it
    go to the wire at once.
    """

    def __init__(
        self,
        devices: Mapping[str, Device],
        ledger: Ledger,
        record: Record,
        call: Callable[[Run, Callee], None],
        finish: Finish,
    ) -> None:
        self._ledger = ledger
        self._record = record
        self._call = call
        self._finish = finish
        self._beginning: dict[Device, _Beginning] = {}
        self._followed: dict[Device, Run] = {}
        for device in devices.values():
            if isinstance(device, Actuator):
                device.on_lapse = partial(self._lapsed, device)
                device.halt_listeners.append(partial(self._halted, device))

    def begin(self, run: Run, callee: Callee, device: Device) -> None:
        """Carry out a setpoint, now or as soon as it may be."""
        beginning, present = self._beginning.get(device), self._followed.get(device)
        cause, action = run.cause, run.start.do.name
        if beginning is not None and _renews(run, beginning.newest):
            self._ledger.begin(cause, action, stream=True)
            older, beginning.newest = beginning.newest, run
            self._finish(older, PREEMPTED, "newer", outcome=False)
        elif present is not None and _renews(run, present):
            self._ledger.begin(cause, action, stream=True)
            self._call(run, callee)
        else:
            begins = self._beginning[device] = _Beginning(run)
            row = self._ledger.begin(cause, action)
            if beginning is not None:
                self._finish(beginning.newest, PREEMPTED, "newer", outcome=False)
            self._record.when_durable(row, partial(self._durable, begins, callee, device))

    def follow(self, device: Actuator, run: Run) -> None:
        """The device has taken the setpoint of `run`."""
        self._followed[device] = run
        if run.expires_at is not None:
            device.expires(run.expires_at)

    def taken_over(self, device: Actuator, permit: Permit) -> None:
        """The action of `permit` commands this device now: what it was following is over."""
        run = self._followed.get(device)
        if run is not None and run.permit is not permit:
            del self._followed[device]
            self._finish(run, PREEMPTED, "newer", outcome=False)

    def forget(self, run: Run) -> None:
        """It is over."""
        for actuator in run.permit.used:
            if self._followed.get(actuator) is run:
                del self._followed[actuator]
        for device, beginning in self._beginning.items():
            if beginning.newest is run:
                del self._beginning[device]
                return

    def clear(self) -> None:
        """After a stop no device follows anything."""
        self._followed.clear()
        self._beginning.clear()

    def _durable(self, beginning: _Beginning, callee: Callee, device: Device) -> None:
        if self._beginning.get(device) is not beginning:
            return  # it was ended, or another client's stream came after it
        del self._beginning[device]
        run = beginning.newest
        if run.out_of_time:
            self._finish(run, EXPIRED, "expired")
        else:
            self._call(run, callee)

    def _lapsed(self, device: Actuator) -> None:
        """Nobody renewed the setpoint in time: that is how a stream of setpoints ends."""
        run = self._followed.pop(device, None)
        if run is not None:
            self._finish(run, DONE, "freshness")

    def _halted(self, device: Actuator, reason: HalError, _moved: bool) -> None:
        """The setpoint is over, by a verb `halt`, a loss or a fault; by a stop too, which tells it itself.

        It is told in the next turn: nothing may stand between one halt and the next.
        """
        run = self._followed.get(device)
        if run is not None:
            asyncio.get_running_loop().call_soon(self._interrupted, run, reason)

    def _interrupted(self, run: Run, reason: HalError) -> None:
        # Who halted a setpoint knows why; only what hardware did to it is an event.
        halted = isinstance(reason, Halted)
        self._finish(run, PREEMPTED if halted else FAILED, error=explain(reason), outcome=not halted)


def _renews(newer: Run, run: Run) -> bool:
    """Whether `newer` goes on with what `run` began: the same client, the same verb."""
    return run.cause.source == newer.cause.source and run.start.do.name == newer.start.do.name
