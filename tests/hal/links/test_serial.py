import asyncio
import contextlib
import fcntl
import os
import pty
import resource
import select
import subprocess
import sys
import termios
from collections.abc import Iterator

import pytest

import hal.links.serial
from hal.errors import LinkClosed, LinkError, LinkFull, SpeedRefused
from hal.link import IN_FLIGHT_LIMIT_BYTES, Parity
from hal.links.holders import find_holders
from hal.links.ports import PortInfo
from hal.links.serial import LINGER_S, SerialLink
from tests.hal.links.peers import Listener, Sulker

BAUD = 57600


class Line:
    """A pseudo-terminal: `port` for the link, the far end for the test."""

    def __init__(self) -> None:
        self.far, near = pty.openpty()
        self.port = os.ttyname(near)
        os.close(near)
        os.set_blocking(self.far, False)

    def read(self, size: int) -> bytes:
        """At least `size` bytes, waiting for them in the system while our event loop stands still."""
        data = b""
        while len(data) < size and select.select([self.far], [], [], 2)[0]:
            data += os.read(self.far, 65536)
        return data

    def drain(self) -> bytes:
        """All that is there now."""
        data = b""
        with contextlib.suppress(BlockingIOError):
            while True:
                data += os.read(self.far, 65536)
        return data

    def hang_up(self) -> None:
        if self.far >= 0:
            os.close(self.far)
            self.far = -1


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line()
    yield line
    line.hang_up()


@contextlib.asynccontextmanager
async def opened(port: str, peer: Listener | None = None, baud: int = BAUD):
    link = SerialLink(port, baud)
    await link.open(peer or Listener())
    try:
        yield link
    finally:
        link.close()
        await asyncio.sleep(0)


def fill(link: SerialLink) -> bytes:
    """Write until nothing more fits; returns what was accepted."""
    accepted = b""
    with contextlib.suppress(LinkFull):
        while len(accepted) < 1_000_000:
            chunk = f"{len(accepted):09d}\n".encode() * 10
            link.write(chunk)
            accepted += chunk
    return accepted


async def test_an_open_port_carries_bytes_both_ways(line: Line):
    peer = Listener()
    async with opened(line.port, peer) as link:
        link.write(b"\x00\x11\x13\xff\r\n")
        os.write(line.far, b"\xf0\x79\x00\x03\x04\x7f\n\r")

        assert line.read(6) == b"\x00\x11\x13\xff\r\n"
        assert await peer.heard(8) == b"\xf0\x79\x00\x03\x04\x7f\n\r"


async def test_when_open_returns_the_port_is_already_being_read(line: Line):
    peer = Listener()
    async with opened(line.port, peer):
        watch = os.open(line.port, os.O_RDWR | os.O_NOCTTY)
        os.write(line.far, b"x")
        select.select([watch], [], [], 2)
        os.close(watch)
        await asyncio.sleep(0)  # one turn of the loop, which looks at the port...
        await asyncio.sleep(0)  # ...and one for us to look at what it found

        assert peer.data == b"x"


async def test_a_write_on_an_idle_line_is_in_the_system_before_it_returns(line: Line):
    async with opened(line.port) as link:
        link.write(b"stop")

        assert link.pending == 0
        assert line.read(4) == b"stop"


async def test_a_hang_up_is_told_once_and_writes_are_refused_from_then_on(line: Line):
    peer = Listener()
    async with opened(line.port, peer) as link:
        line.hang_up()
        reason = await peer.end()

        assert isinstance(reason, LinkClosed)
        assert str(reason) == f"{line.port} is gone: hung up"
        with pytest.raises(LinkClosed, match="is closed"):
            link.write(b"late")
        link.flush_output()
    assert len(peer.ends) == 1


async def test_a_write_that_finds_the_port_gone_is_refused(line: Line):
    peer = Listener()
    async with opened(line.port, peer) as link:
        line.hang_up()
        with pytest.raises(LinkClosed):
            link.write(b"late")
        assert peer.ends == []
        await asyncio.sleep(0.01)

    assert [type(end) for end in peer.ends] == [LinkClosed]


async def test_bytes_that_nobody_takes_are_bounded_and_a_write_is_whole_or_not_at_all(line: Line):
    async with opened(line.port) as link:
        accepted = fill(link)

        assert IN_FLIGHT_LIMIT_BYTES - 100 < link.pending <= IN_FLIGHT_LIMIT_BYTES
        taken = b""
        async with asyncio.timeout(5):
            while len(taken) < len(accepted):
                taken += line.drain()
                await asyncio.sleep(0.001)
        assert taken == accepted
        assert link.pending == 0


async def test_discarded_output_makes_room_for_a_stop(line: Line):
    async with opened(line.port) as link:
        accepted = fill(link)
        waiting = link.pending
        line.read(1)  # the far end wakes up and takes what the system has
        link.flush_output()
        assert link.pending == 0
        link.write(b"stop")
        assert link.pending == 0

        rest = b""
        while not rest.endswith(b"stop") and (more := line.read(1)):
            rest += more
        assert rest.endswith(b"stop")
        assert len(rest) < len(accepted) - waiting


async def test_closing_does_not_wait_for_bytes_that_nobody_takes(line: Line):
    peer = Listener()
    async with opened(line.port, peer) as link:
        fill(link)
        link.close()
        async with asyncio.timeout(0.5):
            await peer.end()
        assert peer.ends == [None]
        async with opened(line.port):
            assert not link.is_open


async def test_a_closed_link_can_be_opened_again_at_once(line: Line):
    first, second = Listener(), Listener()
    async with opened(line.port, first) as link:
        link.close()
        await link.open(second)
        os.write(line.far, b"hello")

        assert await second.heard(5) == b"hello"
        assert (first.chunks, first.ends) == ([], [None])
    assert second.ends == [None]


async def test_a_port_is_not_given_to_a_second_opener_who_is_told_who_holds_it(line: Line):
    async with opened(line.port):
        with pytest.raises(LinkError) as refusal:
            await SerialLink(line.port, BAUD).open(Listener())

    assert str(refusal.value) == (
        f"{line.port}: in use by this process (pid {os.getpid()}); end that first, or choose another port"
    )


async def test_a_holder_in_another_process_is_named_with_its_command(line: Line):
    hold = (
        "import fcntl, os, sys; port = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY);"
        "fcntl.flock(port, fcntl.LOCK_EX); print('held', flush=True); sys.stdin.read()"
    )
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", hold, line.port, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    await holder.stdout.readline()
    with pytest.raises(LinkError) as refusal:
        await SerialLink(line.port, BAUD).open(Listener())
    await holder.communicate(b"")

    assert f"(pid {holder.pid})" in str(refusal.value)
    assert "python" in str(refusal.value)


async def test_an_exception_of_the_receiver_ends_the_link_with_that_reason(line: Line):
    peer = Sulker()
    async with opened(line.port, peer) as link:
        os.write(line.far, b"x")

        assert str(await peer.end()) == "cannot parse this"
        assert not link.is_open
        async with opened(line.port):
            pass
    assert len(peer.ends) == 1


async def test_a_port_above_descriptor_1023_is_read_and_written(line: Line):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 1100:
        resource.setrlimit(resource.RLIMIT_NOFILE, (1100, hard))
    reserve = fcntl.fcntl(line.far, fcntl.F_DUPFD, 1024)  # every descriptor below is then taken
    taken = [os.dup(reserve) for _ in range(1024)]
    for descriptor in taken:
        if descriptor > 1030:
            os.close(descriptor)
    peer = Listener()
    try:
        async with opened(line.port, peer) as link:
            assert link._session is not None
            assert link._session.descriptor > 1023
            link.write(b"out")
            os.write(line.far, b"in")

            assert await peer.heard(2) == b"in"
    finally:
        for descriptor in [reserve, *(one for one in taken if one <= 1030)]:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert line.read(3) == b"out"


@pytest.mark.parametrize("baud", [9600, 115200, 250000, 1_000_000, 12345])
async def test_any_baud_rate_works_on_a_pseudo_terminal(line: Line, baud: int):
    peer = Listener()
    async with opened(line.port, peer, baud) as link:
        link.write(b"x")
        assert line.read(1) == b"x"


async def test_a_baud_rate_that_the_port_cannot_have_is_told_apart_from_a_port_that_is_not_there(line: Line):
    with pytest.raises(SpeedRefused, match=r"cannot be set to 5000000000 baud .*; try another speed"):
        await SerialLink(line.port, 5_000_000_000).open(Listener())


@pytest.mark.parametrize("baud", [0, -9600])
async def test_an_impossible_baud_rate_is_refused(line: Line, baud: int):
    with pytest.raises(LinkError, match=f"there is no baud rate {baud}; 9600"):
        await SerialLink(line.port, baud).open(Listener())


async def test_a_missing_port_is_told_with_the_next_step():
    with pytest.raises(LinkError) as refusal:
        await SerialLink("/dev/ttyNOWHERE", BAUD).open(Listener())

    assert str(refusal.value) == (
        "/dev/ttyNOWHERE: there is no such port; is it plugged in? "
        "`ls -l /dev/serial/by-id` shows what is there"
    )


async def test_a_file_that_is_no_serial_port_is_refused_in_words(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("hello")
    with pytest.raises(LinkError, match="this is not a serial port"):
        await SerialLink(str(file), BAUD).open(Listener())

    assert file.read_text() == "hello"


async def test_an_open_that_is_cancelled_gives_the_port_back(line: Line):
    opening = asyncio.create_task(SerialLink(line.port, BAUD).open(Listener()))
    await asyncio.sleep(0)
    opening.cancel()
    await asyncio.wait({opening})

    assert opening.cancelled()
    async with opened(line.port):
        pass


async def test_a_link_that_is_open_is_not_opened_a_second_time(line: Line):
    async with opened(line.port) as link:
        with pytest.raises(LinkError, match="already open"):
            await link.open(Listener())


async def test_what_the_system_still_sends_when_the_link_is_closed_may_go_out_for_a_moment(line: Line):
    link, peer = SerialLink(line.port, BAUD, unsent=lambda _: 12), Listener()
    await link.open(peer)
    link.write(b"stop frames!")
    link.close()
    os.write(line.far, b"too late")
    with pytest.raises(LinkError, match="in use by this process"):
        await SerialLink(line.port, BAUD).open(Listener())
    await asyncio.sleep(LINGER_S * 1.5)

    assert line.read(12) == b"stop frames!"
    assert (peer.chunks, peer.ends) == ([], [None])
    async with opened(line.port):
        pass


async def test_the_same_link_can_be_opened_again_while_its_last_bytes_go_out(line: Line):
    link, peer = SerialLink(line.port, BAUD, unsent=lambda _: 12), Listener()
    await link.open(Listener())
    link.close()
    await link.open(peer)
    await asyncio.sleep(LINGER_S * 1.5)
    os.write(line.far, b"hello")

    assert await peer.heard(5) == b"hello"
    link.close()
    await asyncio.sleep(LINGER_S * 1.5)
    assert peer.ends == [None]


async def test_a_usb_port_is_opened_by_vendor_and_product(line: Line, monkeypatch: pytest.MonkeyPatch):
    present = [PortInfo("/dev/ttyS0", None, None, ""), PortInfo(line.port, None, "2341:0043", "Arduino Uno")]
    monkeypatch.setattr("hal.links.ports.list_ports", lambda: present)
    async with opened("usb:2341:0043") as link:
        link.write(b"x")

        assert line.read(1) == b"x"
        assert [holder.pid for holder in find_holders(line.port)] == [os.getpid()]


@pytest.mark.parametrize("least", [0, 1])  # how the system says that there is nothing: no bytes, or EAGAIN
async def test_a_reader_that_finds_nothing_goes_on(line: Line, least: int):
    peer = Listener()
    async with opened(line.port, peer) as link:
        assert link._session is not None
        attributes = termios.tcgetattr(link._session.descriptor)
        attributes[6][termios.VMIN] = least
        termios.tcsetattr(link._session.descriptor, termios.TCSANOW, attributes)
        assert link._session._port.read(100) == b""
        os.write(line.far, b"x")

        assert await peer.heard(1) == b"x"


async def test_a_usb_port_that_is_not_plugged_in_is_told():
    with pytest.raises(LinkError, match="usb:dead:beef: no such USB serial port is plugged in"):
        await SerialLink("usb:dead:beef", BAUD).open(Listener())


@pytest.mark.parametrize(
    ("parity", "bits"),
    [("none", 0), ("even", termios.PARENB), ("odd", termios.PARENB | termios.PARODD)],
)
async def test_a_port_is_opened_with_the_parity_that_its_board_speaks(
    line: Line, monkeypatch: pytest.MonkeyPatch, parity: Parity, bits: int
):
    asked: list[int] = []
    monkeypatch.setattr(hal.links.serial, "PSEUDO_TERMINALS", "/nowhere/")
    monkeypatch.setattr(termios, "tcsetattr", lambda _, __, attributes: asked.append(attributes[2]))
    link = SerialLink(line.port, BAUD, parity)
    await link.open(Listener())

    assert {flags & (termios.PARENB | termios.PARODD) for flags in asked} == {bits}
    link.close()


async def test_a_pseudo_terminal_which_has_no_parity_is_opened_all_the_same(line: Line):
    for _ in range(2):
        link = SerialLink(line.port, BAUD, "even")
        await link.open(Listener())
        link.write(b"\x01\xff")

        assert line.read(2) == b"\x01\xff"
        link.close()
