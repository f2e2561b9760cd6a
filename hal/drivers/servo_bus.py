"""Servos that share one half-duplex wire, whoever made them: read 50 times a second, led by their goals.

What is told (goals, torque) nobody acknowledges: it goes to all at once, and again to a servo that shows
something else when it is read. A family of servos adds its language.

Not responsible for: who speaks when (`bus`), what one servo was told and what it shows (`bus_servo`), what a
joint may do (kinds), bytes (codecs).
"""

from __future__ import annotations

import asyncio
import math
import random
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import ClassVar, Generic, Protocol, TypeVar

from hal.board import Board, BoardSpec
from hal.device import Device, DeviceSpec, Evidence
from hal.drivers.bus import Bus, Framer, Outcome, Transaction, Trouble
from hal.drivers.bus_servo import BusAxisSpec, BusServo, Heard
from hal.drivers.line import LATE_S
from hal.drivers.servo_setpoints import Setpoints
from hal.drivers.transaction import Keyed
from hal.errors import DeviceGone, DeviceRefused, DeviceSilent, HalError, LinkFull
from hal.kinds import Gripper, GripperSpec, Joint, JointSpec
from hal.link import Link

READ_PERIOD_S = 0.02
NUMBERS = round(LATE_S / READ_PERIOD_S) + 1
"""So many reads in a row must have answers that look different: until then a late one may come."""
LOOK_EVERY = 5
"""With every fifth read one servo is looked at as a whole."""
ALONE_AFTER_S = 0.1
"""A servo that was not heard for so long, though others were, is asked alone: those behind it in a common
question wait for its answer."""
SILENT_AFTER_S = 0.3
GREETINGS = 24
"""How often each servo is asked who it is, before it counts as missing."""
GREET_AGAIN_S = 0.05
QUESTIONS = 20
"""How often each later question is put."""
ASK_LIMIT_S = 2.0
CONFIRMATIONS = 4
CONFIRM_AGAIN_S = 0.012
"""A stop is answered within 100 ms."""
BITS_PER_BYTE = 10


class ServoFrame(Keyed, Protocol):
    """What a servo says."""

    @property
    def id(self) -> int:
        """Who says it."""


FrameT = TypeVar("FrameT", bound=ServoFrame)


class ServoBusBoard(Board, Generic[FrameT]):
    """All servos on one wire."""

    IDLE_GAP_S: ClassVar[float] = 0.001
    """Longer than any servo takes between hearing a question and answering it."""

    def __init__(
        self,
        name: str,
        spec: BoardSpec,
        connect: Callable[[], Link],
        rng: random.Random,
        framer: Framer[FrameT],
    ) -> None:
        super().__init__(name, spec, connect, rng)
        self.servos: dict[int, BusServo] = {}
        self._bus: Bus[FrameT] = Bus(framer, self.send, byte_s=BITS_PER_BYTE / spec.baud, gap_s=0.0)
        self._heard_bytes = False
        self._heard_at = -math.inf
        """When any of them was heard last."""
        self._number = 0
        """Counts the reads. What they ask for depends on it, so that no answer fits the question before."""
        self._next_read_at = 0.0
        self._open_reads = 0
        self._looks = 0
        self._setpoints = Setpoints(self.servos, self._bus, self)

    @property
    def retries(self) -> int:
        """How many questions were put once more."""
        return self._bus.line.retries

    # ------------------------------------------------------------------ what a family of servos adds

    @abstractmethod
    async def recognize(self, servo: BusServo) -> str | None:
        """Ask once who `servo` is; returns its model, None without an answer.

        Raises `DeviceRefused` where it is something else than the file says.
        """

    @abstractmethod
    async def prepare(self, servo: BusServo) -> None:
        """Set it up. Moves nothing. Raises `DeviceSilent` or `DeviceRefused`."""

    @abstractmethod
    def read(self, servos: Sequence[BusServo], number: int) -> Sequence[Transaction]:
        """Ask for what is needed 50 times a second, of another length for each of `NUMBERS` in a row."""

    @abstractmethod
    def look(self, servo: BusServo) -> Transaction:
        """Ask one whether it has torque and what is wrong with it."""

    @abstractmethod
    def parse(self, servo: BusServo, frame: FrameT) -> Heard:
        """What an answer to `read` or `look` says."""

    @abstractmethod
    def goal_frame(self, goals: Mapping[BusServo, float]) -> bytes:
        """As `Language`."""

    @abstractmethod
    def torque_frame(self, switches: Mapping[BusServo, bool]) -> bytes:
        """As `Language`."""

    # ------------------------------------------------------------------ who is there

    def add(self, name: str, spec: DeviceSpec) -> Device:
        """Make a joint or a gripper. Any other kind, or an id that is taken, is refused."""
        if not isinstance(spec, BusAxisSpec):
            raise DeviceRefused(name, f"a servo bus has no {spec.kind}; it has joints and grippers")
        if spec.id in self.servos:
            other = self.servos[spec.id].name
            raise DeviceRefused(name, f"id {spec.id} of {self.name} is used by {other} already")
        servo = self.servos[spec.id] = BusServo(name, spec, self._tell_soon)
        match spec:
            case JointSpec():
                servo.device = Joint(name, spec, servo)
            case GripperSpec():
                servo.device = Gripper(name, spec, servo)
            case _:
                raise DeviceRefused(name, f"a servo bus has no {spec.kind}; it has joints and grippers")
        self.devices[name] = servo.device
        return servo.device

    def _tell_soon(self, _: BusServo) -> None:
        if self.link is None:
            raise DeviceGone(self.name, "it is not connected; check its cable and power")
        self._setpoints.tell_soon()

    async def identify(self) -> str:
        """Ask every servo who it is, until all have answered."""
        self._bus.clear()
        self._heard_bytes = False
        models: dict[BusServo, str] = {}
        for servo in self.servos.values():
            servo.forget()
        for _ in range(GREETINGS):
            for servo in self.servos.values():
                if servo not in models and (model := await self.recognize(servo)) is not None:
                    models[servo] = model
            if len(models) == len(self.servos):
                found = Counter(models[servo] for servo in self.servos.values())
                return ", ".join(f"{count} {model}" for model, count in found.items())
            await asyncio.sleep(GREET_AGAIN_S)
        raise DeviceSilent(self.name, self._why_missing([s for s in self.servos.values() if s not in models]))

    def _why_missing(self, missing: Sequence[BusServo]) -> str:
        where = f"{self.spec.port} at {self.spec.baud} baud"
        if len(missing) < len(self.servos):
            names = ", ".join(f"{servo.name} (id {servo.id})" for servo in missing)
            return f"the others answer, but not {names}; is the plug in, is that the id?"
        if self._heard_bytes:
            return f"what comes from {where} are no servos; is the baud rate right, are these their ids?"
        return f"no servo answers on {where}; do they have power, is this their port?"

    async def configure(self) -> None:
        """Set every servo up and hear where it stands."""
        for servo in self.servos.values():
            await self._get_to_know(servo)
        now = self._next_read_at = self._heard_at = asyncio.get_running_loop().time()
        self._open_reads = 0
        for servo in self.servos.values():
            servo.heard_at = now

    async def _get_to_know(self, servo: BusServo) -> None:
        await self.prepare(servo)
        for _ in range(QUESTIONS):
            questions = [] if servo.seen_at > -math.inf else list(self._next_read([servo]))
            if servo.has_torque is None:
                questions.append(self.look(servo))
            if not questions:
                return
            for question in questions:
                self._take(await self.ask(question))
        why = f"what id {servo.id} answers is damaged again and again; is the wire disturbed?"
        raise DeviceSilent(servo.name, why)

    def _next_read(self, servos: Sequence[BusServo]) -> Sequence[Transaction]:
        self._number += 1
        return self.read(servos, self._number)

    async def ask(self, question: Transaction) -> Outcome[FrameT]:
        """Put a question and wait for its outcome. Raises the reason when the wire is lost."""
        outcome = await self.answered(self._bus.ask(question), ASK_LIMIT_S)
        return outcome if outcome is not None else Outcome({}, Trouble.SILENT)

    # ------------------------------------------------------------------ what they say

    def received(self, data: bytes, now: float) -> None:
        """Answers go to who asked."""
        self._heard_bytes = True
        self._bus.hear(data, now)

    def tend(self, now: float) -> float:
        """Read all servos, and look at one of them now and then."""
        if now < self._next_read_at:
            return self._next_read_at
        missed = math.floor((now - self._next_read_at) / READ_PERIOD_S)
        self._next_read_at += (missed + 1) * READ_PERIOD_S
        for servo in self.servos.values():
            # While none is heard it is the board that is silent.
            if now - servo.heard_at > SILENT_AFTER_S and self._is_alone(servo):
                why = f"servo {servo.id} did not answer for {SILENT_AFTER_S * 1000:.0f} ms"
                servo.fail(f"{why}; is its plug in, is its cable whole?")
        self._read_all()
        return self._next_read_at

    def _is_alone(self, servo: BusServo) -> bool:
        return self._heard_at - servo.heard_at > ALONE_AFTER_S

    def _read_all(self) -> None:
        together, alone = list[BusServo](), list[BusServo]()
        for servo in self.servos.values():
            (alone if self._is_alone(servo) else together).append(servo)
        looks: list[BusServo] = []
        if self._open_reads == 0 and together:
            for question in self._next_read(together):
                self._put_read(question, self._read_came)
        doubtful = [servo for servo in together if servo.doubtful]
        if doubtful:
            looks.append(doubtful[self._number % len(doubtful)])
        elif self._number % LOOK_EVERY == 0 and together:
            looks.append(together[self._number // LOOK_EVERY % len(together)])
        if alone:
            looks.append(alone[self._looks % len(alone)])
        self._looks += 1
        for servo in looks:
            self._put_read(replace(self.look(servo), topic=("look", servo.id), tries=1), self._take)

    def _put_read(self, question: Transaction, done: Callable[[Outcome[FrameT]], None]) -> None:
        with suppress(LinkFull):  # the next period comes soon
            self._bus.put(question, done)
            self._open_reads += done == self._read_came

    def _read_came(self, outcome: Outcome[FrameT]) -> None:
        self._open_reads = max(0, self._open_reads - 1)
        self._take(outcome)

    def _take(self, outcome: Outcome[FrameT]) -> None:
        now = asyncio.get_running_loop().time()
        for frame in outcome.answers.values():
            servo = self.servos.get(frame.id)
            if servo is not None:
                self._heard_at = now
                servo.hear(self.parse(servo, frame), now)

    def silent_at(self) -> float:
        """When none of them was heard for too long."""
        return self._heard_at + SILENT_AFTER_S if self.servos else math.inf

    def why_silent(self, now: float) -> str:
        """All at once: it is the wire or the supply."""
        return f"no servo answered for {SILENT_AFTER_S * 1000:.0f} ms; do they have power, is the cable in?"

    # ------------------------------------------------------------------ how they are stopped

    def halt(self) -> None:
        """As every board's; what waits for the bus is forgotten, and the bus keeps quiet meanwhile."""
        super().halt()
        if self.link is None:
            return
        self._bus.preempt(len(self.stop_frames()))
        try:
            now = asyncio.get_running_loop().time()
        except RuntimeError:
            return
        for servo in self.servos.values():
            servo.stop(now)

    def stop_frames(self) -> bytes:
        """They follow what was read last."""
        return self._setpoints.stop_frames()

    async def confirm_stop(self) -> dict[str, Evidence]:
        """Ask where each stands and how fast it turns; the goals of those that do are told again."""
        loop = asyncio.get_running_loop()
        since = loop.time()
        evidence: dict[str, Evidence] = {}
        try:
            for _ in range(CONFIRMATIONS):
                await self._read_now()
                evidence = {servo.name: servo.judge(since) for servo in self.servos.values()}
                if all(proof.confirmed for proof in evidence.values()):
                    break
                await asyncio.sleep(CONFIRM_AGAIN_S)
        except HalError as error:
            return {servo.name: Evidence(False, why=str(error)) for servo in self.servos.values()}
        now = loop.time()
        return {
            servo.name: evidence[servo.name]._replace(age_s=now - servo.seen_at)
            if servo.seen_at >= since
            else evidence[servo.name]
            for servo in self.servos.values()
        }

    async def _read_now(self) -> None:
        """Where each stands, and whether it has torque."""
        servos = list(self.servos.values())
        for question in self._next_read(servos):
            self._take(await self.ask(question))
        for servo in servos:
            if servo.doubtful or servo.shows_torque is None:
                self._take(await self.ask(self.look(servo)))
