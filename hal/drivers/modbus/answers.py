"""Requests and answers as the schedule of a shared line takes them: by a key, so that none is mistaken."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from hal.drivers.bus import Priority, Transaction
from hal.drivers.modbus import codec
from hal.drivers.modbus.codec import Decoder, Framing
from hal.drivers.modbus.words import BITS, READS, Answer, Function, Request

Key = tuple[Hashable, ...]
"""Who answers, to what, and what the answer looks like."""


class Question(NamedTuple):
    """A request as the schedule takes it."""

    transaction: Transaction
    key: Key
    """That of its answer."""


class Heard(NamedTuple):
    """An answer on the line."""

    key: Key
    answer: Answer


class Answers:
    """Cuts what units say into answers. One line asks one thing at a time: `asked` says which.

    A refusal does not say what it refuses; it is for what was asked last of that unit.
    """

    def __init__(self, framing: Framing) -> None:
        self.damaged = 0
        """How many answers were no answers when their time was over."""
        self._framing = framing
        self._decoder = Decoder.of_answers(framing)
        self._asked: tuple[Request, int] | None = None

    def asked(self, data: bytes) -> None:
        """This request goes out now."""
        self._asked = codec.decode_request(data, self._framing)

    def feed(self, data: bytes) -> Sequence[Heard]:
        """The answers that `data` completes."""
        heard = []
        for frame in self._decoder.feed(data):
            answer = codec.parse_answer(frame)
            if answer is not None:
                heard.append(Heard(self._key(answer, frame.transaction), answer))
        return heard

    def end(self) -> Sequence[Heard]:
        """Nothing more belongs to what came; what is left was damaged."""
        self.damaged += self._decoder.end() > 0
        return ()

    def _key(self, answer: Answer, transaction: int) -> Key:
        if answer.refusal and self._asked is not None:
            request, asked_as = self._asked
            if (request.unit, request.function) == (answer.unit, answer.function) and asked_as == transaction:
                return key_of(request, transaction)
        return (answer.unit, answer.function, _shape_of(answer), transaction)


@lru_cache(maxsize=codec.KNOWN)
def question_of(
    request: Request, framing: Framing, number: int, priority: Priority, topic: Hashable, thinks_s: float
) -> Question:
    """As `codec.encode_request` and `Transaction` have it; `number` is its own on TCP."""
    data, key = codec.encode_request(request, framing, number), key_of(request, number)
    answers: Mapping[Hashable, int] = {key: codec.answer_size(request, framing)}
    return Question(Transaction(data, priority, answers, topic=topic, thinks_s=thinks_s), key)


def key_of(request: Request, transaction: int) -> Key:
    """The key of its answer. Requests of one shape have the same one on RTU, which numbers nothing."""
    function, quantity = request.function, request.quantity
    shape: Hashable = None
    if function in READS:
        shape = 8 * -(-quantity // 8) if function in BITS else quantity
    elif function in (Function.WRITE_COIL, Function.WRITE_REGISTER):
        shape = (request.address, request.values[0])
    elif function is not Function.IDENTIFY:
        shape = (request.address, quantity)
    return (request.unit, function, shape, transaction)


def _shape_of(answer: Answer) -> Hashable:
    function = answer.function
    if answer.refusal:
        return "refused"
    if function in READS:
        return len(answer.values)
    if function in (Function.WRITE_COIL, Function.WRITE_REGISTER):
        return (answer.address, answer.values[0])
    return None if function is Function.IDENTIFY else (answer.address, answer.quantity)
