"""A wire that misbehaves as it is told."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import Callable, Sequence

from hal.errors import LinkClosed, LinkError, LinkFull
from hal.faults.grammar import ONCE, Fault, FaultKind, parse_fault
from hal.link import IN_FLIGHT_LIMIT_BYTES, Link, Peer
from hal.links.base import BaseLink

INBOX_LIMIT_BYTES = 65536
"""How much may be on its way to the peer when a wire is late; what comes then is lost, as a port overruns."""
RETRY_S = 0.005
"""When a late byte meets a full wire, it is tried again after this long."""


class FaultyLink(BaseLink):
    """`link`, with faults. Every one is drawn from `rng` and timed by the loop: a seed tells all of them.

    Late output counts as `pending`, is bounded by `IN_FLIGHT_LIMIT_BYTES` and can be flushed. The faults
    outlive a loss: open this same link again, which opens `link` again.
    """

    def __init__(self, link: Link, rng: random.Random, faults: Sequence[str | Fault] = ()) -> None:
        super().__init__(link.name)
        self._link = link
        self._rng = rng
        self._inward = _Way(self, self._deliver)
        self._outward = _Way(self, link.write)
        self._far_end: _FarEnd | None = None
        self._moments: list[Fault] = []
        self._timers: list[asyncio.TimerHandle] = []
        self._unplugged_until = 0.0
        self._full_until = 0.0
        self.corrupt = 0.0
        """The probability that a byte is changed, 0 to 1."""
        self.drop = 0.0
        """The probability that a byte is lost, 0 to 1."""
        self.delay_s: tuple[float, float] | None = None
        """Between which two times each piece comes late."""
        self.split = False
        """Whether each byte comes alone."""
        for fault in map(_fault, faults):
            if fault.kind in ONCE:
                self._moments.append(fault)
            else:
                self._set(fault)

    def inject(self, fault: str | Fault) -> None:
        """Add a fault now. One that happens once does so in the loop's next turn, or `after` from now."""
        fault = _fault(fault)
        if fault.kind in ONCE:
            self._begin(fault)
        else:
            self._set(fault)

    def mend(self) -> None:
        """End every fault, and forget those still to come. What is late already still comes."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._moments.clear()
        self.corrupt = self.drop = self._unplugged_until = self._full_until = 0.0
        self.delay_s, self.split = None, False
        self._inward.release()
        self._outward.release()

    async def open(self, peer: Peer) -> None:
        """Open the wire behind the faults. Raises `LinkError`, also while it is unplugged."""
        loop = asyncio.get_running_loop()
        self._require_closed()
        if loop.time() < self._unplugged_until:
            rest_s = self._unplugged_until - loop.time()
            raise LinkError(
                f"{self.name} is unplugged, for another {rest_s:.1f} s (a fault that was asked for)"
            )
        far_end = _FarEnd(self)
        await self._link.open(far_end)
        self._far_end = far_end
        self._attach(peer)
        while self._moments:
            self._begin(self._moments.pop(0))

    def write(self, data: bytes) -> None:
        """Queue `data` whole or not at all, for the faults to work on. Raises `LinkFull` or `LinkClosed`."""
        loop = self._require_open()
        waiting = self._outward.size
        if loop.time() < self._full_until or waiting + len(data) > IN_FLIGHT_LIMIT_BYTES:
            raise LinkFull(f"{self.name}: {waiting} bytes wait already, the wire takes no more")
        self._outward.send(data)

    def flush_output(self) -> None:
        """Discard what is late here, and what the wire itself can discard."""
        self._outward.clear()
        self._link.flush_output()

    @property
    def pending(self) -> int:
        """What is late here and what waits in the wire itself, in bytes."""
        return self._outward.size + self._link.pending

    def received(self, far_end: _FarEnd, data: bytes) -> None:
        """For the far end alone: bytes came."""
        if far_end is self._far_end and self._inward.size + len(data) <= INBOX_LIMIT_BYTES:
            self._inward.send(data)

    def lost(self, far_end: _FarEnd, reason: Exception | None) -> None:
        """For the far end alone: the wire itself was lost."""
        if far_end is self._far_end:
            self._end(reason)

    def damage(self, data: bytes) -> list[bytes]:
        """What becomes of `data` on the way, in the pieces that come."""
        rng = self._rng
        if self.drop:
            data = bytes(byte for byte in data if rng.random() >= self.drop)
        if self.corrupt:
            data = bytes(b ^ (1 << rng.randrange(8)) if rng.random() < self.corrupt else b for b in data)
        if self.split:
            return [bytes([byte]) for byte in data]
        return [data] if data else []

    def late_s(self) -> float:
        """By how much the next piece is late."""
        return self._rng.uniform(*self.delay_s) if self.delay_s is not None else 0.0

    def _release(self, loop: asyncio.AbstractEventLoop) -> None:
        self._far_end = None
        self._inward.clear()
        self._outward.clear()
        self._link.close()

    def _set(self, fault: Fault) -> None:
        match fault.kind:
            case FaultKind.CORRUPT:
                self.corrupt = fault.amount
            case FaultKind.DROP:
                self.drop = fault.amount
            case FaultKind.DELAY:
                self.delay_s = (fault.amount, fault.longest)
            case FaultKind.SPLIT:
                self.split = True

    def _begin(self, fault: Fault) -> None:
        loop = asyncio.get_running_loop()
        self._timers = [timer for timer in self._timers if timer.when() >= loop.time()]
        self._timers.append(loop.call_later(fault.after_s, self._happen, fault))

    def _happen(self, fault: Fault) -> None:
        until = asyncio.get_running_loop().time() + fault.amount
        match fault.kind:
            case FaultKind.STALL:
                self._inward.hold(until)
                self._outward.hold(until)
            case FaultKind.FULL:
                self._full_until = until
            case FaultKind.GARBAGE:
                self._deliver(self._rng.randbytes(int(fault.amount)))
            case FaultKind.UNPLUG:
                self._unplugged_until = until
                self._end(LinkClosed(f"{self.name} was unplugged (a fault that was asked for)"))


class _FarEnd:
    """The peer of the wire itself, for one opening."""

    def __init__(self, link: FaultyLink) -> None:
        self._link = link

    def data_received(self, data: bytes) -> None:
        self._link.received(self, data)

    def connection_lost(self, reason: Exception | None) -> None:
        self._link.lost(self, reason)


class _Way:
    """One way of a faulty wire: damages bytes, keeps them back, and hands them on in order."""

    def __init__(self, link: FaultyLink, hand_on: Callable[[bytes], None]) -> None:
        self._link = link
        self._hand_on = hand_on
        self._late: deque[tuple[float, bytes]] = deque()
        self._held_until = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.size = 0
        """How many bytes are late."""

    def send(self, data: bytes) -> None:
        """Bytes enter; where nothing keeps them back they leave within this call."""
        now = asyncio.get_running_loop().time()
        for piece in self._link.damage(data):
            due = now + self._link.late_s()
            if self._late:
                due = max(due, self._late[-1][0])
            self._late.append((due, piece))
            self.size += len(piece)
        if self._timer is None:
            self._pump(now)

    def hold(self, until: float) -> None:
        """Nothing leaves before `until`."""
        self._held_until = max(self._held_until, until)

    def release(self) -> None:
        """A `hold` is over: what it alone kept back leaves now."""
        self._held_until = 0.0
        if self._timer is not None:
            self._timer.cancel()
            self._pump_late(asyncio.get_running_loop().time())

    def clear(self) -> None:
        """Forget what is late."""
        self._late.clear()
        self.size = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _pump(self, now: float) -> None:
        self._timer = None
        while self._late:
            due, piece = self._late[0]
            due = max(due, self._held_until)
            if due > now:
                self._pump_at(due)
                return
            try:
                self._hand_on(piece)
            except LinkFull:
                self._pump_at(now + RETRY_S)
                return
            except LinkClosed:
                self.clear()
                raise
            if self._late:  # the receiver may have closed the link
                self._late.popleft()
                self.size -= len(piece)

    def _pump_at(self, when: float) -> None:
        self._timer = asyncio.get_running_loop().call_at(when, self._pump_late, when)

    def _pump_late(self, now: float) -> None:
        with contextlib.suppress(LinkClosed):  # the wire is about to tell why it is gone
            self._pump(now)


def _fault(fault: str | Fault) -> Fault:
    return parse_fault(fault) if isinstance(fault, str) else fault
