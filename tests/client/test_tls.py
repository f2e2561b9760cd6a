"""How a client finds out whether the robot answers, against servers of asyncio and of websockets."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve

from robotd.client import CannotConnect, RemoteError, connect
from tests.certified import Files, write_pair
from tests.client.peer import Answer, error, listening, listening_at_a_port, result

TOKEN = "rbd_k3q9x2mh_0123456789abcdef"
OTHER = "sha256:" + "0" * 64
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return write_pair(tmp_path)


def context(files: Files) -> ssl.SSLContext:
    """A server's, of the standard library's own making."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(*files)
    return made


async def hello(connection: ServerConnection) -> None:
    """What a robot says over WebSocket to who says hello."""
    request = json.loads(await connection.recv())
    assert "Authorization" not in connection.request.headers  # type: ignore[union-attr]  # it was read
    answer = {"robot": "ws", "said": request["params"]}
    await connection.send(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": answer}))
    await connection.wait_closed()


@asynccontextmanager
async def websocket(files: Files) -> AsyncIterator[str]:
    async with serve(hello, "127.0.0.1", 0, ssl=context(files)) as server:
        yield f"wss://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws"


@asynccontextmanager
async def far_end(talk: Callable[[socket.socket], object]) -> AsyncIterator[str]:
    """A port where `talk` is had with each who comes, one after the other, in a thread of its own."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                stream, _ = listener.accept()
            except OSError:
                return
            stream.settimeout(5)
            with stream, suppress(OSError):
                talk(stream)

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"127.0.0.1:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    await asyncio.to_thread(thread.join)
    listener.close()


@asynccontextmanager
async def impostor(files: Files) -> AsyncIterator[tuple[list[bytes], str]]:
    """Somebody at a port with a certificate of their own, and all that they are told inside TLS."""
    heard: list[bytes] = []
    tls = context(files)

    def listen(stream: socket.socket) -> None:
        with tls.wrap_socket(stream, server_side=True) as inside:
            while said := inside.recv(4096):
                heard.append(said)

    async with far_end(listen) as port:
        yield heard, port


# -- a pinned fingerprint -----------------------------------------------------------------------------------


async def test_the_pinned_certificate_is_enough_whoever_signed_it_for_whatever_name(tmp_path: Path):
    files = write_pair(tmp_path, ["another.robot"], now=LONG_AGO, days=2)
    async with listening_at_a_port(context(files)) as (peer, url):
        async with connect(url, fingerprint=files.fingerprint, token=TOKEN) as robot:
            assert robot.server == {"robot": "few words"}
        assert [request["params"].get("token") for request in peer.requests] == [TOKEN]
    async with websocket(files) as url, connect(url, fingerprint=files.fingerprint, token=TOKEN) as robot:
        assert robot.server["said"]["token"] == TOKEN


@pytest.mark.parametrize("scheme", ["tcps", "wss"])
async def test_who_has_another_certificate_is_told_nothing_at_all(files: Files, scheme: str):
    async with impostor(files) as (heard, port):
        with pytest.raises(CannotConnect, match="not the robot that was pinned") as refused:
            async with connect(f"{scheme}://{port}", fingerprint=OTHER, token=TOKEN):
                pass

    assert heard == []
    assert files.fingerprint in str(refused.value)
    assert TOKEN not in str(refused.value)


async def test_an_authority_does_not_make_up_for_another_fingerprint(
    files: Files, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SSL_CERT_FILE", str(files.certificate))
    async with impostor(files) as (heard, port):
        with pytest.raises(CannotConnect, match="not the robot that was pinned"):
            async with connect(f"tcps://{port}", fingerprint=OTHER):
                pass

    assert heard == []


# -- an authority -------------------------------------------------------------------------------------------


async def test_what_the_system_trusts_needs_no_fingerprint(files: Files, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(files.certificate))
    async with listening_at_a_port(context(files)) as (_, url), connect(url) as robot:
        assert robot.server == {"robot": "few words"}
    async with websocket(files) as url, connect(url.replace("127.0.0.1", "localhost")) as robot:
        assert robot.server["robot"] == "ws"


@pytest.mark.parametrize(
    ("hosts", "began", "trusted", "sentence"),
    [
        (["127.0.0.1"], timedelta(0), False, "signed by itself; pin it: --fingerprint"),
        (["127.0.0.1"], timedelta(days=-9), True, "has expired; `robotd tls self-signed --force`"),
        (["127.0.0.1"], timedelta(days=9), True, "not valid yet; is the clock right"),
        (["127.0.0.2"], timedelta(0), True, "for another address"),
        (["robot.local"], timedelta(0), True, "for another address"),
    ],
)
async def test_what_is_wrong_with_a_certificate_is_said_with_what_to_do(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    hosts: list[str],
    began: timedelta,
    trusted: bool,
    sentence: str,
):
    files = write_pair(tmp_path, hosts, now=datetime.now(UTC) + began)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(files.certificate))
    async with impostor(files) as (heard, port):
        for scheme in ("tcps", "wss"):
            with pytest.raises(CannotConnect, match=sentence):
                async with connect(f"{scheme}://{port}", token=TOKEN):
                    pass

    assert heard == []


async def test_a_certificate_for_another_name_is_not_that_of_this_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    files = write_pair(tmp_path, ["robot.local"])
    monkeypatch.setenv("SSL_CERT_FILE", str(files.certificate))
    async with impostor(files) as (_, port):
        with pytest.raises(CannotConnect, match="host of another name; use that name"):
            async with connect(f"tcps://{port.replace('127.0.0.1', 'localhost')}"):
                pass


# -- TLS and none of it -------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["tcps", "wss"])
async def test_tls_where_none_is_spoken_is_told_from_silence(scheme: str):
    def answer(stream: socket.socket) -> None:
        stream.recv(4096)
        stream.sendall(b'{"jsonrpc":"2.0","id":null,"error":{}}\n')

    async with far_end(answer) as port:
        with pytest.raises(CannotConnect, match="no TLS is spoken there; connect with tcp:// or ws://"):
            async with connect(f"{scheme}://{port}"):
                pass


async def test_a_far_end_that_hangs_up_is_not_taken_for_one_without_tls():
    async with far_end(lambda stream: stream.recv(4096)) as port:
        with pytest.raises(CannotConnect, match="hung up in the middle of the handshake"):
            async with connect(f"tcps://{port}"):
                pass


async def test_a_far_end_that_is_silent_is_given_up():
    def say_nothing(stream: socket.socket) -> None:
        while stream.recv(4096):
            pass

    async with far_end(say_nothing) as port:
        with pytest.raises(CannotConnect, match=r"no answer in 0\.05 s"):
            async with connect(f"tcps://{port}", timeout_s=0.05):
                pass


async def test_an_older_tls_is_not_spoken(files: Files):
    older = context(files)
    older.maximum_version = ssl.TLSVersion.TLSv1_2
    async with far_end(lambda stream: older.wrap_socket(stream, server_side=True)) as port:
        with pytest.raises(CannotConnect, match=r"does not speak TLS 1\.3"):
            async with connect(f"tcps://{port}"):
                pass


# -- the token ----------------------------------------------------------------------------------------------


async def test_a_token_is_said_in_hello_and_never_again(tmp_path: Path):
    async with listening(tmp_path) as (peer, url):
        peer.answers["status"] = result({})
        async with connect(url, token=TOKEN) as robot:
            await robot.status()
            peer.cut()

    assert [TOKEN in json.dumps(request) for request in peer.requests] == [True, False]


async def test_a_robot_that_does_not_know_us_says_so(tmp_path: Path):
    async with listening(tmp_path) as (peer, url):
        peer.answers["hello"] = unauthenticated()
        with pytest.raises(RemoteError, match="asks for a token") as refused:
            async with connect(url, token=TOKEN):
                pass

    assert refused.value.reason == "unauthenticated"
    assert TOKEN not in repr(refused.value)


async def test_a_stranger_may_still_stop_it(tmp_path: Path):
    async with listening(tmp_path) as (peer, url):
        peer.answers["hello"] = unauthenticated()
        peer.answers["estop"] = result({"latch_id": "latch-1"})
        async with connect(url, as_stranger=True) as robot:
            assert (await robot.estop("a cat"))["latch_id"] == "latch-1"
            assert robot.server == {}


def unauthenticated() -> Answer:
    return error(-32000, "this robot asks for a token", reason="unauthenticated")
