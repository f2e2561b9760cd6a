"""What a scan finds on a bus: every servo that answers, and two that have one id. Asks, and sets nothing.

Source: Feetech, "Servo SCS Communication Protocol", sections 4.1 and 4.2.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Sequence
from functools import partial

from hal.driver import Found, Probe
from hal.drivers.ear import Ear
from hal.drivers.feetech import codec, models
from hal.drivers.feetech.codec import Decoder, Packet
from hal.drivers.feetech.models import MODELS, Model, explain
from hal.link import Link

BAUDS = (1_000_000, 500_000, 115_200)
"""As they leave the factory, and what people set them to."""
ANSWER_S = 0.02
"""How long one id is waited for: an answer takes a millisecond, and some USB adapters keep it for 16 more."""
FIRST_ANSWER_S = 0.05
"""The same for the first question on a port that was just opened."""
READS = 6
"""How often a servo is read before that is called impossible."""
MOST_DAMAGED = 8
"""Where more ids than these answer with nonsense, something else talks."""
HEAD = range(models.FIRMWARE, models.MAX_POSITION + 2)
STATE = range(models.PRESENT_POSITION, models.PRESENT_CURRENT + 2)
SEVERAL = (
    "several servos have this id, and their answers destroy each other; "
    "unplug all but one of them, and give that one another id"
)


class _Ear(Ear[Packet]):
    """Who listens on the bus."""

    def __init__(self, link: Link) -> None:
        decoder = Decoder()
        super().__init__(link, decoder.feed, decoder.end)

    async def ask_for(self, question: bytes, key: tuple[int, int], patience_s: float) -> Packet | None:
        """The answer with this key, or None. Raises `LinkError`."""
        return await self.ask(question, lambda packet: packet if packet.key == key else None, patience_s)


async def find(link: Link, baud: int) -> AsyncIterator[Found]:
    """Every servo on `link`, in the order of their ids. Takes five seconds."""
    ear = _Ear(link)
    await link.open(ear)
    try:
        for servo in await _call_all(ear):
            yield await _look_at(ear, servo, baud)
    finally:
        link.close()


PROBES: Sequence[Probe] = tuple(Probe(baud, partial(find, baud=baud)) for baud in BAUDS)


async def _call_all(ear: _Ear) -> list[int]:
    """The ids that answer a call, be it with something that cannot be understood."""
    heard, damaged = list[int](), list[int]()
    await ear.ask_for(codec.ping(0), (0, 0), FIRST_ANSWER_S)
    for servo in range(codec.LARGEST_ID + 1):
        heard_bytes = ear.heard_bytes
        answer = await ear.ask_for(codec.ping(servo), (servo, 0), ANSWER_S)
        if answer is not None:
            if answer.code != codec.PING or await _answers_a_read(ear, servo):
                heard.append(servo)
        elif ear.heard_bytes > heard_bytes:
            damaged.append(servo)
    return sorted(heard + damaged) if len(damaged) <= MOST_DAMAGED else heard


async def _answers_a_read(ear: _Ear, servo: int) -> bool:
    """Whether what looked like the ping itself was no echo: an adapter may hear itself."""
    question = codec.read(servo, models.ID, 1)
    return await ear.ask_for(question, (servo, 1), ANSWER_S) is not None


async def _look_at(ear: _Ear, servo: int, baud: int) -> Found:
    """What a servo says of itself; two with one id say nothing that can be understood."""
    address = f"id {servo}"
    head = await _read(ear, servo, HEAD)
    state = await _read(ear, servo, STATE)
    if head is None or state is None:
        return Found(address, "servo", baud, trouble=SEVERAL)
    volts = state.data[models.PRESENT_VOLTAGE - STATE.start] * models.VOLT
    degrees = state.data[models.PRESENT_TEMPERATURE - STATE.start]
    details = {
        "firmware": f"{head.data[0]}.{head.data[1]}",
        "voltage": f"{volts:.1f} V",
        "temperature": f"{degrees} degC",
    }
    trouble = explain(state.code)
    version = (head.data[models.VERSION], head.data[models.VERSION + 1])
    model = next((model for model in MODELS.values() if model.version == version), None)
    if model is None:
        unknown = f"robotd does not know this model; it knows {', '.join(MODELS)}"
        return Found(address, f"servo {version[0]}.{version[1]}", baud, details, trouble or unknown)
    details["position"] = f"{_degrees(model, state.data, 0):.1f} deg"
    device = {
        "kind": "joint",
        "id": servo,
        "model": model.name,
        "min": f"{_degrees(model, head.data, models.MIN_POSITION):.1f} deg",
        "max": f"{_degrees(model, head.data, models.MAX_POSITION):.1f} deg",
    }
    return Found(address, model.name, baud, details, trouble, device)


async def _read(ear: _Ear, servo: int, addresses: range) -> Packet | None:
    """What stands there; None where what is heard makes no sense, however often."""
    for more in range(READS):
        # Each time by one byte more: so no late answer is taken for the next.
        count = len(addresses) + more
        question = codec.read(servo, addresses.start, count)
        answer = await ear.ask_for(question, (servo, count), FIRST_ANSWER_S)
        if answer is not None:
            return answer
    return None


def _degrees(model: Model, data: bytes, at: int) -> float:
    position = codec.signed(model.number_at(data, at), models.SIGN_BIT)
    return math.degrees(model.angle_rad(position))
