"""Baseline: the smallest whole pipeline on these libraries, as fast as it gets. It stands for the limit.

Frames are taken inside `data_received`, decoded into typed structs, put into one of two lanes, decided by a
flat `transitions.Machine`, and answered together once a turn of the loop. What it leaves out is what
robotd is for: limits, fairness, stages, expiry, devices, a log, a way to stop.
"""

from __future__ import annotations

import asyncio
import gc
from collections import deque
from functools import partial
from itertools import count
from math import isfinite
from typing import Any

import msgspec
from transitions import Machine
from websockets.asyncio.server import ServerConnection, serve
from websockets.frames import TEXT
from websockets.http11 import Request
from websockets.protocol import Event

from tests.benchmarks.serving import until_told

BURST = 64
"""Commands decided in one turn of the loop."""


class Twist(msgspec.Struct, gc=False):
    linear: float
    angular: float = 0.0


class Command(msgspec.Struct, gc=False):
    type: str
    payload: Twist


class Answer(msgspec.Struct, gc=False):
    type: str
    id: str
    stage: str
    state: str
    trace_id: str


class Client:
    """Somebody who sends and is answered; the answers of one turn leave in one write."""

    answers: list[bytes]
    marked: bool

    def flush(self) -> None:
        raise NotImplementedError


class Rover:
    state: str
    trigger: Any

    def __init__(self) -> None:
        self.linear_m_s = 0.0
        self.machine = Machine(
            self,
            ["disarmed", "teleop", "auto", "estopped"],
            initial="teleop",
            transitions=[
                ["arm", "disarmed", "teleop"],
                {"trigger": "drive", "source": "teleop", "dest": None, "conditions": "may_drive"},
                ["patrol", "teleop", "auto"],
                ["estop", "*", "estopped"],
            ],
            auto_transitions=False,
        )
        self.triggers = {name: partial(event.trigger, self) for name, event in self.machine.events.items()}

    def may_drive(self, twist: Twist) -> bool:
        if isfinite(twist.linear) and -0.8 <= twist.linear <= 0.8:
            self.linear_m_s = twist.linear
            return True
        return False


class Pipeline:
    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.rover = Rover()
        self.decode = msgspec.json.Decoder(Command).decode
        self.encode = msgspec.json.Encoder().encode
        self.safety: deque[tuple[Client, Command]] = deque()
        self.commands: deque[tuple[Client, Command]] = deque()
        self.ids = count(1)
        self.awake = False

    def offer(self, client: Client, text: bytes) -> None:
        command = self.decode(text)
        (self.safety if command.type == "estop" else self.commands).append((client, command))
        if not self.awake:
            self.awake = True
            self.loop.call_soon(self.work)

    def work(self) -> None:
        rover, encode, told = self.rover, self.encode, []
        for _ in range(BURST):
            lane = self.safety or self.commands
            if not lane:
                break
            client, command = lane.popleft()
            ran = rover.triggers[command.type](command.payload)
            number = f"{next(self.ids):032x}"
            stage = "started" if ran else "rejected"
            client.answers.append(encode(Answer(command.type, number, stage, rover.state, number)))
            if not client.marked:
                client.marked = True
                told.append(client)
        for client in told:
            client.marked = False
            client.flush()
        self.awake = bool(self.safety or self.commands)
        if self.awake:
            self.loop.call_soon(self.work)


class WebSocketClient(ServerConnection, Client):
    pipeline: Pipeline

    def process_event(self, event: Event) -> None:
        if not isinstance(event, Request) and event.opcode is TEXT:  # type: ignore[union-attr]  # reason: a server sees no Response
            self.pipeline.offer(self, event.data)  # type: ignore[union-attr, arg-type]  # reason: as above; bytes, not a memoryview, when received
        else:
            super().process_event(event)

    def flush(self) -> None:
        frames: list[bytes] = []
        for answer in self.answers:
            size = len(answer)
            header = bytes((0x81, size)) if size < 126 else bytes((0x81, 126, size >> 8, size & 255))
            frames += (header, answer)
        self.answers.clear()
        self.transport.write(b"".join(frames))


class LineClient(asyncio.Protocol, Client):
    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.answers = []
        self.marked = False
        self.rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]  # reason: asyncio types it as the base

    def data_received(self, data: bytes) -> None:
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            self.pipeline.offer(self, line)

    def flush(self) -> None:
        self.answers.append(b"")
        self.transport.write(b"\n".join(self.answers))
        self.answers.clear()


async def main() -> None:
    pipeline = Pipeline()

    def websocket_client(*args: Any, **options: Any) -> WebSocketClient:
        client = WebSocketClient(*args, **options)
        client.pipeline, client.answers, client.marked = pipeline, [], False
        return client

    async def until_closed(connection: ServerConnection) -> None:
        await connection.wait_closed()

    lines = await asyncio.get_running_loop().create_server(lambda: LineClient(pipeline), "127.0.0.1", 0)
    async with (
        lines,
        serve(
            until_closed,
            "127.0.0.1",
            0,
            compression=None,
            create_connection=websocket_client,  # type: ignore[arg-type]  # reason: a factory is as good as a class
        ) as server,
    ):
        gc.freeze()
        await until_told(ws=server.sockets[0].getsockname()[1], tcp=lines.sockets[0].getsockname()[1])


if __name__ == "__main__":
    asyncio.run(main())
