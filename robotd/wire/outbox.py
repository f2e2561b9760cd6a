"""What waits for one client's socket: answers, which are kept, and telemetry, of which the newest is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from robotd.core.limits import Limits
from robotd.wire.hub import Update


class Outbox:
    """A bounded buffer between the hub, the answers and a socket. Times are seconds.

    While the socket takes everything, telemetry goes out whole and in order. While it does not (`blocked`), a
    newer update of the same key replaces the one that waits, the oldest goes when there are too many, and the
    next one of its topic that does go out carries the count of those left out as `gap`. A topic with a rate
    asked for is thinned out likewise, without a `gap`: nothing was lost that was wanted.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._ready: list[bytes] = []
        self._size = 0
        self._held: dict[object, Update] = {}
        self._gaps: Counter[str] = Counter()
        self._period_s: dict[str, float] = {}
        self._due: dict[str, float] = {}
        self.blocked = False
        """Whether the socket takes nothing now."""

    def put(self, answer: bytes) -> None:
        """Keep an answer until it is taken."""
        self._ready.append(answer)
        self._size += len(answer)

    def offer(self, update: Update) -> None:
        """Keep an update until it is taken or replaced."""
        topic, held = update.topic, self._held
        if not self.blocked and topic not in self._period_s and self._has_room(1):
            self.put(update.encode(self._gaps.pop(topic, 0)))
            return
        if update.key in held:
            self.missed(topic)
        elif len(held) >= self._limits.outbox_messages:
            self.missed(held.pop(next(iter(held))).topic)
        held[update.key] = update

    def take(self, now: float) -> list[bytes]:
        """All that may go out now, in order."""
        if self.blocked:
            return []
        if self._held:
            self._release(now)
        ready, self._ready, self._size = self._ready, [], 0
        return ready

    def limit(self, topics: Iterable[str], period_s: float | None) -> None:
        """From now on let one update of each of `topics` out in `period_s`; None: all of them."""
        for topic in topics:
            self._due.pop(topic, None)
            if period_s is None:
                self._period_s.pop(topic, None)
            else:
                self._period_s[topic] = period_s

    def forget(self, topics: Iterable[str]) -> None:
        """Drop what waits of `topics`, and their rates and gaps."""
        unwanted = frozenset(topics)
        self.limit(unwanted, None)
        self._held = {key: update for key, update in self._held.items() if update.topic not in unwanted}
        for topic in unwanted:
            self._gaps.pop(topic, None)

    def missed(self, topic: str) -> None:
        """One update of `topic` is left out; the next that goes out says so, unless it was not wanted."""
        if topic not in self._period_s:
            self._gaps[topic] += 1

    @property
    def empty(self) -> bool:
        """Whether no answer waits."""
        return not self._ready

    @property
    def half_full(self) -> bool:
        """Whether nothing more should be asked before some of it is gone."""
        return not self._has_room(0.5)

    @property
    def full(self) -> bool:
        """Whether more is kept than may be: of a blocked one, that its client does not read."""
        return not self._has_room(1)

    @property
    def wakes_at(self) -> float | None:
        """When the next update that waits for its topic's rate is due."""
        if self.blocked or not self._held:
            return None
        return min(self._due.get(update.topic, 0.0) for update in self._held.values())

    def _has_room(self, share: float) -> bool:
        limits = self._limits
        return len(self._ready) < limits.outbox_messages * share and self._size < limits.outbox_bytes * share

    def _release(self, now: float) -> None:
        for key, update in list(self._held.items()):
            topic = update.topic
            period_s = self._period_s.get(topic)
            if period_s is not None:
                due = self._due.get(topic, now)
                if due > now:
                    continue
                # Counted from when this one was due, so that late looks do not add up; but none is owed.
                self._due[topic] = (due if now - due < period_s else now) + period_s
            self.put(update.encode(self._gaps.pop(topic, 0)))
            del self._held[key]
