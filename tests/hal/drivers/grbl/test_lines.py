"""Character counting: what is written and not answered never exceeds the receive buffer."""

import random
from typing import Any

import pytest

from hal.drivers.grbl.lines import WAITING_LIMIT, Line, Lines
from hal.errors import DeviceGone, HalError, LinkFull
from tests.counts import cases


class Far:
    """A receive buffer of 128 bytes that takes lines out in order, and a wire that may be full."""

    def __init__(self) -> None:
        self.lines = Lines(self.send)
        self.held: list[bytes] = []
        self.fullest = 0
        self.full = False

    def send(self, data: bytes) -> None:
        if self.full:
            raise LinkFull("full")
        self.held.append(data)
        self.fullest = max(self.fullest, sum(map(len, self.held)))

    def take(self, error: int | None = None) -> None:
        self.held.pop(0)
        self.lines.answer(error, 0.0)


def line(data: bytes, told: list[Any]) -> Line:
    return Line(data, lambda error: told.append((data, error)), lambda why: told.append((data, str(why))))


@pytest.mark.parametrize("seed", range(cases(100)))
def test_whatever_is_sent_the_receive_buffer_is_filled_and_never_overrun(seed: int) -> None:
    rng, far, told = random.Random(seed), Far(), list[Any]()
    job = [rng.randbytes(rng.randrange(1, 79)) + b"\n" for _ in range(200)]
    supply = iter(job)
    far.lines.supply = lambda: next((line(data, told) for data in supply), None)
    far.lines.pump(0.0)
    while far.held:
        far.take()
        far.lines.pump(0.0)

    assert told == [(data, None) for data in job]
    assert 128 - 79 < far.fullest <= 128
    assert far.lines.most_bytes == far.fullest
    assert far.lines.idle


def test_an_answer_goes_to_the_oldest_line_and_one_too_many_to_nobody() -> None:
    far, told = Far(), list[Any]()
    for data in (b"M8\n", b"M7\n"):
        far.lines.offer(line(data, told), 0.0)
    far.take()
    far.take(20)
    far.lines.answer(None, 0.0)

    assert told == [(b"M8\n", None), (b"M7\n", 20)]
    assert far.lines.outstanding_bytes == 0


def test_what_a_full_wire_refused_is_not_counted_and_not_written_later() -> None:
    far, told = Far(), list[Any]()
    far.full = True
    with pytest.raises(LinkFull):
        far.lines.offer(line(b"M8\n", told), 0.0)
    assert far.lines.outstanding_bytes == 0
    far.full = False
    far.lines.pump(0.0)

    assert (far.held, far.lines.idle) == ([], True)


def test_a_line_of_a_job_that_a_full_wire_refused_waits() -> None:
    far, told = Far(), list[Any]()
    job = iter([line(b"G0X1\n", told)])
    far.lines.supply = lambda: next(job, None)
    far.full = True
    with pytest.raises(LinkFull):
        far.lines.pump(0.0)
    far.full = False
    far.lines.pump(0.0)

    assert far.held == [b"G0X1\n"]


def test_the_waiting_are_bounded() -> None:
    far = Far()
    for _ in range(WAITING_LIMIT + 1):
        far.lines.offer(line(b"x" * 127 + b"\n", []), 0.0)

    with pytest.raises(LinkFull):
        far.lines.offer(line(b"x\n", []), 0.0)


def test_after_a_reset_nobody_waits_and_all_are_told() -> None:
    far, told = Far(), list[Any]()
    for data in (b"a" * 100 + b"\n", b"b" * 100 + b"\n"):
        far.lines.offer(line(data, told), 0.0)
    reason: HalError = DeviceGone("cnc", "it was reset")
    far.lines.lose(reason)

    assert [why for _, why in told] == [str(reason), str(reason)]
    assert far.lines.idle
    assert far.lines.outstanding_bytes == 0


def test_what_was_not_written_yet_can_be_forgotten() -> None:
    far, told = Far(), list[Any]()
    far.lines.supply = lambda: line(b"x" * 60 + b"\n", told)
    far.lines.pump(0.0)
    far.lines.forget_waiting()
    for _ in range(2):
        far.take()
        far.lines.pump(0.0)

    assert far.held == []
    assert far.lines.idle
