"""Runs what the machine decided, as tasks that the present state owns. `apply` never waits.

How an action begins is said here; how it ends, in `endings.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from hal import Actuator, Device, HalError, Halted
from robotd.core.chart import Mode
from robotd.core.decision import Decision, Entry, Outcome
from robotd.core.message import Command
from robotd.core.stage import CANCELLED, DONE, EXPIRED, FAILED, PREEMPTED, REJECTED
from robotd.errors import Refused
from robotd.runtime.activation import Activation
from robotd.runtime.calls import Callee, Caller
from robotd.runtime.cancelled import Cancelled
from robotd.runtime.endings import Emit, Endings
from robotd.runtime.failure import explain
from robotd.runtime.halts import Halts
from robotd.runtime.ledger import Ledger
from robotd.runtime.readings import Clock
from robotd.runtime.record import Record
from robotd.runtime.result import plain
from robotd.runtime.robot import GRACE_S, Permit
from robotd.runtime.run import Run
from robotd.runtime.setpoints import Setpoints


class Executor:
    """Starts and ends actions, and activates devices, as each decision says."""

    def __init__(
        self,
        caller: Caller,
        devices: Mapping[str, Device],
        needed: Callable[[], frozenset[str]],
        ledger: Ledger,
        record: Record,
        emit: Emit,
        listened: frozenset[str],
        crash: Callable[[BaseException], None],
        clock: Clock,
        log: Any,
    ) -> None:
        self._caller = caller
        self._activation = Activation(devices, needed, self._not_activated, lambda: self.unguarded())
        self._ledger = ledger
        self._record = record
        self._emit = emit
        self._crash = crash
        self._clock = clock
        self._owned: dict[int, list[Run]] = {}
        self._tasks: dict[str, Run] = {}
        """The newest unfinished task of each action, by its name."""
        self.halts = Halts(devices, record, clock)
        self._cancelled = Cancelled(crash, log)
        self._endings = Endings(ledger, record, emit, listened, self.halts, self._cancelled, log)
        self._endings.forget = self._forget
        self._endings.go_on = self._launch_next
        self._setpoints = Setpoints(devices, ledger, record, self._call_now, self._endings.finish)
        self.locked: Callable[[], Refused | None] = lambda: None
        """Why nothing may move now, or None."""
        self.unled: Callable[[Entry], Refused | None] = lambda _: None
        """Why nothing that this stay owns may begin to move for want of an operator, or None."""
        self.unguarded: Callable[[], Refused | None] = lambda: None
        """Why no actuator may be activated now, or None."""

    @property
    def running(self) -> int:
        """How many actions are under way."""
        return sum(len(runs) for runs in self._owned.values())

    @property
    def progress(self) -> int | None:
        """Which thing should have been fenced by now, the oldest; None: there is none."""
        return self._cancelled.overdue(self._clock())

    @property
    def zombies(self) -> int:
        """How many actions have ignored their cancellation so far and are still there."""
        return self._cancelled.zombies

    def apply(self, decision: Decision) -> None:
        """Carry out one decision: end what the old states started, start what the new ones do."""
        for entry in decision.exits:
            # The newest first: what waits for its turn must not get it from what ends before it.
            for run in reversed(self._owned.pop(entry.number, [])):
                self._endings.end(run, CANCELLED, f"left {entry.state.path}", cause=decision.message)
        if decision.outcome is Outcome.MOVED:
            self._activation.follow(decision)
        message = decision.message
        if decision.refusal is not None:
            refusal = decision.refusal
            error = Refused(refusal.reason, refusal.message, **refusal.data).as_error()
            self._ledger.settle(message.id, REJECTED, refusal.reason, error=error)
            return
        runs = [
            Run(start, message, Permit(start.do.name, message, commanding=self._commanded))
            for start in decision.starts
        ]
        if len(runs) > 1:
            for run in runs:
                run.together = runs
        answered = False
        for run in runs:
            answered = answered or run.answers
            self._begin(run)
        if not answered and type(message) is Command:
            # Nothing was to be started: it is done with the transition.
            self._ledger.settle(message.id, DONE)

    def cancel(self, command_id: str) -> bool:
        """End what this command started. False: nothing of it is running."""
        found = [run for run in self._all() if run.cause.id == command_id and run.answers]
        for run in found:
            self._endings.give_up(run)
        return bool(found)

    def actuating(self) -> Iterator[Run]:
        """What is under way and may set an actuator, the oldest first in each stay."""
        return (run for run in self._all() if self._caller.plan(run.start.do).actuates and not run.over)

    def streams(self, run: Run) -> bool:
        """Whether it is a setpoint, which lapses when nobody renews it."""
        callee = self._caller.plan(run.start.do).at_once
        return callee is not None and callee.info.streamed

    def interrupt(self, why: Refused, which: Callable[[Run], bool] = lambda _: True) -> None:
        """End all that actuates, or `which` of it: what it moved halts, and the machine hears of it."""
        for run in reversed([*self.actuating()]):
            if not run.over and which(run):
                self._endings.interrupt(run, why)

    def stop(self, reason: str) -> None:
        """A stop: everything under way is dead for ever, and every actuator inactive."""
        runs = self._all()
        for run in runs:
            run.waiting.clear()  # nobody begins because another has ended
        for run in reversed(runs):
            run.permit.end()
            self._endings.end(run, CANCELLED, reason)
        self._owned.clear()
        self._tasks.clear()
        self._setpoints.clear()
        self._activation.end()

    async def close(self) -> None:
        """End everything and wait for it, at most the grace of a cancelled action."""
        tasks = {run.task for run in self._all() if run.task is not None} | self._cancelled.tasks
        self.stop("shutting_down")
        if tasks:
            await asyncio.wait(tasks, timeout=GRACE_S)

    def _all(self) -> list[Run]:
        return [run for runs in self._owned.values() for run in runs]

    # -- beginning ----------------------------------------------------------------------------------

    def _begin(self, run: Run) -> None:
        plan = self._caller.plan(run.start.do)
        refused = (self.locked() or self.unled(run.start.entry)) if plan.moves else None
        if refused is None and plan.actuates:
            refused = self._record.refusal()
        if refused is not None:
            self._endings.refuse(run, refused)
        elif plan.at_once is None:
            self._spawn(run)
        elif plan.at_once.unavailable:
            # Which the call says: nothing begins, so nothing waits for the journal.
            self._call_now(run, plan.at_once)
        elif plan.at_once.info.streamed and plan.at_once.device is not None:
            self._own(run)
            self._setpoints.begin(run, plan.at_once, plan.at_once.device)
        elif plan.actuates:
            self._own(run)
            self._when_durable(run, partial(self._call_now, run, plan.at_once))
        else:
            self._ledger.begin(run.cause, run.start.do.name)
            self._call_now(run, plan.at_once)

    def _when_durable(self, run: Run, begin: Callable[[], None]) -> None:
        """Write down that `run` begins, and begin it when no crash can make that unknown."""

        def begin_in_time() -> None:
            if not run.over:
                if run.out_of_time:
                    self._endings.finish(run, EXPIRED, "expired")
                else:
                    begin()

        row = self._ledger.begin(run.cause, run.start.do.name)
        self._record.when_durable(row, begin_in_time)

    def _own(self, run: Run) -> None:
        owned = self._owned.setdefault(run.start.entry.number, [])
        if run not in owned:
            owned.append(run)

    def _call_now(self, run: Run, callee: Callee) -> None:
        """A verb that returns at once: no task between the decision and the wire."""
        try:
            if callee.actuates:
                result = plain(self._caller.call(callee, run.start.do.steps[0], run.cause, run.permit))
            else:
                with self.halts.because("halted", run.cause):
                    result = plain(self._caller.call(callee, run.start.do.steps[0], run.cause, run.permit))
        except HalError as error:
            self._endings.refuse(run, explain(error))
            return
        except Exception as error:
            self._endings.fail_by_bug(run, error)
            return
        device = callee.device
        if not callee.info.streamed or not isinstance(device, Actuator):
            self._endings.finish(run, DONE, result=result)
            return
        self._own(run)
        self._setpoints.follow(device, run)
        if run.answers:
            self._ledger.start(run.cause.id, result)

    def _spawn(self, run: Run) -> None:
        name = run.start.do.name
        before = self._tasks.get(name)
        mode = run.start.do.steps[0].mode
        if before is not None and not before.over:
            if mode is Mode.SINGLE:
                self._endings.refuse(run, _running(name))
                return
            if mode is Mode.QUEUED:
                self._own(run)
                before.waiting.append(run)
                return
            if mode is Mode.RESTART:
                self._endings.end(before, PREEMPTED, "newer", halt=False)
        self._own(run)
        self._launch(run)

    def _launch_next(self, waiting: list[Run]) -> None:
        """The first in line begins, if its time is not over yet; what is over is passed by."""
        while waiting:
            run = waiting.pop(0)
            if run.out_of_time:
                self._endings.finish(run, EXPIRED, "expired")
            elif not run.over:
                run.waiting = waiting
                self._launch(run)
                return

    def _launch(self, run: Run) -> None:
        self._tasks[run.start.do.name] = run
        if self._caller.plan(run.start.do).actuates:
            self._when_durable(run, partial(self._launch_now, run))
        else:
            self._ledger.begin(run.cause, run.start.do.name)
            self._launch_now(run)

    def _launch_now(self, run: Run) -> None:
        if run.answers:
            self._ledger.start(run.cause.id)
        if self._caller.plan(run.start.do).lasts:
            run.expires_at = None
        run.permit.hangs = partial(self._endings.hang, run)
        run.task = asyncio.get_running_loop().create_task(self._carry_out(run), name=run.start.do.name)
        run.task.add_done_callback(self._task_ended)

    async def _carry_out(self, run: Run) -> None:
        result: Any = None
        try:
            for step in run.start.do.steps:
                result = await self._caller.wait(step, run.cause, run.permit, run.expires_at)
        except Halted as error:
            if run.out_of_time:
                late = Refused(
                    "expired", explain(error).message, hint="a command may say how long it is valid"
                )
                self._endings.finish(run, FAILED, error=late)
            else:
                self._endings.finish(run, PREEMPTED, error=explain(error))
        except HalError as error:
            self._endings.fail(run, explain(error))
        except asyncio.CancelledError:
            # Whoever cancelled the run has settled it; what is not settled has cancelled itself.
            self._endings.fail(run, Refused("handler_error", "it cancelled itself"))
        except (Exception, SystemExit) as error:
            self._endings.fail_by_bug(run, error)
        else:
            self._endings.finish(run, DONE, result=plain(result))

    # -- what is over -------------------------------------------------------------------------------

    def _forget(self, run: Run) -> None:
        owned = self._owned.get(run.start.entry.number)
        if owned is not None and run in owned:
            owned.remove(run)
            if not owned:
                del self._owned[run.start.entry.number]
        name = run.start.do.name
        if self._tasks.get(name) is run:
            del self._tasks[name]
        self._setpoints.forget(run)

    def _not_activated(self, board: str, decision: Decision, why: Mapping[str, Any]) -> None:
        self._emit(f"{board}.refused", decision.message, None, why)

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        self._cancelled.ended(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._crash(error)

    def _commanded(self, device: Actuator, permit: Permit) -> None:
        self.halts.commanded(device, permit)
        self._setpoints.taken_over(device, permit)


def _running(name: str) -> Refused:
    return Refused(
        "busy", f"{name} is already running", hint="wait for its end, or cancel it", retry_after_ms=100
    )
