"""Finding a board that speaks JSON lines: it is asked who it is, in both dialects."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from hal.driver import Found, Probe
from hal.drivers.json_lines.codec import Lines
from hal.drivers.json_lines.dialect import Dialect, Hello, Report
from hal.drivers.json_lines.plain import Plain
from hal.drivers.json_lines.waveshare import Waveshare
from hal.link import Link

SPEEDS = (115200, 57600, 9600)
ASK_S = 0.5
QUESTIONS = 5
"""Opening the port resets an Arduino, which then takes 2 s to listen."""


class _Listener:
    """Waits for somebody who answers in one of the dialects."""

    def __init__(self, dialects: Sequence[Dialect]) -> None:
        self.found: asyncio.Future[tuple[Dialect, Hello | Report]] = (
            asyncio.get_running_loop().create_future()
        )
        self._dialects = dialects
        self._lines = Lines()

    def data_received(self, data: bytes) -> None:
        for line in self._lines.feed(data):
            for dialect in self._dialects:
                said = dialect.read(line)
                greeting = Hello if dialect.INTRODUCES_ITSELF else Report
                if isinstance(said, greeting) and not self.found.done():
                    self.found.set_result((dialect, said))

    def connection_lost(self, reason: Exception | None) -> None: ...


async def _find(link: Link, baud: int) -> AsyncIterator[Found]:
    dialects: tuple[Dialect, ...] = (Plain(), Waveshare())
    listener = _Listener(dialects)
    await link.open(listener)
    try:
        for _ in range(QUESTIONS):
            link.write(b"\n" + b"".join(dialect.hello() for dialect in dialects))
            await asyncio.wait({listener.found}, timeout=ASK_S)
            if listener.found.done():
                break
    finally:
        link.close()
    if not listener.found.done():
        return
    _, said = listener.found.result()
    if isinstance(said, Hello):
        yield Found("", f"{said.name} {said.version}", baud, {"channels": " ".join(said.channels)})
    else:
        yield Found("", "Waveshare driver board", baud, {"channels": " ".join(said.values)})


def _probe(baud: int) -> Probe:
    return Probe(baud, lambda link: _find(link, baud))


PROBES = [_probe(baud) for baud in SPEEDS]
"""By speed, the likeliest first."""
