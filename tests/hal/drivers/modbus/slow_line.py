"""A line at its real speed, with the units of a twin on it, that notes who spoke and when."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from hal import Twin, find_driver
from hal.board import Board
from hal.drivers.modbus import codec
from hal.drivers.modbus.words import BITS_PER_BYTE, GAP_BYTES, Answer, Function, Refusal, Request
from hal.links.memory import MemoryLink, memory_pair
from tests.hal.drivers.modbus import cell

BAUD = 19200
BYTE_S = BITS_PER_BYTE / BAUD
THINKS_S = 0.005
LONGEST_S = (8 + 13 + 2 * GAP_BYTES) * BYTE_S + THINKS_S
"""The longest transaction of the cell: four registers of the drive are read."""

Devices = Mapping[str, Mapping[str, Any]]

BUSY: Devices = {"conveyor": cell.CONVEYOR | {"stale": "5 s"}} | {
    f"scale_{unit}": cell.SCALE | {"unit": unit, "sample": "10 ms", "stale": "5 s"} for unit in range(3, 33)
}
"""A belt, and 30 scales that are all to be read more often than the line allows."""
STOP = codec.encode_request(Request(1, Function.WRITE_REGISTER, 0, 1, (0,)))
"""What stops the belt."""


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
        self.refusing: int | None = None
        """A unit that refuses whatever it is asked."""
        self.spoils = 0
        """How many of the next answers are damaged on the way."""
        self.echoes = False
        """The adapter hears itself."""
        self._link = link
        self._twin = twin

    async def open(self) -> None:
        await self._link.open(self)
        self._twin.power_on(asyncio.get_running_loop().time())

    def set_world(self, name: str, value: float) -> None:
        self._twin.set_world(name, value)

    def world(self) -> Mapping[str, float | bool]:
        return self._twin.world()

    def data_received(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        word = Word(data, now, now + len(data) * BYTE_S)
        self.requests.append(word)
        self.words.append(word)
        if self.echoes:
            loop.call_at(word.ended, self._link.write, data)
        loop.call_at(word.ended + THINKS_S, self._answer, data)

    def connection_lost(self, reason: Exception | None) -> None: ...

    def _answer(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._twin.advance(now)
        answer = self._twin.receive(data, now)
        if answer and answer[0] == self.refusing:
            refusal = Answer(answer[0], Function(data[1]), refusal=Refusal.SERVER_DEVICE_FAILURE)
            answer = codec.encode_answer(refusal)
        if answer and answer[0] != self.silent:
            if self.spoils:
                self.spoils -= 1
                answer = answer[:2] + bytes([answer[2] ^ 0x10]) + answer[3:]
            word = Word(answer, now, now + len(answer) * BYTE_S)
            self.words.append(word)
            loop.call_at(word.ended, self._link.write, answer)


def twin_of(line: Mapping[str, Any], devices: Devices) -> Twin:
    """The units of a line."""
    driver = find_driver("modbus")
    specs = {name: driver.device_specs[one["kind"]].model_validate(one) for name, one in devices.items()}
    return driver.twin("line", driver.board_spec.model_validate(line), specs, random.Random(0))


@asynccontextmanager
async def at_its_speed(
    devices: Devices, real: Devices | None = None
) -> AsyncIterator[tuple[Board, SlowLine]]:
    """A board on a line of 19200 baud with these devices, and the line with those that are really there."""
    driver = find_driver("modbus")
    spec = driver.board_spec.model_validate(cell.LINE)
    near, far = memory_pair("/dev/ttyUSB0")
    slow = SlowLine(far, twin_of(cell.LINE, devices if real is None else real))
    await slow.open()
    board = driver.board("line", spec, lambda: near, random.Random(0))
    for name, device in devices.items():
        board.add(name, driver.device_specs[device["kind"]].model_validate(device))
    task = asyncio.create_task(board.run())
    try:
        if real is None:
            async with asyncio.timeout(10):
                await board.online()
        yield board, slow
    finally:
        task.cancel()
        await asyncio.wait({task})
