"""Finding a receiver: to listen is all that it takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from hal.driver import Found, Probe
from hal.drivers.nmea import codec
from hal.drivers.nmea.codec import Sentences
from hal.drivers.nmea.listening import Listening
from hal.link import Link

SPEEDS = (9600, 38400, 115200, 4800)
LISTEN_S = 1.3
"""Most receivers report once a second."""


class _Listener:
    """Writes down what comes."""

    def __init__(self) -> None:
        self.listening = Listening()
        self.values: dict[str, float | bool] = {}
        self._sentences = Sentences()

    def data_received(self, data: bytes) -> None:
        sentences = self._sentences.feed(data)
        self.listening.heard(data, sentences)
        for sentence in sentences:
            self.values |= codec.parse(sentence)

    def connection_lost(self, reason: Exception | None) -> None: ...


async def _find(link: Link, baud: int) -> AsyncIterator[Found]:
    listener = _Listener()
    await link.open(listener)
    try:
        await asyncio.sleep(LISTEN_S)
    finally:
        link.close()
    kinds, values = listener.listening.kinds, listener.values
    if not kinds:
        return
    details = {"sentences": " ".join(kinds)}
    if "satellites" in values:
        details["satellites"] = f"{values['satellites']:g}"
    if "latitude" in values and "longitude" in values:
        details["position"] = f"{values['latitude']:.5f} deg, {values['longitude']:.5f} deg"
    trouble = None
    if "fix" not in values:
        trouble = str(listener.listening.trouble("it", link.name, baud).sentence)
    elif not values["fix"]:
        trouble = "it has no fix; does its antenna see the sky?"
    yield Found(
        "", f"{codec.system(next(iter(kinds))[:-3])} receiver", baud, details, trouble, {"kind": "gnss"}
    )


def _probe(baud: int) -> Probe:
    return Probe(baud, lambda link: _find(link, baud))


PROBES = [_probe(baud) for baud in SPEEDS]
"""By speed, the likeliest first."""
