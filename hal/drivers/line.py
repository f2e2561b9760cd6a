"""The schedule of a line that many share: who speaks when, and whose answer is whose.

On a half-duplex bus (RS-485, one-wire TTL) one side speaks at a time, and no answer says which question it is
for. So there is one transaction at a time: a request of at most 64 bytes, then its answers or the end of
patience, then the quiet that the standard asks for. A stop goes before setpoints, setpoints before reads.

An answer is known by its key: whom it is from and what it looks like. One that did not come in time may still
come, and a question whose answers it could be taken for waits until it cannot. To ask again without waiting,
ask so that the answers look different: for one byte more, for example.

Pure: `hal.drivers.bus` runs it on a loop. Not responsible for: any protocol (drivers).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Hashable
from typing import Generic, NamedTuple

from hal.drivers.transaction import Done, Framer, FrameT, Outcome, Priority, Transaction, Trouble
from hal.errors import LinkFull

REQUEST_LIMIT_BYTES = 64
"""No request is longer, so never more than this is in front of a stop."""
WAITING_LIMIT = 128
"""So many transactions may wait; one more is refused."""
SHORTEST_PATIENCE_S = 0.002
LONGEST_PATIENCE_S = 0.1
FIRST_SLOWNESS_S = 0.02
"""Until it is known better: a USB adapter keeps answers back for up to 16 ms."""
SLOWNESS_DECAY = 1 / 16
"""How much of the slowest answer is forgotten with each one that is faster."""
LATE_S = 0.2
"""An answer may come so long after its question, not later."""
QUIET_S = 0.001
"""So long nothing comes, where more bytes came than could: then nobody speaks any more."""
BABBLE_LIMIT_S = 0.25
"""The longest that one request has the line, whatever comes on it."""
REFUSED_PAUSE_S = 0.005
"""When a wire that took no more bytes is tried again."""


class _Ghost(NamedTuple):
    """An answer that did not come in time and still may."""

    asked_at: float
    size: int


class _Turn(Generic[FrameT]):
    """A transaction and how far it is."""

    def __init__(self, transaction: Transaction, done: Done[FrameT] | None) -> None:
        self.transaction = transaction
        self.done = done
        self.request = transaction.request
        self.answers: dict[Hashable, FrameT] = {}
        self.tries_left = transaction.tries
        self.asked_at: float | None = None
        """When it was asked first."""

    @property
    def missing(self) -> list[Hashable]:
        """The answers that did not come yet."""
        return [key for key in self.transaction.answers if key not in self.answers]


class Line(Generic[FrameT]):
    """The schedule of one line. `byte_s` is the time of a byte on it, `gap_s` the quiet between two speakers.

    Every `now` is the time on one clock that never goes back.
    """

    def __init__(self, framer: Framer[FrameT], *, byte_s: float, gap_s: float) -> None:
        self.retries = 0
        """How many requests were asked again."""
        self._framer = framer
        self._byte_s = byte_s
        self._gap_s = gap_s
        self._slowness_s = FIRST_SLOWNESS_S
        self._waiting: tuple[deque[_Turn[FrameT]], ...] = tuple(deque() for _ in Priority)
        self._current: _Turn[FrameT] | None = None
        self._ghosts: dict[Hashable, _Ghost] = {}
        self._sent_at = 0.0
        self._asked_until = 0.0
        """The far end has the question, and had its time to think."""
        self._babble_until = 0.0
        """The end of the try, whatever comes on it."""
        self._to_come = 0
        """How many bytes of the answers have not come, damaged or not."""
        self._free_at = -math.inf
        """Before this nobody may speak."""
        self._heard_at = -math.inf

    @property
    def patience_s(self) -> float:
        """How long an answer may be late: it follows the slowest of the last ones."""
        return min(SHORTEST_PATIENCE_S + 2 * self._slowness_s, LONGEST_PATIENCE_S)

    @property
    def waiting(self) -> int:
        """How many transactions have not begun."""
        return sum(map(len, self._waiting))

    def put(self, transaction: Transaction, done: Done[FrameT] | None = None) -> None:
        """Let it wait for its turn; an older one of the same topic makes room for it.

        Raises:
            ValueError: its request is too long.
            LinkFull: too many wait already.
        """
        if len(transaction.request) > REQUEST_LIMIT_BYTES:
            raise ValueError(f"a request of {len(transaction.request)} bytes is longer than 64")
        queue, turn = self._waiting[transaction.priority], _Turn(transaction, done)
        if transaction.topic is not None:
            for place, older in enumerate(queue):
                if older.transaction.topic == transaction.topic:
                    queue[place] = turn
                    self._finish(older, Trouble.SUPERSEDED)
                    return
        if self.waiting >= WAITING_LIMIT:
            raise LinkFull(f"{WAITING_LIMIT} transactions wait for the bus already; is anybody answering?")
        queue.append(turn)

    def preempt(self, size: int, now: float) -> None:
        """Somebody wrote a stop of `size` bytes past the schedule: no setpoint of before comes after it."""
        self._free_at = max(self._free_at, now) + size * self._byte_s + self._gap_s
        setpoints = self._waiting[Priority.SETPOINT]
        dropped = list(setpoints)
        setpoints.clear()
        turn = self._current
        if turn is not None and turn.transaction.priority is Priority.SETPOINT:
            turn.tries_left = 0
        for each in dropped:
            self._finish(each, Trouble.DROPPED)

    def clear(self) -> None:
        """The wire was opened anew: nothing that was asked before is answered."""
        dropped = [turn for queue in self._waiting for turn in queue]
        for queue in self._waiting:
            queue.clear()
        if self._current is not None:
            dropped.append(self._current)
            self._current = None
        self._framer.end()
        self._ghosts.clear()
        self._slowness_s = FIRST_SLOWNESS_S
        for turn in dropped:
            self._finish(turn, Trouble.DROPPED)

    def hear(self, data: bytes, now: float) -> None:
        """Bytes came. Answers are taken by the transaction that has the line; late ones are dropped."""
        self._heard_at = now
        self._free_at = max(self._free_at, now + self._gap_s)
        self._to_come -= len(data)
        for frame in self._framer.feed(data):
            self._take(frame, now)

    def poll(self, now: float) -> bytes | None:
        """End what is over, and return the request that is to be written now, if there is one."""
        turn = self._current
        if turn is not None:
            if now < self._over_at():
                return None
            self._end_try(turn, now)
        if now < self._free_at or self._current is not None:
            return None
        begun = self._next(now)
        if begun is None:
            return None
        return self._begin(begun, now)

    def refused(self, now: float) -> None:
        """The wire did not take the request that `poll` returned: it is put off, and costs no try."""
        turn, self._current = self._current, None
        if turn is not None:
            turn.tries_left += 1
            if turn.asked_at == self._sent_at:
                turn.asked_at = None
            self._waiting[turn.transaction.priority].appendleft(turn)
        self._free_at = now + REFUSED_PAUSE_S

    def wakes_at(self) -> float | None:
        """When `poll` is next to be called if nothing comes; None while nothing waits."""
        if self._current is not None:
            return self._over_at()
        frees = [self._unconfused_at(turn) for queue in self._waiting for turn in queue]
        return max(self._free_at, min(frees)) if frees else None

    # ------------------------------------------------------------------ one turn

    def _next(self, now: float) -> _Turn[FrameT] | None:
        """The first by priority that may begin. What came too late for its purpose is told so."""
        if self._ghosts:
            self._ghosts = {key: own for key, own in self._ghosts.items() if now < own.asked_at + LATE_S}
        for queue in self._waiting:
            for turn in list(queue):
                if now > turn.transaction.begin_by:
                    queue.remove(turn)
                    self._finish(turn, Trouble.TOO_LATE)
                elif now >= self._unconfused_at(turn):
                    queue.remove(turn)
                    return turn
        return None

    def _unconfused_at(self, turn: _Turn[FrameT]) -> float:
        """From when on no late answer can be taken for one of its own. A stop does not wait for that."""
        transaction = turn.transaction
        hurries = transaction.priority is Priority.STOP or transaction.timeless
        if hurries or turn.asked_at is not None or not self._ghosts:
            return -math.inf
        late = [self._ghosts[key].asked_at for key in turn.transaction.answers if key in self._ghosts]
        return max(late) + LATE_S if late else -math.inf

    def _begin(self, turn: _Turn[FrameT], now: float) -> bytes:
        turn.tries_left -= 1
        if turn.asked_at is None:
            turn.asked_at = now
        else:
            self.retries += 1
        self._framer.end()  # what came before belongs to nothing that is asked now
        sent_s, answers = len(turn.request) * self._byte_s, turn.transaction.answers
        self._sent_at = now
        self._asked_until = now + (sent_s + turn.transaction.thinks_s)
        self._babble_until = self._asked_until + (BABBLE_LIMIT_S + sum(answers.values()) * self._byte_s)
        self._free_at = now + sent_s + self._gap_s
        self._to_come = sum([answers[key] for key in turn.missing])
        self._current = turn
        return turn.request

    def _over_at(self) -> float:
        """When the try that has the line is over if nothing more comes."""
        turn = self._current
        if turn is None:
            return -math.inf
        if not turn.transaction.answers:
            return self._sent_at + len(turn.request) * self._byte_s
        if self._to_come == 0:
            return self._heard_at
        if self._to_come < 0:
            return max(self._heard_at, self._sent_at) + max(QUIET_S, self._gap_s)
        begun_at = max(self._asked_until, self._heard_at)
        return min(begun_at + self._to_come * self._byte_s + self.patience_s, self._babble_until)

    def _take(self, frame: FrameT, now: float) -> None:
        turn, key = self._current, frame.key
        if turn is not None:
            key = turn.transaction.instead.get(key, key)
        if turn is None or key not in turn.transaction.answers:
            ghost = self._ghosts.pop(key, None)
            if ghost is not None:  # its question was given up too early
                self._to_come += ghost.size
                self._learn(now - ghost.asked_at)
            return
        turn.answers[key] = frame
        if len(turn.answers) == len(turn.transaction.answers):
            self._current = None
            if turn.asked_at == self._sent_at:  # else nobody knows to which try it is the answer
                size = len(turn.request) + sum(turn.transaction.answers.values())
                self._learn(now - self._sent_at - size * self._byte_s - turn.transaction.thinks_s)
            self._finish(turn, None)

    def _learn(self, slowness_s: float) -> None:
        self._slowness_s = max(slowness_s, self._slowness_s * (1 - SLOWNESS_DECAY))

    def _end_try(self, turn: _Turn[FrameT], now: float) -> None:
        for frame in self._framer.end():
            self._take(frame, now)
        if self._current is None:
            return
        self._current = None
        missing = turn.missing
        if not missing:
            self._finish(turn, None)
            return
        if self._to_come > 0:
            for key in missing:
                self._ghosts[key] = _Ghost(self._sent_at, turn.transaction.answers[key])
        if not turn.tries_left:
            self._finish(turn, Trouble.SILENT)
            return
        if turn.transaction.narrow is not None:
            turn.request = turn.transaction.narrow(missing)
        self._put_back(turn)

    def _put_back(self, turn: _Turn[FrameT]) -> None:
        """First in its queue again, unless it is out of date."""
        queue, topic = self._waiting[turn.transaction.priority], turn.transaction.topic
        if topic is not None and any(newer.transaction.topic == topic for newer in queue):
            self._finish(turn, Trouble.SUPERSEDED)
        else:
            queue.appendleft(turn)

    @staticmethod
    def _finish(turn: _Turn[FrameT], trouble: Trouble | None) -> None:
        if turn.done is not None:
            turn.done(Outcome(turn.answers, trouble))
