"""One connection: requests, their answers in any order, and what comes without being asked for."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from robotd.client.channel import Channel
from robotd.client.errors import ClientError, ConnectionLost, InFlight, RemoteError

IN_FLIGHT_LIMIT = 1024
"""Requests without an answer; the robot's own limit is far lower."""


class Line:
    """Requests over a channel. `take` is told each notification, `lose` once that nothing comes any more."""

    def __init__(
        self,
        channel: Channel,
        take: Callable[[str, Mapping[str, Any]], None],
        lose: Callable[[ConnectionLost], None],
    ) -> None:
        self._channel = channel
        self._take_notification = take
        self._tell_lost = lose
        self._numbers = itertools.count(1)
        self._pending: dict[int, tuple[InFlight, asyncio.Future[Any]]] = {}
        self._reader: asyncio.Task[None] | None = None
        self._loss: ConnectionLost | None = None

    def open(self) -> None:
        """Begin to read."""
        self._reader = asyncio.create_task(self._read())

    async def close(self) -> None:
        """End the connection; whoever waits for an answer was told by `lose`."""
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        await self._channel.close()

    @property
    def lost(self) -> bool:
        """Whether the connection is gone."""
        return self._loss is not None

    def raise_if_lost(self) -> None:
        """Raises `ConnectionLost` if the connection is gone."""
        if self._loss is not None:
            raise ConnectionLost(self._loss.sentence)

    async def request(
        self, request: InFlight, params: Mapping[str, Any] | None, timeout_s: float | None
    ) -> Any:
        """Ask, and wait for the result. Raises as `RemoteRobot.call`."""
        self.raise_if_lost()
        if len(self._pending) >= IN_FLIGHT_LIMIT:
            raise ClientError(f"{IN_FLIGHT_LIMIT} requests wait for an answer; await some first")
        number = next(self._numbers)
        message = {"jsonrpc": "2.0", "id": number, "method": request.method, "params": params or {}}
        text = json.dumps(message, allow_nan=False, separators=(",", ":"))
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._pending[number] = (request, answer)
        try:
            async with asyncio.timeout(timeout_s):
                try:
                    await self._channel.send(text)
                except OSError as error:
                    self.lose(f"the connection was cut: {error}")
                return await answer
        finally:
            del self._pending[number]
            answer.cancel()  # or an answer that came too late would be logged as never looked at

    def lose(self, sentence: str) -> None:
        """End everything that waits. Only the first reason counts."""
        if self._loss is not None:
            return
        in_flight = tuple(request for request, _ in self._pending.values())
        self._loss = ConnectionLost(sentence, in_flight)
        for _, answer in self._pending.values():
            if not answer.done():
                answer.set_exception(ConnectionLost(sentence, in_flight))
        self._tell_lost(self._loss)

    async def _read(self) -> None:
        try:
            while True:
                self._take(json.loads(await self._channel.receive(), parse_constant=_no_constants))
        except (EOFError, OSError) as error:
            self.lose(str(error) or type(error).__name__)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            self.lose(f"what came is not the robotd protocol: {error!r}")

    def _take(self, message: Mapping[str, Any]) -> None:
        if "method" in message:
            self._take_notification(message["method"], message["params"])
            return
        _, answer = self._pending.get(message["id"], (None, None))
        if answer is None or answer.done():
            return  # its caller gave up
        if "error" in message:
            error = message["error"]
            answer.set_exception(RemoteError(error["code"], error["message"], error.get("data") or {}))
        else:
            answer.set_result(message["result"])


def _no_constants(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
