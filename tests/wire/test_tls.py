"""TLS at both ports, judged by clients that other people wrote, over real sockets on this machine."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import ssl
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import NamedTuple, TypeVar

import pytest
from websockets.asyncio.client import connect

from robotd.core.limits import Limits
from robotd.wire.admission import Admission
from robotd.wire.tcp import serve_tcp
from robotd.wire.tls import NOT_TLS, Tls
from robotd.wire.transport import READ_BYTES
from tests import virtual
from tests.certified import Files, write_pair
from tests.wire import lines, raw
from tests.wire.still_robot import StillRobot
from tests.wire.tls_peer import Noting, TlsPeer

STATUS = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "status"})
OPENSSL = shutil.which("openssl")
T = TypeVar("T")


class Served(NamedTuple):
    """A robot behind TLS, and what its clients have to trust."""

    robot: StillRobot
    tls: Tls
    files: Files
    websocket: int
    tcp: int


@pytest.fixture
def robot() -> StillRobot:
    return StillRobot()


@pytest.fixture
async def served(tmp_path: Path, robot: StillRobot) -> AsyncIterator[Served]:
    files = write_pair(tmp_path)
    tls = Tls(robot, files.served().present)
    async with (
        raw.served(robot, tls=tls) as websocket,
        lines.served(robot, tls=tls) as (_, tcp),
    ):
        yield Served(robot, tls, files, websocket, tcp)
    assert (tls.opening, len(tls.admission)) == ({}, 0)


def ports(served: Served) -> tuple[int, int]:
    return served.websocket, served.tcp


# -- those who speak it -------------------------------------------------------------------------------------


async def test_a_websocket_client_of_others_is_served_through_tls(served: Served):
    url = f"wss://localhost:{served.websocket}/ws"
    async with connect(url, ssl=served.files.trusted(), host="127.0.0.1") as client:
        await client.send(STATUS)

        assert json.loads(await client.recv())["result"]["robot"] == "still"
    assert served.robot.sessions[-1][2] == "closed by the client"


async def test_the_standard_library_is_served_through_tls(served: Served):
    def ask() -> tuple[str | None, bytes]:
        plain = socket.create_connection(("127.0.0.1", served.tcp), timeout=5)
        with served.files.trusted().wrap_socket(plain, server_hostname="127.0.0.1") as client:
            client.sendall(b"status\n")
            return client.version(), client.makefile("rb").readline()

    version, answer = await asyncio.to_thread(ask)

    assert version == "TLSv1.3"
    assert json.loads(answer)["robot"] == "still"


async def test_pages_and_a_stop_by_post_are_served_through_tls(served: Served):
    def fetch(path: str, method: str) -> tuple[int, bytes]:
        asked = urllib.request.Request(f"https://127.0.0.1:{served.websocket}{path}", method=method)
        with urllib.request.urlopen(asked, timeout=5, context=served.files.trusted()) as answer:
            return answer.status, answer.read()

    status, page = await asyncio.to_thread(fetch, "/", "GET")
    stopped, _ = await asyncio.to_thread(fetch, "/api/v1/estop", "POST")

    assert (status, stopped) == (200, 200)
    assert page.startswith(b"<!doctype html>")
    assert served.robot.stops[0][0] == "POST /api/v1/estop"


@pytest.mark.skipif(OPENSSL is None, reason="needs the command openssl")
async def test_openssl_finds_one_version_no_ticket_and_http_1_1_inside(served: Served):
    process = await asyncio.create_subprocess_exec(
        str(OPENSSL),
        *("s_client", "-connect", f"127.0.0.1:{served.websocket}", "-alpn", "h2,http/1.1"),
        *("-CAfile", str(served.files.certificate), "-verify_return_error", "-verify_hostname", "localhost"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    said = (await process.communicate())[0].decode()

    assert process.returncode == 0
    assert "New, TLSv1.3" in said
    assert "ALPN protocol: http/1.1" in said
    assert "Verify return code: 0 (ok)" in said
    assert "Session Ticket arrived" not in said


async def test_tls_is_served_over_ipv6(tmp_path: Path, robot: StillRobot):
    files = write_pair(tmp_path)
    tls = Tls(robot, files.served().present)
    async with serve_tcp(robot, "::1", 0, admission=Admission(robot.limits), tls=tls) as (host, port):
        reader, writer = await asyncio.open_connection(host, port, ssl=files.trusted())
        writer.write(b"status\n")
        answer = json.loads(await reader.readline())
        writer.close()
        await writer.wait_closed()

    assert answer["robot"] == "still"


# -- those who do not ---------------------------------------------------------------------------------------


async def test_an_older_tls_is_refused(served: Served):
    context = served.files.trusted()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2

    for port in ports(served):
        with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
            await asyncio.open_connection("127.0.0.1", port, ssl=context)


@pytest.mark.parametrize("said", [b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"stop\n", b"\0" * 20_000])
async def test_who_speaks_plainly_hears_of_tls_and_nothing_else(served: Served, said: bytes):
    for port in ports(served):
        async with raw.plugged_in(port) as client:
            client.send(said)
            heard = b""
            with suppress(ConnectionResetError):  # of what is too long to have been read before it is over
                heard = await client.reader.read()

            assert heard == NOT_TLS or (len(said) > READ_BYTES and not heard)
    assert (served.robot.stops, served.robot.sessions) == ([], [])


async def test_a_broken_hello_is_answered_with_an_alert(served: Served):
    async with raw.plugged_in(served.tcp) as client:
        client.send(b"\x16\x03\x01\x00\x05hello")

        assert (await client.reader.read())[:2] == b"\x15\x03"


async def test_tls_at_a_plain_port_is_answered_at_once(robot: StillRobot):
    async with raw.served(robot) as websocket, lines.served(robot) as (_, tcp), asyncio.timeout(2.0):
        for port in (websocket, tcp):
            with pytest.raises(ssl.SSLError, match="WRONG_VERSION_NUMBER"):
                await asyncio.open_connection("127.0.0.1", port, ssl=ssl.create_default_context())


# -- what the plain ports promise, in virtual time ----------------------------------------------------------

MANY = 400


def tell(folder: Path, story: Callable[[TlsPeer, TlsPeer], Awaitable[T]], robot: StillRobot) -> T:
    """A story of two clients of `robot`: of its WebSocket port, and of its TCP port."""

    async def whole() -> T:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, virtual.SimulationLoop)
        files = write_pair(folder)
        tls, admission = Tls(robot, files.served().present), Admission(robot.limits)
        tcp = serve_tcp(robot, "127.0.0.1", 0, admission=admission, tls=tls, listen=loop.network.listen)
        async with raw.served(robot, tls=tls) as port, tcp as (host, tcp_port):
            peers = []
            for number in (port, tcp_port):
                _, peer = await loop.create_connection(lambda: TlsPeer(files.trusted()), host, number)
                await peer.ready.wait()
                peers.append(peer)
            told = await story(*peers)
            for peer in peers:
                peer.transport.abort()
            await asyncio.sleep(0.01)
            return told

    return virtual.run(whole())


def test_a_page_ends_its_connection_when_it_is_said(tmp_path: Path, robot: StillRobot):
    async def story(websocket: TlsPeer, _: TlsPeer) -> tuple[bytes, bool, float]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        websocket.say(raw.request("GET", "/healthz"))
        await websocket.gone.wait()
        return websocket.heard, websocket.heard_goodbye, loop.time() - began

    heard, goodbye, took_s = tell(tmp_path, story, robot)

    assert heard.endswith(b"\r\n\r\nok\n")
    assert goodbye
    assert took_s == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize("over", ["websocket", "tcp"])
def test_what_waits_in_the_socket_of_one_who_floods_grows_old_there(
    tmp_path: Path, robot: StillRobot, over: str
):
    """Each message is a record of its own, so that no piece of plain text ever fills a read."""
    arm = {"type": "arm"}

    async def story(websocket: TlsPeer, tcp: TlsPeer) -> float:
        loop = asyncio.get_running_loop()
        if over == "websocket":
            websocket.say(raw.request("GET", "/ws", raw.UPGRADE))
        await asyncio.sleep(0.1)
        began = loop.time()
        peer, message = (
            (websocket, raw.text(arm)) if over == "websocket" else (tcp, json.dumps(arm).encode() + b"\n")
        )
        peer.transport.write(b"".join(peer.encrypted(message) for _ in range(MANY)))
        while len(robot.sent) < MANY:  # noqa: ASYNC110  # the robot tells nobody
            await asyncio.sleep(0.1)
        assert loop.time() - began > 3.0
        return began

    began = tell(tmp_path, story, robot)

    assert [request.at - began for request in robot.sent] == [pytest.approx(0.0, abs=0.01)] * MANY


# -- the time a handshake may take, and how many there may be -----------------------------------------------


def slow_client(folder: Path, dribble: bytes) -> float:
    """How long a client is borne that says a byte of `dribble` each half second, and then nothing."""

    async def story() -> float:
        loop = asyncio.get_running_loop()
        robot = StillRobot(Limits(handshake_s=3.0))
        tls = Tls(robot, write_pair(folder).served().present)
        async with raw.served(robot, tls=tls) as port, raw.plugged_in(port) as client:
            began = loop.time()
            cut = asyncio.ensure_future(client.is_cut())
            for byte in dribble:
                client.send(bytes((byte,)))
                await asyncio.wait({cut}, timeout=0.5)
            await cut
            assert robot.sessions == []
            return loop.time() - began

    return virtual.run(story())


@pytest.mark.parametrize(
    "dribble", [b"", b"\x16\x03\x01\x01\x00\x01\x00\x00\xfc\x03\x03"], ids=["none", "slow"]
)
def test_who_does_not_shake_hands_is_cut_off_after_three_seconds(tmp_path: Path, dribble: bytes):
    assert slow_client(tmp_path, dribble) == pytest.approx(3.0, abs=0.01)


async def test_one_address_has_as_many_handshakes_as_clients(tmp_path: Path):
    robot = StillRobot(Limits(connections_per_address=3))
    tls = Tls(robot, write_pair(tmp_path).served().present)
    async with raw.served(robot, tls=tls) as port, AsyncExitStack() as crowd:
        first = [await crowd.enter_async_context(raw.plugged_in(port)) for _ in range(3)]
        late = await crowd.enter_async_context(raw.plugged_in(port))

        assert await late.is_cut()
        assert not any(client.reader.at_eof() for client in first)


async def test_who_still_shakes_hands_when_the_server_ends_is_cut_off(tmp_path: Path, robot: StillRobot):
    tls = Tls(robot, write_pair(tmp_path).served().present)
    async with lines.served(robot, tls=tls) as (_, port), raw.plugged_in(port) as client:
        while not tls.opening:  # noqa: ASYNC110  # nobody but the server knows it
            await asyncio.sleep(0)
        tls.close()

        assert await client.is_cut()


def test_a_crowd_of_handshakes_leaves_room_for_others_between_two_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A turn of the loop has half a millisecond for all clients, and a handshake may take most of that."""
    shake = ssl.SSLObject.do_handshake
    turn, turns = 0, []

    def shake_long(self: ssl.SSLObject) -> None:
        if self.server_side:
            turns.append(turn)
            virtual.spend(0.0003)
        shake(self)

    monkeypatch.setattr(ssl.SSLObject, "do_handshake", shake_long)

    async def story() -> None:
        nonlocal turn
        loop = asyncio.get_running_loop()
        assert isinstance(loop, virtual.SimulationLoop)
        files, listener = write_pair(tmp_path), loop.network.listen("127.0.0.1", 0)
        tls = Tls(StillRobot(Limits(connections_per_address=20)), files.served().present)
        server = await loop.create_server(lambda: tls.around(Noting()), sock=listener)
        peers = [TlsPeer(files.trusted(), first_bytes=100) for _ in range(20)]
        for peer in peers:
            await loop.create_connection(lambda peer=peer: peer, *listener.address)
        while tls.opening:
            turn += 1
            await asyncio.sleep(0)
        assert all(peer.ready.is_set() for peer in peers)
        server.close()

    virtual.run(story())

    assert len(turns) >= 2 * 20
    assert max(map(turns.count, turns)) == 2


# -- another certificate -----------------------------------------------------------------------------------


async def test_a_new_certificate_is_for_new_connections_and_the_old_ones_go_on(
    tmp_path: Path, robot: StillRobot
):
    files = write_pair(tmp_path)
    certificate = files.served()
    tls = Tls(robot, certificate.present)
    async with lines.served(robot, tls=tls) as (host, port):
        old = await asyncio.open_connection(host, port, ssl=files.trusted())
        before = files.trusted()
        files = write_pair(tmp_path)
        certificate.reload()
        new = await asyncio.open_connection(host, port, ssl=files.trusted())
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.open_connection(host, port, ssl=before)
        answers = []
        for reader, writer in (old, new):
            writer.write(b"status\n")
            answers.append(json.loads(await reader.readline())["robot"])
            writer.close()
            await writer.wait_closed()

    assert answers == ["still", "still"]
