"""Eleven bugs, each a small change of the shipped code, and the promise that each of them breaks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pytest

from hal import Actuator, Device, DeviceState
from robotd.core.decision import Entry
from robotd.core.message import Lane, Message
from robotd.core.queue import MessageQueue
from robotd.core.role import Role
from robotd.daemon.engine import Engine
from robotd.daemon.leasing import Leasing
from robotd.runtime.cancelled import Cancelled
from robotd.runtime.executor import Executor
from robotd.runtime.ledger import Ledger
from robotd.safety.latch import Latch
from robotd.safety.stop import Stop


class Planted(NamedTuple):
    """One bug."""

    plant: Callable[[pytest.MonkeyPatch], None]
    breaks: str
    """The promise."""
    from_seed: int = 0
    """Where every run begins to look, for the lives before show nothing; a campaign lives them too."""


def freshness_not_checked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Actuator, "_fresh_until", lambda *_: None)


def outcome_not_stamped(patch: pytest.MonkeyPatch) -> None:
    emit = Engine._emit

    def unstamped(
        self: Engine, event: str, cause: Message, _entry: Entry | None, payload: Mapping[str, Any]
    ) -> None:
        emit(self, event, cause, None, payload)

    patch.setattr(Engine, "_emit", unstamped)


def limit_order_lets_nan_through(patch: pytest.MonkeyPatch) -> None:
    def limited(self: Actuator, what: str, value: float, low: float, high: float, unit: str) -> float:
        if self.spec.on_limit == "clamp":
            return min(max(float(value), low), high)
        return self._within(what, value, low, high, unit)

    patch.setattr(Actuator, "_limited", limited)


def cancel_not_awaited(patch: pytest.MonkeyPatch) -> None:
    async def close(self: Executor) -> None:
        self.stop("shutting_down")

    patch.setattr(Executor, "close", close)


def epoch_not_raised(patch: pytest.MonkeyPatch) -> None:
    def trip(self: Stop, reason: str, by: str, latch_id: str | None = None) -> Latch:
        began = self._clock()
        self._rig.halt()
        self.newest_at = began
        self.latch = Latch(latch_id or self._new_id(), reason or "no reason given", by, began)
        return self.latch

    patch.setattr(Stop, "trip", trip)


def queue_unbounded(patch: pytest.MonkeyPatch) -> None:
    def offer(self: MessageQueue, message: Message) -> bool:
        self._command.append(message)
        return True

    patch.setattr(MessageQueue, "_offer_command", offer)


def latch_cleared_by_a_new_command(patch: pytest.MonkeyPatch) -> None:
    offer = Engine.offer

    def clearing(self: Engine, command: Any, role: Role) -> None:
        self.stop.clear()
        offer(self, command, role)

    patch.setattr(Engine, "offer", clearing)


def stale_read_after_reconnect(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Device, "vanish", lambda self: self._live(DeviceState.ABSENT))


def handler_leaked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Cancelled, "cancel", lambda self, run, task: None)


def double_terminal_stage(patch: pytest.MonkeyPatch) -> None:
    settle = Ledger.settle

    def twice(self: Ledger, command_id: str, *args: Any, **more: Any) -> None:
        tracked = self._open.get(command_id)
        settle(self, command_id, *args, **more)
        if tracked is not None and tracked.command.lane is Lane.BACKGROUND:
            self._open[command_id] = tracked

    patch.setattr(Ledger, "settle", twice)


def lost_operator_halts_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Leasing, "_halt", lambda self, why: None)


PLANTED: Mapping[str, Planted] = {
    "freshness not checked": Planted(freshness_not_checked, "freshness", 1),
    "outcome not stamped": Planted(outcome_not_stamped, "own outcomes", 1),
    "limit order lets NaN through": Planted(limit_order_lets_nan_through, "limits", 11),
    "cancel not awaited": Planted(cancel_not_awaited, "no leak", 7),
    "epoch not raised": Planted(epoch_not_raised, "epoch", 3),
    "queue unbounded": Planted(queue_unbounded, "bounds", 2),
    "latch cleared by a new command": Planted(latch_cleared_by_a_new_command, "latch", 3),
    "stale read after reconnect": Planted(stale_read_after_reconnect, "fresh readings"),
    "handler leaked": Planted(handler_leaked, "no leak", 5),
    "lost operator halts nothing": Planted(lost_operator_halts_nothing, "lease", 21),
    "double terminal stage": Planted(double_terminal_stage, "one end"),
}
