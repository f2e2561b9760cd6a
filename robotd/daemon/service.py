"""The daemon as a session of the wire sees it."""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from functools import partial
from hashlib import blake2b
from typing import Any

from hal import Device
from robotd.core.action import BindError
from robotd.core.chart import ESTOP, RESET
from robotd.core.decision import Decision
from robotd.core.message import Command
from robotd.core.stage import DONE, REJECTED, Stage
from robotd.daemon import status
from robotd.daemon.engine import Engine
from robotd.daemon.history import History
from robotd.daemon.leasing import LAPSED, STOLEN
from robotd.errors import Refused
from robotd.json import canonical
from robotd.log import line
from robotd.runtime.known import DIGEST_BYTES, Known
from robotd.runtime.ledger import Tracked
from robotd.safety.lease import Held, Holder
from robotd.version import VERSION
from robotd.wire.hub import Hub
from robotd.wire.service import JournalQuery, PastStages, SendRequest, Who
from robotd.wire.turns import Turns

LONGEST_VALIDITY_S = 3600.0
"""Nothing is valid for ever: a client that asks for more gets this."""


class RobotService:
    """Answers what clients ask, and publishes what they subscribe to. Nothing here waits."""

    def __init__(self, engine: Engine, simulated: frozenset[str]) -> None:
        self._engine = engine
        self._simulated = simulated
        self._started_at = engine.clock()
        self.limits = engine.config.limits
        self.streamed = frozenset(name for name, info in engine.config.commands.items() if info.streamed)
        self.clients: Callable[[], int] = lambda: 0
        """How many clients are connected; the listeners know."""
        self.access: Callable[[], Mapping[str, Any]] = lambda: {"tokens": None, "trouble": None}
        """Who may come in, as `status` tells it; the gate knows."""
        self.hub = Hub()
        self._history = History(engine)
        self.turns = Turns()
        self._declare_topics()
        engine.dispatcher.observers.append(self._publish_decision)
        engine.leasing.listeners.append(self._lease_changed)
        for device in engine.rig.devices.values():
            device.listeners.append(self._publish_reading)

    # -- questions ----------------------------------------------------------------------------------

    def state(self) -> str:
        """The leaf state of the first region."""
        return self._engine.state()

    def hello(self) -> dict[str, Any]:
        """Who is there, and within which limits it can be talked to."""
        return {
            "server": "robotd",
            "version": VERSION,
            "robot": self._engine.config.robot,
            "simulated": self._simulated == frozenset(self._engine.rig.boards),
            "machine_version": self._engine.config.chart.version,
            "capabilities": ["send", "cancel", "estop", "reset", "lease", "subscribe"],
            "limits": asdict(self.limits),
        }

    def describe(self) -> dict[str, Any]:
        """The machine, the commands with their schemas, the devices."""
        return status.describe(self._engine.config, self._engine.rig.devices, self._simulated)

    def status(self) -> dict[str, Any]:
        """Where everything stands now."""
        said = status.status(self._engine, self._simulated, self.clients(), self._started_at)
        return said | {"access": self.access()}

    def new_id(self) -> str:
        """An id that nothing else has."""
        return self._engine.ids.new_id()

    def new_trace_id(self) -> str:
        """32 lower-case hex digits."""
        return self._engine.ids.new_trace_id()

    def now(self) -> float:
        """Seconds on the robot's monotonic clock."""
        return self._engine.clock()

    # -- commands -----------------------------------------------------------------------------------

    def send(
        self, request: SendRequest, source: str, tell: Callable[[Stage], None], *, early: bool = True
    ) -> None:
        """Take a command in, or reject it. The same id and body again tells the stage, and runs nothing."""
        if request.type == ESTOP:
            self._stop_by_send(request, source, tell)
            return
        made_here = self._engine.ids.made(request.id)
        known = self._engine.ledger.find(request.id, request.principal, chosen=not made_here)
        if known is not None:
            self._tell_known(known, request, tell)
            return
        try:
            command = self.bind(request, source)
        except Refused as error:
            self._reject_unknown(request, error, tell)
            return
        self._engine.ledger.open(command, None if made_here else _digest(request), tell, early=early)
        self._engine.offer(command, request.role)

    def _tell_known(
        self, known: Tracked | Known, request: SendRequest, tell: Callable[[Stage], None]
    ) -> None:
        """The id was here before: nothing is run. Told is the stage reached, or that it is a conflict."""
        if known.digest != _digest(request):
            self._reject_unknown(request, _conflict(request.id), tell)
        elif isinstance(known, Known):
            # What the start settled may not be durable yet; all else that is known is.
            self._engine.record.when_durable(known.ended.seq or 0, partial(tell, known.ended))
        else:
            known.listeners.append(tell)
            tell(self._engine.ledger.reached(known))

    def _stop_by_send(self, request: SendRequest, source: str, tell: Callable[[Stage], None]) -> None:
        """Whoever sends `estop` as a command means the stop."""
        reason = str(request.payload.get("reason", "")) or "estop was sent"
        self._engine.stopping.estop(reason, source, request.trace_id)
        latch = status.latch(self._engine)
        now, state = self._engine.clock(), self._engine.state()
        tell(Stage(request.id, DONE, now, state, request.trace_id, None, latch))

    def bind(self, request: SendRequest, source: str) -> Command:
        """The command, its payload checked against what its actions take. Raises `Refused`."""
        info = self._engine.config.commands.get(request.type)
        if info is None:
            raise self._unknown(request.type)
        version = self._engine.config.chart.version
        if request.version is not None and request.version != version:
            raise Refused(
                "invalid_params",
                f"written for machine version {request.version}; this is version {version}",
                hint="describe tells what there is now",
                version=version,
            )
        try:
            payload = info.bind(request.payload)
        except BindError as error:
            raise Refused(
                error.reason, error.sentence, hint=error.hint or "", parameter=error.parameter
            ) from None
        valid_for_s = info.valid_for_s if request.valid_for_s is None else request.valid_for_s
        expires_at = request.at + min(valid_for_s, LONGEST_VALIDITY_S)
        return Command(
            type=request.type,
            id=request.id,
            trace_id=request.trace_id,
            at=request.at,
            source=source,
            principal=request.principal,
            lane=request.priority,
            payload=payload,
            correlation_id=request.correlation_id,
            version=request.version,
            expires_at=expires_at,
        )

    def _unknown(self, name: str) -> Refused:
        if name == RESET:
            return Refused("invalid_params", "reset is a method of its own", hint="it needs the latch_id")
        commands = sorted(self._engine.config.commands)
        near = difflib.get_close_matches(name, commands, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"commands: {', '.join(commands)}"
        return Refused("invalid_params", f"this robot has no command {name!r}", hint=hint, commands=commands)

    def _reject_unknown(self, request: SendRequest, error: Refused, tell: Callable[[Stage], None]) -> None:
        """A refusal that leaves no trace: the id is free for a corrected command."""
        now, state = self._engine.clock(), self._engine.state()
        tell(Stage(request.id, REJECTED, now, state, request.trace_id, error.reason, None, error.as_error()))

    def cancel(self, id: str, principal: str) -> dict[str, Any]:  # noqa: A002  # the protocol's word
        """End a queued or running command; the answer says which it was. Raises `Refused`."""
        return self._engine.cancel(id, principal)

    def estop(self, reason: str, by: str, trace_id: str | None = None) -> Awaitable[dict[str, Any]]:
        """Stop the robot; it is stopped when this returns, and what is awaited is the evidence."""
        return self._engine.stopping.estop(reason, by, trace_id)

    def reset(self, latch_id: str, by: str, trace_id: str | None = None) -> dict[str, Any]:
        """Take the latch back. Raises `Refused`."""
        return self._engine.stopping.reset(latch_id, by, trace_id)

    # -- the lease ----------------------------------------------------------------------------------

    def acquire(self, who: Who, at: float, window_s: float | None, *, steal: bool) -> dict[str, Any]:
        """Give `who` the lease. Raises `Refused`."""
        return self._engine.leasing.acquire(Holder(*who), at, window_s, steal=steal)

    def renew(self, who: Who, lease_id: str, at: float) -> dict[str, Any]:
        """Keep it. Raises `Refused`."""
        return self._engine.leasing.renew(Holder(*who), lease_id, at)

    def release(self, who: Who, lease_id: str) -> dict[str, Any]:
        """Take it back. Raises `Refused`."""
        return self._engine.leasing.release(Holder(*who), lease_id)

    def _lease_changed(self, what: str, held: Held, more: Mapping[str, Any]) -> None:
        """Tell who follows it, and who has lost it."""
        engine = self._engine
        if what in (LAPSED, STOLEN):
            lost = {"lease_id": held.lease_id, "why": what, **more}
            self.hub.tell(held.holder.source, "lease.lost", lost)
        self.hub.publish("lease", {"what": what, "lease": engine.leasing.as_data()})

    # -- clients and the past -----------------------------------------------------------------------

    def joined(self, source: str, principal: str) -> None:
        """A client is there."""
        self._engine.record.joined(source, principal)

    def mute(self, source: str) -> None:
        """It says nothing more."""
        self._engine.leasing.mute(source)

    def left(self, source: str, why: str, last_at: float) -> None:
        """It is gone."""
        self._engine.leasing.left(source)
        self._engine.record.left(source, why, last_at)

    def read_journal(self, query: JournalQuery) -> Awaitable[dict[str, Any]]:
        """Rows of the journal."""
        return self._history.read(query)

    def why(self, about: str | int | None) -> Awaitable[dict[str, Any]]:
        """The causal chain."""
        return self._history.why(about)

    def past_stages(self, since_seq: int, most: int) -> Awaitable[PastStages]:
        """What became of commands since a row."""
        return self._history.stages(since_seq, most)

    def bury(self, letter: int, how: str, by: str) -> Awaitable[dict[str, Any]]:
        """A person has dealt with a dead letter."""
        return self._history.bury(letter, how, by)

    # -- topics -------------------------------------------------------------------------------------

    def _declare_topics(self) -> None:
        engine = self._engine
        self.hub.declare("state", lambda: status.state(engine))
        self.hub.declare("stage", when_wanted=self._follow_stages)
        self.hub.declare("lease", lambda: {"lease": engine.leasing.as_data()})
        self.hub.declare("log")
        for device in engine.rig.devices.values():
            self.hub.declare(f"reading.{device.name}", partial(self._reading, device))

    def _reading(self, device: Device) -> dict[str, Any]:
        return {"device": device.name, "readings": status.readings(device, self._engine.clock())}

    def _publish_reading(self, device: Device, reading: str) -> None:
        topic = f"reading.{device.name}"
        if self.hub.wanted(topic):
            trace_id = self._engine.sensing.trace or self._engine.ids.new_trace_id()
            self.hub.publish(topic, {**self._reading(device), "trace_id": trace_id})

    def _follow_stages(self, wanted: bool) -> None:
        """Subscribers of all stages come and go; while there is none, the ledger need not make them."""
        observers = self._engine.ledger.observers
        change = observers.append if wanted else observers.remove
        change(self._publish_stage)

    def _publish_stage(self, stage: Stage) -> None:
        told = {name: value for name, value in stage._asdict().items() if value is not None}
        self.hub.publish("stage", told)

    def _publish_decision(self, decision: Decision) -> None:
        if (decision.entries or decision.exits) and self.hub.wanted("state"):
            self.hub.publish("state", {**status.state(self._engine), "trace_id": decision.message.trace_id})
        if self.hub.wanted("log"):
            self.hub.publish("log", line(decision))


def _conflict(command_id: str) -> Refused:
    return Refused(
        "id_conflict", f"the id {command_id!r} was used for another command", hint="choose a new one"
    )


def _digest(request: SendRequest) -> str:
    """What makes a command with the same id the same command, whoever restarts in between."""
    asked = (request.principal, request.type, request.payload, request.priority, request.version)
    return blake2b(canonical(asked), digest_size=DIGEST_BYTES).hexdigest()
