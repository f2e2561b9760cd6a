"""Everything between the wire and the devices: what comes in is queued, decided and carried out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from hal import BoardEvent, Device, Rig
from robotd.config import RobotConfig
from robotd.core.chart import ALWAYS, SHUTDOWN
from robotd.core.decision import Decision, Entry
from robotd.core.limits import Limits
from robotd.core.machine import StateMachine
from robotd.core.message import Command, Lane, Message
from robotd.core.queue import MessageQueue
from robotd.core.role import Role
from robotd.core.stage import CANCELLED, REJECTED
from robotd.daemon.events import Events
from robotd.daemon.ids import Ids
from robotd.daemon.journaling import Opened, in_memory
from robotd.daemon.leasing import Leasing
from robotd.daemon.record import Record
from robotd.daemon.recovery import recover
from robotd.daemon.sampling import Sampler
from robotd.daemon.sensing import Sensing
from robotd.daemon.stopping import Stopping, ending
from robotd.errors import Refused
from robotd.journal.errors import JournalError, JournalFailed
from robotd.runtime.calls import Caller
from robotd.runtime.dispatcher import Dispatcher
from robotd.runtime.executor import Executor
from robotd.runtime.ledger import WANTED, Ledger
from robotd.runtime.readings import Clock, ReadingTable
from robotd.runtime.timers import StateTimers
from robotd.safety.guarding import Guarding
from robotd.safety.latch import LatchStore
from robotd.safety.lease import Holder
from robotd.safety.stop import Stop
from robotd.safety.violations import Violations
from robotd.safety.watchdog import Progress

START = "start"


class Engine:
    """Builds the line of the design and holds it together. It opens nothing and listens to nobody."""

    def __init__(
        self,
        config: RobotConfig,
        rig: Rig,
        clock: Clock,
        ids: Ids,
        log: Any,
        opened: Opened | None = None,
        latch: LatchStore | None = None,
    ) -> None:
        """`opened`: the journal; `latch`: what keeps that. Without them both are kept in memory."""
        self.config = config
        self.rig = rig
        self.ids = ids
        self.clock = clock
        self.opened = opened or in_memory(ids, clock)
        self.journal = self.opened.journal
        self.journal.on_trouble = self._journal_trouble
        self.journal.unsettled = lambda: self.ledger.oldest_row
        self.log = log = log.bind(trace_id=self.journal.no_trace)
        self.crashed: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
        """Resolves with what must end the daemon."""
        self.closing = False
        self.started = False
        """Its start is over: from here on something may move."""
        self.guarding: Guarding | None = None
        """The guard's keeper; None where this daemon has no guard."""
        self._event = Events(ids, clock)
        self.table = ReadingTable(rig.devices, clock)
        self.machine = StateMachine(config.chart)
        self.queue = MessageQueue(_capacities(config.limits), clock)
        self.queue.on_safety_overflow = self._safety_lane_is_full
        self.queue.on_dropped = self._dropped
        self.stop = Stop(rig, clock, ids.new_id, latch, lambda: self.journal.wall / 1e6)
        self.stop.store.on_trouble = self._latch_trouble
        self.record = Record(self.journal, self.machine, self.table, config, self.opened.beginning.audit)
        self.sampler = Sampler(rig.devices, self.table, self.journal, clock, config.journal.sample_s)
        self.recovered: Mapping[str, Any] = {}
        """What the last daemon left open, and what became of it."""
        self.ledger = Ledger(clock, self.state, self.record)
        caller = Caller(config.actions, config.handlers, rig.devices, self.table, clock, log)
        self.executor = Executor(
            caller,
            rig.devices,
            lambda: self.machine.needed_devices(rig.devices),
            self.ledger,
            self.record,
            self._emit,
            self._listened(),
            self._crash,
            clock,
            log,
        )
        self.executor.locked = self._locked
        self.stopping = Stopping(
            self.stop,
            self.executor,
            self.queue,
            self.ledger,
            self.record,
            self.sampler,
            self._event,
            config.chart.regions[0].initial,
            ids.new_trace_id,
            log,
        )
        self.leasing = Leasing(
            config,
            self.queue,
            self.executor,
            self.machine,
            self.ledger,
            self.record,
            self._event,
            clock,
            ids.new_id,
            log,
        )
        self.timers = StateTimers(self._timed_out)
        self.dispatcher = Dispatcher(
            self.queue,
            self.machine,
            self.table,
            self.executor,
            self.timers,
            self.ledger,
            self.record,
            clock,
            log,
        )
        self.progress = Progress(
            lambda: self.dispatcher.progress, lambda: self.executor.progress, lambda: self.journal.progress
        )
        self.last_cause: dict[str, Decision] = {}
        """For each region, the decision that led to its present state."""
        self.since: dict[str, float] = {}
        """For each region, when its present leaf was entered."""
        self.dispatcher.observers.append(self._remember)
        rig.listen(self._board_event)
        self.sensing = Sensing(
            config.rules, rig.devices, self.table, self.machine, self._event, self.queue.offer
        )
        for device in rig.devices.values():
            device.life_listeners.append(self._lived)
        self.violations = Violations(rig.devices, self._limit_violated)
        self.stop.causes.append(self.violations.standing)

    # -- life ---------------------------------------------------------------------------------------

    def start(self, simulated: frozenset[str] = frozenset()) -> None:
        """Settle what the last daemon left open and enter the initial states. Nothing moves.

        A robot that was stopped then is stopped now: of its initial states nothing is begun.
        """
        self.record.boot(self.config, self.rig.devices, simulated)
        self.recovered = recover(self.opened.beginning, self.journal, self.ledger, self.clock())
        self.started = True
        for device in self.rig.devices.values():
            self.record.lived(device)
        self.sampler.start()
        if not self.leasing.on:
            self.log.warning("lease: off, says the file: whoever may send commands moves this robot")
        latch = self.stop.resume()
        if latch is not None:
            self.stopping.remain(latch)
        message = self._event(START, Lane.SAFETY, "daemon")
        self.dispatcher.start(message, begin=self.stop.latch is None)
        self.violations.look()

    async def run(self) -> None:
        """Decide until the queue is closed and empty."""
        await self.dispatcher.run()
        self.record.shutdown("crashed" if self.crashed.done() else "asked to")

    async def shut_down(self) -> None:
        """Halt, go to `down`, answer what is queued, end what runs; once. Takes at most the grace of a
        cancelled action and what the journal's disk gets for the last rows.
        """
        if self.closing:
            return
        self.closing = True
        self.stopping.close()
        self.leasing.close()
        self.sampler.close()
        with self.executor.halts.because("shutting_down"):
            self.rig.halt()
        for message in self.queue.drain():
            self.ledger.settle(message.id, REJECTED, "shutting_down")
        self.queue.offer(self._event(SHUTDOWN, Lane.SAFETY, "daemon"))
        self.queue.close()
        await self.executor.close()
        self.ledger.settle_all(CANCELLED, "shutting_down")
        self.timers.close()
        await self.stopping.settle()
        await self.journal.settle()

    # -- what comes in ------------------------------------------------------------------------------

    def offer(self, command: Command, role: Role = Role.MAINTAINER) -> None:
        """Queue a command that the ledger knows, or settle it as refused.

        One that came before the newest stop, and waited in its session until the latch was gone, is dead.
        """
        refusal = self.stop.refusal()
        if self.closing:
            refusal = ending()
        elif refusal is None and command.at <= self.stop.newest_at:
            self.ledger.settle(command.id, CANCELLED, "stopped")
            return
        elif refusal is None and self.config.commands[command.type].moves:
            who = Holder(command.source, command.principal, role)
            refusal = self.record.refusal() or self.leasing.refusal(command, who)
        if refusal is None and not self.queue.offer(command):
            refusal = Refused(
                "busy", f"the {command.lane.name.lower()} lane is full", hint="send less", retry_after_ms=50
            )
        if refusal is None:
            self.ledger.accept(command)
        else:
            self.ledger.refuse(command, refusal)

    def cancel(self, command_id: str, principal: str) -> dict[str, Any]:
        """End a queued or running command, whoever sent it; say how one of `principal` has ended.

        Raises `Refused` for an id of which nothing is known.
        """
        if self.queue.remove(command_id) is not None:
            self.ledger.settle(command_id, CANCELLED, WANTED)
            return {"id": command_id, "was": "queued"}
        if self.executor.cancel(command_id):
            return {"id": command_id, "was": "running"}
        found = self.ledger.find(command_id, principal)
        if found is None or found.ended is None:
            raise Refused(
                "invalid_params", f"no command {command_id!r} is known", hint="it ended, or never came"
            )
        return {"id": command_id, "was": "ended", "stage": found.ended.stage}

    def state(self) -> str:
        """The leaf of the first region."""
        return self.machine.leaves[0]

    # -- what happens -------------------------------------------------------------------------------

    def _emit(self, event: str, cause: Message, entry: Entry | None, payload: Mapping[str, Any]) -> None:
        stamp = None if entry is None else entry.number
        self.queue.offer(
            self._event(event, Lane.EVENT, "executor", payload=payload, cause=cause, stamp=stamp, sticky=True)
        )

    def _timed_out(self, trigger: str, entry: Entry) -> None:
        source = f"timer:{entry.state.path}"
        self.queue.offer(self._event(trigger, Lane.EVENT, source, stamp=entry.number, sticky=True))

    def _board_event(self, event: BoardEvent) -> None:
        name = f"{event.board}.{event.kind}"
        payload = {"detail": event.detail}
        message = self._event(name, Lane.EVENT, f"board:{event.board}", payload=payload, sticky=True)
        self.log.warning(name, detail=event.detail, trace_id=message.trace_id)
        self.sampler.fault()
        self.queue.offer(message)

    def _limit_violated(self, device: str, sentence: str) -> None:
        if self.started:
            self.log.warning("limit", device=device, feedback=sentence)
            self.record.violated(device, sentence)
            if self.stop.latch is None:  # while it is stopped, this holds up the reset
                self.stopping.estop(f"{device}: {sentence}", f"limit:{device}")

    def _lived(self, device: Device) -> None:
        if self.started:
            self.record.lived(device)

    def _remember(self, decision: Decision) -> None:
        if decision.message.type == ALWAYS:
            self.sensing.always_is_over()
        if decision.entries:
            entered = {entry.state.path for entry in decision.entries}
            for place, region in enumerate(self.config.chart.regions):
                if decision.after[place] in entered:
                    self.last_cause[region.name] = decision
                    self.since[region.name] = decision.message.at

    # -- what must not happen, and does -------------------------------------------------------------

    def _journal_trouble(self, trouble: JournalError | None) -> None:
        """Nothing moves of which nobody could say afterwards whether it did."""
        if trouble is None:
            self.log.warning("the journal is well again")
            return
        self.log.error("journal", trouble=str(trouble))
        refusal = self.record.refusal()
        if refusal is not None:
            self.executor.interrupt(refusal)
        if isinstance(trouble, JournalFailed):
            self._crash(trouble)

    def _latch_trouble(self, trouble: str | None) -> None:
        if trouble is None:
            self.log.warning("the latch file is well again")
        else:
            self.log.error("latch file", trouble=trouble)

    def _locked(self) -> Refused | None:
        refusal = self.stop.refusal()
        if refusal is None and self.closing:
            return ending()
        if refusal is None and self.machine.blocked:
            return Refused(
                "not_in_this_state", f"nothing moves while it is {self.state()}", hint="reset, then arm"
            )
        return refusal

    def _safety_lane_is_full(self, message: Message) -> None:
        if self.stop.latch is None:
            self.stopping.estop(f"the safety lane is full ({message.type} did not fit)", "queue")

    def _dropped(self, message: Message, reason: str) -> None:
        if message.type == ALWAYS:
            self.sensing.always_is_over()
        if isinstance(message, Command):
            error = Refused("busy", f"dropped: {reason}", hint="send less", retry_after_ms=100)
            self.ledger.settle(message.id, REJECTED, "busy", error=error.as_error())

    def _crash(self, error: BaseException) -> None:
        self.rig.halt()
        if not self.crashed.done():
            self.crashed.set_result(error)

    def _listened(self) -> frozenset[str]:
        """Every trigger that some transition of the chart takes."""
        return frozenset(
            trigger
            for region in self.config.chart.regions
            for transition in region.transitions
            for trigger in transition.triggers
        )


def _capacities(limits: Limits) -> dict[Lane, int]:
    return {
        Lane.SAFETY: limits.queue_safety,
        Lane.COMMAND: limits.queue_command,
        Lane.EVENT: limits.queue_event,
        Lane.BACKGROUND: limits.queue_background,
    }
