import asyncio

import pytest

from hal.errors import LinkClosed, LinkError, LinkFull
from hal.link import IN_FLIGHT_LIMIT_BYTES
from hal.links.memory import TwinLink, memory_pair
from tests import virtual
from tests.hal.links.peers import Listener, ParrotTwin, Sulker


def test_opening_a_twin_link_powers_the_twin_on_and_delivers_its_greeting():
    async def story() -> None:
        link, peer = TwinLink("simulated parrot", ParrotTwin()), Listener()
        await link.open(peer)

        assert await peer.heard(5) == b"hello"

    virtual.run(story())


def test_an_answer_of_the_twin_never_comes_from_inside_the_write():
    async def story() -> None:
        link, peer = TwinLink("simulated parrot", ParrotTwin()), Listener()
        await link.open(peer)
        await peer.heard(5)
        link.write(b"one")
        link.write(b"two")

        assert peer.data == b"hello"
        assert await peer.heard(11) == b"helloonetwo"
        assert peer.chunks[-1] == b"onetwo"

    virtual.run(story())


def test_the_twin_speaks_by_itself_at_its_own_moments():
    async def story() -> None:
        twin, peer = ParrotTwin(), Listener()
        link = TwinLink("simulated parrot", twin)
        await link.open(peer)
        await asyncio.sleep(3.5)

        assert peer.data == b"hello" + 3 * b"tick"
        assert twin.said_at == pytest.approx([1, 2, 3])

    virtual.run(story())


def test_a_closed_link_tells_its_peer_once_and_refuses_writes():
    async def story() -> None:
        link, peer = TwinLink("simulated parrot", ParrotTwin()), Listener()
        await link.open(peer)
        link.close()
        link.close()
        assert peer.ends == []
        await asyncio.sleep(2)

        assert peer.ends == [None]
        assert peer.data == b""
        with pytest.raises(LinkClosed, match="simulated parrot is closed"):
            link.write(b"late")
        link.flush_output()

    virtual.run(story())


def test_a_cut_wire_is_lost_with_a_reason_and_cannot_be_opened_until_it_is_mended():
    async def story() -> None:
        twin, peer = ParrotTwin(), Listener()
        link = TwinLink("simulated parrot", twin)
        await link.open(peer)
        link.cut()

        assert str(await peer.end()) == "simulated parrot was unplugged"
        with pytest.raises(LinkError, match="is unplugged"):
            await link.open(Listener())

        link.mend()
        second = Listener()
        await link.open(second)
        assert await second.heard(5) == b"hello"
        assert twin.power_ons == 2
        assert len(peer.ends) == 1

    virtual.run(story())


def test_a_link_that_is_open_is_not_opened_a_second_time():
    async def story() -> None:
        link = TwinLink("simulated parrot", ParrotTwin())
        await link.open(Listener())
        with pytest.raises(LinkError, match="already open"):
            await link.open(Listener())

    virtual.run(story())


def test_an_exception_of_the_peer_ends_the_link_with_that_reason():
    async def story() -> None:
        link, peer = TwinLink("simulated parrot", ParrotTwin()), Sulker()
        await link.open(peer)

        assert str(await peer.end()) == "cannot parse this"
        assert not link.is_open

    virtual.run(story())


def test_a_bug_of_the_twin_ends_the_link_with_that_reason():
    async def story() -> None:
        link, peer = TwinLink("simulated parrot", ParrotTwin()), Listener()
        await link.open(peer)
        link.write(b"crash")

        assert isinstance(await peer.end(), ZeroDivisionError)

    virtual.run(story())


def test_a_memory_pair_carries_bytes_both_ways():
    async def story() -> None:
        near, far = memory_pair()
        here, there = Listener(), Listener()
        await near.open(here)
        near.write(b"early")
        await far.open(there)
        far.write(b"back")

        assert await there.heard(5) == b"early"
        assert await here.heard(4) == b"back"

    virtual.run(story())


def test_a_memory_link_takes_a_write_whole_or_not_at_all():
    async def story() -> None:
        near, far = memory_pair()
        await near.open(Listener())
        near.write(bytes(IN_FLIGHT_LIMIT_BYTES - 1))
        with pytest.raises(LinkFull, match="4095 bytes wait already"):
            near.write(b"12")
        assert near.pending == IN_FLIGHT_LIMIT_BYTES - 1

        near.flush_output()
        near.write(b"12")
        there = Listener()
        await far.open(there)
        assert await there.heard(2) == b"12"

    virtual.run(story())


def test_closing_one_end_of_a_memory_pair_hangs_up_the_other():
    async def story() -> None:
        near, far = memory_pair("wire")
        here, there = Listener(), Listener()
        await near.open(here)
        await far.open(there)
        near.close()

        assert await here.end() is None
        assert isinstance(await there.end(), LinkClosed)
        assert len(here.ends) == len(there.ends) == 1

    virtual.run(story())


def test_bytes_that_were_not_read_when_a_memory_link_was_closed_are_lost():
    async def story() -> None:
        near, far = memory_pair("wire")
        here = Listener()
        await near.open(Listener())
        await far.open(here)
        near.write(b"unread")
        far.close()
        await asyncio.sleep(1)

        assert (here.chunks, here.ends) == ([], [None])
        with pytest.raises(LinkClosed):
            near.write(b"late")

    virtual.run(story())
