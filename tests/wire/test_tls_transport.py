"""The layer between a socket and a protocol: what is handed on, how much of it, when, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from robotd.wire.transport import READ_BYTES
from tests import virtual
from tests.wire.tls_peer import Noting, TlsPeer, key_updates, served

RECORD = bytes(range(256)) * 64
"""16 KiB: the longest that one record of TLS holds."""

Story = Callable[[TlsPeer, Noting], Awaitable[None]]


@pytest.fixture
def tell(tmp_path: Path) -> Callable[[Story], Noting]:
    """Tells a story in virtual time, and gives what the protocol was told in it."""

    def tell(story: Story) -> Noting:
        async def whole() -> Noting:
            protocol = Noting()
            async with served(tmp_path, protocol) as peer:
                await story(peer, protocol)
                await asyncio.sleep(0.01)
                told = protocol.told.copy()
            protocol.told = told  # without the end that the test itself makes
            return protocol

        return virtual.run(whole())

    return tell


async def a_while() -> None:
    await asyncio.sleep(0.01)


def test_what_is_said_is_handed_on_and_answered(tell: Callable[[Story], Noting]):
    async def story(peer: TlsPeer, protocol: Noting) -> None:
        peer.say(b"hello")
        await a_while()
        protocol.transport.write(b"good day")
        await a_while()
        assert peer.heard == b"good day"

    assert tell(story).told == ["made", b"hello"]


def test_a_long_record_comes_in_pieces_of_one_read_and_one_a_turn(tell: Callable[[Story], Noting]):
    async def story(peer: TlsPeer, protocol: Noting) -> None:
        peer.say(RECORD + RECORD)
        await protocol.count_turns(40)

    told = tell(story)

    assert b"".join(told.pieces) == RECORD + RECORD
    assert max(map(len, told.pieces)) == READ_BYTES
    assert len(set(told.turns)) == len(told.turns) >= 8


def test_many_short_records_of_one_read_come_together(tell: Callable[[Story], Noting]):
    async def story(peer: TlsPeer, protocol: Noting) -> None:
        peer.transport.write(b"".join(peer.encrypted(b"word ") for _ in range(100)))
        await a_while()

    assert tell(story).pieces == [b"word " * 100]


def test_a_record_that_comes_byte_by_byte_is_one_piece(tell: Callable[[Story], Noting]):
    async def story(peer: TlsPeer, protocol: Noting) -> None:
        for byte in peer.encrypted(b"stop\n"):
            peer.transport.write(bytes((byte,)))
            await a_while()

    assert tell(story).pieces == [b"stop\n"]


def test_a_protocol_that_pauses_gets_nothing_more_and_the_socket_is_left_full(
    tell: Callable[[Story], Noting],
):
    async def story(peer: TlsPeer, protocol: Noting) -> None:
        protocol.transport.pause_reading()
        peer.say(RECORD * 20)
        await a_while()

        assert protocol.pieces == []
        assert not protocol.transport.is_reading()
        # The network in memory holds 64 KiB for who does not read, and the rest is the sender's.
        assert peer.transport.get_write_buffer_size() > 20 * len(RECORD) - 64 * 1024 - READ_BYTES
        protocol.transport.resume_reading()
        await a_while()

    assert b"".join(tell(story).pieces) == RECORD * 20


def test_what_lay_in_the_socket_during_a_pause_does_not_pass_for_fresh(tell: Callable[[Story], Noting]):
    """`Session.begin_read` takes a short read for an empty socket, and all that follows for new."""

    async def story(peer: TlsPeer, protocol: Noting) -> None:
        peer.say(b"a" * (READ_BYTES + 100))
        while not protocol.pieces:  # noqa: ASYNC110  # to be there between two pieces
            await asyncio.sleep(0)
        protocol.transport.pause_reading()
        first = len(protocol.pieces)
        peer.say(b"b" * (3 * READ_BYTES - 50))
        await a_while()
        protocol.transport.resume_reading()
        await a_while()
        old = protocol.read_sizes[first:]

        assert sum(map(len, protocol.pieces[first:])) > 3 * READ_BYTES
        assert [size == READ_BYTES for size in old] == [True] * (len(old) - 1) + [False]
        peer.say(b"new")
        await a_while()

    assert tell(story).read_sizes[-1] == len(b"new")


def test_a_goodbye_is_an_end_of_input_and_answers_still_go_out(tell: Callable[[Story], Noting]):
    async def story(peer: TlsPeer, protocol: Noting) -> None:
        protocol.half_closes = True
        peer.say(b"last wish")
        peer.goodbye()
        peer.transport.write_eof()
        await a_while()
        protocol.transport.write(b"granted")
        protocol.transport.close()
        await a_while()
        assert (peer.heard, peer.heard_goodbye) == (b"granted", True)

    assert tell(story).told == ["made", b"last wish", "eof", ("lost", None)]


def test_a_protocol_that_wants_no_half_of_a_connection_is_closed(tell: Callable[[Story], Noting]):
    async def story(peer: TlsPeer, protocol: Noting) -> None:
        peer.goodbye()
        await peer.gone.wait()
        assert peer.heard_goodbye

    assert tell(story).told == ["made", "eof", ("lost", None)]


def test_what_is_cut_short_is_lost_and_no_end_but_all_that_came_whole_counts(tell: Callable[[Story], Noting]):
    async def story(peer: TlsPeer, protocol: Noting) -> None:
        protocol.half_closes = True
        peer.say(RECORD)
        peer.say(b"stop\n")
        peer.transport.write(peer.encrypted(b"drive")[:-1])
        peer.transport.write_eof()
        await a_while()

    made, *pieces, (lost, why) = tell(story).told

    assert b"".join(pieces) == RECORD + b"stop\n"
    assert (made, lost, str(why)) == ("made", "lost", "its TLS was cut short")


def test_one_changed_bit_ends_the_connection_and_is_handed_on_to_nobody(tell: Callable[[Story], Noting]):
    async def story(peer: TlsPeer, protocol: Noting) -> None:
        peer.say(b"good")
        forged = bytearray(peer.encrypted(b"drive"))
        forged[7] ^= 1
        peer.transport.write(bytes(forged))
        await a_while()
        assert peer.gone.is_set()

    made, good, (lost, why) = tell(story).told

    assert (made, good, lost) == ("made", b"good", "lost")
    assert "its TLS is broken" in str(why)


@pytest.mark.parametrize("first", [b"word", RECORD], ids=["short", "long"])
def test_a_protocol_that_hangs_up_while_it_is_told_hears_no_more(
    tell: Callable[[Story], Noting], first: bytes
):
    async def story(peer: TlsPeer, protocol: Noting) -> None:
        took = protocol.data_received

        def hang_up(data: bytes) -> None:
            took(data)
            protocol.transport.abort()

        protocol.data_received = hang_up  # type: ignore[method-assign]  # it learns to hang up in the middle
        peer.say(first)
        peer.goodbye()
        await a_while()

    told = tell(story).told

    assert told == ["made", first[:READ_BYTES], ("lost", None)]


def test_nothing_is_written_after_the_end(tell: Callable[[Story], Noting]):
    async def story(peer: TlsPeer, protocol: Noting) -> None:
        protocol.transport.write(b"bye")
        protocol.transport.close()
        protocol.transport.write(b"and another thing")
        protocol.transport.close()
        await a_while()
        assert (peer.heard, protocol.transport.is_closing()) == (b"bye", True)

    assert tell(story).told[-1] == ("lost", None)


def test_a_client_that_does_not_read_pauses_who_writes(tell: Callable[[Story], Noting]):
    async def story(peer: TlsPeer, protocol: Noting) -> None:
        paused: list[bool] = []
        protocol.pause_writing = lambda: paused.append(True)  # type: ignore[method-assign]  # noted here alone
        protocol.resume_writing = lambda: paused.append(False)  # type: ignore[method-assign]  # as above
        protocol.transport.set_write_buffer_limits(high=1000)
        peer.transport.pause_reading()
        protocol.transport.write(RECORD * 8)
        await a_while()
        assert protocol.transport.get_write_buffer_size() > 1000
        peer.transport.resume_reading()
        await a_while()
        assert (paused, peer.heard) == ([True, False], RECORD * 8)

    tell(story)


def test_new_keys_are_given_and_what_is_said_with_them_is_understood(
    tell: Callable[[Story], Noting], tmp_path: Path
):
    async def story(peer: TlsPeer, protocol: Noting) -> None:
        peer.transport.write(next(key_updates(tmp_path)))
        await a_while()
        protocol.transport.write(b"with new keys")
        await a_while()
        assert peer.heard == b"with new keys"

    assert tell(story).told == ["made"]


def test_who_asks_for_new_keys_without_end_and_reads_none_is_cut_off(
    tell: Callable[[Story], Noting], tmp_path: Path
):
    async def story(peer: TlsPeer, protocol: Noting) -> None:
        protocol.transport.set_write_buffer_limits(high=100)
        peer.transport.pause_reading()
        updates = key_updates(tmp_path)
        for _ in range(20):
            peer.transport.write(b"".join(next(updates) for _ in range(200)))
            await a_while()

    made, (lost, why) = tell(story).told

    assert (made, lost, str(why)) == ("made", "lost", "it asks for new keys and does not read")
