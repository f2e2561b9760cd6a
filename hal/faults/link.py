"""Links that misbehave as they are told: any real one, and the one to a simulated board."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Iterable

from hal.errors import LinkClosed, LinkFull, Unplugged
from hal.faults.grammar import KINDS, Fault, FaultError, FaultKind, parse_fault
from hal.faults.plan import Plan
from hal.faults.twin import FaultyTwin
from hal.faults.wire import Wire
from hal.link import Link, Peer
from hal.links.base import BaseLink
from hal.links.memory import TwinLink

RETRY_S = 0.005
"""When a late byte meets a full wire, it is tried again after this long."""


class FaultyLink(BaseLink):
    """`link`, with faults of a wire. Every one is drawn from `rng` and timed by the loop: a seed tells all.

    Late output counts as `pending`, is bounded by `IN_FLIGHT_LIMIT_BYTES` and can be flushed. The faults
    outlive a loss: open this same link again, which opens `link` again. Raises `FaultError` for a text that
    is no fault of a wire.
    """

    def __init__(self, link: Link, rng: random.Random, faults: Iterable[str | Fault] = ()) -> None:
        super().__init__(link.name)
        self._link = link
        self._wire = Wire(rng)
        self._plan = Plan([self._fault(fault) for fault in faults])
        self._far_end: _FarEnd | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._blocked_until = 0.0

    def inject(self, fault: str | Fault) -> None:
        """Add a fault now, or `after` from now. Raises `FaultError`."""
        now = asyncio.get_running_loop().time()
        self._plan.add(self._fault(fault), now)
        self._settle(now)
        self._set_timer(now)

    def mend(self) -> None:
        """End every fault, and forget those still to come. What is late already still comes."""
        self._plan.clear()
        self._wire.mend()
        self._set_timer(asyncio.get_running_loop().time())

    async def open(self, peer: Peer) -> None:
        """Open the wire behind the faults. Raises `LinkError`, also while it is unplugged."""
        now = asyncio.get_running_loop().time()
        self._require_closed()
        self._settle(now)
        if now < self._wire.unplugged_until:
            raise Unplugged(self.name, self._wire.unplugged_until - now)
        far_end = _FarEnd(self)
        await self._link.open(far_end)
        self._far_end = far_end
        loop = self._attach(peer)
        self._wire.clear()
        self._plan.start(loop.time())
        self._settle(loop.time())
        self._set_timer(loop.time())

    def write(self, data: bytes) -> None:
        """Queue `data` whole or not at all, for the faults to work on. Raises `LinkFull` or `LinkClosed`."""
        now = self._require_open().time()
        require_room(self.name, self._wire, len(data), now)
        self._wire.outward.put(data, now)
        self._send(now)
        self._set_timer(now)

    def flush_output(self) -> None:
        """Discard what is late here, and what the wire itself can discard."""
        self._wire.outward.clear()
        self._link.flush_output()

    @property
    def descriptor(self) -> int | None:
        """That of the wire behind the faults: who writes to it there, writes past them."""
        return self._link.descriptor

    @property
    def pending(self) -> int:
        """What is late here and what waits in the wire itself, in bytes."""
        return self._wire.outward.size + self._link.pending

    def received(self, far_end: _FarEnd, data: bytes) -> None:
        """For the far end alone: bytes came."""
        if far_end is self._far_end:
            now = asyncio.get_running_loop().time()
            self._wire.hear(data, now)
            self._hand_over(now)
            self._set_timer(now)

    def lost(self, far_end: _FarEnd, reason: Exception | None) -> None:
        """For the far end alone: the wire itself was lost."""
        if far_end is self._far_end:
            self._end(reason)

    def _release(self, loop: asyncio.AbstractEventLoop) -> None:
        self._far_end = None
        self._wire.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._link.close()

    def _fault(self, fault: str | Fault) -> Fault:
        if isinstance(fault, str):
            fault = parse_fault(fault)
        if not KINDS[fault.kind].of_wire:
            raise FaultError(
                f"'{fault}' is a fault of a simulated board; {self.name} is a wire to a real one"
            )
        return fault

    def _settle(self, now: float) -> None:
        """Let begin and end what is due."""
        while (change := self._plan.take(now)) is not None:
            if not change.begins:
                self._wire.end(change.fault)
                continue
            self._wire.begin(change.fault, change.at)
            if change.fault.kind is FaultKind.UNPLUG:
                self._end(Unplugged(self.name, self._wire.unplugged_until - now))

    def _send(self, now: float) -> None:
        way = self._wire.outward
        while now >= self._blocked_until and (piece := way.first(now)) is not None:
            try:
                self._link.write(piece)
            except LinkFull:
                self._blocked_until = now + RETRY_S
            else:
                if way.size:  # the write may have ended the link
                    way.pop()

    def _hand_over(self, now: float) -> None:
        way = self._wire.inward
        while (piece := way.first(now)) is not None:
            way.pop()
            self._deliver(piece)

    def _set_timer(self, now: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._loop is None:
            return  # what comes due while the link is closed is settled when it is opened
        due = min(
            self._plan.next_at,
            self._wire.inward.due_at,
            max(self._wire.outward.due_at, self._blocked_until),
        )
        if due < math.inf:
            self._timer = self._loop.call_at(max(due, now), self._turn, due)

    def _turn(self, due: float) -> None:
        self._timer = None
        # A loop may call a timer one clock tick early; what is due must still be found due.
        now = max(due, asyncio.get_running_loop().time())
        self._settle(now)
        self._hand_over(now)
        try:
            self._send(now)
        except LinkClosed:
            self._wire.outward.clear()  # the wire is about to tell why it is gone
        self._set_timer(now)


class _FarEnd:
    """The peer of the wire itself, for one opening."""

    def __init__(self, link: FaultyLink) -> None:
        self._link = link

    def data_received(self, data: bytes) -> None:
        self._link.received(self, data)

    def connection_lost(self, reason: Exception | None) -> None:
        self._link.lost(self, reason)


class FaultyTwinLink(TwinLink):
    """The wire to a simulated board, which `twin` makes fail as it is told."""

    def __init__(self, name: str, twin: FaultyTwin) -> None:
        super().__init__(name, twin)
        self._faulty = twin

    def inject(self, fault: str | Fault) -> None:
        """Add a fault now, or `after` from now. Raises `FaultError`."""
        self._faulty.inject(fault, asyncio.get_running_loop().time())

    def mend(self) -> None:
        """End every fault, and put the plug back where the wire was cut."""
        super().mend()
        self._faulty.mend(asyncio.get_running_loop().time())

    def write(self, data: bytes) -> None:
        """Hand `data` to the wire. Raises `LinkClosed`, and `LinkFull` where the faults are so."""
        now = self._require_open().time()
        require_room(self.name, self._faulty.wire, len(data), now)
        super().write(data)

    def flush_output(self) -> None:
        """Discard what is late."""
        self._faulty.wire.outward.clear()

    @property
    def pending(self) -> int:
        """What is late, in bytes."""
        return self._faulty.wire.outward.size


def require_room(name: str, wire: Wire, size: int, now: float) -> None:
    """Raises `LinkFull` where the way out does not take so many bytes."""
    if not wire.has_room(size, now):
        raise LinkFull(f"{name}: {wire.outward.size} bytes wait already, the wire takes no more")
