"""A board that runs StandardFirmata 2.5 or newer: who it is, what its pins are, what it reports.

Source: github.com/firmata/protocol, `protocol.md`. Not responsible for: connecting again (`hal.board`), bytes
(`codec`), what one kind of device does with its pins (`fittings`), which of them hangs where (`layout`).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import Any

from hal.board import Board, BoardSpec
from hal.device import Device, DeviceSpec, Evidence
from hal.drivers.exchange import Exchange
from hal.drivers.firmata import codec, words
from hal.drivers.firmata.audit import Audit
from hal.drivers.firmata.codec import Decoder, Firmware, PinState
from hal.drivers.firmata.fittings import Fitting, Pin
from hal.drivers.firmata.layout import Layout
from hal.drivers.firmata.words import Frame, PinMode
from hal.errors import DeviceGone, DeviceRefused, DeviceSilent, HalError
from hal.kinds import AnalogInput
from hal.link import Link

GREETING = codec.END_ANYTHING + codec.VERSION_QUERY
"""Where the end of a sysex was lost the board hears nothing else; the other questions bring one along."""
GREET_AGAIN_S = 0.25
GREETINGS = 24
"""How often the first question is put: opening the port resets an Arduino, which then takes 2 s to listen."""
ASK_AGAIN_S = 0.1
QUESTIONS = 20
"""How often each later question is put, and how many answers are compared to find two alike."""
SETUPS = 8
"""How often a pin that did not take its mode is told again."""

HEARTBEAT_S = 0.1
"""A board that said nothing for so long is asked for a sign of life."""
AUDIT_S = 0.25
"""How often one pin of a board that reports is asked whether it still has its mode."""
SILENT_AFTER_S = 0.3
CONFIRM_AGAIN_S = 0.03
CONFIRMATIONS = 3
"""How often a stopped pin is asked for: all within the 100 ms after which a stop is answered."""

DEAF_AFTER = 8
"""So many questions about pins without an answer, two seconds of them, and a board that reports is deaf."""

OLDEST_PROTOCOL = (2, 5)


class FirmataBoard(Board):
    """An Arduino on the far end of a serial port, or its twin."""

    def __init__(self, name: str, spec: BoardSpec, connect: Callable[[], Link], rng: random.Random) -> None:
        super().__init__(name, spec, connect, rng)
        self._layout = Layout(name, self.send)
        self._decoder = Decoder.of_reports()
        self._exchange = Exchange(self, self._why_no_answer)
        self._version: words.Version | None = None
        self._heard_bytes = False
        self._heard_at = 0.0
        self._ready_at: float | None = None
        self._audit = Audit()
        self._asked_at = 0.0

    def add(self, name: str, spec: DeviceSpec) -> Device:
        """Make a device of a kind that pins can carry; any other is refused with `DeviceRefused`."""
        device = self.devices[name] = self._layout.add(name, spec).device
        return device

    def stop_frames(self) -> bytes:
        """The same at any moment."""
        return self._layout.stop

    # ------------------------------------------------------------------ who is there

    async def identify(self) -> str:
        """Ask for version, sketch and pins. The greeting, sent once, may be lost and is not relied on."""
        self._decoder = Decoder.of_reports()
        self._exchange.forget()
        self._heard_bytes = False
        self._ready_at = None
        self._audit = Audit()
        self._version = None
        await self._exchange.ask(GREETING, words.Version, times=GREETINGS, again_s=GREET_AGAIN_S)
        self._version = await self._agree(GREETING, words.Version)
        if self._version < OLDEST_PROTOCOL:
            raise DeviceRefused(
                self.name,
                f"it speaks Firmata {self._version.major}.{self._version.minor}, too old for robotd; "
                "upload StandardFirmata 2.5 or newer from the examples of the Arduino IDE",
            )
        firmware: Firmware = await self._agree(codec.FIRMWARE_QUERY, Firmware)
        self._layout.assign(await self._agree(codec.MAPPING_QUERY, words.ANALOG_MAPPING_ANSWER))
        return f"{firmware.name.removesuffix('.ino')} {firmware.major}.{firmware.minor}"

    async def configure(self) -> None:
        """Give every pin its mode and see that all have it; then start the reports and await the first."""
        unready = await self._set_up()
        # A pin that Firmata never touches reads as an input too, so an input's pin is looked up besides.
        await self._refuse_unable(
            unready or [pin for pin in self._layout.pins() if pin.mode == PinMode.INPUT]
        )
        if unready:
            number = unready[0].number
            raise DeviceSilent(self.name, f"pin {number} does not take its mode; is the wire disturbed?")
        self._ready_at = asyncio.get_running_loop().time()
        self.send(self._layout.reporting())
        await self._ask(GREETING, words.Version)

    async def _set_up(self) -> list[Pin]:
        """Set devices up until all pins of the board have their modes; returns those that have not."""
        names, unready = list(self._layout.fittings), list[Pin]()
        for _ in range(SETUPS):
            for name in names:
                self.send(self._layout.fittings[name].setup())
            unready = [pin for pin in self._layout.pins() if await self._mode_of(pin.number) != pin.mode]
            if not unready:
                break
            names = [pin.device for pin in unready]
        return unready

    async def _mode_of(self, number: int) -> int | None:
        state: PinState = await self._ask(codec.pin_state_query(number), (PinState, number))
        return state.mode

    async def _refuse_unable(self, pins: list[Pin]) -> None:
        """Raise for the first of these pins that cannot have its mode, and say which can."""
        if not pins:
            return
        # This answer is the longest of all: only for a refusal must it be certain.
        for ask in (self._ask, self._agree):
            data = await ask(codec.CAPABILITIES_QUERY, words.CAPABILITY_ANSWER)
            able = {pin: _able(data, pin.mode) for pin in pins}
            unable = [pin for pin in pins if pin.number not in able[pin]]
            if not unable:
                return
        number, mode, device = unable[0]
        these = ", ".join(map(str, able[unable[0]])) or "none"
        raise DeviceRefused(device, f"pin {number} of {self.name} cannot do {mode.name}; these can: {these}")

    async def _ask(self, question: bytes, key: Hashable) -> Any:
        return await self._exchange.ask(question, key, times=QUESTIONS, again_s=ASK_AGAIN_S)

    async def _agree(self, question: bytes, key: Hashable) -> Any:
        return await self._exchange.agree(question, key, times=QUESTIONS, again_s=ASK_AGAIN_S)

    def _why_no_answer(self) -> str:
        where = f"{self.spec.port} at {self.spec.baud} baud"
        if not self._heard_bytes:
            return f"nothing came from {where}; is it powered, is this its port, does the cable carry data?"
        if self._version is None:
            return (
                f"what comes from {where} is not Firmata; is StandardFirmata on it, is the baud rate right?"
            )
        return f"it stopped answering on {where}; is the wire disturbed?"

    # ------------------------------------------------------------------ what it says

    def received(self, data: bytes, now: float) -> None:
        """Reports go to their inputs, answers to who asked."""
        self._heard_bytes = True
        frames = self._decoder.feed(data)
        if not frames:
            return
        self._heard_at = now
        for frame in frames:
            self._take(frame, now)
        for inputs in self._layout.digital.values():
            for _, device in inputs:
                device.heard(now)

    def _take(self, frame: Frame, now: float) -> None:
        if isinstance(frame, words.Analog):
            device = self._layout.analog.get(frame.pin)
            if device is not None:
                device.update(frame.value, now)
        elif isinstance(frame, words.Digital):
            for bit, switch in self._layout.digital.get(frame.port, ()):
                switch.update(bool(frame.levels >> bit & 1), now)
        elif isinstance(frame, words.Version):
            self._exchange.answer(words.Version, frame)
        elif isinstance(frame, words.Sysex):
            self._take_sysex(frame, now)

    def _take_sysex(self, frame: words.Sysex, now: float) -> None:
        if frame.command == words.FIRMWARE:
            firmware = codec.parse_firmware(frame.data)
            if firmware is not None and self._ready_at is not None:
                # While it serves nobody asks for it: this is the greeting of a board that forgot its pins.
                self.lose(
                    DeviceGone(self.name, "it restarted by itself; is its supply too weak for the load?")
                )
            elif firmware is not None:
                self._exchange.answer(Firmware, firmware)
        elif frame.command == words.PIN_STATE_ANSWER:
            state = codec.parse_pin_state(frame.data)
            if state is not None:
                self._exchange.answer((PinState, state.pin), state)
                self._check(state, now)
        else:
            self._exchange.answer(frame.command, frame.data)

    def _check(self, state: PinState, now: float) -> None:
        lost = self._audit.judge(state)
        if lost is not None and self._ready_at is not None:
            self.lose(DeviceGone(self.name, f"pin {lost.number} lost its mode; is the wire disturbed?"))
        fitting = self._layout.acting.get(state.pin)
        if fitting is None:
            return
        with suppress(HalError):
            if again := fitting.again(state):
                self.send(codec.END_ANYTHING + again)
            if self._ready_at is not None and fitting.feel(state, now):
                self.send(codec.pin_state_query(state.pin))

    # ------------------------------------------------------------------ signs of life

    def tend(self, now: float) -> float:
        """Ask one pin after the other for its mode and what it does; a quiet board more often."""
        due = min(self._heard_at + HEARTBEAT_S, self._asked_at + AUDIT_S)
        if now < due:
            return due
        self._asked_at = now
        if self._audit.unanswered >= DEAF_AFTER:
            # Opening its port again resets it, which is all that can stop a board that hears nothing.
            self.lose(
                DeviceSilent(self.name, "it reports, but answers nothing; does its receiving line work?")
            )
        with suppress(HalError):
            self.send(self._audit.question(self._layout.pins()))
        return now + HEARTBEAT_S

    def silent_at(self) -> float:
        """When the first of its analog inputs grows stale, or the board itself was not heard for too long."""
        return min([self._heard_at + SILENT_AFTER_S, *map(self._stale_at, self._layout.analog.values())])

    def _stale_at(self, device: AnalogInput) -> float:
        asked_at = self._ready_at or 0.0
        return max(device.updated_at or 0.0, asked_at) + (device.stale_after_s or 0.0)

    def why_silent(self, now: float) -> str:
        """Which report did not come."""
        for device in self._layout.analog.values():
            if self._stale_at(device) <= now:
                return (
                    f"no report of {device.name} for {device.spec.stale_after_s * 1000:.0f} ms; "
                    "is the board hanging, is the wire disturbed?"
                )
        return f"not a word for {SILENT_AFTER_S * 1000:.0f} ms; is the board hanging, is it powered?"

    # ------------------------------------------------------------------ proof of a stop

    async def confirm_stop(self) -> dict[str, Evidence]:
        """Ask for the state of each actuator's pin; one that is not safe is stopped again. Within 90 ms."""
        async with asyncio.TaskGroup() as group:
            tasks = {
                name: group.create_task(self._confirm(fitting, fitting.stop_pin))
                for name, fitting in self._layout.fittings.items()
                if fitting.stop_pin is not None
            }
        now = asyncio.get_running_loop().time()
        results = {name: task.result() for name, task in tasks.items()}
        return {
            name: proof._replace(age_s=heard_at and now - heard_at)
            for name, (proof, heard_at) in results.items()
        }

    async def _confirm(self, fitting: Fitting, pin: int) -> tuple[Evidence, float | None]:
        """The evidence, and when the far end gave it."""
        heard_at: float | None = None
        evidence = Evidence(False, why=f"{self.name} did not answer when asked for pin {pin}")
        question, key = codec.pin_state_query(pin), (PinState, pin)
        try:
            for _ in range(CONFIRMATIONS):
                state: PinState | None = await self._exchange.try_once(question, key, CONFIRM_AGAIN_S)
                if state is None:
                    continue
                evidence, heard_at = fitting.judge(state), self._heard_at
                if evidence.confirmed:
                    break
                self.send(codec.END_ANYTHING + fitting.stop())
        except HalError as error:
            return Evidence(False, why=str(error)), None
        return evidence, heard_at


def _able(capabilities: bytes, mode: PinMode) -> list[int]:
    """The pins that can have `mode`."""
    return [pin for pin, modes in enumerate(codec.parse_capabilities(capabilities)) if mode in modes]
