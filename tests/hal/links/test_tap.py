import pytest

from hal.errors import LinkClosed, LinkFull
from hal.link import IN_FLIGHT_LIMIT_BYTES
from hal.links.memory import memory_pair
from hal.links.tap import TappedLink
from tests import virtual
from tests.hal.links.peers import Listener


def test_each_write_and_all_that_comes_is_told_with_its_way_and_in_its_order():
    async def story() -> None:
        told: list[tuple[str, bytes]] = []
        near, far = memory_pair()
        link, here, there = TappedLink(near, lambda *what: told.append(what)), Listener(), Listener()
        await link.open(here)
        await far.open(there)
        link.write(b"one")
        link.write(b"two")
        await there.heard(6)
        far.write(b"three")
        await here.heard(5)

        assert told == [("to", b"one"), ("to", b"two"), ("from", b"three")]
        assert (there.data, here.data) == (b"onetwo", b"three")

    virtual.run(story())


def test_what_the_wire_does_not_take_is_not_told():
    async def story() -> None:
        told: list[tuple[str, bytes]] = []
        near, far = memory_pair()
        link, here = TappedLink(near, lambda *what: told.append(what)), Listener()
        await link.open(here)
        full = bytes(IN_FLIGHT_LIMIT_BYTES)
        link.write(full)
        with pytest.raises(LinkFull):
            link.write(b"more")
        await far.open(Listener())
        far.close()
        await here.end()
        with pytest.raises(LinkClosed):
            link.write(b"too late")

        assert told == [("to", full)]

    virtual.run(story())


def test_one_that_listens_in_changes_nothing_else_about_the_wire():
    async def story() -> None:
        near, far = memory_pair("wire")
        link, here, there = TappedLink(near, lambda *_: None), Listener(), Listener()
        await link.open(here)
        await far.open(there)
        link.write(b"flushed")
        waiting = link.pending
        link.flush_output()
        link.close()

        assert await here.end() is None
        assert (link.name, waiting, link.pending, there.data) == ("wire", 7, 0, b"")

    virtual.run(story())
