"""A robot behind a gate, with every way in, and a client that speaks the same over each of them."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from robotd.access.gate import Gate
from robotd.access.users import Users
from robotd.core.limits import Limits
from robotd.core.role import Role
from robotd.daemon.entrance import looked_after
from robotd.wire.admission import Admission
from robotd.wire.http import Access
from robotd.wire.listen import listen_tcp
from robotd.wire.tcp import serve_tcp
from robotd.wire.unix import serve_unix
from robotd.wire.websocket import serve_websocket
from tests.access.keys import NOON, ROLES, Keys
from tests.virtual import SimulationLoop
from tests.wire.raw import TEXT, RawClient, frame, plugged_in, request, upgraded
from tests.wire.still_robot import StillRobot

PATIENCE_S = 30.0
"""A test that waits for longer has failed."""
FREE = Limits(rate_per_s=1e6, burst=1_000_000)


class House:
    """The robot, its gate, its keys, and where its doors are."""

    def __init__(self, robot: StillRobot, keys: Keys, gate: Gate, admission: Admission) -> None:
        self.robot = robot
        self.keys = keys
        self.gate = gate
        self.admission = admission
        self.audit: list[tuple[str, str, str]] = []
        """What was written down, who did it, and from where."""
        self.websocket = self.tcp = 0
        self.unix = ""

    @asynccontextmanager
    async def enter(self, transport: str) -> AsyncIterator[Caller]:
        """A connection: `websocket`, `tcp` or `unix`."""
        if transport == "websocket":
            async with upgraded(self.websocket) as client:
                yield OnWebSocket(client)
            return
        opening = (
            asyncio.open_unix_connection(self.unix)
            if transport == "unix"
            else asyncio.open_connection("127.0.0.1", self.tcp)
        )
        reader, writer = await opening
        caller = OnLines(reader, writer)
        try:
            yield caller
        finally:
            caller.close()

    async def page(self, page: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """A page such as `GET /metrics`: its status, headers and body."""
        async with plugged_in(self.websocket) as client:
            method, path = page.split()
            client.send(request(method, path, headers))
            head = await client.head()
            body = await client.reader.read()
        status, *lines = head.split("\r\n")
        return int(status.split()[1]), dict(line.split(": ", 1) for line in lines if line), body


class Caller:
    """One connection, and its calls."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def say(self, method: str, params: Any, number: int) -> None:
        """Send a call."""
        message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params or {}}
        self.write(json.dumps(message).encode())

    def write(self, message: bytes) -> None:
        """Send one whole message."""
        raise NotImplementedError

    async def hear(self) -> Any:
        """The next message. Raises `EOFError` when there is none any more."""
        raise NotImplementedError

    async def call(self, method: str, params: Any = None) -> dict[str, Any]:
        """The answer to one call; what else comes is passed over."""
        number = next(self._numbers)
        self.say(method, params, number)
        async with asyncio.timeout(PATIENCE_S):
            while True:
                message: dict[str, Any] = await self.hear()
                if message.get("id") == number:
                    return message

    async def reason(self, method: str, params: Any = None) -> str | None:
        """Why a call is refused; None where it is not."""
        answer = await self.call(method, params)
        return str(answer["error"]["data"]["reason"]) if "error" in answer else None

    async def until_cut(self) -> float:
        """Wait until the robot ends the connection; the loop's time then."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    await self.hear()
        except (EOFError, ConnectionError):
            return asyncio.get_running_loop().time()


class OnWebSocket(Caller):
    """Over a WebSocket."""

    def __init__(self, client: RawClient) -> None:
        super().__init__()
        self._client = client

    def write(self, message: bytes) -> None:
        self._client.send(frame(TEXT, message))

    async def hear(self) -> Any:
        return await self._client.message()


class OnLines(Caller):
    """Over TCP or a Unix socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__()
        self._reader = reader
        self._writer = writer

    def write(self, message: bytes) -> None:
        self._writer.write(message + b"\n")

    def close(self) -> None:
        """Hang up."""
        self._writer.transport.abort()

    async def hear(self) -> Any:
        line = await self._reader.readline()
        if not line:
            raise EOFError
        return json.loads(line)


@asynccontextmanager
async def house(
    *,
    asks: bool = True,
    limits: Limits | None = None,
    unix: Path | None = None,
    role_of_us: Role | None = None,
) -> AsyncIterator[House]:
    """Open the doors; in virtual time those of WebSocket and TCP are in memory.

    `role_of_us`: what the file says of the user that runs the test, on the Unix socket.
    """
    # Its clients answer no pings.
    robot = StillRobot(replace(limits or FREE, ping_s=1e6))
    keys, loop = Keys(), asyncio.get_running_loop()
    audit: list[tuple[str, str, str]] = []
    gate = Gate(
        keys if asks else None,
        users=Users(os.getuid(), {} if role_of_us is None else {os.getuid(): role_of_us}),
        clock=loop.time,
        wall_clock=lambda: NOON + timedelta(seconds=loop.time()),
        audit=lambda what, *, source, who=None, **said: audit.append((what, who or "", source)),
    )
    admission = Admission(robot.limits, gate)
    listen = loop.network.listen if isinstance(loop, SimulationLoop) else listen_tcp
    here = House(robot, keys, gate, admission)
    here.audit = audit
    async with AsyncExitStack() as doors:
        doors.enter_context(looked_after(gate))
        _, here.websocket = await doors.enter_async_context(
            serve_websocket(robot, "127.0.0.1", 0, access=Access(), admission=admission, listen=listen)
        )
        _, here.tcp = await doors.enter_async_context(
            serve_tcp(robot, "127.0.0.1", 0, admission=admission, listen=listen)
        )
        if unix is not None:
            here.unix = await doors.enter_async_context(serve_unix(robot, str(unix), admission=admission))
        yield here
    assert len(admission) == 0
    assert admission.strangers == 0


def all_keys(here: House) -> dict[Role, str]:
    """A token of each role, which the gate knows."""
    given = {role: here.keys.give(role) for role in ROLES}
    here.gate.look()
    return given
