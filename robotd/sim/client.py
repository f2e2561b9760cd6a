"""An operator's console in a simulation: one line client of the daemon, over the network in memory.

It speaks the wire's JSON-RPC as any client does, and costs little: a campaign has hours of it.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from robotd.core.stage import TERMINAL
from robotd.json import encode, parse

HOST = "127.0.0.1"
TCP_PORT = 8081
WEBSOCKET_PORT = 8080
NO_CALL = -1
"""In place of the id of an answer that has none: to a word for people."""


class Sent:
    """A command that was sent, and the stages that its sender heard."""

    def __init__(self, command_id: str, kind: str) -> None:
        self.id = command_id
        self.type = kind
        self.stages: list[Mapping[str, Any]] = []
        """As they stand on the wire: `stage`, `at`, `state`, `reason`, `result`, `error`."""
        self.answer: Mapping[str, Any] | None = None
        """The object that answered it: with `result`, or with `error`."""

    @property
    def stage(self) -> str:
        """The stage that it has reached, as far as its sender knows."""
        return str(self.stages[-1]["stage"]) if self.stages else "sent"

    @property
    def ended(self) -> bool:
        """Whether it has reached a terminal stage."""
        return self.stage in TERMINAL


class Outgoing(Protocol):
    """Where what a console says goes."""

    def write(self, data: bytes) -> None:
        """Send it; never waits."""

    def close(self) -> None:
        """Hang up."""


class Console(asyncio.Protocol):
    """One connection. Make it with `connect`."""

    def __init__(self, name: str, numbers: Iterator[int] | None = None) -> None:
        self.name = name
        self.sent: dict[str, Sent] = {}
        """The commands that have not ended, by id."""
        self.latch_id: str | None = None
        """Of the newest stop that this client asked for."""
        self.lease_id = "none"
        """Of the newest lease that it was given when it asked for one."""
        self.on_update: Callable[[str, Mapping[str, Any]], None] | None = None
        """Told the topic and the data of what was subscribed to."""
        self.on_message: Callable[[], None] | None = None
        """Called after each message that came."""
        self.unasked: Mapping[str, Any] | None = None
        """The newest answer to what was no call: to bytes of `write`."""
        self.gone = False
        self._transport: Outgoing
        self._calls: dict[int, Callable[[Mapping[str, Any]], None]] = {}
        self._numbers = numbers or itertools.count(1)
        self._rest = b""

    @classmethod
    async def connect(cls, name: str, numbers: Iterator[int] | None = None) -> Console:
        """Connect to the daemon of this loop, and follow the stages of all commands.

        `name` begins the ids of what it sends, and `numbers` ends them, so those of two consoles differ.
        """
        _, console = await asyncio.get_running_loop().create_connection(
            lambda: cls(name, numbers), HOST, TCP_PORT
        )
        console.greet()
        return console

    def greet(self) -> None:
        """Say who this is, and ask for the stages of all commands."""
        self.call("hello", {"client": self.name, "protocol": [1]})
        self.call("subscribe", {"topics": ["stage"]})

    # -- what an operator does ------------------------------------------------------------------------

    def send(self, kind: str, payload: Mapping[str, Any] | None = None, **more: Any) -> Sent:
        """Send a command; `more` are further params of the wire's `send`."""
        number = next(self._numbers)
        sent = Sent(str(more.pop("id", f"{self.name}-{number}")), kind)
        self.sent[sent.id] = sent
        params = {"type": kind, "id": sent.id, "wait": "done", **more}
        if payload:
            params["payload"] = payload
        self._request(number, "send", params, lambda answer: self._answered(sent, answer))
        return sent

    def stop(self, reason: str) -> Sent:
        """Ask for a stop; the latch that its answer brings is kept for `reset`."""
        return self.call("estop", {"reason": reason})

    def reset(self, latch_id: str | None = None) -> Sent:
        """Lift the latch of the newest stop that was asked for here, or another one."""
        return self.call("reset", {"latch_id": latch_id or self.latch_id or ""})

    def call(self, method: str, params: Mapping[str, Any]) -> Sent:
        """Any method; its answer is found in what this returns."""
        number = next(self._numbers)
        asked = Sent(f"{self.name}-{number}", method)
        self._request(number, method, params, lambda answer: self._called(asked, answer))
        return asked

    def write(self, data: bytes) -> None:
        """Bytes that need not be a message."""
        self._transport.write(data)

    def close(self) -> None:
        """Hang up."""
        self._transport.close()

    def _request(
        self,
        number: int,
        method: str,
        params: Mapping[str, Any],
        answered: Callable[[Mapping[str, Any]], None],
    ) -> None:
        self._calls[number] = answered
        self._transport.write(
            encode({"jsonrpc": "2.0", "id": number, "method": method, "params": params}) + b"\n"
        )

    def _called(self, asked: Sent, answer: Mapping[str, Any]) -> None:
        asked.answer = answer
        if asked.type == "estop" and "result" in answer:
            self.latch_id = answer["result"]["latch_id"]
        elif asked.type == "lease.acquire" and "result" in answer:
            self.lease_id = answer["result"]["lease_id"]

    def _answered(self, sent: Sent, answer: Mapping[str, Any]) -> None:
        sent.answer = answer
        if "error" in answer:
            self._heard(sent, {"stage": "rejected", "error": answer["error"]})

    def _heard(self, sent: Sent, stage: Mapping[str, Any]) -> None:
        if not sent.ended:
            sent.stages.append(stage)
            if sent.ended:
                self.sent.pop(sent.id, None)

    # -- from asyncio -----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The daemon took the connection."""
        self._transport = transport  # type: ignore[assignment]  # of a stream, as this one is

    def data_received(self, data: bytes) -> None:
        """Answers and what was subscribed to."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self.receive(line)

    def receive(self, message: bytes) -> None:
        """One whole message from the daemon."""
        said = parse(message)
        for one in said if isinstance(said, list) else (said,):  # a list answers a batch
            self._take(one)
        if self.on_message is not None:
            self.on_message()

    def connection_lost(self, exc: Exception | None) -> None:
        """The daemon hung up, or we did."""
        self.gone = True

    def _take(self, message: Mapping[str, Any]) -> None:
        if "method" not in message:
            answered = self._calls.pop(message.get("id", NO_CALL), None)
            if answered is not None:
                answered(message)
            else:
                self.unasked = message
            return
        params = message["params"]
        if message["method"] == "stage":
            sent = self.sent.get(params["id"])
            if sent is not None:
                self._heard(sent, params)
        elif self.on_update is not None and message["method"] == "update":
            self.on_update(params["topic"], params["data"])
