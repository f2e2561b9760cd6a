"""Who is at the far end: it is reset until it greets, and asked until it has said everything twice alike.

Source: github.com/gnea/grbl, `doc/markdown/interface.md` ("Grbl Interface Basics") and `commands.md`.
"""

from __future__ import annotations

import asyncio

from hal.board import Board
from hal.drivers.exchange import Exchange
from hal.drivers.grbl import words
from hal.drivers.grbl.facts import Facts
from hal.drivers.grbl.lines import Line, Lines
from hal.drivers.grbl.requirements import require_version
from hal.drivers.grbl.words import Frame, Status
from hal.errors import DeviceSilent

GREET_AGAIN_S = 0.25
GREETINGS = 24
"""How often it is reset until it greets: opening the port restarts an Arduino, whose bootloader takes 2 s."""
ASK_AGAIN_S = 0.25
ROUNDS = 40
"""How often it is asked for its settings until each was told alike twice."""


class Introduction:
    """What passes between a board and its far end before it serves."""

    def __init__(self, board: Board, lines: Lines) -> None:
        self.facts = Facts()
        self._board = board
        self._lines = lines
        self._exchange = Exchange(board, self._why_no_answer)
        self._heard_bytes = False
        self._version = ""
        """As it greeted: not sure yet; empty before that."""

    def forget(self) -> None:
        """Somebody else may be there now."""
        self.facts = Facts()
        self._exchange.forget()
        self._heard_bytes, self._version = False, ""

    async def learn(self) -> Facts:
        """Reset it until it greets, and ask for version, buffers and settings.

        Raises `DeviceSilent`; `DeviceRefused` where an old one does not know the questions.
        """
        await self._greet()
        for _ in range(ROUNDS):
            await self._ask(words.BUILD_QUERY)
            await self._ask(words.SETTINGS_QUERY)
            if self.facts.complete:
                return self.facts
        require_version(self._board.name, self._version)
        raise DeviceSilent(
            self._board.name, "no two of its answers about its settings are the same; is the wire disturbed?"
        )

    async def first_report(self) -> None:
        """Wait for the first report of its state. Raises `DeviceSilent`."""
        await self._exchange.ask(words.STATUS_QUERY, Status, times=GREETINGS, again_s=ASK_AGAIN_S)

    # ------------------------------------------------------------------ what the board hears

    def heard_bytes(self) -> None:
        """Something came, whatever that is."""
        self._heard_bytes = True

    def greeted(self, version: str) -> None:
        """It has begun anew."""
        self._version = version
        self._exchange.answer(words.Banner, True)

    def reported(self, status: Status) -> None:
        """It told its state."""
        self._exchange.answer(Status, status)

    def tell(self, frame: Frame) -> None:
        """It said something of itself, perhaps."""
        self.facts.tell(frame)

    # ------------------------------------------------------------------ within

    async def _greet(self) -> None:
        await self._exchange.ask(words.SOFT_RESET, words.Banner, times=GREETINGS, again_s=GREET_AGAIN_S)

    async def _ask(self, question: bytes) -> None:
        """Put a question and wait for the `ok` behind its answer; reset a board that lost either."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[bool] = loop.create_future()

        def end(_: object) -> None:
            if not ended.done():
                ended.set_result(True)

        self._lines.offer(Line(question, end, end), loop.time())
        if not await self._board.answered(ended, ASK_AGAIN_S):
            await self._greet()

    def _why_no_answer(self) -> str:
        where = f"{self._board.spec.port} at {self._board.spec.baud} baud"
        if not self._heard_bytes:
            return f"nothing came from {where}; is it powered, is this its port, does the cable carry data?"
        if not self._version:
            return f"what comes from {where} is not Grbl 1.1; is it another firmware, is the baud rate right?"
        return f"it stopped answering on {where}; is the wire disturbed?"
