"""A line at its real speed, with the units of a twin on it, that notes who spoke and when."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from hal.drivers.modbus.words import BITS_PER_BYTE
from hal.links.memory import MemoryLink
from hal.twin import Twin

BAUD = 19200
BYTE_S = BITS_PER_BYTE / BAUD
THINKS_S = 0.005


class Word(NamedTuple):
    """What was on the line, from when to when."""

    data: bytes
    began: float
    ended: float


class SlowLine:
    """The far end of a memory wire. A unit hears a request when its last byte came, then thinks for 5 ms."""

    def __init__(self, link: MemoryLink, twin: Twin) -> None:
        self.requests: list[Word] = []
        self.words: list[Word] = []
        """The answers too."""
        self.silent: int | None = None
        """A unit that is switched off."""
        self.spoils = 0
        """How many of the next answers are damaged on the way."""
        self._link = link
        self._twin = twin

    async def open(self) -> None:
        await self._link.open(self)
        self._twin.power_on(asyncio.get_running_loop().time())

    def set_world(self, name: str, value: float) -> None:
        self._twin.set_world(name, value)

    def data_received(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        word = Word(data, now, now + len(data) * BYTE_S)
        self.requests.append(word)
        self.words.append(word)
        loop.call_at(word.ended + THINKS_S, self._answer, data)

    def connection_lost(self, reason: Exception | None) -> None: ...

    def _answer(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._twin.advance(now)
        answer = self._twin.receive(data, now)
        if answer and answer[0] != self.silent:
            if self.spoils:
                self.spoils -= 1
                answer = answer[:2] + bytes([answer[2] ^ 0x10]) + answer[3:]
            word = Word(answer, now, now + len(answer) * BYTE_S)
            self.words.append(word)
            loop.call_at(word.ended, self._link.write, answer)
