"""Who listens during a scan, on a wire in memory and in virtual time."""

import asyncio

import pytest

from hal import LinkClosed
from hal.drivers.ear import Ear
from hal.links.memory import MemoryLink, memory_pair
from tests import virtual
from tests.hal.links.peers import Listener


def lines(data: bytes) -> list[bytes]:
    return data.split()


def number(frame: bytes) -> int | None:
    return int(frame) if frame.isdigit() else None


async def opened(**ends: object) -> tuple[Ear[bytes], MemoryLink, Listener]:
    near, far = memory_pair("/dev/ttyUSB0")
    ear, listener = Ear(near, lines, **ends), Listener()  # type: ignore[arg-type]  # `end` or nothing
    await near.open(ear)
    await far.open(listener)
    return ear, far, listener


def test_an_answer_is_the_first_that_means_something():
    async def story() -> tuple[int | None, bytes]:
        ear, far, listener = await opened()
        asyncio.get_running_loop().call_later(0.1, far.write, b"noise 17 18")
        return await ear.ask(b"how many?", number, 0.2), listener.data

    assert virtual.run(story()) == (17, b"how many?")


def test_without_an_answer_in_time_there_is_none():
    async def story() -> tuple[int | None, float, int]:
        ear, far, _ = await opened()
        asyncio.get_running_loop().call_later(0.1, far.write, b"noise")
        return await ear.ask(b"how many?", number, 0.2), asyncio.get_running_loop().time(), ear.heard_bytes

    answer, now, heard_bytes = virtual.run(story())
    assert (answer, heard_bytes) == (None, 5)
    assert now == pytest.approx(0.2)


def test_all_answers_to_one_question_are_kept():
    async def story() -> list[bytes]:
        ear, far, _ = await opened()
        loop = asyncio.get_running_loop()
        for after_s, said in ((0.1, b"1"), (0.2, b"2 3"), (0.4, b"late")):
            loop.call_later(after_s, far.write, said)
        return await ear.ask_all(b"who is there?", 0.3)

    assert virtual.run(story()) == [b"1", b"2", b"3"]


def test_what_came_before_a_question_is_over():
    ended: list[str] = []

    async def story() -> None:
        ear, _, _ = await opened(end=lambda: ended.append("over"))
        await ear.ask_all(b"one", 0.1)
        await ear.ask(b"two", number, 0.1)

    virtual.run(story())
    assert ended == ["over", "over"]


def test_a_wire_that_was_lost_is_said_at_the_next_question():
    async def story() -> None:
        ear, far, _ = await opened()
        far.close()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await ear.ask(b"still there?", number, 0.1)

    with pytest.raises(LinkClosed, match=r"/dev/ttyUSB0 was lost during the scan: .* closed the wire"):
        virtual.run(story())
