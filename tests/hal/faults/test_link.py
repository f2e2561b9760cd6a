import asyncio
import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.errors import LinkClosed, LinkError, LinkFull
from hal.faults import Fault, FaultError, FaultKind, FaultyLink, parse_fault
from hal.faults.wire import Wire
from hal.link import IN_FLIGHT_LIMIT_BYTES
from hal.links.memory import MemoryLink, TwinLink, memory_pair
from tests import virtual
from tests.counts import cases
from tests.hal.links.peers import Listener, ParrotTwin, Sulker

PIECES = st.lists(st.binary(min_size=1, max_size=40), max_size=12)
SEEDS = st.integers(0, 2**32)


class Timekeeper(Listener):
    """Notes when each piece came, too."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[float] = []

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self.times.append(asyncio.get_running_loop().time())


async def opened(*faults: str, seed: int = 1) -> tuple[FaultyLink, Timekeeper, MemoryLink, Timekeeper]:
    """A faulty wire: its near end and who listens there, its far end and who listens there."""
    near, far = memory_pair("wire")
    link, here, there = FaultyLink(near, random.Random(seed), faults), Timekeeper(), Timekeeper()
    await far.open(there)
    await link.open(here)
    return link, here, far, there


def carry(pieces: list[bytes], seed: int, *faults: str) -> tuple[Timekeeper, Timekeeper]:
    """Send `pieces` both ways, 10 ms apart, and wait for all of them; returns near and far listener."""

    async def story() -> tuple[Timekeeper, Timekeeper]:
        link, here, far, there = await opened(*faults, seed=seed)
        for piece in pieces:
            link.write(piece)
            far.write(piece)
            await asyncio.sleep(0.01)
        await asyncio.sleep(10)
        assert link.pending == 0
        return here, there

    return virtual.run(story())


def is_within(part: bytes, whole: bytes) -> bool:
    rest = iter(whole)
    return all(byte in rest for byte in part)


@settings(max_examples=cases(1000), deadline=None)
@given(PIECES, SEEDS)
def test_a_split_wire_brings_every_byte_alone_and_in_order(pieces: list[bytes], seed: int):
    here, there = carry(pieces, seed, "split")

    assert here.data == there.data == b"".join(pieces)
    assert all(len(chunk) == 1 for chunk in here.chunks)


@settings(max_examples=cases(1000), deadline=None)
@given(PIECES, SEEDS)
def test_a_late_wire_brings_every_byte_in_order_and_in_time(pieces: list[bytes], seed: int):
    here, there = carry(pieces, seed, "delay 5..40 ms")

    assert here.data == there.data == b"".join(pieces)
    assert here.times == sorted(here.times)
    assert all(
        sent + 0.005 <= came + 1e-9 and came <= sent + 0.040 + 1e-9
        for sent, came in zip((0.01 * n for n in range(len(pieces))), here.times, strict=True)
    )


@settings(max_examples=cases(1000), deadline=None)
@given(PIECES, SEEDS)
def test_a_lossy_wire_loses_bytes_and_does_nothing_else(pieces: list[bytes], seed: int):
    here, there = carry(pieces, seed, "drop 20%")

    assert is_within(here.data, b"".join(pieces))
    assert is_within(there.data, b"".join(pieces))


@settings(max_examples=cases(1000), deadline=None)
@given(PIECES, SEEDS)
def test_a_corrupting_wire_changes_one_bit_of_some_bytes(pieces: list[bytes], seed: int):
    here, there = carry(pieces, seed, "corrupt 30%")
    sent = b"".join(pieces)

    for came in (here.data, there.data):
        assert all((a ^ b).bit_count() <= 1 for a, b in zip(sent, came, strict=True))


@settings(max_examples=cases(500), deadline=None)
@given(PIECES, SEEDS)
def test_a_seed_tells_everything_that_happens(pieces: list[bytes], seed: int):
    faults = ("drop 10%", "corrupt 10%", "delay 0..25 ms", "split", "garbage 5 B after 20 ms")
    (here, there), (again_here, again_there) = (carry(pieces, seed, *faults) for _ in range(2))

    assert (here.chunks, here.times) == (again_here.chunks, again_here.times)
    assert (there.chunks, there.times) == (again_there.chunks, again_there.times)


def test_the_shares_of_lost_and_changed_bytes_are_those_that_were_asked_for():
    wire = Wire(random.Random(7))
    wire.begin(parse_fault("drop 2%"), 0.0)
    kept = sum(map(len, wire.damage(bytes(100_000))))
    wire.mend()
    wire.begin(parse_fault("corrupt 2%"), 0.0)
    changed = sum(byte != 0 for byte in wire.damage(bytes(100_000))[0])

    assert kept == pytest.approx(98_000, abs=300)
    assert changed == pytest.approx(2000, abs=300)


def test_a_stalled_wire_brings_everything_when_it_is_over():
    async def story() -> None:
        link, here, far, there = await opened("stall 800 ms")
        await asyncio.sleep(0.1)
        link.write(b"to")
        far.write(b"fro")
        await asyncio.sleep(0.6)
        assert (here.data, there.data, link.pending) == (b"", b"", 2)

        await asyncio.sleep(0.2)
        assert (here.data, there.data, link.pending) == (b"fro", b"to", 0)
        assert here.times == pytest.approx([0.8])

    virtual.run(story())


def test_mending_ends_a_stall_and_forgets_what_was_still_to_come():
    async def story() -> None:
        link, here, _, there = await opened("stall 100 s", "unplug 1 s after 2 s")
        await asyncio.sleep(0.1)
        link.write(b"to")
        link.mend()
        await asyncio.sleep(10)

        assert there.data == b"to"
        assert there.times == pytest.approx([0.1])
        assert here.ends == []

    virtual.run(story())


def test_an_unplugged_wire_is_lost_once_and_comes_back_in_its_time():
    async def story() -> None:
        twin, first, second = ParrotTwin(), Listener(), Listener()
        link = FaultyLink(
            TwinLink("simulated parrot", twin), random.Random(1), ["delay 1..2 ms", "unplug 5 s after 3 s"]
        )
        await link.open(first)
        await asyncio.sleep(3.001)
        assert [str(end) for end in first.ends] == [
            "simulated parrot is unplugged, for another 5.0 s (a fault that was asked for)"
        ]
        with pytest.raises(LinkClosed):
            link.write(b"late")
        with pytest.raises(LinkError, match=r"simulated parrot is unplugged, for another 5\.0 s"):
            await link.open(second)

        await asyncio.sleep(5)
        await link.open(second)
        await asyncio.sleep(30)
        assert second.data.startswith(b"hello")
        assert (twin.power_ons, first.ends[1:], second.ends) == (2, [], [])

    virtual.run(story())


def test_a_full_wire_refuses_writes_for_a_while():
    async def story() -> None:
        link, _, _, there = await opened()
        link.inject("full 500 ms")
        await asyncio.sleep(0.1)
        with pytest.raises(LinkFull):
            link.write(b"early")
        await asyncio.sleep(0.4)
        link.write(b"later")
        await asyncio.sleep(0.1)

        assert there.data == b"later"

    virtual.run(story())


def test_garbage_comes_as_if_from_the_far_end():
    async def story() -> None:
        link, here, _, there = await opened("garbage 64 B")
        await asyncio.sleep(0.1)

        assert len(here.data) == 64
        assert there.data == b""
        link.inject(Fault(FaultKind.GARBAGE, 3))
        await asyncio.sleep(0.1)
        assert len(here.data) == 67

    virtual.run(story())


def test_late_output_is_bounded_and_can_be_flushed():
    async def story() -> None:
        link, _, _, there = await opened("delay 1..2 s")
        link.write(bytes(IN_FLIGHT_LIMIT_BYTES))
        with pytest.raises(LinkFull, match="4096 bytes wait already"):
            link.write(b"x")
        link.flush_output()
        assert link.pending == 0
        link.write(b"stop")
        await asyncio.sleep(3)

        assert there.data == b"stop"

    virtual.run(story())


def test_late_input_that_nobody_could_hold_is_lost():
    async def story() -> None:
        link, here, far, _ = await opened("stall 10 s")
        await asyncio.sleep(0.1)
        for _ in range(20):
            far.write(bytes(4096))
            await asyncio.sleep(0.01)
        await asyncio.sleep(20)

        assert len(here.data) == 65536
        assert link.is_open

    virtual.run(story())


def test_bytes_that_meet_a_full_wire_are_tried_again_in_order():
    async def story() -> None:
        near, far = memory_pair("wire")
        link, there = FaultyLink(near, random.Random(1), ["split"]), Listener()
        await link.open(Listener())
        data = random.Random(2).randbytes(3000)
        link.write(data)
        await asyncio.sleep(1)
        link.write(data)
        await asyncio.sleep(1)
        assert link.pending == 6000
        with pytest.raises(LinkFull):
            link.write(data)
        await far.open(there)
        await asyncio.sleep(2)

        assert there.data == data + data

    virtual.run(story())


def test_a_wire_that_is_lost_behind_the_faults_is_lost_once():
    async def story() -> None:
        link, here, far, _ = await opened("delay 5..40 ms")
        far.write(b"in flight")
        await asyncio.sleep(0)
        link.write(b"out")
        far.close()
        await asyncio.sleep(1)

        assert [str(end) for end in here.ends] == ["wire: the far end closed the wire"]
        assert here.data == b""
        assert link.pending == 0
        link.close()
        assert len(here.ends) == 1

    virtual.run(story())


def test_a_fault_of_a_wire_may_end_by_itself_also_while_the_wire_is_closed():
    async def story() -> None:
        link, here, far, there = await opened("drop 100% for 1 s", "split for 5 s after 2 s")
        link.write(b"lost")
        await asyncio.sleep(1.5)
        link.write(b"kept")
        await asyncio.sleep(0.1)
        assert there.chunks == [b"kept"]
        link.close()
        await asyncio.sleep(1)
        again = Timekeeper()
        await far.open(there)
        await link.open(again)
        far.write(b"abc")
        await asyncio.sleep(0.1)
        assert again.chunks == [b"a", b"b", b"c"]
        link.close()
        await asyncio.sleep(5)
        await far.open(there)
        await link.open(here)
        far.write(b"def")
        await asyncio.sleep(0.1)

        assert here.chunks == [b"def"]

    virtual.run(story())


def test_a_late_byte_that_finds_the_wire_closed_is_lost_and_the_reason_follows():
    class Gone(MemoryLink):
        """A wire that is gone, and has not said so yet."""

        def write(self, data: bytes) -> None:
            raise LinkClosed(f"{self.name} is closed")

    async def story() -> None:
        near, here = Gone("wire"), Listener()
        link = FaultyLink(near, random.Random(1), ["delay 1..1 s"])
        await link.open(here)
        link.write(b"late")
        await asyncio.sleep(2)
        assert (link.pending, here.ends) == (0, [])
        near.close()

        assert await here.end() is None

    virtual.run(story())


def test_a_wire_has_no_faults_of_a_simulated_board():
    near, _ = memory_pair("wire")

    with pytest.raises(
        FaultError, match="'freeze battery' is a fault of a simulated board; wire is a wire to"
    ):
        FaultyLink(near, random.Random(1), ["freeze battery"])


def test_a_write_that_finds_the_wire_closed_is_refused_and_its_reason_follows():
    async def story() -> None:
        link, here, far, _ = await opened()
        far.close()
        with pytest.raises(LinkClosed):
            link.write(b"late")
        assert isinstance(await here.end(), LinkClosed)

    virtual.run(story())


def test_an_exception_of_the_receiver_ends_the_link_and_the_rest_is_not_delivered():
    async def story() -> None:
        near, far = memory_pair("wire")
        link, here = FaultyLink(near, random.Random(1), ["split"]), Sulker()
        await far.open(Listener())
        await link.open(here)
        far.write(b"abc")

        assert str(await here.end()) == "cannot parse this"
        assert here.chunks == [b"a"]
        assert not near.is_open

    virtual.run(story())


def test_an_open_faulty_link_is_not_opened_a_second_time():
    async def story() -> None:
        link, *_ = await opened()
        with pytest.raises(LinkError, match="already open"):
            await link.open(Listener())

    virtual.run(story())


def test_delays_vary_within_their_span():
    here, _ = carry([b"x"] * 200, 3, "delay 5..40 ms")
    late = [came - 0.01 * n for n, came in enumerate(here.times)]

    assert min(late) < 0.012
    assert max(late) > 0.035
    assert all(before <= after for before, after in pairwise(here.times))
