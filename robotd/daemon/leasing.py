"""The lease of a running robot: who may move it, what halts when they are not heard, and who is told."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from robotd.config import RobotConfig
from robotd.core.chart import OPERATOR_LOST, Chart
from robotd.core.decision import Entry
from robotd.core.machine import StateMachine
from robotd.core.message import Command, Event, Lane, Message
from robotd.core.queue import MessageQueue
from robotd.core.stage import CANCELLED
from robotd.daemon.record import Record
from robotd.errors import Refused
from robotd.runtime.executor import Executor
from robotd.runtime.ledger import Ledger
from robotd.runtime.readings import Clock
from robotd.runtime.run import Run
from robotd.safety.lease import RENEWALS, Ended, Held, Holder, Lease, Taken

OFF = "off"
REMEMBERED = 64
"""So many of the holder's motions with an end are remembered, to know what follows from them."""

TAKEN, LAPSED, STOLEN, RELEASED = "taken", "lapsed", "stolen", "released"
"""What becomes of it."""
GIVEN_BACK = "given back"
"""Why it was released, where its holder wanted so."""

Told = Callable[[str, Held, Mapping[str, Any]], None]


class Happen(Protocol):
    """How an event comes about."""

    def __call__(
        self, name: str, lane: Lane, source: str, *, payload: Mapping[str, Any], sticky: bool
    ) -> Event:
        """Make it."""


class Leasing:
    """Asks the lease before anything moves, and follows it through time.

    What a state marked `unattended` owns needs no lease; everything else that moves does.
    """

    def __init__(
        self,
        config: RobotConfig,
        queue: MessageQueue,
        executor: Executor,
        machine: StateMachine,
        ledger: Ledger,
        record: Record,
        happen: Happen,
        clock: Clock,
        new_id: Callable[[], str],
        log: Any,
    ) -> None:
        self.on = config.lease.on
        self.lease = Lease(config.lease.window_s, config.lease.teleop_window_s)
        self.unattended = unattended(config.chart)
        """The states in which the robot moves without an operator."""
        self.listeners: list[Told] = []
        """Told what became of it, whose it is or was, and what belongs to that."""
        self._commands = config.commands
        self._window_s = config.lease.window_s
        self._queue = queue
        self._executor = executor
        self._machine = machine
        self._ledger = ledger
        self._record = record
        self._happen = happen
        self._clock = clock
        self._new_id = new_id
        self._log = log
        self._traces: deque[str] = deque(maxlen=REMEMBERED)
        """Of the holder's commands for motions with an end, and so of all that follows from them."""
        self._timer: asyncio.TimerHandle | None = None
        if self.on:
            executor.unled = self.unled
            executor.halts.on_lapse = self._setpoint_lapsed

    def close(self) -> None:
        """The daemon ends."""
        if self._timer is not None:
            self._timer.cancel()

    # -- what moves ---------------------------------------------------------------------------------

    def refusal(self, command: Command, who: Holder) -> Refused | None:
        """Why this session may not send what moves the robot; None: it may, and has the lease from now on.

        What will not run, because there is no place for it or it is too old, keeps its sender's lease, but
        takes none.
        """
        if not self.on:
            return None
        self._look()
        streamed = self._commands[command.type].streamed
        lapsed = command.expires_at is not None and self._clock() >= command.expires_at
        try:
            taken = self.lease.use(
                who,
                command.at,
                self._new_id,
                streamed=streamed,
                at_rest=self._at_rest(),
                takes=not (lapsed or self._queue.refuses(command)),
            )
        except Refused as refused:
            return refused
        if taken is not None:
            self._taken(taken, command.trace_id)
        if not streamed:
            self._traces.append(command.trace_id)
        return None

    def unled(self, entry: Entry) -> Refused | None:
        """Why what belongs to this stay may not begin to move for want of an operator; None: it may."""
        if entry.state.path in self.unattended:
            return None
        self._look()
        return self.lease.refusal(None, self._clock()) if self.lease.holder is None else None

    # -- what clients ask ---------------------------------------------------------------------------

    def acquire(self, who: Holder, at: float, window_s: float | None, *, steal: bool) -> dict[str, Any]:
        """Take the lease. Raises `Refused`."""
        if not self.on:
            return _granted(OFF, self._window_s if window_s is None else window_s)
        self._look()
        taken = self.lease.acquire(
            who, at, self._new_id, window_s=window_s, steal=steal, at_rest=self._at_rest()
        )
        self._taken(taken)
        held = taken.held
        return _granted(held.lease_id, held.window_s)

    def renew(self, who: Holder, lease_id: str, at: float) -> dict[str, Any]:
        """Keep it. Raises `Refused` where it is not theirs (any more)."""
        if not self.on:
            return _granted(OFF, self._window_s)
        self._look()
        held = self.lease.renew(who, lease_id, at)
        return _granted(held.lease_id, held.window_s)

    def release(self, who: Holder, lease_id: str) -> dict[str, Any]:
        """Give it back; what it moves halts. Raises `Refused` where it is not theirs (any more)."""
        if self.on:
            self._look()
            held = self.lease.release(who, lease_id)
            self._halt(Refused("no_lease", "its operator gave the lease back", hint="take it again"))
            self._tell(RELEASED, held, why=GIVEN_BACK)
        return {"lease_id": lease_id, "released": True}

    def mute(self, source: str) -> None:
        """A session says nothing more."""
        self.lease.mute(source)

    def left(self, source: str) -> None:
        """A session is over."""
        self.lease.close(source)

    def as_data(self) -> dict[str, Any] | str:
        """For `status`."""
        if not self.on:
            return OFF
        held, now = self.lease.held, self._clock()
        present = not self.unattended.isdisjoint(self._machine.active)
        if held is None:
            return {"holder": None, "unattended": present}
        said: dict[str, Any] = {
            "holder": held.holder.as_data(),
            "window_ms": round(held.window_s * 1000),
            "age_ms": round((now - held.heard_at) * 1000, 1),
            "explicit": held.explicit,
        }
        if held.lost_at is not None:
            said["lost_ms"] = round((now - held.lost_at) * 1000, 1)
        if held.closed:
            said["closed"] = True
        return said | {"unattended": present}

    # -- what becomes of it -------------------------------------------------------------------------

    def _taken(self, taken: Taken, trace: str | None = None) -> None:
        """Somebody has it now. Of another nothing goes on that needs it."""
        held, before = taken
        more: dict[str, Any] = {}
        if before is None or not taken.goes_on:
            self._traces.clear()
        if before is not None and (before.closed or before.holder.source != held.holder.source):
            by = held.holder
            if not taken.goes_on:
                self._halt(Refused("no_lease", f"{by.source} took the lease over", hint="ask who that is"))
            if not before.closed:
                self._tell(STOLEN, before, by=by.as_data())
            more["from"] = before.holder.as_data()
        self._tell(TAKEN, held, trace, **more)
        self._wake()

    def _ring(self) -> None:
        self._timer = None
        self._look()
        self._wake()

    def _wake(self) -> None:
        """See to it that somebody looks when it is due."""
        due = self.lease.due
        if due is None:
            return
        if self._timer is not None:
            if self._timer.when() <= due:
                return
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(due, self._ring)

    def _look(self) -> None:
        """Let what is due happen: nobody may be heard after that who was not heard before."""
        held, now = self.lease.held, self._clock()
        if held is None or now < held.due:
            return
        ended = self.lease.tick(now, at_rest=self._at_rest(), is_used=self._is_used())
        if ended is Ended.LAPSED:
            self._lapsed(held, now)
        elif ended is Ended.IDLE:
            self._tell(RELEASED, held, why="nothing moves any more")
        elif ended is Ended.FREED:
            self._tell(RELEASED, held, why="lost")
            payload = {"source": held.holder.source, "principal": held.holder.principal}
            self._queue.offer(self._happen(OPERATOR_LOST, Lane.EVENT, "lease", payload=payload, sticky=True))

    def _lapsed(self, held: Held, now: float) -> None:
        silent_s = now - held.heard_at
        sentence = f"its operator was not heard for {silent_s:.3g} s"
        self._halt(Refused(OPERATOR_LOST, sentence, hint="lease.acquire takes the lease again"))
        self._log.warning(OPERATOR_LOST, source=held.holder.source, silent_s=round(silent_s, 3))
        self._tell(LAPSED, held, silent_ms=round(silent_s * 1000, 1))
        self._wake()

    def _halt(self, why: Refused) -> None:
        """What needs the lease halts, and what waits to move something is dead."""
        self._executor.interrupt(why, self._needs_lease)
        commands = self._commands
        for message in self._queue.withdraw(lambda one: type(one) is Command and commands[one.type].moves):
            self._ledger.settle(message.id, CANCELLED, why.reason)

    def _tell(self, what: str, held: Held, trace: str | None = None, **more: Any) -> None:
        self._record.lease(what, held, more, trace)
        for told in self.listeners:
            told(what, held, more)

    # -- what is under way --------------------------------------------------------------------------

    def _needs_lease(self, run: Run) -> bool:
        return run.start.entry.state.path not in self.unattended

    def _at_rest(self) -> bool:
        return not any(map(self._needs_lease, self._executor.actuating()))

    def _is_used(self) -> bool:
        """Whether a motion with an end is under way that a command of the holder caused, or what followed.

        No such motion lets a stream go on beside it that nobody renews.
        """
        runs = [*filter(self._needs_lease, self._executor.actuating())]
        caused = any(run.cause.trace_id in self._traces for run in runs)
        return caused and not any(map(self._executor.streams, runs))

    def _setpoint_lapsed(self, cause: Message) -> None:
        if type(cause) is Command and self._commands[cause.type].streamed:
            self.lease.fell_silent(cause.source)


def unattended(chart: Chart) -> frozenset[str]:
    """The states that are marked so, and all inside them."""
    return frozenset(
        path
        for region in chart.regions
        for path in region.states
        if any(region.states[around].unattended for around in region.lineage(path))
    )


def _granted(lease_id: str, window_s: float) -> dict[str, Any]:
    window_ms = round(window_s * 1000)
    return {"lease_id": lease_id, "window_ms": window_ms, "renew_ms": window_ms // RENEWALS}
