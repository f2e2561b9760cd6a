"""Questions to a board's far end, put again until they are answered. Drivers say which answer is whose."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from typing import Any

from hal.board import Board
from hal.errors import DeviceSilent


class Exchange:
    """The open questions of one board. Answers are matched by a key that the driver chooses."""

    def __init__(self, board: Board, why_silent: Callable[[], str]) -> None:
        self._board = board
        self._why_silent = why_silent
        self._open: dict[Hashable, asyncio.Future[Any]] = {}

    def forget(self) -> None:
        """What was asked before is not answered any more."""
        self._open.clear()

    def answer(self, key: Hashable, value: object) -> None:
        """The driver heard the answer to `key`; one that nobody waits for is dropped."""
        waiting = self._open.pop(key, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(value)

    async def try_once(self, question: bytes, key: Hashable, timeout_s: float) -> Any:
        """Put a question once; None without an answer in time. All who wait for the same one share it.

        Raises what `Board.send` raises, or the reason when the wire is lost meanwhile.
        """
        answer = self._open.setdefault(key, asyncio.get_running_loop().create_future())
        self._board.send(question)
        return await self._board.answered(answer, timeout_s)

    async def ask(self, question: bytes, key: Hashable, *, times: int, again_s: float) -> Any:
        """Put a question up to `times` times, every `again_s`. Raises `DeviceSilent` with the cause."""
        for _ in range(times):
            answer = await self.try_once(question, key, again_s)
            if answer is not None:
                return answer
        raise DeviceSilent(self._board.name, self._why_silent())

    async def agree(self, question: bytes, key: Hashable, *, times: int, again_s: float) -> Any:
        """Ask until two answers in a row are the same: a bad wire seldom tells one lie twice."""
        before = None
        for _ in range(times):
            answer = await self.ask(question, key, times=times, again_s=again_s)
            if answer == before:
                return answer
            before = answer
        raise DeviceSilent(self._board.name, "no two of its answers are the same; is the wire disturbed?")
