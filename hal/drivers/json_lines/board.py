"""A board that speaks JSON lines: who it is, what it puts out, what it reports.

Not responsible for: connecting again (`hal.board`), bytes (`codec`), words (the dialects).
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable, Mapping
from contextlib import suppress

from hal.board import Board, BoardSpec
from hal.device import Device, DeviceSpec, Evidence
from hal.drivers.exchange import Exchange
from hal.drivers.json_lines.codec import Lines
from hal.drivers.json_lines.dialect import Dialect, Hello, Prepared, Report, Value
from hal.drivers.json_lines.outputs import Outputs
from hal.drivers.json_lines.plain import VERSION, Plain
from hal.drivers.json_lines.specs import JsonBoardSpec
from hal.drivers.json_lines.waveshare import Waveshare
from hal.errors import DeviceGone, DeviceRefused, HalError
from hal.kinds import (
    AnalogInput,
    DigitalInput,
    DigitalOutput,
    DigitalOutputSpec,
    Imu,
    Motor,
    MotorSpec,
    Range,
)
from hal.link import Link

GREET_AGAIN_S = 0.05
GREETINGS = 120
"""How often the first question is put: opening the port resets an Arduino, which then takes 2 s to listen."""
ASK_AGAIN_S = 0.05
QUESTIONS = 40
TEND_S = 0.1
"""How often what is put out is said again: a lost line is mended so, and the board's deadman renewed."""
PREPARE_AGAIN_S = 1.0
"""A board that does not answer what prepares it is told so again and again."""
SILENT_REPORTS = 6
SILENT_AT_LEAST_S = 0.3
CONFIRM_AGAIN_S = 0.03
CONFIRMATIONS = 3
"""How often a stopped output is asked for: all within the 100 ms after which a stop is answered."""

DIALECTS: Mapping[str, Callable[[], Dialect]] = {"plain": Plain, "waveshare": Waveshare}
END_ANYTHING = b"\n"
"""Ends half a line that someone before us left behind."""


class _Channel:
    """An output of the board, for the kind that writes to it."""

    def __init__(self, put: Callable[[str, float], None], channel: str) -> None:
        self._put = put
        self._channel = channel

    def write(self, value: float) -> None:
        """A duty, or a level."""
        self._put(self._channel, value)


class JsonBoard(Board):
    """A microcontroller on the far end of a serial port, or its twin."""

    spec: JsonBoardSpec

    def __init__(self, name: str, spec: BoardSpec, connect: Callable[[], Link], rng: random.Random) -> None:
        super().__init__(name, spec, connect, rng)
        self._dialect = DIALECTS[self.spec.dialect]()
        self._users: dict[str, str] = {}
        """By channel the device on it."""
        self._outputs = Outputs()
        self._sensors: dict[str, AnalogInput | Range | Imu | DigitalInput] = {}
        self._lines = Lines()
        self._exchange = Exchange(self, self._why_no_answer)
        self._heard_bytes = self._understood = False
        self._heard_at = 0.0
        self._ready_at: float | None = None
        self._prepared_at = 0.0

    def add(self, name: str, spec: DeviceSpec) -> Device:
        """Make a device of a kind that the dialect knows; any other is refused with `DeviceRefused`."""
        kinds = self._dialect.KINDS
        if spec.kind not in kinds:
            raise DeviceRefused(
                name,
                f"in the dialect {self.spec.dialect} there is no {spec.kind}; there are {', '.join(kinds)}",
            )
        channel = getattr(spec, "channel", None) or name
        if channel in self._users:
            raise DeviceRefused(name, f"channel '{channel}' of {self.name} is used by {self._users[channel]}")
        self._users[channel] = name
        device = self.devices[name] = self._make(name, spec, channel)
        return device

    def _make(self, name: str, spec: DeviceSpec, channel: str) -> Device:
        output = _Channel(self._put, channel)
        match spec:
            case MotorSpec():
                self._outputs.add(channel, 0.0, keeps=spec.on_stop == "keep")
                return Motor(name, spec, output)
            case DigitalOutputSpec():
                self._outputs.add(channel, float(spec.active == "low"), keeps=spec.on_stop == "keep")
                return DigitalOutput(name, spec, output)
            case _:
                sensor = self._sensors[channel] = _SENSORS[spec.kind](name, spec)
                return sensor

    # ------------------------------------------------------------------ who is there

    async def identify(self) -> str:
        """Ask who is there until it answers: half a line of somebody before us is ended first."""
        self._lines = Lines()
        self._exchange.forget()
        self._heard_bytes = self._understood = False
        self._ready_at = None
        self._outputs.forget()
        self.send(END_ANYTHING)
        question = self._dialect.hello()
        if not self._dialect.INTRODUCES_ITSELF:
            report: Report = await self._exchange.ask(
                question, Report, times=GREETINGS, again_s=GREET_AGAIN_S
            )
            self._require(tuple(report.values))
            return f"{self.spec.dialect} board"
        hello: Hello = await self._exchange.ask(question, Hello, times=GREETINGS, again_s=GREET_AGAIN_S)
        if hello.version != VERSION or not self._users.keys() <= set(hello.channels):
            # For a refusal it must be certain.
            hello = await self._exchange.agree(question, Hello, times=GREETINGS, again_s=GREET_AGAIN_S)
        if hello.version != VERSION:
            raise DeviceRefused(
                self.name, f"{hello.name} speaks version {hello.version}, robotd {VERSION}; upload the other"
            )
        self._require(hello.channels)
        return f"{hello.name} {hello.version}"

    def _require(self, channels: tuple[str, ...]) -> None:
        for channel, device in self._users.items():
            if channel not in channels:
                raise DeviceRefused(
                    device, f"{self.name} has no channel '{channel}'; it has {', '.join(channels)}"
                )

    async def configure(self) -> None:
        """Tell it its deadman and its pace, stop what moves, and wait for a report."""
        question = self._prepare()
        if self._dialect.INTRODUCES_ITSELF:
            said = Prepared(round(self.spec.deadman * 1000), round(self.spec.report * 1000))
            await self._exchange.ask(question, said, times=QUESTIONS, again_s=ASK_AGAIN_S)
        else:
            self.send(question)
        for channel in self._outputs.kept:
            self._outputs.told[channel] = await self._exchange.ask(
                self._dialect.ask(), channel, times=QUESTIONS, again_s=ASK_AGAIN_S
            )
        self.send(self.stop_frames())
        await self._exchange.ask(self._dialect.ask(), Report, times=QUESTIONS, again_s=ASK_AGAIN_S)
        self._ready_at = self._prepared_at = asyncio.get_running_loop().time()

    def _prepare(self) -> bytes:
        return self._dialect.prepare(self.spec.deadman, self.spec.report)

    def _why_no_answer(self) -> str:
        where = f"{self.spec.port} at {self.spec.baud} baud"
        if not self._heard_bytes:
            return f"nothing came from {where}; is it powered, is this its port, does the cable carry data?"
        if not self._understood:
            return (
                f"what comes from {where} is none of the dialect {self.spec.dialect}; {self._dialect.UNSEEN}"
            )
        return f"it stopped answering on {where}; is the wire disturbed?"

    # ------------------------------------------------------------------ what it says

    def received(self, data: bytes, now: float) -> None:
        """Reports go to their devices, answers to who asked."""
        self._heard_bytes = True
        for found in self._lines.feed(data):
            said = self._dialect.read(found)
            if said is None:
                continue
            self._heard_at, self._understood = now, True
            if isinstance(said, Report):
                self._take(said, now)
                self._exchange.answer(Report, said)
            elif isinstance(said, Prepared):
                self._exchange.answer(said, said)
            elif said.started and self._ready_at is not None:
                self.lose(
                    DeviceGone(self.name, "it restarted by itself; is its supply too weak for the load?")
                )
            else:
                self._exchange.answer(Hello, said._replace(started=False))

    def _take(self, report: Report, now: float) -> None:
        for channel, value in report.values.items():
            sensor = self._sensors.get(channel)
            if sensor is not None:
                _feed(sensor, value, now)
            elif channel in self._outputs.told and isinstance(value, float):
                self._outputs.shows[channel] = value
                self._exchange.answer(channel, value)

    # ------------------------------------------------------------------ what it is told

    def _put(self, channel: str, value: float) -> None:
        """Say all outputs, one of them anew. A stop is remembered also where the wire does not take it."""
        told = self._outputs.told
        if self._outputs.rests(channel, value):
            told[channel] = value
        self.send(self._dialect.set(told | {channel: value}))
        told[channel] = value

    def halt(self) -> None:
        """As for every board; what is said again from now on is the stop."""
        self._outputs.told = self._outputs.stopped()
        super().halt()

    def stop_frames(self) -> bytes:
        """A line end first, since half a line swallows what follows; then every output's stop value."""
        stopped = self._outputs.stopped()
        return END_ANYTHING + self._dialect.set(stopped) if stopped else b""

    def tend(self, now: float) -> float:
        """Say again what is put out while that is not rest, or not what the board says; ask a quiet one."""
        with suppress(HalError):
            if self._outputs.want_a_word():
                self.send(self._dialect.set(self._outputs.told))
            if now - self._heard_at > TEND_S:
                self.send(END_ANYTHING + self._dialect.ask())
            if not self._dialect.INTRODUCES_ITSELF and now - self._prepared_at > PREPARE_AGAIN_S:
                self._prepared_at = now
                self.send(self._prepare())
        return now + TEND_S

    def silent_at(self) -> float:
        """When the first of its sensors grows stale, or it was not heard for too long."""
        silent_s = max(SILENT_AT_LEAST_S, SILENT_REPORTS * self.spec.report)
        return min([self._heard_at + silent_s, *map(self._stale_at, self._sensors.values())])

    def _stale_at(self, sensor: AnalogInput | Range | Imu | DigitalInput) -> float:
        if isinstance(sensor, DigitalInput):  # reported as often as all, and it stays what it was
            return math.inf
        return max(sensor.updated_at or 0.0, self._ready_at or 0.0) + (sensor.stale_after_s or math.inf)

    def why_silent(self, now: float) -> str:
        """Which report did not come."""
        for sensor in self._sensors.values():
            if self._stale_at(sensor) <= now:
                return f"no report of {sensor.name} for {sensor.stale_after_s:g} s; is the wire disturbed?"
        return f"not a word since {now - self._heard_at:.1f} s; is the board hanging, is it powered?"

    # ------------------------------------------------------------------ proof of a stop

    async def confirm_stop(self) -> dict[str, Evidence]:
        """Ask for a report; an output that is not safe is stopped again. Within 90 ms."""
        async with asyncio.TaskGroup() as group:
            tasks = {
                self._users[channel]: group.create_task(self._confirm(channel))
                for channel in self._outputs.told
            }
        return {name: task.result() for name, task in tasks.items()}

    async def _confirm(self, channel: str) -> Evidence:
        evidence = Evidence(False, why=f"{self.name} did not answer when asked for {channel}")
        question = END_ANYTHING + self._dialect.ask()
        try:
            for _ in range(CONFIRMATIONS):
                found: float | None = await self._exchange.try_once(question, channel, CONFIRM_AGAIN_S)
                if found is None:
                    continue
                if self._outputs.is_safe(channel, found):
                    return Evidence(True, found, 0.0)
                evidence = Evidence(False, found, 0.0, f"{channel} is still {found:g}")
                self.send(self.stop_frames())
        except HalError as error:
            return Evidence(False, why=str(error))
        return evidence


_SENSORS: Mapping[str, Callable[..., AnalogInput | Range | Imu | DigitalInput]] = {
    "digital_input": DigitalInput,
    "analog_input": AnalogInput,
    "range": Range,
    "imu": Imu,
}


def _feed(sensor: AnalogInput | Range | Imu | DigitalInput, value: Value, now: float) -> None:
    """Give a sensor what was reported of it, where it is of its kind."""
    match sensor, value:
        case Range(), float() | None:
            sensor.measured(value, now)
        case AnalogInput(), float():
            sensor.update(value, now)
        case DigitalInput(), float():
            sensor.update(value > 0, now)
        case Imu(), Mapping():
            sensor.update({name: reading for name, reading in value.items() if name in sensor.READINGS}, now)
