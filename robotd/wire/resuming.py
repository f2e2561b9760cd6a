"""Stages for a client that was away: first what it missed, from the journal, then what happens; each once."""

from __future__ import annotations

import asyncio
from collections import deque

from robotd.wire.hub import Hub, Subscriber, Update
from robotd.wire.outbox import Outbox
from robotd.wire.service import PastStages

TOPIC = "stage"
MOST_PAST = 1000
"""Stages that are looked up for one client; of more, the newest."""
MOST_WAITING = 2 * MOST_PAST
"""Stages that wait for a client to read the ones before; of more, the oldest go, and `gap` counts them."""
PORTION = 64
"""Stages in one turn of the event loop: the turn is not the only client's."""


class Resumption:
    """Listens to the topic `stage` in the place of one client, from before the past is looked up."""

    def __init__(self, hub: Hub, client: Subscriber, outbox: Outbox) -> None:
        self._hub = hub
        self._client = client
        self._outbox = outbox
        self._waiting: deque[Update] = deque()
        self._past_is_known = False
        self._newest = 0
        """The newest row that the client knows; 0 when all that is told from now on is news."""
        self._ends: dict[str, float] = {}
        """Of each command that was looked up, when it reached the last stage that was found."""
        self._feeds = False
        self._replaces = hub.listens(client, TOPIC)
        hub.subscribe(self, (TOPIC,))
        hub.unsubscribe(client, (TOPIC,))

    def update(self, update: Update) -> None:
        """Take one that happens now."""
        if not self._past_is_known:
            self._wait(update)
        elif not self._was_told(update):
            tell = self._wait if self._waiting else self._client.update
            tell(update)

    def begin(self, past: PastStages, since_seq: int) -> None:
        """The past after row `since_seq` is known: tell it, and then what happened while it was looked up."""
        self._newest = min(since_seq, past.last_seq)
        for stage in past.stages:
            self._ends[stage["id"]] = stage["at"]
            self._newest = stage["seq"]
        meanwhile, self._waiting = self._waiting, deque()
        for stage in past.stages:
            self._wait(Update(TOPIC, stage, (TOPIC, stage["id"])))
        for update in meanwhile:
            if not self._was_told(update):
                self._wait(update)
        self._past_is_known = True
        self.proceed()

    def proceed(self) -> None:
        """Tell what waits, if the client reads."""
        if self._past_is_known and not self._feeds:
            self._feed()

    def close(self) -> None:
        """Let the client listen itself again, if it did before; what still waits is forgotten."""
        if self._replaces:
            self._hub.subscribe(self._client, (TOPIC,))
        self._hub.unsubscribe(self, (TOPIC,))
        self._waiting.clear()

    def _feed(self) -> None:
        self._feeds = False
        outbox, waiting = self._outbox, self._waiting
        for _ in range(min(PORTION, len(waiting))):
            if outbox.blocked or outbox.half_full:
                break
            self._client.update(waiting.popleft())
        if waiting and not outbox.blocked:
            self._feeds = True
            asyncio.get_running_loop().call_soon(self._feed)

    def _wait(self, update: Update) -> None:
        self._waiting.append(update)
        if len(self._waiting) > MOST_WAITING:
            self._waiting.popleft()
            self._outbox.missed(TOPIC)

    def _was_told(self, update: Update) -> bool:
        """Whether the client heard of it before it was away, or the past has it or what came after it."""
        if not self._newest:
            return False
        seq = update.data.get("seq")
        if seq is None:
            end = self._ends.get(update.data["id"])
            return end is not None and bool(update.data["at"] <= end)
        if seq <= self._newest:
            return True
        # Rows are told in their order: from here on nothing that was looked up can come again.
        self._newest = 0
        self._ends.clear()
        return False
