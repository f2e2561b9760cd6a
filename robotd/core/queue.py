"""The priority queue: four bounded lanes, each with its own way to be full. One reader, and no task."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Protocol, Self

from robotd.core.event_lane import EventLane
from robotd.core.message import Command, Event, Lane, Message

CAPACITIES: Mapping[Lane, int] = {
    Lane.SAFETY: 64,
    Lane.COMMAND: 256,
    Lane.EVENT: 1024,
    Lane.BACKGROUND: 256,
}
BURST = 64
TURN_S = 0.0005
"""So many messages are handed out, and for so long, before the loop gets its turn: somebody may ask for a
stop. Whichever bound is reached first counts."""

BUSY = "busy"
"""Why a queued message was dropped: its lane was full and another needed the place more."""
SUPERSEDED = "superseded"
"""Why a queued message was dropped: its lane was full and a newer one of its type has its place."""


def _nobody(*_: object) -> None:
    """Stands where nobody listens."""


class MessageQueue:
    """First in, first out in each lane; a message never waits for one of a later lane.

    It is filled from the callbacks of one loop and read by one `async for` on that loop, which ends when the
    queue is closed and empty.
    """

    def __init__(
        self, capacities: Mapping[Lane, int] = CAPACITIES, clock: Callable[[], float] = lambda: 0.0
    ) -> None:
        """`clock` gives seconds; without one only the number of messages bounds a turn."""
        self._clock = clock
        self.on_safety_overflow: Callable[[Message], None] = _nobody
        """Told of a message that must not be lost and has no place. Whoever listens stops the robot."""
        self.on_dropped: Callable[[Message, str], None] = _nobody
        """Told of each message that was queued and will not come out, and why."""
        self.counters = {"taken": 0, "refused": 0, "dropped": 0, "safety_overflow": 0}
        """Messages handed out, turned away, dropped after they were queued, and one too many to be safe."""
        self._capacities = dict(capacities)
        self._safety: deque[Message] = deque()
        self._command: deque[Message] = deque()
        self._event = EventLane(capacities[Lane.EVENT])
        self._background: deque[Message] = deque()
        self._lanes: dict[Lane, _Lane] = {
            Lane.SAFETY: self._safety,
            Lane.COMMAND: self._command,
            Lane.EVENT: self._event,
            Lane.BACKGROUND: self._background,
        }
        self._in_order = tuple(self._lanes[lane] for lane in sorted(self._lanes))
        self._offers = {
            Lane.SAFETY: self._offer_safety,
            Lane.COMMAND: self._offer_command,
            Lane.EVENT: self._offer_event,
            Lane.BACKGROUND: self._offer_background,
        }
        self._closed = False
        self._waiting: asyncio.Future[None] | None = None
        self._burst = 0
        self._turn_ends_at = 0.0

    def offer(self, message: Message) -> bool:
        """Queue `message` in its lane. Never waits. False: it was not taken, and will not come out.

        A full SAFETY lane calls `on_safety_overflow`. A full COMMAND lane takes nothing: the caller answers
        `busy`. A full EVENT lane keeps the newest of each type and all sticky ones. A full BACKGROUND lane
        drops its oldest.
        """
        if self._closed or not self._offers[message.lane](message):
            self.counters["refused"] += 1
            return False
        self._wake()
        return True

    def refuses(self, command: Command) -> bool:
        """Whether `offer` would not take this command now."""
        is_full = len(self._command) >= self._capacities[Lane.COMMAND]
        return self._closed or (is_full and command.lane is Lane.COMMAND)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        if self._burst and (self._burst == BURST or self._clock() >= self._turn_ends_at):
            self._burst = 0
            await asyncio.sleep(0)
        while (message := self._take()) is None:
            if self._closed:
                raise StopAsyncIteration
            await self._wait()
            self._burst = 0
        if self._burst == 0:
            self._turn_ends_at = self._clock() + TURN_S
        self._burst += 1
        self.counters["taken"] += 1
        return message

    def depths(self) -> dict[str, int]:
        """How many messages wait in each lane, by its name in lower case."""
        return {lane.name.lower(): len(queued) for lane, queued in self._lanes.items()}

    def __len__(self) -> int:
        return sum(len(queued) for queued in self._in_order)

    def remove(self, id: str) -> Message | None:  # noqa: A002  # the protocol's word
        """Take out the queued command `id`: it is cancelled. None: it does not wait here."""
        for lane in (self._command, self._background):
            for place, message in enumerate(lane):
                if message.id == id:
                    del lane[place]
                    return message
        return None

    def withdraw(self, which: Callable[[Message], bool]) -> list[Message]:
        """Take out the queued commands of which `which` is true, as they would have come."""
        taken: list[Message] = []
        for lane in (self._command, self._background):
            kept = [message for message in lane if not which(message)]
            if len(kept) < len(lane):
                taken += [message for message in lane if which(message)]
                lane.clear()
                lane.extend(kept)
        return taken

    def drain(self, *lanes: Lane) -> list[Message]:
        """Take out all that waits in `lanes` (in every lane, without any), as it would have come."""
        drained: list[Message] = []
        for lane in sorted(lanes or self._lanes):
            queued = self._lanes[lane]
            while queued:
                drained.append(queued.popleft())
        return drained

    def close(self) -> None:
        """Take nothing more. The reader gets what is still queued, then its loop ends."""
        self._closed = True
        self._wake()

    # Each lane's way to be full.

    def _offer_safety(self, message: Message) -> bool:
        if len(self._safety) >= self._capacities[Lane.SAFETY]:
            self._overflow(message)
            return False
        self._safety.append(message)
        return True

    def _offer_command(self, message: Message) -> bool:
        if len(self._command) >= self._capacities[Lane.COMMAND]:
            return False
        self._command.append(message)
        return True

    def _offer_event(self, message: Message) -> bool:
        lane = self._event
        if isinstance(message, Event) and message.sticky:
            if lane.full_for_sticky and not self._drop(lane.evict(superseded_only=False), BUSY):
                self._overflow(message)
                return False
            lane.append(message, sticky=True)
            return True
        if lane.full:
            older = lane.replace(message)
            if older is not None:
                self._drop(older, SUPERSEDED)
                return True
            if not self._drop(lane.evict(superseded_only=True), SUPERSEDED):
                return False
        lane.append(message, sticky=False)
        return True

    def _offer_background(self, message: Message) -> bool:
        if len(self._background) >= self._capacities[Lane.BACKGROUND]:
            self._drop(self._background.popleft(), BUSY)
        self._background.append(message)
        return True

    def _drop(self, message: Message | None, reason: str) -> bool:
        if message is None:
            return False
        self.counters["dropped"] += 1
        self.on_dropped(message, reason)
        return True

    def _overflow(self, message: Message) -> None:
        self.counters["safety_overflow"] += 1
        self.on_safety_overflow(message)

    # The one reader.

    def _take(self) -> Message | None:
        for lane in self._in_order:
            if lane:
                return lane.popleft()
        return None

    async def _wait(self) -> None:
        if self._waiting is not None:
            raise RuntimeError("a MessageQueue has one reader")
        self._waiting = asyncio.get_running_loop().create_future()
        try:
            await self._waiting
        finally:
            self._waiting = None

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


class _Lane(Protocol):
    """What the reader needs of a lane."""

    def __len__(self) -> int: ...

    def popleft(self) -> Message: ...
