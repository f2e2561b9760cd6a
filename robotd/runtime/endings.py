"""How an action ends: once. What it moved halts, its command is settled, and the machine hears of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from hal import Device, DeviceSilent
from robotd.core.decision import Entry
from robotd.core.message import Message
from robotd.core.stage import CANCELLED, DONE, FAILED, REJECTED
from robotd.errors import Refused
from robotd.runtime.cancelled import Cancelled
from robotd.runtime.failure import explain, explain_bug
from robotd.runtime.halts import Halts
from robotd.runtime.ledger import WANTED, Ledger
from robotd.runtime.record import Record
from robotd.runtime.run import Run


class Emit(Protocol):
    """How it is said that an action has ended: one more event for the machine."""

    def __call__(self, event: str, cause: Message, entry: Entry | None, payload: Mapping[str, Any]) -> None:
        """Offer the event, stamped with the stay that started the action."""


class Endings:
    """Ends runs. A second end of the same run does nothing."""

    def __init__(
        self,
        ledger: Ledger,
        record: Record,
        emit: Emit,
        listened: frozenset[str],
        halts: Halts,
        cancelled: Cancelled,
        log: Any,
    ) -> None:
        """`listened`: the events that the chart takes; no others are told."""
        self._ledger = ledger
        self._record = record
        self._emit = emit
        self._listened = listened
        self._halts = halts
        self._cancelled = cancelled
        self._log = log
        self.forget: Callable[[Run], None] = lambda _: None
        """Told of each run that is over, first..."""
        self.go_on: Callable[[list[Run]], None] = lambda _: None
        """...and last of what has waited for its end."""

    def end(
        self, run: Run, stage: str, reason: str, *, halt: bool = True, cause: Message | None = None
    ) -> None:
        """Somebody else ends it: a state that is left, a newer call, a client, a stop."""
        if run.over:
            return
        self.finish(run, stage, reason, outcome=False)
        run.permit.end_motion()
        if halt and run.permit.used:
            with self._halts.because(reason.partition(" ")[0], cause):
                run.permit.halt_used()
        if run.task is not None:
            self._cancelled.cancel(run, run.task)

    def give_up(self, run: Run) -> None:
        """Its client does not want it any more: it halts, and the machine hears of it as of a failure."""
        name = run.start.do.name
        if not run.over:
            self.end(run, CANCELLED, WANTED, cause=run.cause)
            if f"{name}.failed" in self._listened:
                payload = {"reason": WANTED, "message": f"{run.cause.type} was cancelled"}
                self._emit(f"{name}.failed", run.cause, run.start.entry, payload)

    def finish(
        self,
        run: Run,
        stage: str,
        reason: str | None = None,
        result: Any = None,
        error: Refused | None = None,
        *,
        outcome: bool = True,
    ) -> None:
        """It is over: settle its command, tell the machine (`outcome`), let the next in line begin."""
        if run.over:
            return
        run.over = True
        if outcome:
            run.permit.end()
            run.permit.halt_motions()
        self.forget(run)
        entry, name = run.start.entry, run.start.do.name
        # A command whose transition ran in several regions is done when the last of them is.
        if run.answers and (stage != DONE or not run.waits_for_others):
            if stage == DONE:
                self._ledger.start(run.cause.id, result)
            if error is None:
                self._ledger.settle(run.cause.id, stage, reason, result)
            else:
                unheard = stage == FAILED and f"{name}.failed" not in self._listened
                data = error.as_error()
                self._ledger.settle(run.cause.id, stage, error.reason, None, data, unheard=unheard)
        if outcome and error is not None:
            # Of a failed command its client hears; a flood of events nobody takes could fill their lane.
            if not run.answers or f"{name}.failed" in self._listened:
                payload = {"reason": error.reason, "message": str(error)}
                self._emit(f"{name}.failed", run.cause, entry, payload)
        elif outcome and stage == DONE and f"{name}.done" in self._listened:
            self._emit(f"{name}.done", run.cause, entry, {} if reason is None else {"reason": reason})
        self.go_on(run.waiting)

    def refuse(self, run: Run, refused: Refused) -> None:
        """It may not even begin."""
        self.finish(run, REJECTED, error=refused)

    def fail(self, run: Run, error: Refused) -> None:
        """What it moved halts, unless it was over already: others may move that now."""
        if not run.over:
            run.permit.halt_used()
        self.finish(run, FAILED, error=error)

    def fail_by_bug(self, run: Run, error: BaseException) -> None:
        """User code raised what is not about hardware: the machine hears of it, the log has it all."""
        self._record.failed(run.cause, run.start.do.name, error)
        with self._halts.because("failed", run.cause):
            self.fail(run, explain_bug(error))
        self._log.error(
            "handler failed", action=run.start.do.name, trace_id=run.cause.trace_id, exc_info=error
        )

    def interrupt(self, run: Run, why: Refused) -> None:
        """It must not go on, for want of an operator, or of a journal: that is its failure."""
        with self._halts.because(why.reason):
            self.fail(run, why)
        if run.task is not None:
            self._cancelled.cancel(run, run.task)

    def hang(self, run: Run, device: Device, verb: str) -> None:
        """A verb ignores that its time is over: nothing of its action reaches the robot any more."""
        silent = DeviceSilent(device.name, f"{verb} has not ended, and ignores that its time is over")
        with self._halts.because("failed", run.cause):
            self.fail(run, explain(silent))
        if run.task is not None:
            self._cancelled.cancel(run, run.task)
