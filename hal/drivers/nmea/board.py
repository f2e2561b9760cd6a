"""A receiver that only talks: it is never asked or told anything, so all there is to it is to listen.

Not responsible for: connecting again (`hal.board`), bytes and their meaning (`codec`).
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable

from hal.board import Board, BoardSpec
from hal.device import Device, DeviceSpec, Evidence
from hal.drivers.nmea import codec
from hal.drivers.nmea.codec import Sentence, Sentences
from hal.drivers.nmea.listening import Listening
from hal.drivers.nmea.specs import NmeaBoardSpec
from hal.errors import DeviceRefused
from hal.kinds import Gnss, GnssSpec
from hal.link import Link

FIRST_PERIODS = 3
FIRST_AT_LEAST_S = 2.0
"""How long its first sentence about a position is waited for: so many of its periods, but no shorter."""


class NmeaBoard(Board):
    """A receiver on the far end of a serial port, or its twin. Everything on it tells the same position."""

    spec: NmeaBoardSpec

    def __init__(self, name: str, spec: BoardSpec, connect: Callable[[], Link], rng: random.Random) -> None:
        super().__init__(name, spec, connect, rng)
        self._receivers: list[Gnss] = []
        self._sentences = Sentences()
        self._listening = Listening()
        self._known: asyncio.Future[Sentence] | None = None
        self._online_at = 0.0

    def add(self, name: str, spec: DeviceSpec) -> Device:
        """Make a `gnss`; any other kind is refused with `DeviceRefused`."""
        if not isinstance(spec, GnssSpec):
            raise DeviceRefused(name, f"a receiver of satellites has no {spec.kind}; it has gnss")
        receiver = self.devices[name] = Gnss(name, spec)
        self._receivers.append(receiver)
        return receiver

    async def identify(self) -> str:
        """Wait for a sentence that says where it is, or that it does not know. Nothing is asked."""
        self._sentences = Sentences()
        self._listening = Listening()
        known: asyncio.Future[Sentence] = asyncio.get_running_loop().create_future()
        self._known = known
        sentence = await self.answered(known, max(FIRST_AT_LEAST_S, FIRST_PERIODS / self.spec.rate))
        self._known = None
        if sentence is None:
            raise self._listening.trouble(self.name, self.spec.port, self.spec.baud)
        return f"{codec.system(sentence.talker)} receiver"

    async def configure(self) -> None:
        """There is nothing to prepare."""
        self._online_at = asyncio.get_running_loop().time()

    def received(self, data: bytes, now: float) -> None:
        """What sentences say goes to the receivers; everything else is passed over."""
        sentences = self._sentences.feed(data)
        if self._known is not None:
            self._listening.heard(data, sentences)
        for sentence in sentences:
            values = codec.parse(sentence)
            if not values:
                continue
            for receiver in self._receivers:
                receiver.update(values, now)
            if self._known is not None and not self._known.done() and "fix" in values:
                self._known.set_result(sentence)

    def tend(self, now: float) -> float:
        """It is never asked for anything."""
        return math.inf

    def silent_at(self) -> float:
        """When the first of its receivers grows stale."""
        return min((self._stale_at(receiver) for receiver in self._receivers), default=math.inf)

    def _stale_at(self, receiver: Gnss) -> float:
        return max(receiver.updated_at or 0.0, self._online_at) + receiver.spec.stale

    def why_silent(self, now: float) -> str:
        """How long no sentence came."""
        stale_s = min(receiver.spec.stale for receiver in self._receivers)
        return f"no sentence about a position for {stale_s:g} s; is it powered, is its wire disturbed?"

    def stop_frames(self) -> bytes:
        """Nothing moves."""
        return b""

    async def confirm_stop(self) -> dict[str, Evidence]:
        """Nothing moves."""
        return {}
