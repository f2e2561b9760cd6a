"""The two far ends of a session: a robot whose commands the test moves on, and a socket of memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

from robotd.core.limits import Limits
from robotd.core.stage import Stage
from robotd.errors import Refused
from robotd.wire.service import SendRequest
from robotd.wire.session import Session
from tests import virtual
from tests.wire.still_robot import StillRobot

Tell = Callable[[Stage], None]


class ScriptedRobot(StillRobot):
    """Accepts every command; the test says what becomes of it."""

    def __init__(self, limits: Limits | None = None) -> None:
        super().__init__(limits)
        self.hub.declare("log")
        self.tells: dict[str, Tell] = {}
        self.refusal: Refused | None = None
        """What every command is rejected with."""

    def send(self, request: SendRequest, source: str, tell: Tell, *, early: bool = True) -> None:
        self.sent.append(request)
        self.tells[request.id] = tell
        if self.refusal is not None:
            self.tell(request, "rejected", reason=self.refusal.reason, error=self.refusal.as_error())
        elif early:
            self.tell(request, "accepted")

    def tell(self, request: SendRequest, stage: str, **more: Any) -> None:
        self.tells[request.id](Stage(request.id, stage, self.now(), self.state(), request.trace_id, **more))

    def cancel(self, command_id: str, principal: str) -> dict[str, Any]:
        if command_id not in self.tells:
            raise Refused("invalid_params", f"no command '{command_id}' is known")
        return {"id": command_id, "was": "running"}

    def reset(self, latch_id: str, by: str, trace_id: str | None = None) -> dict[str, Any]:
        if self.latch is None or latch_id != self.latch["latch_id"]:
            raise Refused("latched", "that is not the present latch")
        return super().reset(latch_id, by, trace_id)


class MemorySocket:
    """What a session is connected to: it keeps what was written, in the lists in which it came."""

    def __init__(self) -> None:
        self.writes: list[list[bytes]] = []
        self.reading = True
        self.closed = False
        self.aborted: str | None = None

    def write(self, messages: list[bytes]) -> None:
        self.writes.append(messages)

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def close(self) -> None:
        self.closed = True

    def abort(self, why: str) -> None:
        self.aborted = why

    def heard(self) -> list[Any]:
        """Everything written so far, decoded; forgotten by being asked for."""
        messages = [json.loads(message) for messages in self.writes for message in messages]
        self.writes.clear()
        return messages


class Connection:
    """A client connected to `robot`. Make it inside a running loop."""

    def __init__(self, robot: StillRobot, *, words: bool = True) -> None:
        self.robot = robot
        self.socket = MemorySocket()
        self.session = Session(robot, "memory", self.socket, words=words)

    def say(self, *messages: Any) -> None:
        """Let these arrive in one read; what is not bytes goes as JSON."""
        lines = [
            message if isinstance(message, bytes) else json.dumps(message).encode() for message in messages
        ]
        self.session.begin_read(sum(len(line) + 1 for line in lines))
        for line in lines:
            self.session.receive(line)


def request(method: str, params: Any = None, call_id: Any = 1) -> dict[str, Any]:
    """A JSON-RPC request."""
    return {"jsonrpc": "2.0", "id": call_id, "method": method, "params": {} if params is None else params}


def untraced(said: dict[str, Any]) -> dict[str, Any]:
    """Without the trace that every answer has."""
    assert "trace_id" in said
    return {name: value for name, value in said.items() if name != "trace_id"}


def story(coroutine_function: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run an async test in virtual time."""

    def run() -> None:
        virtual.run(coroutine_function())

    run.__name__ = coroutine_function.__name__
    return run


async def turns(count: int = 1) -> None:
    """Let the loop turn."""
    for _ in range(count):
        await asyncio.sleep(0)
