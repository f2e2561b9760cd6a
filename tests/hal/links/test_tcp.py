import asyncio
import contextlib
import gc
import random
import socket
from collections.abc import Iterator

import pytest

from hal.errors import LinkClosed, LinkError, LinkFull
from hal.faults import FaultyTwin
from hal.link import IN_FLIGHT_LIMIT_BYTES
from hal.links.tcp import TcpLink, serve_tcp
from tests.hal.links.peers import Listener, ParrotTwin, Sulker


class Board:
    """A board behind a TCP port: `connection` is its end, once somebody has connected."""

    def __init__(self) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.connection: socket.socket

    def accept(self) -> None:
        self.connection, _ = self.server.accept()
        self.connection.settimeout(2)

    def read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            data += self.connection.recv(size - len(data))
        return data

    def close(self) -> None:
        if hasattr(self, "connection"):
            self.connection.close()
        self.server.close()


@pytest.fixture
def board() -> Iterator[Board]:
    board = Board()
    yield board
    board.close()


@contextlib.contextmanager
def deaf_server() -> Iterator[tuple[str, int]]:
    """The address of a server whose waiting room is full, so that it lets everybody knock."""
    with contextlib.ExitStack() as crowd:
        server = crowd.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            waiting = crowd.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        yield server.getsockname()


@contextlib.asynccontextmanager
async def connected(board: Board, peer: Listener | None = None):
    link = TcpLink("127.0.0.1", board.port)
    await link.open(peer or Listener())
    board.accept()
    try:
        yield link
    finally:
        link.close()
        await asyncio.sleep(0)


async def test_a_connection_carries_bytes_both_ways(board: Board):
    peer = Listener()
    async with connected(board, peer) as link:
        link.write(b"to the board")
        board.connection.sendall(b"from the board")

        assert board.read(12) == b"to the board"
        assert await peer.heard(14) == b"from the board"


async def test_a_write_on_an_idle_connection_is_sent_before_it_returns(board: Board):
    async with connected(board) as link:
        link.write(bytes(1000))

        assert link.pending == 0
        assert board.read(1000) == bytes(1000)


async def test_a_far_end_that_closes_is_a_loss_that_is_told_once(board: Board):
    peer = Listener()
    async with connected(board, peer) as link:
        board.connection.sendall(b"last words")
        board.connection.close()
        reason = await peer.end()

        assert str(reason) == f"tcp://127.0.0.1:{board.port}: the far end closed the connection"
        assert peer.data == b"last words"
        with pytest.raises(LinkClosed):
            link.write(b"late")
    assert len(peer.ends) == 1


async def test_a_reset_connection_is_a_loss(board: Board):
    peer = Listener()
    async with connected(board, peer):
        board.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        board.connection.close()

        assert "is gone: Connection reset by peer" in str(await peer.end())


async def test_bytes_that_nobody_reads_are_bounded_and_can_be_discarded(board: Board):
    async with connected(board) as link:
        with contextlib.suppress(LinkFull):
            while True:
                link.write(bytes(1024))
        assert IN_FLIGHT_LIMIT_BYTES - 1024 < link.pending <= IN_FLIGHT_LIMIT_BYTES

        link.flush_output()
        assert link.pending == 0


async def test_closing_is_told_once_without_a_reason(board: Board):
    peer = Listener()
    async with connected(board, peer) as link:
        link.close()
        link.close()
        assert await peer.end() is None
        assert board.connection.recv(1) == b""
        link.flush_output()
        assert link.pending == 0
    assert peer.ends == [None]


async def test_an_exception_of_the_receiver_ends_the_connection_with_that_reason(board: Board):
    peer = Sulker()
    async with connected(board, peer):
        board.connection.sendall(b"x")

        assert str(await peer.end()) == "cannot parse this"


async def test_a_port_where_nothing_listens_is_told_with_the_next_step(board: Board):
    board.close()
    with pytest.raises(LinkError, match="nothing listens there; is the board's server running"):
        await TcpLink("127.0.0.1", board.port).open(Listener())


async def test_a_host_that_is_not_known_is_told():
    with pytest.raises(LinkError, match=r"tcp://board\.invalid:5000: that host is not known"):
        await TcpLink("board.invalid", 5000).open(Listener())


async def test_a_host_that_does_not_answer_is_given_up(board: Board, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("hal.links.tcp.CONNECT_TIMEOUT_S", 0.05)
    with deaf_server() as address, pytest.raises(LinkError, match=r"no answer in 0\.05 s; is it switched"):
        await TcpLink(*address).open(Listener())


async def test_an_open_that_is_cancelled_leaves_nothing_behind():
    with deaf_server() as address:
        opening = asyncio.create_task(TcpLink(*address).open(Listener()))
        await asyncio.sleep(0.05)
        opening.cancel()
        await asyncio.wait({opening})

    assert opening.cancelled()
    gc.collect()  # a socket that was left open would warn, and warnings are errors


async def test_of_two_openings_at_once_one_is_refused(board: Board):
    link, first, second = TcpLink("127.0.0.1", board.port), Listener(), Listener()
    results = await asyncio.gather(link.open(first), link.open(second), return_exceptions=True)

    assert sorted(str(result) for result in results) == [
        "None",
        f"{link.name} is already open; close it first",
    ]
    link.close()
    await asyncio.sleep(0)
    assert len(first.ends) + len(second.ends) == 1


async def test_a_link_that_is_open_is_not_opened_a_second_time(board: Board):
    async with connected(board) as link:
        with pytest.raises(LinkError, match="already open"):
            await link.open(Listener())


async def test_a_served_twin_is_powered_on_by_each_connection():
    twin = ParrotTwin()
    async with serve_tcp(twin) as address:
        for times in (1, 2):
            link, peer = TcpLink("127.0.0.1", int(address.rpartition(":")[2])), Listener()
            await link.open(peer)
            link.write(b"polly")

            assert await peer.heard(10) == b"hellopolly"
            assert twin.power_ons == times
            link.close()
            await peer.end()


async def test_a_second_client_of_a_served_twin_is_hung_up_on():
    twin = ParrotTwin()
    async with serve_tcp(twin) as address:
        port = int(address.rpartition(":")[2])
        first, second = TcpLink("127.0.0.1", port), TcpLink("127.0.0.1", port)
        here, there = Listener(), Listener()
        await first.open(here)
        await here.heard(5)
        await second.open(there)

        assert isinstance(await there.end(), LinkClosed)
        first.write(b"still here")
        assert await here.heard(15) == b"hellostill here"
        assert twin.power_ons == 1
    assert isinstance(await here.end(), LinkClosed)


async def test_an_unplugged_twin_hangs_up_and_takes_nobody_until_it_is_over():
    parrot = ParrotTwin()
    twin = FaultyTwin("parrot", parrot, random.Random(1))
    loop = asyncio.get_running_loop()

    async def visit(port: int) -> Listener:
        link, peer = TcpLink("127.0.0.1", port), Listener()
        await link.open(peer)
        return peer

    async with serve_tcp(twin) as address:
        port = int(address.rpartition(":")[2])
        peer = await visit(port)
        await peer.heard(5)
        twin.inject("unplug 200 ms", loop.time())
        pulled_at = loop.time()
        assert isinstance(await peer.end(), LinkClosed)
        peer = await visit(port)
        assert isinstance(await peer.end(), LinkClosed)
        assert peer.data == b""
        assert parrot.power_ons == 1

        await asyncio.sleep(pulled_at + 0.21 - loop.time())
        peer = await visit(port)
        assert await peer.heard(5) == b"hello"


async def test_what_a_client_does_not_read_is_lost_and_bounded():
    twin = ParrotTwin()
    twin.loud = 100_000
    async with serve_tcp(twin) as address:
        with socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2]))) as client:
            client.setblocking(False)
            await asyncio.sleep(0.05)
            with pytest.raises(BlockingIOError):
                client.recv(1)


async def test_a_bug_of_a_served_twin_is_told_and_hangs_up():
    told: list[Exception] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["exception"]))
    async with serve_tcp(ParrotTwin()) as address:
        link, peer = TcpLink("127.0.0.1", int(address.rpartition(":")[2])), Listener()
        await link.open(peer)
        await peer.heard(5)
        link.write(b"crash")

        assert isinstance(await peer.end(), LinkClosed)
    assert [type(error) for error in told] == [ZeroDivisionError]


async def test_a_port_that_is_taken_is_told(board: Board):
    with pytest.raises(LinkError, match=f"{board.port}: cannot listen there"):
        async with serve_tcp(ParrotTwin(), "127.0.0.1", board.port):
            pass
