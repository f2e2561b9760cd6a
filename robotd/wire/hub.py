"""Telemetry: who listens to which topic, and what is said to all of them at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from robotd.errors import Refused
from robotd.wire.protocol import encode_update

KEY_FIELD: Mapping[str, str] = {"stage": "id"}
"""Where a topic says many things at a time, the field that tells them apart; a newer value replaces an older
one only where it is the same. A topic that stands for one thing, such as `reading.bumper`, is its own key."""
KEYLESS = frozenset({"log"})
"""Topics where nothing replaces anything: to a slow reader the oldest is dropped."""


class Update:
    """One thing said about a topic. Encoded once, however many listen, and not at all when nobody does."""

    __slots__ = ("_encoded", "data", "key", "topic")

    def __init__(self, topic: str, data: Mapping[str, Any], key: object) -> None:
        self.topic = topic
        self.data = data
        self.key = key
        self._encoded: bytes | None = None

    def encode(self, gap: int = 0) -> bytes:
        """The notification. `gap` is how many of this topic one slow reader missed before it."""
        if gap:
            return encode_update(self.topic, self.data, gap)
        if self._encoded is None:
            self._encoded = encode_update(self.topic, self.data)
        return self._encoded


class Subscriber(Protocol):
    """Who listens. Hashable; one may listen to many topics."""

    def update(self, update: Update) -> None:
        """Take one update. Never waits, never raises."""


class Hub:
    """Topics and their subscribers. All topics are declared before the first client comes."""

    def __init__(self) -> None:
        self._snapshots: dict[str, Callable[[], Mapping[str, Any]] | None] = {}
        self._when_wanted: dict[str, Callable[[bool], None]] = {}
        self._subscribers: dict[str, dict[Subscriber, None]] = {}
        self._present: dict[str, Subscriber] = {}

    def enter(self, source: str, subscriber: Subscriber) -> None:
        """A client is there, and may be told what concerns it alone."""
        self._present[source] = subscriber

    def leave(self, source: str) -> None:
        """It is gone."""
        self._present.pop(source, None)

    def tell(self, source: str, notice: str, data: Mapping[str, Any]) -> None:
        """Tell one client something that it has not subscribed to, if it is there."""
        if source in self._present:
            self._present[source].update(Update(notice, data, notice))

    def declare(
        self,
        topic: str,
        snapshot: Callable[[], Mapping[str, Any]] | None = None,
        when_wanted: Callable[[bool], None] | None = None,
    ) -> None:
        """Make `topic` known. `snapshot` gives what a new subscriber hears first, before any change.

        `when_wanted` is told when the first subscriber has come, and when the last is gone.
        """
        self._snapshots[topic] = snapshot
        self._subscribers.setdefault(topic, {})
        if when_wanted is not None:
            self._when_wanted[topic] = when_wanted

    def wanted(self, topic: str) -> bool:
        """Whether anybody listens: ask before making expensive data."""
        return bool(self._subscribers.get(topic))

    def listens(self, subscriber: Subscriber, topic: str) -> bool:
        """Whether this one does."""
        return subscriber in self._subscribers[topic]

    def publish(self, topic: str, data: Mapping[str, Any]) -> None:
        """Tell every subscriber of a declared topic. `data` belongs to the hub from here on."""
        subscribers = self._subscribers[topic]
        if not subscribers:
            return
        update = Update(topic, data, self._key(topic, data))
        for subscriber in tuple(subscribers):
            subscriber.update(update)

    def subscribe(self, subscriber: Subscriber, patterns: Iterable[str]) -> tuple[str, ...]:
        """Listen to topics, `reading.*` being all that begin with `reading.`; returns the topics meant.

        Raises `Refused`, and subscribes to nothing, where a pattern means no topic.
        """
        topics = self.match(patterns)
        for topic in topics:
            subscribers = self._subscribers[topic]
            is_first = not subscribers
            subscribers[subscriber] = None
            if is_first:
                self._tell_wanted(topic, wanted=True)
        return topics

    def unsubscribe(self, subscriber: Subscriber, topics: Iterable[str] | None = None) -> None:
        """Stop listening to `topics`, or to everything."""
        for topic in self._subscribers if topics is None else topics:
            subscribers = self._subscribers[topic]
            if subscriber in subscribers:
                del subscribers[subscriber]
                if not subscribers:
                    self._tell_wanted(topic, wanted=False)

    def snapshots(self, topics: Iterable[str]) -> list[Update]:
        """What is so now, for those of `topics` that stand for something that lasts."""
        updates = []
        for topic in topics:
            if snapshot := self._snapshots[topic]:
                data = snapshot()
                updates.append(Update(topic, data, self._key(topic, data)))
        return updates

    def match(self, patterns: Iterable[str]) -> tuple[str, ...]:
        """The topics that `patterns` mean, each once, as asked for. Raises `Refused` for an unknown one."""
        found: dict[str, None] = {}
        for pattern in patterns:
            if pattern in self._snapshots:
                found[pattern] = None
                continue
            prefix = pattern.removesuffix("*")
            topics = [t for t in self._snapshots if t.startswith(prefix)] if pattern.endswith(".*") else []
            if not topics:
                raise Refused(
                    "invalid_params",
                    f"there is no topic '{pattern}'",
                    hint=f"topics: {', '.join(self._snapshots)}",
                )
            found.update(dict.fromkeys(topics))
        return tuple(found)

    def _tell_wanted(self, topic: str, *, wanted: bool) -> None:
        if topic in self._when_wanted:
            self._when_wanted[topic](wanted)

    @staticmethod
    def _key(topic: str, data: Mapping[str, Any]) -> object:
        if topic in KEYLESS:
            return object()
        field = KEY_FIELD.get(topic)
        return topic if field is None else (topic, data[field])
