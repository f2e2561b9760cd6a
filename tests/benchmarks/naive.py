"""Baseline: the design that comes to mind first.

A task for each client that receives and decodes, an `asyncio.PriorityQueue`, an `AsyncMachine` with
`queued=True`, and an awaited answer for each command.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import uuid
from typing import Any

from transitions.extensions.asyncio import AsyncMachine
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tests.benchmarks.serving import until_told

STATES = ["disarmed", "teleop", "auto", "estopped"]
TRANSITIONS: list[dict[str, Any]] = [
    {"trigger": "arm", "source": "disarmed", "dest": "teleop"},
    {"trigger": "drive", "source": "teleop", "dest": None, "after": "set_speed", "conditions": "may_drive"},
    {"trigger": "patrol", "source": "teleop", "dest": "auto"},
    {"trigger": "estop", "source": "*", "dest": "estopped"},
]
PRIORITIES = {"estop": 0}
NORMAL_PRIORITY = 1


class Rover:
    state: str
    trigger: Any

    def __init__(self) -> None:
        self.linear_m_s = 0.0
        self.machine = AsyncMachine(
            self, STATES, initial="teleop", transitions=TRANSITIONS, queued=True, auto_transitions=False
        )

    async def may_drive(self, payload: dict[str, Any]) -> bool:
        return abs(float(payload["linear"])) <= 0.8

    async def set_speed(self, payload: dict[str, Any]) -> None:
        self.linear_m_s = payload["linear"]


async def main() -> None:
    queue: asyncio.PriorityQueue[tuple[int, int, dict[str, Any], ServerConnection]] = asyncio.PriorityQueue(
        1024
    )
    order = itertools.count()
    rover = Rover()

    async def receive(connection: ServerConnection) -> None:
        async for raw in connection:
            message = json.loads(raw)
            priority = PRIORITIES.get(message["type"], NORMAL_PRIORITY)
            await queue.put((priority, next(order), message, connection))

    async def dispatch() -> None:
        while True:
            _, _, message, connection = await queue.get()
            ran = await rover.trigger(message["type"], message.get("payload", {}))
            answer = {
                "type": message["type"],
                "id": str(uuid.uuid4()),
                "stage": "started" if ran else "rejected",
                "state": rover.state,
                "trace_id": uuid.uuid4().hex,
            }
            try:
                await connection.send(json.dumps(answer))
            except ConnectionClosed:
                continue

    async with serve(receive, "127.0.0.1", 0) as server, asyncio.TaskGroup() as tasks:
        dispatcher = tasks.create_task(dispatch())
        await until_told(ws=server.sockets[0].getsockname()[1])
        dispatcher.cancel()


if __name__ == "__main__":
    asyncio.run(main())
