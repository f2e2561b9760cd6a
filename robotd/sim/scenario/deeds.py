"""Carries out what a scenario's steps do: its clients speak, its world changes, things break."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from robotd.core.message import Event, Lane
from robotd.sim.browser import Browser
from robotd.sim.client import Console, Sent
from robotd.sim.scenario.model import (
    LATEST,
    OPERATOR,
    TCP,
    WEBSOCKET,
    Action,
    Amount,
    Cancel,
    Connect,
    Disconnect,
    Expect,
    Fault,
    Gap,
    Inject,
    Lease,
    Mend,
    Reset,
    Send,
    SetWorld,
    Step,
    Stop,
    Wait,
    Write,
)
from robotd.sim.scenario.writing import flow, seconds
from robotd.sim.simulation import Simulation

RENEWING_S = 0.1
"""How often a setpoint, or a lease, is renewed while a step's `for` lasts."""
NO_LATCH = "none"
"""What `reset: latest` sends where nobody ever stopped the robot."""


class Chronicler(Protocol):
    """Is told what is done."""

    types: dict[str, str]
    """Of each command, by its id."""

    def note(self, kind: str, text: str) -> None:
        """Something was done."""


class Asked(Protocol):
    """Knows what was sent and asked."""

    sent: dict[str, Sent]
    """The newest command of each name and type."""
    last: Sent | None
    """The newest command of all."""
    answer: Callable[[], Mapping[str, Any] | None]
    """What the newest question of all was answered with."""


class Deeds:
    """The hands of a scenario. The chronicle is told what they do, the judge what they sent and asked."""

    def __init__(
        self, simulation: Simulation, chronicle: Chronicler, judge: Asked, heard: Callable[[], None]
    ) -> None:
        """`heard` is called after each message that a client gets."""
        self._simulation = simulation
        self._chronicle = chronicle
        self._judge = judge
        self._heard = heard
        self._clients: dict[str, Console] = {}
        self._numbers: dict[str, Iterator[int]] = {}
        """Of the calls of each, by name: who comes again goes on with new ids, as clients do."""
        self._streams: list[asyncio.Task[None]] = []
        self._latch_id = NO_LATCH

    async def begin(self) -> None:
        """The operator is there."""
        await self._connect(OPERATOR, TCP)

    async def end(self) -> None:
        """Nothing is sent any more."""
        for stream in self._streams:
            stream.cancel()
        if self._streams:
            await asyncio.wait(self._streams)
        for client in self._clients.values():
            client.close()

    async def carry_out(self, step: Step) -> None:
        """One step, now. Raises `TypeError` for one that only waits or expects."""
        action = step.do
        match action:
            case Send():
                self._send(action, step.for_s)
            case Stop():
                self._ask(action.client, lambda client: client.stop(action.reason))
            case Reset():
                self._ask(action.client, lambda client: client.reset(self._latch(action)))
            case Lease():
                self._lease(action, step.for_s)
            case Cancel():
                cancelled = self._judge.sent[action.command].id
                self._ask(action.client, lambda client: client.call("cancel", {"id": cancelled}))
            case Write():
                self._write(action)
            case Connect():
                await self._connect(action.client, action.over)
            case Disconnect():
                self._clients[action.client].close()
            case Gap():
                self._simulation.network.silence(action.duration_s)
            case SetWorld():
                for name, value in action.values.items():
                    self._simulation.rig.set_world(name, plain(value))
            case Fault():
                self._simulation.rig.inject(action.board, action.text)
            case Mend():
                for board in [action.board] if action.board else [*self._simulation.rig.boards]:
                    self._simulation.rig.mend(board)
            case Inject():
                self._inject(action)
            case Wait() | Expect():
                raise TypeError(f"{action!r} does nothing")
        self._chronicle.note(*described(action))

    # -- clients

    async def _connect(self, name: str, over: str) -> None:
        come = Browser.connect if over == WEBSOCKET else Console.connect
        client = self._clients[name] = await come(name, self._numbers.setdefault(name, itertools.count(1)))
        client.on_message = self._heard

    def _ask(self, name: str, question: Callable[[Console], Sent]) -> None:
        asked = question(self._clients[name])
        self._judge.answer = lambda: asked.answer

    def _send(self, send: Send, for_s: float | None) -> None:
        for _ in range(send.times):
            self._send_once(send)
        if for_s is not None:
            loop = asyncio.get_running_loop()
            self._streams = [stream for stream in self._streams if not stream.done()]
            self._streams.append(loop.create_task(self._renew(send, loop.time(), for_s), name="setpoints"))

    def _send_once(self, send: Send) -> None:
        more: dict[str, Any] = {"id": send.id, "priority": send.priority, "version": send.version}
        if send.valid_for_s is not None:
            more["valid_for_ms"] = send.valid_for_s * 1000
        given = {key: value for key, value in more.items() if value is not None}
        sent = self._clients[send.client].send(send.type, send.payload, **given)
        self._chronicle.types[sent.id] = sent.type
        judge = self._judge
        judge.last = judge.sent[send.type] = sent
        if send.name is not None:
            judge.sent[send.name] = sent
        judge.answer = lambda: sent.answer

    def _lease(self, lease: Lease, for_s: float | None) -> None:
        client = self._clients[lease.client]
        if lease.what == "release":
            self._ask(
                lease.client, lambda client: client.call("lease.release", {"lease_id": client.lease_id})
            )
            return
        steal = {"steal": True} if lease.what == "steal" else {}
        self._ask(lease.client, lambda client: client.call("lease.acquire", steal))
        if for_s is not None:
            loop = asyncio.get_running_loop()
            self._streams.append(loop.create_task(_keep(client, for_s), name="renewals"))

    async def _renew(self, send: Send, began: float, for_s: float) -> None:
        """Send it again and again, and cancel the last: it ends then, not when it lapses."""
        loop = asyncio.get_running_loop()
        count = 1
        while (next_at := began + count * RENEWING_S) < began + for_s:
            await asyncio.sleep(next_at - loop.time())
            self._send_once(send)
            count += 1
        await asyncio.sleep(began + for_s - loop.time())
        last = self._judge.sent[send.name or send.type]
        self._clients[send.client].call("cancel", {"id": last.id})

    def _latch(self, reset: Reset) -> str:
        latch = self._simulation.engine.stop.latch
        if latch is not None:
            self._latch_id = latch.latch_id
        return self._latch_id if reset.latch_id == LATEST else reset.latch_id

    def _write(self, write: Write) -> None:
        client = self._clients[write.client]
        client.unasked = None
        client.write(write.line.encode("utf-8", "surrogatepass") + b"\n")
        self._judge.answer = lambda: client.unasked

    # -- events

    def _inject(self, inject: Inject) -> None:
        engine = self._simulation.engine
        lanes = {rule.name: rule.lane for rule in self._simulation.config.rules}
        engine.queue.offer(
            Event(
                type=inject.event,
                id=engine.ids.new_id(),
                trace_id=engine.ids.new_trace_id(),
                at=engine.clock(),
                source="scenario",
                lane=lanes.get(inject.event, Lane.EVENT),
                payload=inject.payload,
                sticky=True,
            )
        )


async def _keep(client: Console, for_s: float) -> None:
    """Renew the lease so long; then it is left to lapse."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    for count in itertools.count(1):
        next_at = began + count * RENEWING_S
        if next_at >= began + for_s:
            return
        await asyncio.sleep(next_at - loop.time())
        client.call("lease.renew", {"lease_id": client.lease_id})


def plain(value: Amount | bool | None) -> float | bool | None:
    """What the simulated world is told."""
    return value.value if isinstance(value, Amount) else value


def described(action: Action) -> tuple[str, str]:
    """What a step does: the word of the file, and the rest."""
    match action:
        case Send():
            return "send", action.type if not action.payload else f"{action.type} {flow(action.payload)}"
        case Stop(reason):
            return "stop", reason
        case Reset(latch_id):
            return "reset", latch_id
        case Lease(what):
            return "lease", what
        case Cancel(command):
            return "cancel", command
        case Write(line):
            return "write", line
        case Connect(client):
            return "connect", client
        case Disconnect(client):
            return "disconnect", client
        case Gap(duration_s):
            return "gap", seconds(duration_s)
        case SetWorld(values):
            return "set", ", ".join(f"{name} {_held(value)}" for name, value in values.items())
        case Fault(board, text):
            return "fault", f"{board}: {text}"
        case Mend(board):
            return "mend", board or "all"
        case Inject(event):
            return "inject", event
        case Wait() | Expect():
            return "", ""


def _held(value: Amount | bool | None) -> str:
    return "free" if value is None else str(value) if isinstance(value, Amount) else flow(value)
