"""The lease of a robot, renewed from the background while a program moves it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Self

from robotd.client.errors import ClientError, ConnectionLost, RemoteError


class Lease:
    """Held from the beginning of its block to the end, unless it is lost before. Made by `RemoteRobot.lease`.

    A program that hangs renews nothing, and its robot halts: that is what a lease is for.
    """

    def __init__(
        self, call: Callable[..., Awaitable[Any]], watch: list[Lease], window_s: float | None, *, steal: bool
    ) -> None:
        self._call = call
        self._watch = watch
        self._asked: dict[str, Any] = {"steal": True} if steal else {}
        if window_s is not None:
            self._asked["window_ms"] = window_s * 1000
        self._keeping: asyncio.Task[None] | None = None
        self.lease_id = ""
        self.window_s = 0.0
        """The robot halts when it hears nothing for so long."""
        self.lost = asyncio.Event()
        """Set when it is lost: nothing that this program sends moves the robot any more."""
        self.why = ""
        """Why it was lost: `lapsed`, `stolen`, or a sentence."""

    async def __aenter__(self) -> Self:
        """Raises `RemoteError` with the reason `no_lease` while somebody else has it."""
        granted = await self._call("lease.acquire", self._asked)
        self.lease_id, self.window_s = granted["lease_id"], granted["window_ms"] / 1000
        self._watch.append(self)
        self._keeping = asyncio.create_task(self._keep(granted["renew_ms"] / 1000), name="lease")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watch.remove(self)
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        if not self.lost.is_set():
            # It would lapse by itself; whoever leaves must not fail over it.
            with contextlib.suppress(ClientError, TimeoutError):
                await self._call("lease.release", {"lease_id": self.lease_id})

    def heard(self, notice: Mapping[str, Any]) -> None:
        """The robot says that a lease of this connection is lost (called by the connection)."""
        if notice.get("lease_id") == self.lease_id:
            self._lose(str(notice.get("why", "")))

    def _lose(self, why: str) -> None:
        if not self.lost.is_set():
            self.why = why
            self.lost.set()

    async def _keep(self, renew_s: float) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while not self.lost.is_set():
            # After a pause of this program one renewal is as good as those that were left out.
            due = max(due + renew_s, loop.time())
            await asyncio.sleep(due - loop.time())
            try:
                await self._call("lease.renew", {"lease_id": self.lease_id}, timeout_s=self.window_s)
            except (RemoteError, ConnectionLost) as error:
                self._lose(str(error))
            except TimeoutError:
                continue  # the next one may come through, and else the robot says what became of it
