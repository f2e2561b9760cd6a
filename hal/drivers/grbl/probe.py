"""What a scan finds on a port: the controller, its build and its settings. Asks, and sets nothing.

Source: github.com/gnea/grbl, `doc/markdown/commands.md` (`$I`, `$$`). A machine that works answers neither:
then only its state is told. Opening the port restarts an Arduino, and with that whatever it does.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from hal.driver import Found, Probe
from hal.drivers.ear import Ear
from hal.drivers.grbl import words
from hal.drivers.grbl.codec import Decoder
from hal.drivers.grbl.facts import Facts
from hal.drivers.grbl.requirements import counts_upwards
from hal.drivers.grbl.words import Banner, Frame, MachineState, Setting, Status
from hal.link import Link

BAUD = 115200
ASK_AGAIN_S = 0.25
GREETINGS = 16
"""How often it is asked for a report: opening the port resets an Arduino, which then takes 2 s to listen."""
ROUNDS = 12
"""How often it is asked for its settings, to hear each twice alike."""


class _Controller:
    """What it has told of itself so far."""

    def __init__(self, link: Link) -> None:
        self.facts = Facts()
        self.version = ""
        self.status: Status | None = None
        self.ear = Ear(link, Decoder().feed)

    async def ask(self, question: bytes) -> None:
        """Put a question and listen for a while. Raises `LinkError`."""
        first: Frame | None = await self.ear.ask(question, lambda frame: frame, ASK_AGAIN_S)
        if first is not None:
            self._take(first)
            for frame in await self.ear.hear(ASK_AGAIN_S):
                self._take(frame)

    def _take(self, frame: Frame) -> None:
        if isinstance(frame, Banner):
            self.version = frame.version
        elif isinstance(frame, Status):
            self.status = frame
        else:
            self.facts.tell(frame)


async def find(link: Link) -> AsyncIterator[Found]:
    """The controller on `link`, if one speaks Grbl 1.1. Takes 4 s where none does."""
    controller = _Controller(link)
    await link.open(controller.ear)
    try:
        for _ in range(GREETINGS):
            await controller.ask(words.STATUS_QUERY)
            if controller.status is not None:
                break
        else:
            return
        for _ in range(ROUNDS):
            at_rest = controller.status.state in (MachineState.IDLE, MachineState.ALARM)
            if controller.facts.complete or not at_rest:
                break
            # An end of a line first: what noise has left there is no part of the question.
            await controller.ask(b"\n" + words.BUILD_QUERY + words.SETTINGS_QUERY)
        yield _found(controller, controller.status)
    finally:
        link.close()


PROBES: Sequence[Probe] = (Probe(BAUD, find),)


def _found(controller: _Controller, status: Status) -> Found:
    details = {"state": str(status.state)}
    facts = controller.facts
    if not facts.complete:
        trouble = "it does not tell its settings, or not twice the same; does it work, is the wire disturbed?"
        return Found("", f"Grbl {controller.version}".rstrip(), BAUD, details, trouble)
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
