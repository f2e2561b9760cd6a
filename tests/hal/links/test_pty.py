import asyncio
import contextlib
import os
import random
import select
import termios
from pathlib import Path

import pytest

from hal.errors import LinkClosed, LinkError
from hal.faults import FaultyTwin
from hal.links.pty import LOOK_PERIOD_S, serve_pty
from hal.links.serial import SerialLink
from tests.hal.links.peers import Listener, ParrotTwin, eventually


async def test_our_own_serial_link_talks_to_a_served_twin(tmp_path: Path):
    path = tmp_path / "arduino"
    async with serve_pty(ParrotTwin(), path) as name:
        assert name == str(path)
        link, peer = SerialLink(name, 57600), Listener()
        await link.open(peer)
        await peer.heard(5)
        link.write(b"\r\n\x03\x04\xf0\xf7")

        assert await peer.heard(11) == b"hello\r\n\x03\x04\xf0\xf7"
        link.close()
        await peer.end()
    assert not path.is_symlink()


async def test_each_opening_powers_the_twin_on_and_finds_nothing_of_the_one_before(tmp_path: Path):
    twin = ParrotTwin()
    twin.loud = 3000

    async def visit(port: str, times: int) -> None:
        client = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        await eventually(lambda: twin.power_ons == times)
        await eventually(lambda: select.select([client], [], [], 0)[0] != [])

        assert os.read(client, 8) == b"hello\0\0\0"
        os.close(client)
        await asyncio.sleep(2 * LOOK_PERIOD_S)

    async with serve_pty(twin) as port:
        for times in range(1, 6):
            await visit(port, times)

        assert twin.power_ons == 5


async def test_a_client_that_changed_the_terminal_leaves_it_raw_for_the_next(tmp_path: Path):
    async with serve_pty(ParrotTwin()) as port:
        client = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        attributes = termios.tcgetattr(client)
        attributes[3] |= termios.ECHO | termios.ICANON
        termios.tcsetattr(client, termios.TCSANOW, attributes)
        await asyncio.sleep(3 * LOOK_PERIOD_S)
        os.close(client)
        await asyncio.sleep(3 * LOOK_PERIOD_S)

        client = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        local_modes = termios.tcgetattr(client)[3]
        os.close(client)
        assert not local_modes & (termios.ECHO | termios.ICANON)


async def test_a_client_that_only_writes_and_goes_is_heard():
    heard: list[bytes] = []

    class Witness(ParrotTwin):
        def receive(self, data: bytes, now: float) -> bytes:
            heard.append(data)
            return b""

    twin = Witness()
    async with serve_pty(twin) as port:
        client = os.open(port, os.O_RDWR | os.O_NOCTTY)
        os.write(client, b"stop")
        os.close(client)
        await eventually(lambda: b"".join(heard) == b"stop")
        assert twin.power_ons == 1


async def test_a_client_that_does_not_read_loses_bytes_and_costs_a_bounded_buffer():
    twin = ParrotTwin()
    async with serve_pty(twin) as port:
        client = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        await asyncio.sleep(3 * LOOK_PERIOD_S)
        for _ in range(200):
            with contextlib.suppress(BlockingIOError):
                os.write(client, bytes(1000))
            await asyncio.sleep(0)
        await asyncio.sleep(0.05)
        unread = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                unread += len(os.read(client, 65536))
                await asyncio.sleep(0.001)
        os.close(client)

        assert 4096 < unread < 100_000


async def test_a_twin_that_ends_hangs_up_on_its_client():
    async with serve_pty(ParrotTwin()) as port:
        link, peer = SerialLink(port, 57600), Listener()
        await link.open(peer)
        await peer.heard(5)

    assert isinstance(await peer.end(), LinkClosed)


async def test_a_restarted_twin_takes_over_the_link_that_the_killed_one_left(tmp_path: Path):
    path = tmp_path / "arduino"
    path.symlink_to("/dev/pts/99999")
    async with serve_pty(ParrotTwin(), path) as name:
        assert os.readlink(name) != "/dev/pts/99999"


async def test_a_link_that_was_replaced_meanwhile_is_left_alone(tmp_path: Path):
    path = tmp_path / "arduino"
    async with serve_pty(ParrotTwin(), path):
        path.unlink()
        path.symlink_to("/dev/pts/99999")

    assert os.readlink(path) == "/dev/pts/99999"


async def test_a_real_file_or_somebody_elses_link_is_never_replaced(tmp_path: Path):
    file, link = tmp_path / "notes.txt", tmp_path / "link"
    file.write_text("precious")
    link.symlink_to(file)
    for path, sentence in [(file, "choose another path"), (link, f"is a link to {file}")]:
        with pytest.raises(LinkError, match=sentence):
            async with serve_pty(ParrotTwin(), path):
                pass

    assert file.read_text() == "precious"
    assert link.is_symlink()


async def test_a_path_in_no_folder_is_told(tmp_path: Path):
    with pytest.raises(LinkError, match="cannot make that link: No such file or directory"):
        async with serve_pty(ParrotTwin(), tmp_path / "none" / "arduino"):
            pass


async def test_an_unplugged_twin_hangs_up_and_is_found_again_under_its_path(tmp_path: Path):
    path, parrot = tmp_path / "arduino", ParrotTwin()
    twin = FaultyTwin("parrot", parrot, random.Random(1))
    loop = asyncio.get_running_loop()
    async with serve_pty(twin, path) as port:
        link, peer = SerialLink(port, 57600), Listener()
        await link.open(peer)
        await peer.heard(5)
        twin.inject("unplug 300 ms", loop.time())
        pulled_at = loop.time()

        assert isinstance(await peer.end(), LinkClosed)
        assert not path.is_symlink()
        with pytest.raises(LinkError, match="no such port"):
            await SerialLink(port, 57600).open(Listener())
        await eventually(path.is_symlink)
        assert loop.time() - pulled_at >= 0.3
        link, peer = SerialLink(port, 57600), Listener()
        await link.open(peer)
        assert await peer.heard(5) == b"hello"
        assert parrot.power_ons == 2
        link.close()
        await peer.end()
    assert not path.is_symlink()


async def test_mending_plugs_it_in_before_its_time_and_an_end_meanwhile_leaves_nothing(tmp_path: Path):
    path = tmp_path / "arduino"
    twin = FaultyTwin("parrot", ParrotTwin(), random.Random(1))
    loop = asyncio.get_running_loop()
    async with serve_pty(twin, path) as port:
        for _ in range(2):
            link, peer = SerialLink(port, 57600), Listener()
            await link.open(peer)
            await peer.heard(5)
            twin.inject("unplug 1 h", loop.time())
            await peer.end()
            twin.mend(loop.time())
            await eventually(path.is_symlink)
        twin.inject("unplug 1 h after 1 ms", loop.time())
        link, peer = SerialLink(port, 57600), Listener()
        await link.open(peer)
        await peer.end()
    await asyncio.sleep(3 * LOOK_PERIOD_S)

    assert not path.is_symlink()


async def test_a_bug_of_a_served_twin_is_told_and_the_next_client_powers_it_on_again():
    told: list[Exception] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["exception"]))
    async with serve_pty(ParrotTwin()) as port:
        for _ in range(2):
            link, peer = SerialLink(port, 57600), Listener()
            await link.open(peer)
            await peer.heard(5)
            link.write(b"crash")
            await eventually(lambda: bool(told))
            assert isinstance(told.pop(), ZeroDivisionError)
            link.close()
            await asyncio.sleep(3 * LOOK_PERIOD_S)
