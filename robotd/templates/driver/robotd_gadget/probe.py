"""What a scan finds on a port: a Gadget, and what its inputs see. Asks, and sets nothing.

Source: "Gadget, serial protocol 1.0", section 3.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence

from hal import Found, Link, Probe
from hal.drivers.ear import Ear

from robotd_gadget import codec
from robotd_gadget.board import GREET_AGAIN_S, GREETINGS
from robotd_gadget.codec import Decoder, Frame, Hello, Identity, Voltage

BAUD = 115200
REPORTS_S = 0.12
"""Each input is reported every 50 ms: twice in this time."""


async def find(link: Link) -> AsyncIterator[Found]:
    """The Gadget on `link`, if there is one. Takes five seconds where there is none."""
    ear = Ear(link, Decoder().feed)
    await link.open(ear)
    try:
        greeting = codec.END_LINE + codec.encode(Hello())
        for _ in range(GREETINGS):  # opening the port has restarted it
            identity = await ear.ask(greeting, _identity, GREET_AGAIN_S)
            if identity is not None:
                yield _found(identity, await ear.hear(REPORTS_S))
                return
    finally:
        link.close()


PROBES: Sequence[Probe] = (Probe(BAUD, find),)


def _identity(frame: Frame) -> Identity | None:
    return frame if isinstance(frame, Identity) else None


def _found(identity: Identity, reports: Iterable[Frame]) -> Found:
    details = {
        f"A{report.channel}": f"{report.millivolts / 1000:.2f} V"
        for report in reports
        if isinstance(report, Voltage)
    }
    return Found("", f"Gadget {identity}", BAUD, details, identity.trouble)
