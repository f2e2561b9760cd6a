"""Finding a board that speaks JSON lines: it is asked who it is, in both dialects."""

from __future__ import annotations

from collections.abc import AsyncIterator

from hal.driver import Found, Probe
from hal.drivers.ear import Ear
from hal.drivers.json_lines.codec import Lines, Object
from hal.drivers.json_lines.dialect import Dialect, Hello, Report
from hal.drivers.json_lines.plain import Plain
from hal.drivers.json_lines.waveshare import Waveshare
from hal.link import Link

SPEEDS = (115200, 57600, 9600)
ASK_S = 0.5
QUESTIONS = 5
"""Opening the port resets an Arduino, which then takes 2 s to listen."""


_DIALECTS: tuple[Dialect, ...] = (Plain(), Waveshare())
_QUESTION = b"\n" + b"".join(dialect.hello() for dialect in _DIALECTS)


def _greeting(found: Object) -> Hello | Report | None:
    """What a board says of itself, in whichever dialect."""
    for dialect in _DIALECTS:
        said = dialect.read(found)
        if isinstance(said, Hello if dialect.INTRODUCES_ITSELF else Report):
            return said
    return None


async def _find(link: Link, baud: int) -> AsyncIterator[Found]:
    ear = Ear(link, Lines().feed)
    said: Hello | Report | None = None
    await link.open(ear)
    try:
        for _ in range(QUESTIONS):
            said = said or await ear.ask(_QUESTION, _greeting, ASK_S)
    finally:
        link.close()
    if isinstance(said, Hello):
        yield Found("", f"{said.name} {said.version}", baud, {"channels": " ".join(said.channels)})
    elif said is not None:
        yield Found("", "Waveshare driver board", baud, {"channels": " ".join(said.values)})


def _probe(baud: int) -> Probe:
    return Probe(baud, lambda link: _find(link, baud))


PROBES = [_probe(baud) for baud in SPEEDS]
"""By speed, the likeliest first."""
