"""What becomes of bytes on a wire with faults. No I/O and no clock: bytes and the time are arguments."""

from __future__ import annotations

import math
import random
from collections import deque

from hal.faults.grammar import Fault, FaultKind
from hal.link import IN_FLIGHT_LIMIT_BYTES

INBOX_LIMIT_BYTES = 65536
"""How much may be late on its way from the far end; what comes then is lost, as a port overruns."""
BYTE_S = 0.0002
"""On a wire that is split each byte comes so long after the one before, about as at 57,600 baud."""


class Wire:
    """Both ways of a wire and what is wrong with it. Every chance is drawn from `rng`."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._corrupt = 0.0
        self._drop = 0.0
        self._delay_s: tuple[float, float] | None = None
        self.split = False
        self.stalled_until = 0.0
        self.full_until = 0.0
        self.unplugged_until = 0.0
        self.inward = Way(self)
        self.outward = Way(self)

    def begin(self, fault: Fault, at: float) -> None:
        """`fault` is in force. Kinds that are not of a wire change nothing here."""
        match fault.kind:
            case FaultKind.CORRUPT:
                self._corrupt = fault.amount / 100
            case FaultKind.DROP:
                self._drop = fault.amount / 100
            case FaultKind.DELAY:
                self._delay_s = (fault.amount, fault.longest_s)
            case FaultKind.SPLIT:
                self.split = True
            case FaultKind.STALL:
                self.stalled_until = max(self.stalled_until, at + fault.amount)
            case FaultKind.FULL:
                self.full_until = max(self.full_until, at + fault.amount)
            case FaultKind.GARBAGE:
                self.hear(self._rng.randbytes(int(fault.amount)), at)
            case FaultKind.UNPLUG:
                self.unplugged_until = max(self.unplugged_until, at + fault.amount)

    def end(self, fault: Fault) -> None:
        """`fault`, one that lasts, is over."""
        match fault.kind:
            case FaultKind.CORRUPT:
                self._corrupt = 0.0
            case FaultKind.DROP:
                self._drop = 0.0
            case FaultKind.DELAY:
                self._delay_s = None
            case FaultKind.SPLIT:
                self.split = False

    def mend(self) -> None:
        """Nothing is wrong any more. What is late already still comes, what was stalled at once."""
        self._corrupt = self._drop = self.stalled_until = self.full_until = self.unplugged_until = 0.0
        self._delay_s, self.split = None, False

    def is_clear(self, now: float) -> bool:
        """Nothing is late, and no fault that happened once goes on."""
        late = self.inward.size or self.outward.size
        return not late and now >= max(self.stalled_until, self.full_until, self.unplugged_until)

    def has_room(self, size: int, now: float) -> bool:
        """Whether the way out takes so many bytes more."""
        return now >= self.full_until and self.outward.size + size <= IN_FLIGHT_LIMIT_BYTES

    def hear(self, data: bytes, now: float) -> None:
        """Bytes from the far end set out; they are lost where too many are late already."""
        if data and self.inward.size + len(data) <= INBOX_LIMIT_BYTES:
            self.inward.put(data, now)

    def clear(self) -> None:
        """Everything on its way is lost."""
        self.inward.clear()
        self.outward.clear()

    def damage(self, data: bytes) -> list[bytes]:
        """What becomes of `data` on the way, in the pieces that come."""
        rng = self._rng
        if self._drop:
            data = bytes(byte for byte in data if rng.random() >= self._drop)
        if self._corrupt:
            data = bytes(b ^ (1 << rng.randrange(8)) if rng.random() < self._corrupt else b for b in data)
        if self.split:
            return [bytes([byte]) for byte in data]
        return [data] if data else []

    def late_s(self) -> float:
        """By how much the next piece is late."""
        return self._rng.uniform(*self._delay_s) if self._delay_s is not None else 0.0


class Way:
    """One way of a wire: keeps pieces back until they are due, in order."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._late: deque[tuple[float, bytes]] = deque()
        self._free_at = 0.0
        """When the byte before has passed, on a wire that is split."""
        self.size = 0
        """How many bytes are late."""

    @property
    def due_at(self) -> float:
        """When the next piece arrives; infinite while there is none."""
        if not self._late:
            return math.inf
        due, stalled_until = self._late[0][0], self._wire.stalled_until
        return max(due, stalled_until)

    def put(self, data: bytes, now: float) -> None:
        """Bytes set out."""
        wire = self._wire
        due = self._late[-1][0] if self._late else now
        for piece in wire.damage(data):
            due = max(due, now + wire.late_s())
            if wire.split:
                due = max(due, self._free_at)
                self._free_at = due + BYTE_S
            self._late.append((due, piece))
            self.size += len(piece)

    def first(self, now: float) -> bytes | None:
        """The next piece that has arrived by `now`; it stays here until `pop`."""
        return self._late[0][1] if self.due_at <= now else None

    def pop(self) -> None:
        """The first piece was handed on."""
        self.size -= len(self._late.popleft()[1])

    def take(self, now: float) -> list[bytes]:
        """All pieces that have arrived by `now`."""
        late, pieces = self._late, list[bytes]()
        if now >= self._wire.stalled_until:
            while late and late[0][0] <= now:
                pieces.append(late[0][1])
                self.pop()
        return pieces

    def clear(self) -> None:
        """What is late is lost."""
        self._late.clear()
        self.size = 0
