"""The journal of a robot whose files are not ours to read: elsewhere, in memory, or of another user.

The robot is asked for its rows, a page at a time, over one connection.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar

from robotd.cli.connection import connecting
from robotd.client import ClientError, RemoteRobot
from robotd.journal.errors import JournalError
from robotd.journal.reader import from_json
from robotd.journal.row import Row
from robotd.journal.store import ALL, Select

if TYPE_CHECKING:
    from types import TracebackType

T = TypeVar("T")

PAGE_ROWS = 500
"""So many rows are asked for at once; the robot may give fewer."""


class Asked(NamedTuple):
    """A robot that runs, and has to be asked for its journal."""

    url: str | None
    robot: str

    def open(self) -> AskedRows:
        """Its rows, to be used in a `with`. Raises `JournalError` on entering."""
        return AskedRows(self.url)


class AskedRows:
    """`Rows` over a connection, which a thread keeps alive between two questions."""

    def __init__(self, url: str | None) -> None:
        self._connecting = connecting(url)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._connection = AsyncExitStack()

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self._robot = self._run(self._connect())
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trail: TracebackType | None
    ) -> None:
        self._run(self._connection.aclose())
        self._end()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _connect(self) -> RemoteRobot:
        return await self._connection.enter_async_context(self._connecting)

    def _run(self, story: Coroutine[Any, Any, T]) -> T:
        try:
            return asyncio.run_coroutine_threadsafe(story, self._loop).result()
        except (ClientError, TimeoutError) as error:
            why = str(error) or "it did not answer in time"
            raise JournalError(f"the robot cannot be asked for its journal: {why}") from error

    def _read(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = self._run(self._robot.call("journal.read", params))
        return answer

    @property
    def last_seq(self) -> int:
        """As `Rows.last_seq`."""
        seq: int = self._read({"limit": 1, "newest_first": True})["last_seq"]
        return seq

    def rows(
        self, select: Select = ALL, *, limit: int | None = None, newest_first: bool = False
    ) -> Iterator[Row]:
        """As `Rows.rows`. Raises `JournalError`."""
        # The robot does not choose by the time on the wall.
        found = filter(select.takes, self._all(select, limit, newest_first))
        return islice(found, limit)

    def _all(self, select: Select, limit: int | None, newest_first: bool) -> Iterator[Row]:
        if select.until is None:
            select = replace(select, until=self.last_seq)
        by_time = select.after is not None or select.before is not None
        page_rows = PAGE_ROWS if limit is None or by_time else min(limit, PAGE_ROWS)
        since, until = select.since, select.until or 0
        while since < until and page_rows:
            asked = {
                "since_seq": since,
                "until_seq": until,
                "kinds": list(select.kinds),
                "id": select.id,
                "trace_id": select.trace,
                "device": select.device,
                "limit": page_rows,
                "newest_first": newest_first,
            }
            answer = self._read({name: value for name, value in asked.items() if value is not None})
            yield from map(from_json, answer["records"])
            if newest_first:
                until = answer["next_seq"]
            else:
                since = answer["next_seq"]
