"""What a scan finds on a bus: every servo that answers, and two that have one id. Asks, and sets nothing.

Source: ROBOTIS e-Manual, "DYNAMIXEL Protocol 2.0", sections 6.1 (a ping to all is answered by one after the
other) and 6.2, and the control tables of the X series.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Sequence
from functools import partial

from hal.driver import Found, Probe
from hal.drivers.dynamixel import codec, models
from hal.drivers.dynamixel.codec import Decoder, Packet, answer_key
from hal.drivers.dynamixel.models import BY_NUMBER, Model
from hal.drivers.ear import Ear
from hal.link import Link

BAUDS = (57_600, 1_000_000, 2_000_000, 3_000_000, 4_000_000, 115_200)
"""As they leave the factory, and what people set them to."""
ROLL_CALL_S = 0.8
"""A ping to all: each waits for those with lower ids, at most three milliseconds for each."""
ANSWER_S = 0.008
"""How long one id is waited for: an answer takes a millisecond, and a USB adapter up to six more."""
READ_S = 0.04
READS = 6
"""How often a servo is read before that is called impossible."""
PING_COUNT = 3
MOST_DAMAGED = 8
"""Where more ids than these answer with nonsense, something else talks."""
SETTINGS = range(models.MODEL_NUMBER, models.MIN_POSITION_LIMIT + 4)
STATE = range(models.TORQUE_ENABLE, models.PRESENT_TEMPERATURE + 1)
SEVERAL = (
    "several servos have this id, and their answers destroy each other; "
    "unplug all but one of them, and give that one another id"
)


class _Ear(Ear[Packet]):
    """Who listens on the bus."""

    def __init__(self, link: Link) -> None:
        self.decoder = Decoder()
        super().__init__(link, self.decoder.feed, self.decoder.end)

    async def ask_for(self, question: bytes, key: tuple[int, int, int], patience_s: float) -> Packet | None:
        """The answer with this key, or None. Raises `LinkError`."""
        return await self.ask(question, lambda packet: packet if packet.key == key else None, patience_s)

    async def call(self) -> list[int]:
        """Who answers a ping to all."""
        answers = await self.ask_all(codec.ping(codec.BROADCAST), ROLL_CALL_S)
        return [packet.id for packet in answers if packet.key == answer_key(packet.id, PING_COUNT)]


async def find(link: Link, baud: int) -> AsyncIterator[Found]:
    """Every servo on `link`, in the order of their ids. Takes a second, three where some share an id."""
    ear = _Ear(link)
    await link.open(ear)
    try:
        heard = await ear.call()
        damaged = await _call_each(ear, heard) if ear.decoder.corrupt or ear.decoder.discarded else []
        for servo in sorted({*heard, *damaged}):
            yield await _look_at(ear, servo, baud)
    finally:
        link.close()


PROBES: Sequence[Probe] = tuple(Probe(baud, partial(find, baud=baud)) for baud in BAUDS)


async def _call_each(ear: _Ear, heard: Sequence[int]) -> list[int]:
    """The ids besides those that answer a call of their own, be it with what cannot be understood."""
    found, damaged = list[int](), list[int]()
    for servo in range(codec.LARGEST_ID + 1):
        heard_bytes = ear.heard_bytes
        if servo in heard:
            continue
        if await ear.ask_for(codec.ping(servo), answer_key(servo, PING_COUNT), ANSWER_S) is not None:
            found.append(servo)
        elif ear.heard_bytes > heard_bytes:
            damaged.append(servo)
    return found + damaged if len(damaged) <= MOST_DAMAGED else found


async def _look_at(ear: _Ear, servo: int, baud: int) -> Found:
    """What a servo says of itself; two with one id say nothing that can be understood."""
    address = f"id {servo}"
    settings, state = await _read(ear, servo, SETTINGS), await _read(ear, servo, STATE)
    if settings is None or state is None:
        return Found(address, "servo", baud, trouble=SEVERAL)
    number = int.from_bytes(settings.params[:2], "little")
    volts = _number(state, models.PRESENT_VOLTAGE, 2) * models.VOLT
    position = _number(state, models.PRESENT_POSITION, 4) - models.CENTRE
    details = {
        "firmware": str(settings.params[models.FIRMWARE]),
        "voltage": f"{volts:.1f} V",
        "temperature": f"{_number(state, models.PRESENT_TEMPERATURE, 1)} degC",
        "position": f"{math.degrees(position * models.STEP_RAD):.1f} deg",
    }
    trouble = models.explain(_number(state, models.HARDWARE_ERROR, 1))
    model = BY_NUMBER.get(number)
    if model is None:
        unknown = f"robotd does not know this model; it knows {', '.join(models.MODELS)}"
        return Found(address, models.name_of(number), baud, details, trouble or unknown)
    return Found(address, model.name, baud, details, trouble, _device(servo, model, settings))


def _device(servo: int, model: Model, settings: Packet) -> dict[str, str | int]:
    """A joint with the limits that are set in the servo."""
    low = models.signed(settings.params[models.MIN_POSITION_LIMIT : models.MIN_POSITION_LIMIT + 4])
    high = models.signed(settings.params[models.MAX_POSITION_LIMIT : models.MAX_POSITION_LIMIT + 4])
    return {
        "kind": "joint",
        "id": servo,
        "model": model.name,
        "min": f"{_degrees(low)} deg",
        "max": f"{_degrees(high)} deg",
    }


def _degrees(position: int) -> float:
    """Of a limit, to a tenth inwards."""
    degrees = math.degrees(models.angle_of(position))
    return math.trunc(degrees * 10) / 10


async def _read(ear: _Ear, servo: int, part: range) -> Packet | None:
    question = codec.read(servo, part.start, len(part))
    for _ in range(READS):
        answer = await ear.ask_for(question, answer_key(servo, len(part)), READ_S)
        if answer is not None:
            return answer
    return None


def _number(state: Packet, address: int, size: int) -> int:
    at = address - STATE.start
    return models.signed(state.params[at : at + size])
