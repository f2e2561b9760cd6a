"""A board that runs Grbl 1.1: what it says of itself, and what of that counts.

Source: github.com/gnea/grbl, `doc/markdown/interface.md`. Not responsible for: connecting again
(`hal.board`), who is there (`introduction`), bytes (`codec`), counting them (`lines`), how it is stopped
(`brake`), what moves (`machine`).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress

from hal.board import Board, BoardSpec
from hal.device import Device, DeviceSpec, Evidence
from hal.drivers.grbl import codec, words
from hal.drivers.grbl.brake import Brake
from hal.drivers.grbl.codec import Decoder
from hal.drivers.grbl.fittings import CoolantFitting, InputFitting
from hal.drivers.grbl.introduction import Introduction
from hal.drivers.grbl.lines import Lines
from hal.drivers.grbl.machine import GantryFitting
from hal.drivers.grbl.reports import Reports
from hal.drivers.grbl.requirements import require_firmware
from hal.drivers.grbl.specs import (
    GrblBoardSpec,
    GrblDigitalInputSpec,
    GrblDigitalOutputSpec,
    GrblGantrySpec,
    GrblRelaySpec,
)
from hal.drivers.grbl.words import MachineState, Status
from hal.errors import DeviceGone, DeviceRefused, DeviceSilent, HalError
from hal.link import Link

SILENT_PERIODS = 3
ANSWER_S = 1.0
"""A line that has no answer after this, though nothing moves, was lost, or its answer was."""
CONFIRM_S = 0.09
SHORTEST_WAIT_S = 0.001
MM_MIN_PER_M_S = 60_000


class GrblBoard(Board):
    """A Grbl controller on the far end of a serial port, or its twin."""

    spec: GrblBoardSpec

    def __init__(self, name: str, spec: BoardSpec, connect: Callable[[], Link], rng: random.Random) -> None:
        super().__init__(name, spec, connect, rng)
        self.lines = Lines(self.send)
        self.reports = Reports()
        self.brake = Brake(self, self.spec.brake)
        self.status: Status | None = None
        """The newest report; None while it may be otherwise by now."""
        self.offset_mm: words.Point | None = None
        """Machine minus work position, once it was told."""
        self.homed = False
        self.alarm = 0
        self.homing_since: float | None = None
        self._machine: GantryFitting | None = None
        self._coolant: CoolantFitting | None = None
        self._inputs: list[InputFitting] = []
        self._decoder = Decoder()
        self._introduction = Introduction(self, self.lines)
        self._serving = False
        self._heard_at = 0.0
        self._unsettled_at = 0.0
        self._reported: asyncio.Future[bool] | None = None
        """Done with the next report."""
        self._stands: tuple[Status, float] | None = None
        """The newest report, if it says that it stands, and when that was asked for."""

    def add(self, name: str, spec: DeviceSpec) -> Device:
        """Make the gantry, the coolant output, or an input; anything else raises `DeviceRefused`."""
        match spec:
            case GrblGantrySpec():
                self._machine = GantryFitting(name, spec, self)
                device: Device = self._machine.gantry
            case GrblDigitalOutputSpec() | GrblRelaySpec():
                self._coolant = CoolantFitting(name, spec, self)
                device = self._coolant.device
            case GrblDigitalInputSpec():
                fitting = InputFitting(name, spec)
                self._inputs.append(fitting)
                device = fitting.input
            case _:
                raise DeviceRefused(name, f"a Grbl board has no {spec.kind}")
        self.devices[name] = device
        return device

    # ------------------------------------------------------------------ who is there

    async def identify(self) -> str:
        """Brake what moves, reset it until it greets, and ask for version, buffers and settings."""
        self._forget()
        self.send(words.FEED_HOLD)
        await asyncio.sleep(self.spec.brake)
        facts = await self._introduction.learn()
        require_firmware(self.name, facts)
        self.lines.size_bytes = min(facts.options.receive_bytes, codec.RECEIVE_BUFFER_BYTES)
        if self._machine is not None:
            self._machine.require(facts)
        return f"Grbl {facts.build.version}"

    async def configure(self) -> None:
        """The reset has switched everything off; wait for the first report."""
        self._serving = True
        self._heard_at = asyncio.get_running_loop().time()
        await self._introduction.first_report()

    def _forget(self) -> None:
        self._decoder = Decoder()
        self._introduction.forget()
        self.reports = Reports()
        self.brake.forget()
        self._serving = False
        self._begins_anew(DeviceGone(self.name, "its wire was lost"))
        self.homed = False
        self.alarm = 0
        self.offset_mm = None
        if self._coolant is not None:
            self._coolant.forget()

    # ------------------------------------------------------------------ what it says

    def received(self, data: bytes, now: float) -> None:
        """Answers go to their lines, reports to the devices."""
        self._introduction.heard_bytes()
        for frame in self._decoder.feed(data):
            self._heard_at = now
            match frame:
                case words.Answer(error):
                    self._take_answer(error, now)
                case Status():
                    self._take_status(frame, now)
                case words.Banner(version):
                    self._take_banner(version, now)
                case words.Alarm(code):
                    self._take_alarm(code)
                case words.Message(words.LOCKED):
                    self.homed = False
                case _:
                    self._introduction.tell(frame)

    def _take_answer(self, error: int | None, now: float) -> None:
        self.lines.answer(error, now)
        self.brake.answered()
        with suppress(HalError):
            self.lines.pump(now)
        if self._machine is not None:
            self._machine.proceed(now)

    def _take_banner(self, version: str, now: float) -> None:
        """It begins anew: it was reset, or it restarted by itself."""
        self._introduction.greeted(version)
        expected = self.brake.greeted()
        if expected or not self._serving:
            self._begins_anew(DeviceGone(self.name, "it was reset"))
        else:
            self.homed = False
            self._begins_anew(
                DeviceGone(self.name, "it restarted by itself; is its supply or its USB cable disturbed?")
            )
        if self._serving:
            if self._coolant is not None:
                self._coolant.was_reset(now)
            self.ask_status(now)

    def _begins_anew(self, why: HalError) -> None:
        """Forget what the far end has forgotten."""
        self.status = None
        self.homing_since = None
        self.reports.forget()
        self.lines.lose(why)

    def _take_alarm(self, code: int) -> None:
        self.alarm = code
        self.homed = False
        self.homing_since = None
        self.status = None
        if self._machine is not None:
            self._machine.alarmed(code)
        if code in words.BLOCKING_ALARMS:
            self.brake.reset()

    def _take_status(self, status: Status, now: float) -> None:
        asked_at = self.reports.answered(now)
        if status.offset_mm is not None:
            self.offset_mm = status.offset_mm
        if status.state is MachineState.ALARM:
            self.homed = False
        elif status.state is not MachineState.HOME:
            self.alarm = 0
        if asked_at >= self._unsettled_at:
            self.status = status
        self._stands = (status, asked_at) if status.stands else None
        self._introduction.reported(status)
        if self._reported is not None and not self._reported.done():
            self._reported.set_result(True)
        if not self._serving:
            return
        for fitting in self._inputs:
            fitting.update(status, now)
        if self._machine is not None:
            self._machine.reported(status, asked_at, now)
        if self._coolant is not None:
            self._coolant.reported(status, now)
        self.brake.judge(status, asked_at)
        if self._machine is not None:
            self._machine.proceed(now)

    # ------------------------------------------------------------------ what it is told

    def tell(self, data: bytes) -> None:
        """Write real-time bytes; a wire that does not take them is its supervisor's matter."""
        with suppress(HalError):
            self.send(data)

    def unsettle(self, now: float) -> None:
        """Something was told that changes its state: only a report that is asked for later tells of that."""
        self.status = None
        self._unsettled_at = now

    def ask_status(self, now: float) -> None:
        """Ask for a report, if one may be asked for."""
        if self._serving and self.reports.may_ask(now):
            self.reports.asked(now)
            self.tell(words.STATUS_QUERY)

    @property
    def keeps(self) -> bool:
        """Whether the coolant output holds something that a stop must not let go."""
        return self._coolant is not None and self._coolant.holds

    @property
    def quiet(self) -> bool:
        """Whether every line is answered."""
        return self.lines.idle

    # ------------------------------------------------------------------ signs of life

    def tend(self, now: float) -> float:
        """Ask for a report when one is due; give up on lines that were lost."""
        if self._machine is not None:
            self.reports.moving = self._machine.busy
            self._machine.proceed(now)
        if self.homing_since is None:
            if now >= self.reports.due_at():
                self.ask_status(now)
            self._give_up(now)
        return max(self.reports.due_at(), now + self.reports.period_s / 4)

    def _give_up(self, now: float) -> None:
        """A line without an answer, though the machine stands: the count of bytes is wrong from now on."""
        lines = self.lines
        stands = self.status is not None and self.status.state in (MachineState.IDLE, MachineState.ALARM)
        if not lines.idle and stands and now - lines.answered_at > ANSWER_S + lines.patience_s:
            lines.lose(DeviceSilent(self.name, "it did not answer a line; is the wire disturbed?"))
            self.brake.reset()

    def silent_at(self) -> float:
        """When no report came for three periods; while it homes it cannot give any."""
        if self.homing_since is not None:
            return self.homing_since + self.spec.homing_limit
        return self._heard_at + SILENT_PERIODS * self.reports.period_s

    def why_silent(self, now: float) -> str:
        """What did not come."""
        if self.homing_since is not None:
            return f"it was homing for {self.spec.homing_limit:g} s; does an axis reach its limit switch?"
        return f"not a word for {now - self._heard_at:.1f} s; is the board hanging, is it powered?"

    # ------------------------------------------------------------------ its stop

    def stop_frames(self) -> bytes:
        """A feed hold, which brakes without losing the position and leaves the coolant output as it is.

        A door for an output that is to go off: it brakes as well, then switches it off. A reset while it
        homes, for then nothing else is heard. What was planned stays planned, and goes on only at a `~`: a
        daemon that lives resets it (`brake`), and one that starts resets it before anything else.
        """
        if self.homing_since is not None:
            return words.SOFT_RESET
        if self._coolant is not None and self._coolant.must_go_off:
            return words.SAFETY_DOOR
        return words.FEED_HOLD

    def halt(self) -> None:
        """As for every board; the reset follows."""
        super().halt()
        if self.link is not None and self._serving:
            self.lines.forget_waiting()
            if self.homing_since is not None:
                self.brake.reset()
            else:
                self.brake.stopping()

    async def confirm_stop(self) -> dict[str, Evidence]:
        """Ask for a report, and again until it says that the machine stands. Within 90 ms."""
        loop = asyncio.get_running_loop()
        until = loop.time() + CONFIRM_S
        proof, why = None, f"{self.name} did not report that it stands"
        try:
            while (
                proof := self._proof_of_rest(now := loop.time())
            ) is None and until - now > SHORTEST_WAIT_S:
                self.ask_status(now)
                self._reported = loop.create_future()
                again_s = max(self.reports.free_at() - now, SHORTEST_WAIT_S)
                await self.answered(self._reported, min(again_s, until - now))
        except HalError as error:
            why = str(error)
        evidence: dict[str, Evidence] = {}
        if self._machine is not None:
            evidence[self._machine.gantry.name] = proof or Evidence(False, why=why)
        if self._coolant is not None:
            evidence[self._coolant.device.name] = self._coolant.judge(proof, why)
        return evidence

    def _proof_of_rest(self, now: float) -> Evidence | None:
        """A report that it stands, asked for since it was told anything and not long ago."""
        if self._stands is None:
            return None
        status, asked_at = self._stands
        told_at = max(self.brake.stopped_at, self._unsettled_at, now - self.reports.period_s)
        if asked_at < told_at:
            return None
        return Evidence(True, value=(status.feed_mm_min or 0.0) / MM_MIN_PER_M_S, age_s=now - asked_at)
