"""What a scan finds on a line: every unit from 1 to 32 that answers, and which tables it has. Only reads.

Every product knows one of the reads, and one that does not know it says so: both prove that it is there. What
it is called it says by a function that few know (MODBUS Application Protocol V1.1b3, section 6.21).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import partial

from hal.driver import Found, Probe
from hal.drivers.ear import Ear
from hal.drivers.modbus import codec
from hal.drivers.modbus.answers import Answers, Heard, key_of
from hal.drivers.modbus.codec import Framing
from hal.drivers.modbus.words import BITS_PER_BYTE, GAP_BYTES, SHORTEST_GAP_S, Answer, Function, Request
from hal.link import Link, Parity

SPEEDS: Sequence[tuple[int, Parity]] = (
    (19200, "even"),
    (9600, "none"),
    (9600, "even"),
    (19200, "none"),
    (115200, "none"),
    (38400, "none"),
)
"""As the standard has it, and as products leave the factory."""
LAST_UNIT = 32
"""So many an RS-485 line carries without a repeater."""
THINKS_S = 0.03
"""How long a unit may take before it begins to answer."""
LONGEST_ANSWER_BYTES = 9
"""To what is asked here, but for an identification."""
IDENTIFIES_S = 0.25
CALL = Request(1, Function.READ_HOLDING)
TABLES = {
    Function.READ_COILS: "coils",
    Function.READ_INPUTS: "inputs",
    Function.READ_HOLDING: "holding registers",
    Function.READ_INPUT_REGISTERS: "input registers",
}


class _Line:
    """Who asks the units of a line, one after the other."""

    def __init__(self, link: Link, framing: Framing, baud: int) -> None:
        byte_s = BITS_PER_BYTE / baud
        self._gap_s = max(GAP_BYTES * byte_s, SHORTEST_GAP_S)
        self._patience_s = THINKS_S + (8 + LONGEST_ANSWER_BYTES) * byte_s
        self._framing: Framing = framing
        self._answers = Answers(framing)
        self.ear = Ear(link, self._answers.feed, self._answers.end)
        self._transaction = 0

    async def ask(self, request: Request, extra_s: float = 0.0) -> Answer | None:
        """The answer, or None. Raises `LinkError`."""
        self._transaction += self._framing == "tcp"
        key = key_of(request, self._transaction)
        data = codec.encode_request(request, self._framing, self._transaction)
        self._answers.asked(data)

        def meant(heard: Heard) -> Answer | None:
            return heard.answer if heard.key == key else None

        answer = await self.ear.ask(data, meant, self._patience_s + extra_s)
        await asyncio.sleep(self._gap_s)
        return answer


async def find(link: Link, baud: int) -> AsyncIterator[Found]:
    """Every unit on `link`, in the order of their addresses. Takes two seconds at 9600 baud."""
    line = _Line(link, "tcp" if link.name.startswith("tcp://") else "rtu", baud)
    await link.open(line.ear)
    try:
        for unit in range(1, LAST_UNIT + 1):
            heard_bytes = line.ear.heard_bytes
            answer = await line.ask(CALL._replace(unit=unit))
            if answer is None and line.ear.heard_bytes > heard_bytes:
                answer = await line.ask(CALL._replace(unit=unit))  # something came, and was damaged
            if answer is not None:
                yield await _look_at(line, unit, baud)
    finally:
        link.close()


PROBES: Sequence[Probe] = tuple(Probe(baud, partial(find, baud=baud), parity) for baud, parity in SPEEDS)


async def _look_at(line: _Line, unit: int, baud: int) -> Found:
    """What it has at address 0, and what it is called."""
    tables = []
    for function, name in TABLES.items():
        answer = await line.ask(Request(unit, function))
        if answer is not None and not answer.refusal:
            tables.append(name)
    named = await line.ask(Request(unit, Function.IDENTIFY), IDENTIFIES_S)
    model = " ".join(named.texts) if named is not None and named.texts else "Modbus unit"
    details = {"at address 0": ", ".join(tables) or "nothing"}
    device = {"kind": "digital_input", "unit": unit, "input": 0} if "inputs" in tables else {}
    return Found(f"unit {unit}", model, baud, details, device=device)
