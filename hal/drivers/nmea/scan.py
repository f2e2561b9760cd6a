"""Finding a receiver: to listen is all that it takes."""

from __future__ import annotations

from collections.abc import AsyncIterator

from hal.driver import Found, Probe
from hal.drivers.ear import Ear
from hal.drivers.nmea import codec
from hal.drivers.nmea.codec import Sentence, Sentences
from hal.drivers.nmea.listening import Listening
from hal.link import Link

SPEEDS = (9600, 38400, 115200, 4800)
LISTEN_S = 1.3
"""Most receivers report once a second."""


async def _find(link: Link, baud: int) -> AsyncIterator[Found]:
    listening, sentences = Listening(), Sentences()

    def feed(data: bytes) -> list[Sentence]:
        found = sentences.feed(data)
        listening.heard(data, found)
        return found

    ear = Ear(link, feed)
    await link.open(ear)
    try:
        heard = await ear.hear(LISTEN_S)
    finally:
        link.close()
    kinds = listening.kinds
    if not kinds:
        return
    values: dict[str, float | bool] = {}
    for sentence in heard:
        values |= codec.parse(sentence)
    details = {"sentences": " ".join(kinds)}
    if "satellites" in values:
        details["satellites"] = f"{values['satellites']:g}"
    if "latitude" in values and "longitude" in values:
        details["position"] = f"{values['latitude']:.5f} deg, {values['longitude']:.5f} deg"
    trouble = None
    if "fix" not in values:
        trouble = str(listening.trouble("it", link.name, baud).sentence)
    elif not values["fix"]:
        trouble = "it has no fix; does its antenna see the sky?"
    yield Found(
        "", f"{codec.system(next(iter(kinds))[:-3])} receiver", baud, details, trouble, {"kind": "gnss"}
    )


def _probe(baud: int) -> Probe:
    return Probe(baud, lambda link: _find(link, baud))


PROBES = [_probe(baud) for baud in SPEEDS]
"""By speed, the likeliest first."""
