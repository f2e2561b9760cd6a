"""The TCP server: a line is a message, and a person with `nc` may type `stop`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from robotd.wire.admission import Admission
from robotd.wire.lines import Client, serve_lines
from robotd.wire.listen import Listen, listen_tcp, stay_here
from robotd.wire.service import Service
from robotd.wire.tls import Tls


@asynccontextmanager
async def serve_tcp(
    service: Service,
    host: str,
    port: int,
    *,
    admission: Admission,
    listen: Listen = listen_tcp,
    tls: Tls | None = None,
) -> AsyncIterator[tuple[str, int]]:
    """Serve at `host:port`; gives the address that it really is. Raises `CannotListen`."""
    if tls is None or not admission.gate.asks:
        stay_here(host)
    listener = listen(host, port)
    address = listener.getsockname()[:2]
    async with serve_lines(service, listener, admission=admission, identify=_identify, tls=tls):
        yield address


def _identify(transport: asyncio.BaseTransport) -> Client:
    host, port = transport.get_extra_info("peername")[:2]
    return Client(host, f"tcp:{host}:{port}")
