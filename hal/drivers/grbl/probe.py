"""What a scan finds on a port: the controller, its build and its settings. Asks, and sets nothing.

Source: github.com/gnea/grbl, `doc/markdown/commands.md` (`$I`, `$$`). A machine that works answers neither:
then only its state is told. Opening the port restarts an Arduino, and with that whatever it does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Any

from hal.driver import Found, Probe
from hal.drivers.grbl import words
from hal.drivers.grbl.codec import Decoder
from hal.drivers.grbl.facts import Facts
from hal.drivers.grbl.requirements import counts_upwards
from hal.drivers.grbl.words import Banner, Frame, MachineState, Setting, Status
from hal.errors import LinkClosed
from hal.link import Link

BAUD = 115200
ASK_AGAIN_S = 0.25
GREETINGS = 16
"""How often it is asked for a report: opening the port resets an Arduino, which then takes 2 s to listen."""
ROUNDS = 12
"""How often it is asked for its settings, to hear each twice alike."""


class _Ear:
    """Who listens while it is asked."""

    def __init__(self, link: Link) -> None:
        self.facts = Facts()
        self.version = ""
        self.status: Status | None = None
        self._link = link
        self._decoder = Decoder()
        self._heard = asyncio.Event()
        self._lost: str | None = None

    def data_received(self, data: bytes) -> None:
        for frame in self._decoder.feed(data):
            self._take(frame)
            self._heard.set()

    def connection_lost(self, reason: Exception | None) -> None:
        self._lost = str(reason)
        self._heard.set()

    def _take(self, frame: Frame) -> None:
        if isinstance(frame, Banner):
            self.version = frame.version
        elif isinstance(frame, Status):
            self.status = frame
        else:
            self.facts.tell(frame)

    async def ask(self, question: bytes) -> None:
        """Put a question and listen for a while. Raises `LinkClosed`."""
        if self._lost is not None:
            raise LinkClosed(f"{self._link.name} was lost during the scan: {self._lost}")
        self._heard.clear()
        self._link.write(question)
        with suppress(TimeoutError):
            async with asyncio.timeout(ASK_AGAIN_S):
                await self._heard.wait()
                await asyncio.sleep(ASK_AGAIN_S)  # the rest of the answer


async def find(link: Link) -> AsyncIterator[Found]:
    """The controller on `link`, if one speaks Grbl 1.1. Takes 4 s where none does."""
    ear = _Ear(link)
    await link.open(ear)
    try:
        for _ in range(GREETINGS):
            await ear.ask(words.STATUS_QUERY)
            if ear.status is not None:
                break
        else:
            return
        for _ in range(ROUNDS):
            if ear.facts.complete or ear.status.state not in (MachineState.IDLE, MachineState.ALARM):
                break
            # An end of a line first: what noise has left there is no part of the question.
            await ear.ask(b"\n" + words.BUILD_QUERY + words.SETTINGS_QUERY)
        yield _found(ear, ear.status)
    finally:
        link.close()


PROBES: Sequence[Probe] = (Probe(BAUD, find),)


def _found(ear: _Ear, status: Status) -> Found:
    details = {"state": str(status.state)}
    if not ear.facts.complete:
        trouble = "it does not tell its settings, or not twice the same; does it work, is the wire disturbed?"
        return Found("", f"Grbl {ear.version}".rstrip(), BAUD, details, trouble)
    facts = ear.facts
    travel = [facts[number] for number in Setting.TRAVEL]
    axes = {axis: f"{length:g} mm" for axis, length in zip(words.AXES, travel, strict=True)}
    rate = min(facts[number] for number in Setting.MAX_RATE) / 60
    homes = bool(facts[Setting.HOMING])
    details |= {
        "travel": " x ".join(axes.values()),
        "homing": "on" if homes else "off",
        "buffers": f"{facts.options.blocks} blocks, {facts.options.receive_bytes} B",
    }
    device: dict[str, Any] = {"kind": "gantry", **axes, "max_speed": f"{rate:g} mm/s"}
    if not homes:
        device["homing"] = False
    elif all(counts_upwards(facts)):
        device["switches"] = "low"
    inches = "it reports in inches; send it $13=0" if facts[Setting.REPORT_INCHES] else None
    return Found("", f"Grbl {facts.build.version}", BAUD, details, inches, device)
