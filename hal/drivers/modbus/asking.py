"""Asks the units of one line: each request gets its place in the schedule, each answer goes to who asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from typing import Protocol

from hal.drivers.bus import Bus, Outcome, Priority, Trouble
from hal.drivers.modbus.answers import Answers, Heard, question_of
from hal.drivers.modbus.specs import ModbusBoardSpec
from hal.drivers.modbus.words import BITS_PER_BYTE, GAP_BYTES, SHORTEST_GAP_S, Answer, Request

NUMBERS = 1 << 16
"""On TCP requests are numbered with 16 bits."""


class Hearer(Protocol):
    """Who wants to know how well units are heard."""

    def heard(self, unit: int) -> None:
        """It answered."""

    def missed(self, unit: int, *, damaged: bool) -> None:
        """Neither the request nor its repetition was answered, or both answers were `damaged`."""


class Asking:
    """All that is asked on one line."""

    def __init__(self, spec: ModbusBoardSpec, write: Callable[[bytes], None], hearer: Hearer) -> None:
        self.heard_bytes = False
        """Whether anything at all came since `begin`."""
        self.echoes = False
        """Whether a request came back since then. As long as nothing is written that is no answer."""
        self._framing = spec.frames
        self._thinks_s = spec.thinks
        self._send = write
        self._hearer = hearer
        byte_s = BITS_PER_BYTE / spec.baud if self._framing == "rtu" else 0.0
        gap_s = max(GAP_BYTES * byte_s, SHORTEST_GAP_S) if self._framing == "rtu" else 0.0
        self._answers = Answers(self._framing)
        self._bus: Bus[Heard] = Bus(self._answers, self._write, byte_s=byte_s, gap_s=gap_s)
        self._number = 0
        self._asked = b""
        self._returned = bytearray()

    def begin(self) -> None:
        """The wire was opened anew: nothing that was asked before is answered."""
        self._bus.clear()
        self.heard_bytes = self.echoes = False

    def drop_setpoints(self) -> None:
        """What was to move something and has not begun is asked no more."""
        self._bus.preempt(0)

    def ask(self, request: Request, priority: Priority) -> asyncio.Future[Answer | None]:
        """As `put`; its answer, when there is one or it is given up."""
        answer: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
        self.put(request, priority, lambda found: None if answer.done() else answer.set_result(found))
        return answer

    def put(
        self,
        request: Request,
        priority: Priority,
        told: Callable[[Answer | None], None],
        topic: Hashable | None = None,
    ) -> None:
        """Ask as soon as the line is free for it; `told` gets the answer, or None. Raises `LinkFull`.

        Of requests with one topic and priority only the newest waits.
        """
        if self._framing == "tcp":
            self._number = (self._number + 1) % NUMBERS
        question = question_of(request, self._framing, self._number, priority, topic, self._thinks_s)
        damaged_before = self._answers.damaged

        def done(outcome: Outcome[Heard]) -> None:
            heard = outcome.answers.get(question.key)
            if heard is not None:
                self._hearer.heard(request.unit)
            elif outcome.trouble is Trouble.SILENT:
                self._hearer.missed(request.unit, damaged=self._answers.damaged > damaged_before)
            told(None if heard is None else heard.answer)

        self._bus.put(question.transaction, done)

    def hear(self, data: bytes, now: float) -> None:
        """Bytes came from the units."""
        self.heard_bytes = True
        if len(self._returned) < len(self._asked):
            self._returned += data
            self.echoes |= self._returned.startswith(self._asked)
        self._bus.hear(data, now)

    def _write(self, data: bytes) -> None:
        self._asked = data
        self._returned.clear()
        self._answers.asked(data)
        self._send(data)
