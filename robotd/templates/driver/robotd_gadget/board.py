"""A Gadget at the far end of a wire: who it is, what it is told, what it reports.

Not responsible for: connecting again (`hal.Board`), bytes (`codec`), limits and ramps (the kinds of `hal`).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress

from hal import (
    AnalogInput,
    Board,
    BoardSpec,
    Device,
    DeviceGone,
    DeviceRefused,
    DeviceSpec,
    Evidence,
    HalError,
    Link,
    Motor,
)
from hal.drivers.exchange import Exchange

from robotd_gadget import codec
from robotd_gadget.codec import (
    FULL_DUTY,
    Booted,
    Decoder,
    Duty,
    DutyQuery,
    Frame,
    Hello,
    Identity,
    Voltage,
)
from robotd_gadget.specs import (
    GadgetAnalogInputSpec,
    GadgetMotorSpec,
)

HALF_STEP = 0.5 / FULL_DUTY
GREETINGS, GREET_AGAIN_S = 20, 0.25
QUESTIONS, ASK_AGAIN_S = 20, 0.1
HEARTBEAT_S = 0.1
"""How often it is asked for something: half of that is enough for its deadman, twice over."""
SILENT_AFTER_S = 0.5
CONFIRMATIONS, CONFIRM_AGAIN_S = 3, 0.03
"""How often a stopped motor is asked for: all within the 100 ms after which a stop is answered."""


class Channel:
    """The output of one motor."""

    def __init__(self, channel: int, send: Callable[[bytes], None]) -> None:
        self._channel = channel
        self._send = send

    def write(self, value: float) -> None:
        """A duty from -1 to 1."""
        self._send(codec.encode(Duty(self._channel, round(value * FULL_DUTY))))


class GadgetBoard(Board):
    """A Gadget, or its twin."""

    def __init__(self, name: str, spec: BoardSpec, connect: Callable[[], Link], rng: random.Random) -> None:
        super().__init__(name, spec, connect, rng)
        self._motors: dict[int, Motor] = {}
        self._inputs: dict[int, AnalogInput] = {}
        self._decoder = Decoder()
        self._exchange = Exchange(self, self._why_no_answer)
        self._serves = False
        self._answered_at = 0.0
        self._asked_at = 0.0
        self._turn = 0

    def add(self, name: str, spec: DeviceSpec) -> Device:
        """A motor or an analog input; any other is refused with `DeviceRefused`, as is a channel in use."""
        if isinstance(spec, GadgetMotorSpec) and spec.channel not in self._motors:
            motor = self._motors[spec.channel] = Motor(name, spec, Channel(spec.channel, self.send))
            self.devices[name] = motor
        elif isinstance(spec, GadgetAnalogInputSpec) and spec.channel not in self._inputs:
            self.devices[name] = self._inputs[spec.channel] = AnalogInput(name, spec)
        else:
            raise DeviceRefused(name, f"{self.name} has no place for it; is its channel in use already?")
        return self.devices[name]

    def stop_frames(self) -> bytes:
        """A new line first, since half of a line would swallow what follows; then each motor's zero."""
        return codec.END_LINE + b"".join(codec.encode(Duty(channel, 0)) for channel in self._motors)

    async def identify(self) -> str:
        """Ask for the version. What it says when it starts may be lost and is not relied on."""
        self._serves = False
        self._decoder = Decoder()
        self._exchange.forget()
        greeting = codec.END_LINE + codec.encode(Hello())
        identity: Identity = await self._exchange.ask(
            greeting, Identity, times=GREETINGS, again_s=GREET_AGAIN_S
        )
        if identity.trouble is not None:
            raise DeviceRefused(self.name, identity.trouble)
        return f"Gadget {identity}"

    async def configure(self) -> None:
        """See that every motor stands still."""
        for channel in self._motors:
            await self._exchange.ask(
                codec.encode(Duty(channel, 0)), (Duty, channel), times=QUESTIONS, again_s=ASK_AGAIN_S
            )
        self._serves = True

    def received(self, data: bytes, now: float) -> None:
        """Reports go to their inputs, answers to who asked."""
        for frame in self._decoder.feed(data):
            self._take(frame, now)

    def _take(self, frame: Frame, now: float) -> None:
        match frame:
            case Identity():
                self._answered_at = now
                self._exchange.answer(Identity, frame)
            case Duty(channel):
                self._answered_at = now
                self._exchange.answer((Duty, channel), frame)
                self._compare(frame, now)
            case Voltage(channel, millivolts):
                if channel in self._inputs:
                    self._inputs[channel].update(millivolts, now)
            case Booted() if self._serves:
                self.lose(DeviceGone(self.name, "it restarted by itself; is its supply too weak?"))

    def _compare(self, duty: Duty, now: float) -> None:
        """Hold what a motor does against its limits; doubt about it is resolved at once."""
        motor = self._motors.get(duty.channel)
        if motor is not None and self._serves and motor.felt(duty.per_mille / FULL_DUTY, now, HALF_STEP):
            with suppress(HalError):
                self.send(codec.encode(DutyQuery(duty.channel)))

    def tend(self, now: float) -> float:
        """Ask for one motor after the other: that is a sign of life for both sides."""
        if now >= self._asked_at + HEARTBEAT_S:
            self._asked_at = now
            self._turn += 1
            with suppress(HalError):
                self.send(codec.END_LINE + codec.encode(self._question()))
        return self._asked_at + HEARTBEAT_S

    def _question(self) -> Frame:
        """A motor at rest is told so again: its stop may have been lost on the way."""
        if not self._motors:
            return Hello()
        channel = [*self._motors][self._turn % len(self._motors)]
        return Duty(channel, 0) if self._motors[channel].at_rest else DutyQuery(channel)

    def silent_at(self) -> float:
        """By its answers alone: what it reports unasked does not say that it hears."""
        return self._answered_at + SILENT_AFTER_S

    def why_silent(self, now: float) -> str:
        """It answers nothing."""
        return f"no answer for {SILENT_AFTER_S * 1000:.0f} ms; is it hanging, does its receiving line work?"

    def _why_no_answer(self) -> str:
        return f"no Gadget answers on {self.spec.port} at {self.spec.baud} baud; is it powered?"

    async def confirm_stop(self) -> dict[str, Evidence]:
        """Ask for each motor's duty; one that is not zero is stopped again. Within 90 ms."""
        async with asyncio.TaskGroup() as group:
            tasks = {
                motor.name: group.create_task(self._confirm(channel))
                for channel, motor in self._motors.items()
            }
        return {name: task.result() for name, task in tasks.items()}

    async def _confirm(self, channel: int) -> Evidence:
        evidence = Evidence(False, why=f"{self.name} did not answer when asked for M{channel}")
        with suppress(HalError):
            for _ in range(CONFIRMATIONS):
                question = codec.encode(DutyQuery(channel))
                duty: Duty | None = await self._exchange.try_once(question, (Duty, channel), CONFIRM_AGAIN_S)
                if duty is None:
                    continue
                if duty.per_mille == 0:
                    return Evidence(True, 0.0, age_s=0.0)
                evidence = Evidence(False, duty.per_mille / FULL_DUTY, 0.0, f"M{channel} still runs")
                self.send(codec.END_LINE + codec.encode(Duty(channel, 0)))
        return evidence
