"""The stop of a running robot: what it ends beside the motion, what is told of it, and its reset."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from robotd.core.chart import ESTOP, RESET
from robotd.core.message import Lane
from robotd.core.queue import MessageQueue
from robotd.core.stage import CANCELLED
from robotd.daemon.events import Events
from robotd.daemon.insisting import Insisting
from robotd.daemon.record import Record
from robotd.daemon.sampling import Sampler
from robotd.errors import Refused
from robotd.runtime.executor import Executor
from robotd.runtime.ledger import Ledger
from robotd.safety.latch import Latch
from robotd.safety.stop import Stop


class Stopping:
    """Stops the whole daemon's doings with the robot, and lets it begin anew."""

    def __init__(
        self,
        stop: Stop,
        executor: Executor,
        queue: MessageQueue,
        ledger: Ledger,
        record: Record,
        sampler: Sampler,
        happen: Events,
        initial: str,
        new_trace_id: Callable[[], str],
        log: Any,
    ) -> None:
        """`initial`: the state that a reset leads to."""
        self._stop = stop
        self._executor = executor
        self._queue = queue
        self._ledger = ledger
        self._record = record
        self._sampler = sampler
        self._happen = happen
        self._initial = initial
        self._new_trace_id = new_trace_id
        self._log = log
        self._insisting = Insisting(queue)
        self._closed = False
        self._looking: set[asyncio.Task[dict[str, Any]]] = set()
        self.on_reset: Callable[[], None] = lambda: None
        """Told when the latch was taken back, before the machine is."""

    def estop(
        self, reason: str, by: str, trace_id: str | None = None, *, latch_id: str | None = None
    ) -> Awaitable[dict[str, Any]]:
        """Stop now: the robot is stopped when this returns. What it returns gives the evidence."""
        with self._executor.halts.because("stopped"):
            latch = self._stop.trip(reason, by, latch_id)
        trace = trace_id or self._new_trace_id()
        self._record.stopped(latch, self._stop.epoch, trace)
        self._sampler.fault()
        self._executor.stop("stopped")
        for message in self._queue.drain(Lane.COMMAND, Lane.BACKGROUND):
            self._ledger.settle(message.id, CANCELLED, "stopped")
        self._insisting.offer(
            self._happen(
                ESTOP, Lane.SAFETY, by, payload={"reason": reason, "latch_id": latch.latch_id}, trace=trace
            )
        )
        self._log.warning("stopped", reason=reason, by=by, latch_id=latch.latch_id, trace_id=trace)
        evidence = asyncio.get_running_loop().create_task(
            self._find_evidence(latch.latch_id, self._stop.epoch, trace)
        )
        self._looking.add(evidence)
        evidence.add_done_callback(self._looking.discard)
        return evidence

    async def _find_evidence(self, latch_id: str, epoch: int, trace: str) -> dict[str, Any]:
        """Goes on when nobody waits for it any more: the log and the journal have it too."""
        found = {"latch_id": latch_id, "epoch": epoch, "evidence": await self._stop.evidence()}
        self._record.evidence(found, trace)
        self._log.info("evidence of the stop", **found, trace_id=trace)
        return found

    def remain(self, latch: Latch) -> None:
        """The robot was stopped before this start, and still is."""
        trace = self._new_trace_id()
        self._record.stopped(latch, self._stop.epoch, trace)
        payload = {"reason": latch.reason, "latch_id": latch.latch_id}
        self._insisting.offer(self._happen(ESTOP, Lane.SAFETY, latch.by, payload=payload, trace=trace))
        self._log.warning(
            "stopped since before the start",
            reason=latch.reason,
            by=latch.by,
            latch_id=latch.latch_id,
            trace_id=trace,
        )

    def reset(self, latch_id: str, by: str, trace_id: str | None = None) -> dict[str, Any]:
        """Take the latch back and return to the initial state, inactive. Raises `Refused`."""
        if self._closed:
            raise ending()
        self._stop.check_reset(latch_id)
        self._stop.clear()
        self.on_reset()
        trace = trace_id or self._new_trace_id()
        self._record.reset(by, latch_id, trace)
        self._insisting.offer(
            self._happen(RESET, Lane.SAFETY, by, payload={"latch_id": latch_id}, trace=trace)
        )
        self._log.info("reset", by=by, latch_id=latch_id, trace_id=trace)
        return {"ready": True, "state": self._initial}

    def close(self) -> None:
        """The daemon ends: it may be stopped, but not reset any more."""
        self._closed = True
        self._insisting.close()

    async def settle(self) -> None:
        """Wait for evidence: what a board on a slow line says of a stop belongs into the journal, too."""
        if self._looking:
            await asyncio.wait(self._looking)


def ending() -> Refused:
    """What nobody gets any more while the daemon ends."""
    return Refused("shutting_down", "the daemon is ending", hint="send it again in a few seconds")
