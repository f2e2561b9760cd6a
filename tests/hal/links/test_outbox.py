import asyncio
import contextlib
import os
from collections.abc import Iterator

import pytest

from hal.errors import LinkFull
from hal.link import IN_FLIGHT_LIMIT_BYTES
from hal.links.outbox import LINE_LIMIT_BYTES, Outbox, unsent_bytes
from tests import virtual

RATE_BYTES_S = 5760.0


class Uart:
    """A serial line's transmitter: the system's buffer behind a pipe, emptied at the line's pace."""

    def __init__(self) -> None:
        self.far, self.descriptor = os.pipe()
        os.set_blocking(self.far, False)
        os.set_blocking(self.descriptor, False)
        self.taken = b""
        self.sent = 0.0
        self.at = 0.0
        self.most = 0

    def unsent(self, descriptor: int) -> int:
        now = asyncio.get_running_loop().time()
        with contextlib.suppress(BlockingIOError):
            self.taken += os.read(self.far, 65536)
        self.sent = min(len(self.taken), self.sent + (now - self.at) * RATE_BYTES_S)
        self.at = now
        return len(self.taken) - int(self.sent)

    def look(self) -> None:
        self.most = max(self.most, self.unsent(self.descriptor))


@pytest.fixture
def uart() -> Iterator[Uart]:
    uart = Uart()
    yield uart
    os.close(uart.far)
    os.close(uart.descriptor)


def outbox_for(uart: Uart, errors: list[OSError] | None = None) -> Outbox:
    return Outbox(
        uart.descriptor,
        "line",
        rate_bytes_s=RATE_BYTES_S,
        broken=(errors if errors is not None else []).append,
        unsent=uart.unsent,
    )


def test_a_busy_line_has_at_most_64_bytes_in_flight_and_never_runs_dry(uart: Uart):
    async def story() -> None:
        outbox = outbox_for(uart)
        data = bytes(range(256)) * 4
        outbox.write(data)
        started = asyncio.get_running_loop().time()
        while len(uart.taken) < len(data):
            uart.look()
            await asyncio.sleep(0.0005)

        assert uart.taken == data
        assert uart.most <= LINE_LIMIT_BYTES
        lasted = asyncio.get_running_loop().time() - started
        assert lasted == pytest.approx((len(data) - LINE_LIMIT_BYTES) / RATE_BYTES_S, abs=0.01)

    virtual.run(story())


def test_after_a_discard_a_stop_waits_for_no_more_than_is_in_flight(uart: Uart):
    async def story() -> None:
        outbox = outbox_for(uart)
        outbox.write(bytes(2000))
        await asyncio.sleep(0.02)
        outbox.discard()
        uart.look()
        before = len(uart.taken)
        outbox.write(b"stop")
        await asyncio.sleep(LINE_LIMIT_BYTES / RATE_BYTES_S)
        uart.look()

        assert uart.taken[before:] == b"stop"
        assert len(outbox) == 0

    virtual.run(story())


def test_a_full_outbox_takes_a_write_whole_or_not_at_all(uart: Uart):
    async def story() -> None:
        outbox = outbox_for(uart)
        outbox.write(bytes(IN_FLIGHT_LIMIT_BYTES))
        with pytest.raises(LinkFull, match="line: 4032 bytes wait already and 65 more do not fit"):
            outbox.write(bytes(65))
        assert len(outbox) == IN_FLIGHT_LIMIT_BYTES - LINE_LIMIT_BYTES

        outbox.write(bytes(64))
        assert len(outbox) == IN_FLIGHT_LIMIT_BYTES
        outbox.discard()

    virtual.run(story())


def test_a_descriptor_that_fails_is_told_and_nothing_waits_any_more(uart: Uart):
    async def story() -> None:
        errors: list[OSError] = []
        outbox = outbox_for(uart, errors)
        outbox.write(bytes(100))
        os.close(uart.far)
        uart.far = os.dup(uart.descriptor)
        outbox._unsent = lambda _: 0
        await asyncio.sleep(1)

        assert [type(error) for error in errors] == [BrokenPipeError]
        assert len(outbox) == 0

    virtual.run(story())


def test_a_port_that_does_not_count_its_bytes_counts_as_idle(uart: Uart):
    assert unsent_bytes(uart.descriptor) == 0
