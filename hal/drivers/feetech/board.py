"""A bus of Feetech's servos: what they are asked and told.

Source: Feetech, "Servo SCS Communication Protocol", and the memory tables (`models`). Not responsible for:
when what is asked, and what follows from it (`hal.drivers.servo_bus`).
"""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache

from hal.board import BoardSpec
from hal.drivers.bus import Priority, Transaction
from hal.drivers.bus_servo import BusServo, Heard
from hal.drivers.feetech import codec, models
from hal.drivers.feetech.codec import OVERHEAD_BYTES, ByteOrder, Decoder, Packet, signed
from hal.drivers.feetech.models import MODELS, SIGN_BIT, Model, explain
from hal.drivers.feetech.specs import FeetechAxisSpec
from hal.drivers.servo_bus import NUMBERS, ServoBusBoard
from hal.errors import DeviceRefused, LinkFull
from hal.link import Link

SPEED_MARGIN = 1.5
"""A servo's own limit of its speed, over the file's: it has to keep up with goals that follow one another."""
FASTEST = (1 << SIGN_BIT) - 1
KEPT = range(models.VERSION, models.MODE + 1)
"""What is read of a servo when it is recognized..."""
LIMITS = slice(models.MIN_POSITION - KEPT.start, models.MAX_POSITION + 2 - KEPT.start)
"""...and where its own limits stand in that."""
QUESTIONS_KEPT = 256
"""They are the same again and again: each is made once while no others push it out."""
ANSWERS_KEPT = 256
"""So many need not be taken apart again: a servo at rest says the same."""
STATE_START = models.TORQUE_ENABLE
"""Torque, goal and what is present are read in one piece: at most 3 ms of 20 for six servos at 1 Mb/s."""
STATE: Mapping[ByteOrder, struct.Struct] = {
    "little": struct.Struct("<BxH12xHH3xB"),
    "big": struct.Struct(">BxH12xHH3xB"),
}
"""From there on: torque, goal, position, speed, temperature."""
CURRENT_AT = models.PRESENT_CURRENT - STATE_START


class FeetechBoard(ServoBusBoard[Packet]):
    """STS and SCS servos on the far end of a half-duplex adapter, or their twin."""

    def __init__(self, name: str, spec: BoardSpec, connect: Callable[[], Link], rng: random.Random) -> None:
        super().__init__(name, spec, connect, rng, Decoder())
        self._looks = 0
        self._profiles: dict[int, Mapping[int, bytes]] = {}
        """By id, what is to stand where."""
        self._limits: dict[int, bytes] = {}
        """By id, from where to where it turns by itself, as it said when it was recognized last."""

    async def recognize(self, servo: BusServo) -> str | None:
        """Its model, by its version, and what it keeps without power."""
        count = len(KEPT)
        outcome = await self.ask(_question(codec.read(servo.id, KEPT.start, count), servo.id, count))
        answer = outcome.answers.get((servo.id, count))
        if answer is None:
            return None
        due, version = _model(servo), (answer.data[0], answer.data[1])
        if version != due.version:
            found = next((model.name for model in MODELS.values() if version == model.version), None)
            what = f"a {found}" if found else f"no {due.name} (its version is {version[0]}.{version[1]})"
            sentence = f"servo {servo.id} is {what}, but the file says {due.name}"
            raise DeviceRefused(servo.name, f"{sentence}; correct `model` or `id`")
        self._refuse_mode(servo, answer.data)
        limits = answer.data[LIMITS]
        if servo.id in self._limits and _are_nonsense(servo, limits):
            # A checksum of 8 bits lets one damaged packet in 256 pass: with one bit of its address turned
            # over, a goal becomes a limit, and the servo goes there and obeys no goal any more.
            put_back = codec.write(servo.id, models.MIN_POSITION, self._limits[servo.id])
            await self.ask(_question(put_back, servo.id, 0))
            return None  # it is asked again whether it took them
        self._refuse_limits(servo, limits)
        self._limits[servo.id] = limits
        return due.name

    async def prepare(self, servo: BusServo) -> None:
        """Nothing but what each read of it shows to be missing."""

    def _refuse_mode(self, servo: BusServo, kept: bytes) -> None:
        mode = kept[models.MODE - KEPT.start]
        if mode and _model(servo).has_modes:
            sentence = f"servo {servo.id} is in mode {mode} and holds no position"
            raise DeviceRefused(servo.name, f"{sentence}; set its mode, at {models.MODE}, to 0")

    def _refuse_limits(self, servo: BusServo, limits: bytes) -> None:
        if not any(limits):
            if _model(servo).has_modes:
                return  # it turns without limits
            sentence = f"servo {servo.id} turns on and on, and holds no position"
            where = f"{models.MIN_POSITION} and {models.MAX_POSITION}"
            raise DeviceRefused(servo.name, f"{sentence}; set its limits, at {where}, which are both 0")
        servo.require_reach(*_angles_rad(servo, limits), _model(servo).step_rad)

    def read(self, servos: Sequence[BusServo], number: int) -> Sequence[Transaction]:
        """All that there is to know: of all at once that can be asked so, of the others one by one."""
        more = number % NUMBERS
        together, questions = list[BusServo](), list[Transaction]()
        for servo in servos:
            model = _model(servo)
            if model.sync_read:
                together.append(servo)
            else:
                questions.append(_state_question(servo.id, more, _state_bytes(model)))
        if together:
            ids = tuple([servo.id for servo in together])
            questions.insert(0, _common_question(ids, more, _state_bytes(_model(together[0]))))
        return questions

    def look(self, servo: BusServo) -> Transaction:
        """The same of one."""
        self._looks += 1
        more = NUMBERS + self._looks % NUMBERS
        return _state_question(servo.id, more, _state_bytes(_model(servo)))

    def parse(self, servo: BusServo, frame: Packet) -> Heard:
        """In SI. What is wrong with it stands in every answer."""
        model = _model(servo)
        state = frame.data[-_state_bytes(model) :]
        self._keep_profile(servo, state)
        return _heard(model.name, frame.code, state)

    def _keep_profile(self, servo: BusServo, state: bytes) -> None:
        """Limit its own speed, and nothing else: what somebody left there would make it late."""
        if servo.id not in self._profiles:
            self._profiles[servo.id] = _profile(servo)
        for address, data in self._profiles[servo.id].items():
            if not state.startswith(data, address - STATE_START):
                frame = codec.sync_write(address, {servo.id: data})
                with suppress(LinkFull):  # the next read shows it again
                    self._bus.put(Transaction(frame, Priority.SETPOINT, topic=(servo.id, address)))

    def goal_frame(self, goals: Mapping[BusServo, float]) -> bytes:
        """Each in the byte order of its model."""
        words = {servo.id: _model(servo).word_at(goal_rad) for servo, goal_rad in goals.items()}
        return codec.sync_write(models.GOAL_POSITION, words)

    def torque_frame(self, switches: Mapping[BusServo, bool]) -> bytes:
        """On is 1."""
        return codec.sync_write(
            models.TORQUE_ENABLE, {servo.id: bytes([on]) for servo, on in switches.items()}
        )


def _model(servo: BusServo) -> Model:
    assert isinstance(servo.spec, FeetechAxisSpec)
    return servo.spec.product


def _are_nonsense(servo: BusServo, limits: bytes) -> bool:
    low_rad, high_rad = _angles_rad(servo, limits)
    return low_rad > high_rad or not (any(limits) or _model(servo).has_modes)


def _angles_rad(servo: BusServo, limits: bytes) -> tuple[float, float]:
    model = _model(servo)
    low_rad, high_rad = (model.angle_rad(model.number_at(limits, at)) for at in (0, 2))
    return low_rad, high_rad


def _profile(servo: BusServo) -> Mapping[int, bytes]:
    model = _model(servo)
    speed = min(math.ceil(SPEED_MARGIN * servo.spec.rate / model.step_rad), FASTEST)
    if model.acceleration_rad_s2 is None:
        return {models.GOAL_TIME: model.word(0) + model.word(speed)}
    return {models.ACCELERATION: b"\x00", models.GOAL_SPEED: model.word(speed)}


def _question(request: bytes, servo: int, count: int) -> Transaction:
    return Transaction(request, Priority.READ, {(servo, count): OVERHEAD_BYTES + count})


@lru_cache(QUESTIONS_KEPT)
def _state_question(servo: int, more: int, state_bytes: int) -> Transaction:
    """`more` are bytes before the state: beyond it the memory may end."""
    count = state_bytes + more
    return _question(codec.read(servo, STATE_START - more, count), servo, count)


@lru_cache(QUESTIONS_KEPT)
def _common_question(ids: tuple[int, ...], more: int, state_bytes: int) -> Transaction:
    count = state_bytes + more

    def narrow(missing: Sequence[Hashable]) -> bytes:
        return codec.sync_read(STATE_START - more, count, [each for each in ids if (each, count) in missing])

    answers: dict[Hashable, int] = {(each, count): OVERHEAD_BYTES + count for each in ids}
    return Transaction(codec.sync_read(STATE_START - more, count, ids), Priority.READ, answers, narrow=narrow)


@lru_cache(ANSWERS_KEPT)
def _heard(name: str, code: int, state: bytes) -> Heard:
    model = MODELS[name]
    torque, goal, position, speed, temperature = STATE[model.order].unpack_from(state)
    current_a = model.current_a
    if current_a is not None:
        current_a *= signed(model.number_at(state, CURRENT_AT), SIGN_BIT)
    return Heard(
        position_rad=model.angle_rad(signed(position, SIGN_BIT)),
        velocity_rad_s=signed(speed, SIGN_BIT) * model.step_rad,
        current_a=current_a,
        temperature_degc=float(temperature),
        goal_rad=model.angle_rad(signed(goal, SIGN_BIT)),
        torque=torque == 1,
        trouble=explain(code),
    )


def _state_bytes(model: Model) -> int:
    last = models.MOVING if model.current_a is None else models.PRESENT_CURRENT + 1
    return last + 1 - STATE_START
