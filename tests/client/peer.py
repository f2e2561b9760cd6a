"""A robot of few words, at the far end of a real Unix socket: it says what a test tells it to say."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

Answer = Callable[[dict[str, Any]], dict[str, Any] | None]
"""From a request to its answer; None: silence."""


class Peer:
    """Answers `hello` and `subscribe`, and everything else as `answers` says by method."""

    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.answers: dict[str, Answer] = {"hello": result({"robot": "few words"}), "subscribe": result({})}
        self.answers["unsubscribe"] = result({})
        self.came = asyncio.Event()
        """Set with each request."""
        self.ended = asyncio.Event()
        self._writer: asyncio.StreamWriter | None = None

    def say(self, *messages: Any) -> None:
        """Send whole messages, answers or notifications."""
        self.say_bytes(b"".join(json.dumps(message).encode() + b"\n" for message in messages))

    def say_bytes(self, data: bytes) -> None:
        assert self._writer is not None
        self._writer.write(data)

    def cut(self) -> None:
        """Close the connection from this side."""
        assert self._writer is not None
        self._writer.close()

    def stage(self, command_id: str, stage: str, **more: Any) -> None:
        params = {"id": command_id, "stage": stage, "at": 1.0, "state": "teleop", **more}
        self.say({"jsonrpc": "2.0", "method": "stage", "params": params})

    def update(self, topic: str, data: Any, **more: Any) -> None:
        self.say({"jsonrpc": "2.0", "method": "update", "params": {"topic": topic, "data": data, **more}})

    async def asked(self, method: str) -> Any:
        """Wait for the last request of `method`."""
        while True:
            for request in reversed(self.requests):
                if request["method"] == method:
                    return request
            self.came.clear()
            await self.came.wait()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        try:
            while line := await reader.readline():
                request = json.loads(line)
                self.requests.append(request)
                self.came.set()
                answer = self.answers[request["method"]](request)
                if answer is not None:
                    self.say(answer)
        finally:
            writer.close()
            self.ended.set()


def result(value: Any) -> Answer:
    return lambda request: {"jsonrpc": "2.0", "id": request["id"], "result": value}


def error(code: int, message: str, **data: Any) -> Answer:
    told = {"code": code, "message": message, "data": data}
    return lambda request: {"jsonrpc": "2.0", "id": request["id"], "error": told}


def silence(request: dict[str, Any]) -> None:
    return None


def reaches(stage: str, **more: Any) -> Answer:
    """The answer of `send`."""

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        told = {
            "id": request["params"]["id"],
            "stage": stage,
            "state": "teleop",
            "trace_id": "a" * 32,
            **more,
        }
        return {"jsonrpc": "2.0", "id": request["id"], "result": told}

    return answer


@asynccontextmanager
async def listening(folder: Path) -> AsyncIterator[tuple[Peer, str]]:
    """A peer for one client, and its address."""
    peer = Peer()
    path = folder / "robot.sock"
    async with await asyncio.start_unix_server(peer.serve, path):
        yield peer, f"unix://{path}"
        if peer._writer is not None:
            peer._writer.close()
            await peer.ended.wait()


@asynccontextmanager
async def listening_at_a_port(tls: ssl.SSLContext | None) -> AsyncIterator[tuple[Peer, str]]:
    """A peer for one client at a port of this machine, and its address."""
    peer = Peer()
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0, ssl=tls)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield peer, f"{'tcp' if tls is None else 'tcps'}://127.0.0.1:{port}"
        if peer._writer is not None:
            peer._writer.close()
            await peer.ended.wait()
