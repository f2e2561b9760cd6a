"""A Modbus line: who is on it, what is read of whom and when, and what becomes of silence and refusals.

Not responsible for: connecting again (`hal.board`), whose turn it is on the line (`hal.drivers.bus`), bytes
(`codec`), what one kind of device does with its registers (`fittings`).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from typing import ClassVar

from hal.board import Board, BoardEvent, BoardSpec, BoardState
from hal.device import Device, DeviceSpec, DeviceState, Evidence
from hal.drivers.bus import Priority
from hal.drivers.modbus import codec
from hal.drivers.modbus.asking import Asking
from hal.drivers.modbus.fitting import SILENT_AFTER_S, ActingFitting, Fitting
from hal.drivers.modbus.fittings import FITTINGS
from hal.drivers.modbus.reading import Block, Unit, blocks_of, described, listed, units_of
from hal.drivers.modbus.specs import ModbusBoardSpec
from hal.drivers.modbus.words import (
    BITS_PER_BYTE,
    GAP_BYTES,
    Answer,
    Function,
    Request,
    explain,
)
from hal.errors import DeviceGone, DeviceRefused, DeviceSilent, HalError
from hal.link import Link

QUESTIONS = 12
"""How often a unit is asked, twice each time, before it counts as absent."""
SETUPS = 8
"""How often a unit is told to be safe before its silence is an error."""
WATCHDOG_S = 0.5
"""How often the register of a drive's watchdog is written."""
ANSWER_S = 1.0
"""So long an answer is waited for: the schedule of the line gives up before."""
CONFIRMATIONS = 3
"""How often what stopped is asked for, and stopped again where it did not."""
LAST_WORDS_S = 0.1
"""So long the line stays open for the stops when it is to be closed."""


class ModbusBoard(Board):
    """An RS-485 adapter or a gateway with up to 247 units behind it, or its twin."""

    IDLE_GAP_S: ClassVar[float] = GAP_BYTES * BITS_PER_BYTE / 9600
    """What the guard waits for: enough from 9600 baud on. The schedule itself knows the line's speed."""

    def __init__(self, name: str, spec: BoardSpec, connect: Callable[[], Link], rng: random.Random) -> None:
        super().__init__(name, spec, connect, rng)
        if not isinstance(spec, ModbusBoardSpec):
            raise TypeError(f"{name} is no Modbus line")
        self._framing = spec.frames
        self._asking = Asking(spec, self.send, self)
        self._fittings: dict[str, Fitting] = {}
        self._blocks: list[Block] = []
        self._units: dict[int, Unit] = {}
        self._heard_at = 0.0
        self._fed_at = 0.0
        self._feedings = 0
        self._who = ""

    def add(self, name: str, spec: DeviceSpec) -> Device:
        """Make a device of one of the kinds in `FITTINGS`; any other is refused with `DeviceRefused`."""
        make = FITTINGS.get(spec.kind)
        if make is None:
            raise DeviceRefused(name, f"a Modbus line has no {spec.kind}; it has {', '.join(FITTINGS)}")
        fitting = self._fittings[name] = make(name, spec, self._ask_for)
        self.devices[name] = fitting.device
        self._blocks = blocks_of(list(self._fittings.values()))
        self._units = units_of(list(self._fittings.values()))
        return fitting.device

    # ------------------------------------------------------------------ stopping

    def stop_frames(self) -> bytes:
        """All of `stop_series` on TCP; on RTU the first of them alone.

        There a silence parts a frame from the next, and a unit that goes by that takes one, not two.
        """
        return b"".join(self.stop_series() if self._framing == "tcp" else self.stop_series()[:1])

    def stop_series(self) -> Sequence[bytes]:
        """The stop word of each belt, then what switches each output off."""
        stops = sorted(self._stops(), key=lambda one: one.function is not Function.WRITE_REGISTER)
        return [codec.encode_request(request, self._framing) for request in stops]

    def halt(self) -> None:
        """Stop every actuator, each as the next thing on the line.

        What is under way there ends first, for of two who speak at a time none is heard. On a free line the
        first stop is written before this returns.
        """
        if self.link is None:
            return
        try:
            asyncio.get_running_loop()
        except RuntimeError:  # a last stop, outside the loop: there is no schedule any more
            super().halt()
            return
        self._asking.drop_setpoints()
        for fitting in self._acting():
            with suppress(HalError):
                fitting.halt()

    async def last_words(self) -> None:
        """Wait for the turn of each stop, and its answer; at most `LAST_WORDS_S`."""
        if self.state is BoardState.ONLINE:
            said = [self._asking.ask(request, Priority.STOP) for request in self._stops()]
            if said:
                await asyncio.wait(said, timeout=LAST_WORDS_S)

    def _stops(self) -> list[Request]:
        return [request for one in self._acting() if (request := one.stop()) is not None]

    def _acting(self) -> list[ActingFitting]:
        return [one for one in self._fittings.values() if isinstance(one, ActingFitting)]

    async def confirm_stop(self) -> dict[str, Evidence]:
        """Read what each actuator does; one that is not safe is stopped again."""
        evidence: dict[str, Evidence] = {}
        blocks = [block for block in self._blocks if block.acting]
        for _ in range(CONFIRMATIONS):
            try:
                asked = [(block, self._asking.ask(block.request, Priority.STOP)) for block in blocks]
                for block, answer in asked:
                    evidence |= self._evidence(block, await self.answered(answer, ANSWER_S))
            except HalError as error:
                lost = Evidence(False, why=str(error))
                evidence |= {one.device.name: lost for block in blocks for one in block.acting}
            blocks = [
                block
                for block in blocks
                if not all(evidence[one.device.name].confirmed for one in block.acting)
            ]
            if not blocks:
                break
        return evidence

    def _evidence(self, block: Block, answer: Answer | None) -> dict[str, Evidence]:
        """What the answer proves; what it does not show as safe is stopped again."""
        if answer is None or answer.refusal:
            why = f"unit {block.unit} of {self.name} did not answer when asked what it does"
            return {one.device.name: Evidence(False, why=why) for one in block.acting}
        memory, now = block.memory(answer), asyncio.get_running_loop().time()
        found = {one.device.name: one.judge(memory, now)._replace(age_s=0.0) for one in block.acting}
        for one in block.acting:
            if not found[one.device.name].confirmed:
                with suppress(HalError):
                    one.halt()
        return found

    # ------------------------------------------------------------------ who is there

    async def identify(self) -> str:
        """Read all that will be read later, once: each unit is there and has what the file says of it."""
        self._asking.begin()
        for block in self._blocks:
            answer = await self._insist(block.request, QUESTIONS)
            if self._asking.echoes:  # it would confirm every write by itself
                raise DeviceRefused(
                    self.name,
                    f"the adapter on {self.spec.port} hears itself: a question comes back before its answer; "
                    "switch its echo off (the receiver is to be disabled while it drives the line)",
                )
            if answer is None:
                raise DeviceSilent(self.name, self._why_no_answer(block))
            if answer.refusal:
                names = ", ".join(one.device.name for one in block.fittings)
                refused = f"unit {block.unit} refuses to tell {described(block)}"
                raise DeviceRefused(self.name, f"{names}: {refused}: {explain(answer.refusal)}")
        self._who = f"Modbus {self._framing.upper()}, {listed(self._units)}"
        return self._who

    async def configure(self) -> None:
        """Stop every actuator: what the units did while nobody was connected is not known."""
        for fitting in self._acting():
            request = fitting.setup()
            if request is None:
                continue
            answer = await self._insist(request, SETUPS)
            if answer is None:
                why = f"unit {request.unit} answers reads, but no write; is the wire disturbed?"
                raise DeviceSilent(self.name, why)
            if answer.refusal:
                why = f"unit {request.unit} refuses to be stopped: {explain(answer.refusal)}"
                raise DeviceRefused(fitting.device.name, why)
        now = asyncio.get_running_loop().time()
        self._heard_at = self._fed_at = now
        self._feed_watchdogs()
        for unit in self._units.values():
            unit.begin(now)
        for block in self._blocks:
            block.due_at, block.refused = now, False

    async def _insist(self, request: Request, times: int) -> Answer | None:
        for _ in range(times):
            answer = await self.answered(self._asking.ask(request, Priority.SETPOINT), ANSWER_S)
            if answer is not None:
                return answer
        return None

    def _why_no_answer(self, block: Block) -> str:
        spec = self.spec
        where = f"{spec.port} at {spec.baud} baud, parity {spec.parity}"
        if self._framing == "tcp":
            where = spec.port
        if not self._asking.heard_bytes:
            return (
                f"unit {block.unit} does not answer on {where}; is it powered, is that its address, "
                "are A and B of the bus the right way round?"
            )
        return (
            f"what comes for unit {block.unit} on {where} is damaged, or is not Modbus; are baud rate and "
            "parity right, is the bus terminated?"
        )

    # ------------------------------------------------------------------ one request after the other

    def _ask_for(
        self, request: Request, priority: Priority, topic: Hashable, told: Callable[[Answer | None], None]
    ) -> None:
        """For the fittings: as `Send`."""
        if self.link is None:
            raise DeviceGone(self.name, "it is not connected; check its cable and power")
        self._asking.put(request, priority, told, topic=topic)

    def received(self, data: bytes, now: float) -> None:
        """Answers go to who asked."""
        self._asking.hear(data, now)

    # ------------------------------------------------------------------ what each unit is like

    def heard(self, unit: int) -> None:
        """For `Asking`."""
        now = asyncio.get_running_loop().time()
        self._heard_at = now
        if self._units[unit].hear(now):
            self._describe()

    def missed(self, unit: int, *, damaged: bool) -> None:
        """For `Asking`."""
        told_before = any(one.degraded for one in self._units.values())
        if self.state is not BoardState.ONLINE or not self._units[unit].miss():
            return
        what = "its answer was damaged twice" if damaged else "it did not answer twice"
        cure = "is the bus terminated and its cable shielded?" if damaged else "is it overloaded?"
        self._describe()
        if self.listener is not None and not told_before:
            self.listener(BoardEvent("degraded", self.name, f"unit {unit} is degraded: {what}; {cure}"))

    def _describe(self) -> None:
        degraded = [unit.number for unit in self._units.values() if unit.degraded]
        if self.state is BoardState.ONLINE:
            self.detail = f"{self._who}; degraded: {listed(degraded)}" if degraded else self._who

    # ------------------------------------------------------------------ signs of life

    def tend(self, now: float) -> float:
        """Read what is due, feed the watchdogs, and fault what was not heard for too long."""
        for block in self._blocks:
            if now >= block.due_at:
                block.due_at = max(block.due_at + block.sample_s, now)
                if not block.asked:
                    self._read(block)
        if now >= self._fed_at + WATCHDOG_S:
            self._fed_at = now
            self._feed_watchdogs()
        for unit in self._units.values():
            if now >= unit.silent_at:
                self._doubt(unit, now)
        doubted = [unit.silent_at for unit in self._units.values() if not unit.silent]
        return min([self._fed_at + WATCHDOG_S, *[block.due_at for block in self._blocks], *doubted])

    def _read(self, block: Block) -> None:
        def told(answer: Answer | None) -> None:
            block.asked = False
            if answer is None or self.state is not BoardState.ONLINE:
                return
            if answer.refusal:
                self._refused(block, f"unit {block.unit} refuses a read: {explain(answer.refusal)}")
                return
            block.refused = False
            now, memory = asyncio.get_running_loop().time(), block.memory(answer)
            for fitting in block.fittings:
                self._judge(fitting.device, fitting.take(memory, now))

        block.asked = True
        self._asking.put(block.request, Priority.READ, told)

    def _refused(self, block: Block, why: str) -> None:
        """What stops for a unit that is not heard stops for one that says nothing of use, too."""
        for fitting in block.fittings:
            fitting.device.fail(why)
        if not block.refused:
            block.refused = True
            self._tell_silent(why)

    @staticmethod
    def _judge(device: Device, trouble: str | None) -> None:
        """What was read says how it is: well again, or why not."""
        if trouble is None:
            if device.state is DeviceState.FAULTED:
                device.present()
        elif device.state is not DeviceState.FAULTED:
            device.fail(trouble)

    def _doubt(self, unit: Unit, now: float) -> None:
        """Fault what means nothing any more. The line goes on, so that a unit is silent is told by itself."""
        why = "unit {} did not answer for {:.0f} ms; is it powered?"
        for fitting in unit.fittings:
            device, stale_s = fitting.device, fitting.stale_s
            known = device.state not in (DeviceState.FAULTED, DeviceState.ABSENT)
            if known and now >= unit.heard_at + stale_s:
                device.fail(why.format(unit.number, 1000 * stale_s))
        if not unit.silent:
            unit.silent = True
            self._tell_silent(why.format(unit.number, 1000 * unit.stale_s))

    def _tell_silent(self, why: str) -> None:
        if self.listener is not None:
            self.listener(BoardEvent("silent", self.name, why))

    def _feed_watchdogs(self) -> None:
        self._feedings += 1
        for fitting in self._acting():
            request = fitting.watchdog(self._feedings)
            if request is not None:
                topic = ("watchdog", fitting.device.name)
                self._asking.put(request, Priority.SETPOINT, lambda _: None, topic=topic)

    def silent_at(self) -> float:
        """When no unit at all was heard for too long."""
        return self._heard_at + SILENT_AFTER_S

    def why_silent(self, now: float) -> str:
        """That it is the line, not a unit."""
        silent_ms = round(SILENT_AFTER_S * 1000)
        return f"no unit answers for {silent_ms} ms; is the bus connected, are the units powered?"
