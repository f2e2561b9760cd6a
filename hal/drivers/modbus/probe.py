"""What a scan finds on a line: every unit from 1 to 32 that answers, and which tables it has. Only reads.

Every product knows one of the reads, and one that does not know it says so: both prove that it is there. What
it is called it says by a function that few know (MODBUS Application Protocol V1.1b3, section 6.21).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from functools import partial

from hal.driver import Found, Probe
from hal.drivers.modbus import codec
from hal.drivers.modbus.answers import Answers, Key, key_of
from hal.drivers.modbus.codec import Framing
from hal.drivers.modbus.words import BITS_PER_BYTE, GAP_BYTES, SHORTEST_GAP_S, Answer, Function, Request
from hal.errors import LinkClosed
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


class _Ear:
    """Who listens while it is asked."""

    def __init__(self, link: Link, framing: Framing, baud: int) -> None:
        self.heard_bytes = 0
        byte_s = BITS_PER_BYTE / baud
        self._gap_s = max(GAP_BYTES * byte_s, SHORTEST_GAP_S)
        self._patience_s = THINKS_S + (8 + LONGEST_ANSWER_BYTES) * byte_s
        self._link = link
        self._framing: Framing = framing
        self._answers = Answers(framing)
        self._awaited: Key | None = None
        self._transaction = 0
        self._waiting: asyncio.Future[Answer] | None = None
        self._lost: Exception | None = None

    def data_received(self, data: bytes) -> None:
        self.heard_bytes += len(data)
        for heard in self._answers.feed(data):
            if heard.key == self._awaited and self._waiting is not None and not self._waiting.done():
                self._waiting.set_result(heard.answer)

    def connection_lost(self, reason: Exception | None) -> None:
        self._lost = reason or LinkClosed("it was closed")

    async def ask(self, request: Request, extra_s: float = 0.0) -> Answer | None:
        """The answer, or None. Raises `LinkClosed`."""
        if self._lost is not None:
            raise LinkClosed(f"{self._link.name} was lost during the scan: {self._lost}")
        self._answers.end()
        self._transaction += self._framing == "tcp"
        self._awaited = key_of(request, self._transaction)
        self._waiting = asyncio.get_running_loop().create_future()
        data = codec.encode_request(request, self._framing, self._transaction)
        self._answers.asked(data)
        self._link.write(data)
        answer: Answer | None = None
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience_s + extra_s):
                answer = await self._waiting
        await asyncio.sleep(self._gap_s)
        return answer


async def find(link: Link, baud: int) -> AsyncIterator[Found]:
    """Every unit on `link`, in the order of their addresses. Takes two seconds at 9600 baud."""
    ear = _Ear(link, "tcp" if link.name.startswith("tcp://") else "rtu", baud)
    await link.open(ear)
    try:
        for unit in range(1, LAST_UNIT + 1):
            heard_bytes = ear.heard_bytes
            answer = await ear.ask(CALL._replace(unit=unit))
            if answer is None and ear.heard_bytes > heard_bytes:
                answer = await ear.ask(CALL._replace(unit=unit))  # something came, and was damaged
            if answer is not None:
                yield await _look_at(ear, unit, baud)
    finally:
        link.close()


PROBES: Sequence[Probe] = tuple(Probe(baud, partial(find, baud=baud), parity) for baud, parity in SPEEDS)


async def _look_at(ear: _Ear, unit: int, baud: int) -> Found:
    """What it has at address 0, and what it is called."""
    tables = []
    for function, name in TABLES.items():
        answer = await ear.ask(Request(unit, function))
        if answer is not None and not answer.refusal:
            tables.append(name)
    named = await ear.ask(Request(unit, Function.IDENTIFY), IDENTIFIES_S)
    model = " ".join(named.texts) if named is not None and named.texts else "Modbus unit"
    details = {"at address 0": ", ".join(tables) or "nothing"}
    device = {"kind": "digital_input", "unit": unit, "input": 0} if "inputs" in tables else {}
    return Found(f"unit {unit}", model, baud, details, device=device)
