"""What the robot tells by itself: an iterator that keeps the newest and never grows."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Self

BUFFER_UPDATES = 1024
"""Updates kept for a reader that is behind; beyond it the oldest goes and the next one's `gap` says so."""
EVERY_ONE_COUNTS = frozenset({"stage", "log"})
"""Topics whose updates are told one by one; of all others only the newest matters."""


@dataclass(frozen=True, slots=True)
class Update:
    """One piece of news."""

    topic: str
    """`state`, `stage`, `log`, or `reading.<device>`."""
    data: Mapping[str, Any]
    gap: int = 0
    """How many updates were dropped just before it, by the robot or here, because somebody was slow."""

    @property
    def trace_id(self) -> str:
        """The trace that it belongs to; empty where the robot does not say."""
        return str(self.data.get("trace_id", ""))


class Subscription:
    """An asynchronous iterator over updates: the present values first, then changes.

    It begins with the first iteration, or on entering `async with`, and ends with `close`, on leaving
    `async with`, or with the connection. Of a topic the newest update replaces an older one that was not yet
    taken, so that a slow reader is never behind; stages and log lines are kept one by one, up to
    `BUFFER_UPDATES`.
    """

    def __init__(
        self,
        topics: Sequence[str],
        begin: Callable[[Subscription], Awaitable[Mapping[str, Any]]],
        end: Callable[[Subscription], Awaitable[None]],
    ) -> None:
        self.topics = tuple(topics)
        self.begun: Mapping[str, Any] = {}
        """The robot's answer. To `since_seq` it has `last_seq`, the newest row of its journal (one before
        `since_seq`: it began another), and `gap`, where older stages than of this row were not told again."""
        self._begin = begin
        self._end = end
        self._begun = False
        self._waiting: OrderedDict[object, Update] = OrderedDict()
        self._dropped = 0
        self._news = asyncio.Event()
        self._over = False
        self._lost: Exception | None = None

    async def __aenter__(self) -> Self:
        await self._ensure_begun()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Update:
        await self._ensure_begun()
        while not self._waiting:
            if self._lost is not None:
                raise self._lost
            if self._over:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        return self._waiting.popitem(last=False)[1]

    async def close(self) -> None:
        """Hear no more; the robot is told. A second call does nothing."""
        if self._over:
            return
        self._over = True
        self._news.set()
        if self._begun:
            await self._end(self)

    async def _ensure_begun(self) -> None:
        if not self._begun:
            self._begun = True
            self.begun = await self._begin(self)

    def wants(self, topic: str) -> bool:
        """Whether `topic` is one of ours; `reading.*` stands for every reading."""
        return any(fnmatchcase(topic, pattern) for pattern in self.topics)

    def heard(self, update: Update) -> None:
        """Keep an update (called by the connection)."""
        key: object = object() if update.topic in EVERY_ONE_COUNTS else update.topic
        older = self._waiting.pop(key, None)
        gap = update.gap + self._dropped + (older.gap + 1 if older else 0)
        self._dropped = 0
        self._waiting[key] = Update(update.topic, update.data, gap)
        if len(self._waiting) > BUFFER_UPDATES:
            self._dropped = self._waiting.popitem(last=False)[1].gap + 1
        self._news.set()

    def lost(self, why: Exception) -> None:
        """Nothing more will come (called by the connection); what was heard can still be taken."""
        self._lost = why
        self._news.set()
