"""Both ends of TLS in virtual time: a client that encrypts what a test wants, a protocol that takes notes."""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, cast

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from robotd.wire.tls import Tls
from tests.certified import write_pair
from tests.virtual import SimulationLoop
from tests.wire.still_robot import StillRobot

HOST = "127.0.0.1"
KEY_LOG = "keys"


class Noting(asyncio.Protocol):
    """What a protocol above TLS is told, in order."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self.told: list[Any] = []
        """Bytes as they came, then `eof` or `lost`, with the reason."""
        self.read_sizes: list[int] = []
        self.turns: list[int] = []
        """In which turn of the loop each piece came; see `count_turns`."""
        self.turn = 0
        self.half_closes = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.told.append("made")

    def data_received(self, data: bytes) -> None:
        self.told.append(data)
        self.read_sizes.append(self.transport.get_extra_info("read_size"))
        self.turns.append(self.turn)

    def eof_received(self) -> bool:
        self.told.append("eof")
        return self.half_closes

    def connection_lost(self, exc: Exception | None) -> None:
        self.told.append(("lost", exc))

    async def count_turns(self, turns: int) -> None:
        for _ in range(turns):
            self.turn += 1
            await asyncio.sleep(0)

    @property
    def pieces(self) -> list[bytes]:
        return [piece for piece in self.told if isinstance(piece, bytes)]


class TlsPeer(asyncio.Protocol):
    """A client. It sends by itself only what the handshake needs, where wanted in two parts."""

    def __init__(self, context: ssl.SSLContext, *, first_bytes: int | None = None) -> None:
        self._first_bytes = first_bytes
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._ssl = context.wrap_bio(self._incoming, self._outgoing, server_hostname=HOST)
        self.transport: asyncio.Transport
        self.ready = asyncio.Event()
        self.heard = b""
        self.heard_goodbye = False
        self.gone = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._take()

    def data_received(self, data: bytes) -> None:
        self._incoming.write(data)
        self._take()

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone.set()

    def _take(self) -> None:
        try:
            if not self.ready.is_set():
                self._ssl.do_handshake()
                self.ready.set()
            while piece := self._ssl.read(65536):
                self.heard += piece
            self.heard_goodbye = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:  # what OpenSSL makes of it after a goodbye of our own
            self.heard_goodbye = True
        data = self._outgoing.read()
        self.transport.write(data[: self._first_bytes])
        if self._first_bytes is not None:
            asyncio.get_running_loop().call_later(0.001, self.transport.write, data[self._first_bytes :])

    def encrypted(self, data: bytes) -> bytes:
        """As it would go out: a record for every 16 KiB."""
        self._ssl.write(data)
        return self._outgoing.read()

    def say(self, data: bytes) -> None:
        self.transport.write(self.encrypted(data))

    def goodbye(self) -> None:
        """Say that nothing more comes, and go on listening."""
        with suppress(ssl.SSLWantReadError):
            self._ssl.unwrap()
        self.transport.write(self._outgoing.read())


@asynccontextmanager
async def served(folder: Path, protocol: Noting) -> AsyncIterator[TlsPeer]:
    """A client that has shaken hands with a server of `protocol`, in the network in memory.

    Its secrets are in `folder`, see `key_updates`.
    """
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimulationLoop)
    files = write_pair(folder)
    tls = Tls(StillRobot(), files.served().present)
    listener = loop.network.listen(HOST, 0)
    server = await loop.create_server(lambda: tls.around(protocol), sock=listener)
    context = files.trusted()
    context.keylog_filename = str(folder / KEY_LOG)
    _, peer = await loop.create_connection(lambda: TlsPeer(context), *listener.address)
    await peer.ready.wait()
    await asyncio.sleep(0.001)
    yield peer
    peer.transport.abort()
    server.close()
    await asyncio.sleep(0.001)


def key_updates(folder: Path) -> Iterator[bytes]:
    """The records with which a client that has said nothing yet asks for new keys, one after the other.

    Python has no way to ask for them: made as RFC 8446, sections 4.6.3, 5.2 and 7, says, for AES-256-GCM.
    """
    words = (line.split() for line in (folder / KEY_LOG).read_text().splitlines())
    (secret,) = (bytes.fromhex(line[2]) for line in words if line[0] == "CLIENT_TRAFFIC_SECRET_0")

    def expand(label: bytes, length: int) -> bytes:
        label = b"tls13 " + label
        info = struct.pack("!HB", length, len(label)) + label + b"\0"
        return HKDFExpand(SHA384(), length, info).derive(secret)

    while True:
        update = b"\x18\0\0\x01\x01" + b"\x16"  # a KeyUpdate that asks for one, and its content type
        header = struct.pack("!BHH", 0x17, 0x0303, len(update) + 16)
        yield header + AESGCM(expand(b"key", 32)).encrypt(expand(b"iv", 12), update, header)
        secret = expand(b"traffic upd", 48)
