"""A wire on which only one may speak at a time, every byte takes its time, and replies may be damaged.

A twin itself, with another behind it: exact in virtual time, and it can be served on a pseudo-terminal.
"""

import heapq
import random
from collections.abc import Callable, Sequence

from hal.twin import Twin


class HalfDuplexWire:
    """`twin` behind such a wire. Each packet comes with its last byte, after the return delay.

    `split` cuts what several say into their packets.
    """

    def __init__(
        self,
        twin: Twin,
        split: Callable[[bytes], Sequence[bytes]],
        *,
        baud: int = 1_000_000,
        return_delay_s: float = 0.0005,
        damaged: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.twin = twin
        self.collisions = 0
        """How often somebody spoke while somebody else did."""
        self.replies = 0
        self.damaged = 0
        self.requests: list[tuple[float, bytes]] = []
        """What the host said, and when its last byte arrived."""
        self.loses: Callable[[bytes], bool] = lambda request: False
        """Which requests no servo hears."""
        self.lateness_s = 0.0
        """By how much answers come later than they should: a slow adapter."""
        self._split = split
        self._byte_s = 10 / baud
        self._return_delay_s = return_delay_s
        self._share = damaged
        self._rng = random.Random(seed)
        self._to: list[tuple[float, int, bytes]] = []
        self._from: list[tuple[float, int, bytes]] = []
        self._count = 0
        self._busy_until = 0.0

    @property
    def refusing(self) -> bool:
        return self.twin.refusing

    @refusing.setter
    def refusing(self, refusing: bool) -> None:
        self.twin.refusing = refusing

    def power_on(self, now: float) -> bytes:
        self._to.clear()
        self._from.clear()
        return self.twin.power_on(now)

    def receive(self, data: bytes, now: float) -> bytes:
        if now < self._busy_until - 1e-9:
            self.collisions += 1
        self._busy_until = max(now, self._busy_until) + len(data) * self._byte_s
        self._push(self._to, self._busy_until, data)
        return self.advance(now)

    def advance(self, now: float) -> bytes:
        while self._to and self._to[0][0] <= now + 1e-9:
            at, _, data = heapq.heappop(self._to)
            self.requests.append((at, data))
            self.twin.advance(at)
            if self.loses(data):
                continue
            self._answer(self.twin.receive(data, at), at)
        self.twin.advance(now)
        said = b""
        while self._from and self._from[0][0] <= now + 1e-9:
            said += heapq.heappop(self._from)[2]
        return said

    def wakes_at(self) -> float | None:
        due = [queue[0][0] for queue in (self._to, self._from) if queue]
        return min(due, default=None)

    def world(self) -> dict[str, float | bool]:
        return self.twin.world()

    def set_world(self, name: str, value: float | bool | None) -> None:
        self.twin.set_world(name, value)

    def run_away(self, name: str, *, on: bool) -> None:
        self.twin.run_away(name, on=on)

    def _answer(self, said: bytes, at: float) -> None:
        for whole in self._split(said):
            at += self._return_delay_s + len(whole) * self._byte_s
            self._busy_until = max(self._busy_until, at)
            self.replies += 1
            if self._rng.random() < self._share:
                self.damaged += 1
                place = self._rng.randrange(len(whole))
                whole = (
                    whole[:place] + bytes([whole[place] ^ 1 << self._rng.randrange(8)]) + whole[place + 1 :]
                )
            self._push(self._from, at + self.lateness_s, whole)

    def _push(self, queue: list[tuple[float, int, bytes]], at: float, data: bytes) -> None:
        self._count += 1
        heapq.heappush(queue, (at, self._count, data))
