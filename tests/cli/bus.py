"""A driver of somebody's own, for `robotd scan` and `robotd init`: what it finds is written here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

from hal import DeviceSilent, Found, Link, Probe, SpeedRefused, find_driver

SERVO = {"kind": "servo", "min": "-80 deg", "max": "80 deg"}


async def _two_servos_and_a_twin_of_one(link: Link) -> AsyncIterator[Found]:
    yield Found("id 9", "SV-1", 57600, {"voltage": "5.0 V"}, device=SERVO | {"pin": 9})
    yield Found("id 10", "SV-1", 57600, {"temperature": "31 degC"}, device=SERVO | {"pin": 10})
    clash = "two servos have this id; unplug one and give the other another id"
    yield Found("id 10", "SV-1", 57600, trouble=clash, device=SERVO | {"pin": 10})


async def _one_more(link: Link) -> AsyncIterator[Found]:
    yield Found("id 11", "SV-1", 115200, device=SERVO | {"pin": 11})


async def _the_only_one(link: Link) -> AsyncIterator[Found]:
    yield Found("", "SV-0", 57600)


async def _too_fast(link: Link) -> AsyncIterator[Found]:
    for _ in ():
        yield Found("", "", 0)
    raise SpeedRefused("/dev/ttyUSB0: it cannot be set to 4000000 baud")


async def _half_an_answer(link: Link) -> AsyncIterator[Found]:
    for _ in ():
        yield Found("", "", 0)
    raise DeviceSilent("bus", "half an answer came")


async def _nothing(link: Link) -> AsyncIterator[Found]:
    for _ in ():
        yield Found("", "", 0)


async def _one_that_does_not_say_all(link: Link) -> AsyncIterator[Found]:
    yield Found("id 1", "SV-1", 57600, device={"kind": "servo", "pin": 9})
    yield Found("id 2", "SV-1", 57600, device=SERVO | {"pin": 10})


async def _one_of_another_world(link: Link) -> AsyncIterator[Found]:
    yield Found("id 1", "SV-1", 57600, device={"kind": "submarine"})


_FIRMATA = find_driver("firmata")

BUS = replace(
    _FIRMATA,
    probes=[
        Probe(9600, _half_an_answer),
        Probe(4_000_000, _too_fast),
        Probe(57600, _two_servos_and_a_twin_of_one),
        Probe(115200, _one_more, parity="even"),
    ],
)
EMPTY = replace(_FIRMATA, probes=[Probe(57600, _nothing), Probe(57600, _nothing, parity="even")])
EVEN = replace(_FIRMATA, probes=[Probe(115200, _one_more, parity="even")])
INCOMPLETE = replace(_FIRMATA, probes=[Probe(57600, _one_that_does_not_say_all)])
UNKNOWN = replace(_FIRMATA, probes=[Probe(57600, _one_of_another_world)])
SINGLE = replace(_FIRMATA, probes=[Probe(57600, _the_only_one), Probe(115200, _one_more)])
BLIND = replace(_FIRMATA, probes=())
