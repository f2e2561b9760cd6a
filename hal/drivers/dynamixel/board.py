"""A bus of Dynamixel servos of the X series: the language of the protocol 2.0.

Source: ROBOTIS e-Manual, "DYNAMIXEL Protocol 2.0" and the control tables of the X series. What all servo
buses have in common is `hal.drivers.servo_bus`.
"""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import lru_cache

from hal.board import BoardSpec
from hal.drivers.bus import Priority, Transaction
from hal.drivers.bus_servo import BusServo, Heard
from hal.drivers.dynamixel import codec, models
from hal.drivers.dynamixel.codec import Decoder, Packet, answer_key
from hal.drivers.dynamixel.models import VELOCITY_RAD_S
from hal.drivers.dynamixel.specs import DynamixelAxisSpec
from hal.drivers.servo_bus import NUMBERS, QUESTIONS, ServoBusBoard
from hal.errors import DeviceRefused, DeviceSilent
from hal.link import Link

RETURN_DELAY_S = 0.0005
"""How long a servo waits before it answers, as it comes."""
READ_FROM = models.GOAL_POSITION
READ_COUNT = models.PRESENT_POSITION + 4 - READ_FROM
STATE = struct.Struct("<i6xhii")
"""What begins every read: goal, current, velocity, position."""
LONG_READ_EVERY = 25
LONG_READ_COUNT = models.PRESENT_TEMPERATURE + 1 - READ_FROM
"""Twice a second they are asked for their temperature besides."""
LOOK_FROM = models.TORQUE_ENABLE
LOOK_COUNT = models.HARDWARE_ERROR + 1 - LOOK_FROM
WATCHED_LOOK_COUNT = models.BUS_WATCHDOG + 1 - LOOK_FROM
"""Where they have a watchdog, they are asked for that, too."""
PING_COUNT = 3
QUESTIONS_KEPT = 256
"""They are the same again and again: each is made once while no others push it out."""
SETTINGS = range(models.OPERATING_MODE, models.MIN_POSITION_LIMIT + 4)
"""What is read of a servo before it is told anything..."""
PROFILE_COUNT = models.PROFILE_VELOCITY + 4 - models.PROFILE_ACCELERATION + 4
"""...and its profile, with four bytes more: no other answer has this length."""
NO_PROFILE = bytes(8)
"""The servo itself limits neither acceleration nor velocity: what somebody left there makes it late."""
POSITION_MODES = {models.POSITION_CONTROL: "position", 4: "extended position", 5: "current-based position"}
"""The operating modes in which a goal is an angle."""


class DynamixelBoard(ServoBusBoard[Packet]):
    """The servos on one adapter, or their twins."""

    def __init__(self, name: str, spec: BoardSpec, connect: Callable[[], Link], rng: random.Random) -> None:
        super().__init__(name, spec, connect, rng, Decoder())

    async def recognize(self, servo: BusServo) -> str | None:
        """Ping it. Another model than the file's is refused."""
        key = answer_key(servo.id, PING_COUNT)
        ping = Transaction(
            codec.ping(servo.id),
            Priority.READ,
            {key: codec.STATUS_BYTES + PING_COUNT},
            tries=1,
            timeless=True,
        )
        answer = (await self.ask(ping)).answers.get(key)
        if answer is None:
            return None
        found = models.name_of(int.from_bytes(answer.params[:2], "little"))
        expected = _spec(servo).model
        if found != expected:
            raise DeviceRefused(
                servo.name, f"id {servo.id} of {self.name} is an {found}, not the {expected} of the file"
            )
        return found

    async def prepare(self, servo: BusServo) -> None:
        """See that it takes the file's angles as fast as it can and answers questions; set its watchdog."""
        for _ in range(QUESTIONS):
            await self.ask(_tell(models.STATUS_RETURN_LEVEL, servo, b"\x02"))
            await self.ask(_tell(models.PROFILE_ACCELERATION, servo, NO_PROFILE))
            settings = await self._read(servo, SETTINGS.start, len(SETTINGS))
            profile = await self._read(servo, models.PROFILE_ACCELERATION, PROFILE_COUNT)
            if not settings or not profile.startswith(NO_PROFILE):
                continue
            _refuse_settings(servo, settings)
            await self._set_watchdog(servo)
            return
        raise DeviceSilent(
            servo.name, f"id {servo.id} answers a ping and no question; is the wire disturbed?"
        )

    async def _set_watchdog(self, servo: BusServo) -> None:
        for count in self._watchdog():
            await self.ask(_tell(models.BUS_WATCHDOG, servo, bytes([count])))

    def _watchdog(self) -> Sequence[int]:
        """What is written to it: 0 clears one that has tripped."""
        deadman = self.spec.deadman
        if not isinstance(deadman, float):
            return (0,)
        return (0, min(max(math.ceil(deadman / models.WATCHDOG_S), 1), 127))

    async def _read(self, servo: BusServo, address: int, count: int) -> bytes:
        answers = (await self.ask(_ask(codec.read(servo.id, address, count), [servo.id], count))).answers
        return next((packet.params for packet in answers.values()), b"")

    # ------------------------------------------------------------------ what is asked and told

    def read(self, servos: Sequence[BusServo], number: int) -> Sequence[Transaction]:
        """Goal, current, velocity, position: a sync read; the other way round when one has to be repeated.

        A servo answers after the one before it in the question: behind one that is silent, nobody does.
        """
        count = LONG_READ_COUNT if number % LONG_READ_EVERY == 0 else READ_COUNT + number % NUMBERS
        return [_common_question(tuple([servo.id for servo in servos]), count)]

    def look(self, servo: BusServo) -> Transaction:
        """From the torque to the hardware error, or to the watchdog."""
        count = LOOK_COUNT if self.spec.deadman in (None, "none") else WATCHED_LOOK_COUNT
        return _look_question(servo.id, count)

    def parse(self, servo: BusServo, frame: Packet) -> Heard:
        """By its length it is known what was asked; a refusal says nothing but its alert."""
        count = len(frame.data) - 1
        if count in (LOOK_COUNT, WATCHED_LOOK_COUNT):
            return self._parse_look(servo, frame)
        if count < READ_COUNT:
            return Heard(alert=frame.alert)
        goal, current, velocity, position = STATE.unpack_from(frame.data, 1)
        current_a = _spec(servo).product.current_a
        return Heard(
            models.angle_of(position),
            velocity * VELOCITY_RAD_S,
            None if current_a is None else current * current_a,
            float(frame.data[-1]) if count == LONG_READ_COUNT else None,
            models.angle_of(goal),
            alert=frame.alert,
        )

    def _parse_look(self, servo: BusServo, frame: Packet) -> Heard:
        table = dict(enumerate(frame.params, start=LOOK_FROM))
        if table.get(models.BUS_WATCHDOG) == models.WATCHDOG_TRIPPED:
            for count in self._watchdog():
                self._bus.put(_tell(models.BUS_WATCHDOG, servo, bytes([count])))
        return Heard(
            torque=table[models.TORQUE_ENABLE] == 1,
            alert=frame.alert,
            trouble=models.explain(table[models.HARDWARE_ERROR]),
        )

    def goal_frame(self, goals: Mapping[BusServo, float]) -> bytes:
        """A sync write; a goal beyond its turn, be it where it stands, is cut: no servo would take it."""
        return codec.sync_write(
            models.GOAL_POSITION,
            {
                servo.id: min(max(models.position_of(goal_rad), 0), models.STEPS - 1).to_bytes(4, "little")
                for servo, goal_rad in goals.items()
            },
        )

    def torque_frame(self, switches: Mapping[BusServo, bool]) -> bytes:
        """A sync write."""
        return codec.sync_write(
            models.TORQUE_ENABLE, {servo.id: bytes([on]) for servo, on in switches.items()}
        )


def _spec(servo: BusServo) -> DynamixelAxisSpec:
    if not isinstance(servo.spec, DynamixelAxisSpec):
        raise DeviceRefused(servo.name, "it is no Dynamixel servo")
    return servo.spec


def _refuse_settings(servo: BusServo, settings: bytes) -> None:
    mode = settings[0]
    if mode not in POSITION_MODES:
        modes = ", ".join(f"{number} ({word})" for number, word in POSITION_MODES.items())
        raise DeviceRefused(
            servo.name,
            f"the operating mode of id {servo.id} is {mode}, in which it takes no angles; "
            f"set it to one of {modes} with DYNAMIXEL Wizard",
        )
    if mode == models.POSITION_CONTROL:
        low_rad, high_rad = (
            models.angle_of(models.signed(settings[address - SETTINGS.start :][:4]))
            for address in (models.MIN_POSITION_LIMIT, models.MAX_POSITION_LIMIT)
        )
        servo.require_reach(low_rad, high_rad, models.STEP_RAD)


@lru_cache(QUESTIONS_KEPT)
def _common_question(ids: tuple[int, ...], count: int) -> Transaction:
    """Ask all at once; whoever is missing is asked again the other way round."""

    def again(missing: Sequence[Hashable]) -> bytes:
        late = [servo for servo in ids if answer_key(servo, count) in missing]
        return codec.sync_read(READ_FROM, count, reversed(late))

    return _ask(codec.sync_read(READ_FROM, count, ids), ids, count, again)


@lru_cache(QUESTIONS_KEPT)
def _look_question(servo: int, count: int) -> Transaction:
    return _ask(codec.read(servo, LOOK_FROM, count), [servo], count)


def _ask(
    request: bytes,
    ids: Iterable[int],
    count: int,
    narrow: Callable[[Sequence[Hashable]], bytes] | None = None,
) -> Transaction:
    """A question that each of them answers with `count` bytes, or with a refusal."""
    keys = {answer_key(servo, count): answer_key(servo, 0) for servo in ids}
    return Transaction(
        request,
        Priority.READ,
        dict.fromkeys(keys, codec.STATUS_BYTES + count),
        instead={refusal: key for key, refusal in keys.items()},
        thinks_s=RETURN_DELAY_S * len(keys),
        narrow=narrow,
    )


def _tell(address: int, servo: BusServo, data: bytes) -> Transaction:
    """Write these bytes; nobody acknowledges it."""
    return Transaction(codec.sync_write(address, {servo.id: data}), Priority.SETPOINT)
