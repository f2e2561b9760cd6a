"""The loop of the core: one message out, one decision made, carried out and told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from robotd.core.decision import Decision
from robotd.core.machine import ChartCycle, StateMachine
from robotd.core.message import Lane, Message
from robotd.core.queue import MessageQueue
from robotd.core.seen import Seen
from robotd.core.stage import EXPIRED
from robotd.errors import Refused
from robotd.runtime.executor import Executor
from robotd.runtime.ledger import Ledger
from robotd.runtime.readings import Clock, ReadingTable
from robotd.runtime.record import Record
from robotd.runtime.timers import StateTimers

Observer = Callable[[Decision], None]
Decide = Callable[[Message, Seen], Decision]


class Dispatcher:
    """`decide, apply, tell` for every message. Taking the next message is its only `await`."""

    def __init__(
        self,
        queue: MessageQueue,
        machine: StateMachine,
        readings: ReadingTable,
        executor: Executor,
        timers: StateTimers,
        ledger: Ledger,
        record: Record,
        clock: Clock,
        log: Any,
    ) -> None:
        self._queue = queue
        self._machine = machine
        self._readings = readings
        self._executor = executor
        self._timers = timers
        self._ledger = ledger
        self._record = record
        self._clock = clock
        self._log = log
        self.observers: list[Observer] = []
        self.count = 0
        """Decisions made so far."""
        self.slowest_safety_s = 0.0
        """The longest that a message of the SAFETY lane has waited in the queue."""

    @property
    def progress(self) -> int | None:
        """How many messages were taken so far, expired ones too; None while none waits."""
        return self._queue.counters["taken"] if self._queue else None

    async def run(self) -> None:
        """Until the queue is closed and empty."""
        async for message in self._queue:
            self.dispatch(message)

    def start(self, message: Message, *, begin: bool = True) -> None:
        """Enter the initial states, because of `message`. `begin`: and do what they say."""
        self._decide(self._machine.start, message, begin=begin)

    def dispatch(self, message: Message) -> None:
        """One message, to its end."""
        if message.expires_at is not None:
            now = self._clock()
            if now >= message.expires_at:
                self._expire(message, now)
                return
        elif message.lane is Lane.SAFETY:
            self.slowest_safety_s = max(self.slowest_safety_s, self._clock() - message.at)
        self._decide(self._machine.decide, message)

    def _decide(self, decide: Decide, message: Message, *, begin: bool = True) -> None:
        """Decide, write it down, carry it out and tell it."""
        seen = Seen(self._readings)
        try:
            decision = decide(message, seen)
        except ChartCycle as cycle:
            self._log.error(
                "chart cycle", trigger=message.type, states=cycle.states, trace_id=message.trace_id
            )
            decision = cycle.decision
        self.count += 1
        self._record.decided(decision, seen.values)
        if decision.entries or decision.exits:
            self._timers.apply(decision)
        if begin:
            self._executor.apply(decision)
        for observe in self.observers:
            observe(decision)

    def _expire(self, message: Message, now: float) -> None:
        waited_ms = round((now - message.at) * 1000)
        sentence = f"{message.type} waited {waited_ms} ms, longer than it was valid"
        error = Refused("expired", sentence, hint="send a new one if it is still wanted")
        self._ledger.settle(message.id, EXPIRED, "expired", error=error.as_error())
