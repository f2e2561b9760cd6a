"""One client's connection, whatever carries it: what it may ask, how fast, and what waits for it.

What carries it is a thin shell around the session; `robotd.wire.transport` says what they owe one another.

In one turn of the event loop a session handles at most `MESSAGES_PER_TURN`, all sessions together what
`Turns` allows, and all answers of a turn go to the transport in one list. What may not be handled yet (the
turn is used up, the token bucket is empty, the socket takes no answers) waits in a bounded backlog; when that
is full, reading pauses. A stop passes all of this: it is acted upon inside `receive`. Of several in one read
the first does that; a thousand at once would hold up the loop, and so the stop of somebody else.
"""

from __future__ import annotations

import asyncio
from collections import deque

from robotd.errors import Refused
from robotd.wire.admission import Admission
from robotd.wire.bucket import TokenBucket
from robotd.wire.guest import Entry, Guest
from robotd.wire.hub import Update
from robotd.wire.methods import Methods
from robotd.wire.outbox import Outbox
from robotd.wire.protocol import Batch, Call, is_stop, parse, unreadable
from robotd.wire.replies import Replies, Reply
from robotd.wire.sending import Sending
from robotd.wire.service import Service, Who
from robotd.wire.transport import CLOSED, READ_BYTES, SHUT_DOWN, SLOW, Transport

MESSAGES_PER_TURN = 32
BACKLOG_MESSAGES = 64
"""From here on nothing more is read. What was read is kept, so the messages of one read may come on top."""
BACKLOG_BYTES = 64 * 1024
TOKENS = {"status": 5, "describe": 10, "journal.read": 5, "why": 10}
"""What a call takes from the bucket, by its method, where that is not 1: these are dear to answer."""
WORD_BYTES = 8
"""Up to here a message may be a typed `Stop`, in any case of letters, and can hardly be anything else."""


class Session:
    """One client, from its first byte to its last. `source` names it to the daemon: `tcp:127.0.0.1:40112`."""

    def __init__(
        self,
        service: Service,
        source: str,
        transport: Transport,
        *,
        entry: Entry | None = None,
        words: bool = False,
    ) -> None:
        """`entry`: how the client came in; without it nobody asks it who it is."""
        self.source = source
        self._service = service
        self._limits = limits = service.limits
        self._transport = transport
        self._words = words
        self._turns = service.turns
        self._loop = asyncio.get_running_loop()
        now = self._loop.time()
        self._bucket = TokenBucket(limits.rate_per_s, limits.burst, now)
        self._setpoint_bucket = TokenBucket(limits.setpoint_rate_per_s, limits.burst, now)
        self._outbox = Outbox(limits)
        self._replies = Replies(service, self._put)
        entry = entry or Entry(Admission(limits), source, Who(source))
        self._guest = Guest(service, entry, self)
        self._sending = Sending(service, self._guest, self._replies)
        self._methods = Methods(service, self._guest, self, self._outbox)
        self._backlog: deque[tuple[bytes | Call, float]] = deque()
        self._backlog_bytes = 0
        self._left = MESSAGES_PER_TURN
        self._turn_is_due = False
        self._stands_in_line = False
        self._has_stopped = False
        """A stop that came with the last read was acted upon."""
        self._timer: asyncio.TimerHandle | None = None
        self._slow: asyncio.TimerHandle | None = None
        self._arrived = self._read_at = self._last_at = now
        self._behind_since: float | None = None
        self._reading = True
        self._ending = False
        self._why: str | None = None
        self._closed = False
        service.hub.enter(source, self)
        self._guest.enter()

    @property
    def is_stranger(self) -> bool:
        """Whether the client has not proved yet who it is."""
        return self._guest.is_stranger

    # -- from the transport -------------------------------------------------------------------------

    def begin_read(self, size: int) -> None:
        """`size` bytes were just read, whose messages follow.

        Bytes that lay in a socket while it was not read may be as old as the moment when reading stopped,
        until a read finds less than it could take. Freshness counts from there: old drives move nothing.
        """
        self._has_stopped = False
        self._read_at = now = self._loop.time()
        self._arrived = now if self._behind_since is None else self._behind_since
        if size < READ_BYTES:
            self._behind_since = None

    def receive(self, message: bytes) -> None:
        """Take one whole message, without its framing. Acts on a stop before this returns."""
        if self._closed or self._ending:
            return
        self._last_at = self._read_at
        may_stop = not self._has_stopped and (b"stop" in message or len(message) <= WORD_BYTES)
        if may_stop and self._stop(message):
            self._has_stopped = True
        elif self._left > 0 and not self._backlog and self._turns.may_go():
            self._handle(message, self._arrived)
        else:
            self._backlog.append((message, self._arrived))
            self._backlog_bytes += len(message)
            self._end_turn_soon()
        if len(self._backlog) >= BACKLOG_MESSAGES or self._backlog_bytes >= BACKLOG_BYTES:
            self._pause_reading()

    def refuse(self, refused: Refused) -> None:
        """Answer something that never became a message."""
        Reply(self._replies, unreadable(refused)).refuse(refused)

    def end_of_input(self) -> None:
        """The client sends nothing more. It gets the answers it waits for; then the connection is closed."""
        self._service.mute(self.source)
        self.end(CLOSED)

    def shut_down(self) -> None:
        """The daemon ends: what was asked is answered, what takes longer refused; then it is closed."""
        self._methods.shut_down()
        self.end(SHUT_DOWN)

    def end(self, why: str) -> None:
        """Nothing more is taken from the client; it is closed when it has its answers."""
        self._why = self._why or why
        self._ending = True
        self._methods.end_news()
        self._end_turn_soon()

    def pause_writing(self) -> None:
        """The socket takes no more. When that lasts `slow_reader_s`, the client is cut off."""
        self._outbox.blocked = True
        self._slow = self._loop.call_later(self._limits.slow_reader_s, self.cut_off, SLOW)

    def resume_writing(self) -> None:
        """The socket takes bytes again."""
        self._outbox.blocked = False
        if self._slow is not None:
            self._slow.cancel()
        self._methods.proceed()
        self._end_turn_soon()

    def cut_off(self, why: str) -> None:
        """End the connection now. A second call does nothing."""
        if not self._closed:
            self.close(why)
            self._transport.abort(why)

    def close(self, why: str = CLOSED) -> None:
        """The connection is gone. What the client set in motion goes on as long as it is fresh.

        `why` counts where nothing else ended the session before. A second call does nothing.
        """
        if self._closed:
            return
        self._closed = True
        self._service.hub.leave(self.source)
        self._guest.leave(self._why or why, self._last_at)
        self._methods.close()
        self._backlog.clear()
        self._sending.close()
        for timer in (self._timer, self._slow):
            if timer is not None:
                timer.cancel()

    # -- from the hub -------------------------------------------------------------------------------

    def update(self, update: Update) -> None:
        """Take one update of a topic that this client subscribed to."""
        self._outbox.offer(update)
        # To a socket that takes nothing, nothing is written; whoever floods such clients must not cost more.
        if not (self._turn_is_due or self._outbox.blocked):
            self._end_turn_soon()

    # -- messages in --------------------------------------------------------------------------------

    def _stop(self, message: bytes) -> bool:
        """Act on `message` now if there is a stop in it. Whatever else is in its batch waits for its turn."""
        item = parse(message, self._limits, words=self._words)
        calls = item.calls if isinstance(item, Batch) else (item,)
        stop = next(filter(is_stop, calls), None)
        if stop is None:
            return False
        self._run(stop, self._arrived)
        self._backlog.extend((call, self._arrived) for call in calls if call is not stop)
        self._end_turn_soon()
        return True

    def _handle(self, message: bytes | Call, arrived: float) -> bool:
        """Carry out one message, or put it at the head of the backlog and return False.

        Of a batch that is the first call; the others are next, each in its turn and for its price.
        """
        item = parse(message, self._limits, words=self._words) if isinstance(message, bytes) else message
        if isinstance(item, Batch):
            item, *others = item.calls
            self._backlog.extendleft((call, arrived) for call in reversed(others))
        outbox = self._outbox
        if (outbox.blocked and outbox.half_full) or not self._admit(item, arrived):
            self._backlog.appendleft((item, arrived))
            return False
        if not self._turn_is_due:
            # Asked for after the dispatcher was woken, so what it answers at once leaves in the same turn.
            self._end_turn_soon()
        return True

    def _admit(self, call: Call, arrived: float) -> bool:
        """Carry out a call if this client may have that now."""
        now = self._loop.time()
        command = call.command
        if command is None or command not in self._service.streamed:
            if not self._take(self._bucket, now, TOKENS.get(call.method, 1)):
                return False
            self._run(call, arrived)
        elif not self._sending.keeps(command) and self._setpoint_bucket.take(now):
            self._left -= 1
            self._run(call, arrived)
        elif self._take(self._bucket, now):
            # Beyond its own rate a setpoint costs like any message: replacing is work, too.
            self._sending.keep_newest(command, call, arrived)
            self._wake_at(self._setpoint_bucket.ready_at())
        else:
            self._wake_at(self._setpoint_bucket.ready_at())
            return False
        return True

    def _take(self, bucket: TokenBucket, now: float, count: int = 1) -> bool:
        if bucket.take(now, count):
            self._left -= count
            return True
        self._wake_at(bucket.ready_at())
        return False

    def _run(self, call: Call, arrived: float) -> None:
        if call.refusal is not None and not is_stop(call):
            Reply(self._replies, call).refuse(call.refusal)
        elif call.method == "send":
            self._sending.send(call, arrived)
        else:
            self._methods.call(call.method, call.params, Reply(self._replies, call), arrived)

    # -- answers out --------------------------------------------------------------------------------

    def _put(self, answer: bytes) -> None:
        if self._closed:
            return
        if answer:
            outbox = self._outbox
            outbox.put(answer)
            if outbox.blocked and outbox.full:
                self.cut_off(SLOW)
        if not self._turn_is_due:
            self._end_turn_soon()

    def _end_turn_soon(self) -> None:
        if not self._turn_is_due:
            self._turn_is_due = True
            self._loop.call_soon(self._end_turn)

    def _end_turn(self) -> None:
        """Write what this turn brought, and give the client its next one."""
        self._turn_is_due = False
        if self._closed:
            return
        self._left = MESSAGES_PER_TURN
        self._sending.send_newest(self._may_send_setpoint)
        while self._backlog and self._left > 0 and not self._stands_in_line:
            if not self._turns.may_go():
                self._stands_in_line = True
                self._turns.wait(self._my_turn)
                break
            item, arrived = self._backlog.popleft()
            if isinstance(item, bytes):
                self._backlog_bytes -= len(item)
            if not self._handle(item, arrived):
                break
        if messages := self._outbox.take(self._loop.time()):
            self._transport.write(messages)
        if (due := self._outbox.wakes_at) is not None:
            self._wake_at(due)
        if self._ending:
            if not (self._backlog or self._replies.unanswered) and self._outbox.empty:
                self._transport.close()
        elif not self._reading and len(self._backlog) < BACKLOG_MESSAGES // 2:
            self._reading = True
            self._transport.resume_reading()

    def _my_turn(self) -> None:
        self._stands_in_line = False
        self._end_turn()

    def _may_send_setpoint(self) -> bool:
        return self._take(self._setpoint_bucket, self._loop.time())

    def _wake_at(self, due: float) -> None:
        """See to it that a turn ends at `due` or sooner."""
        if self._timer is not None:
            if self._timer.when() <= due:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(due, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._end_turn_soon()

    def _pause_reading(self) -> None:
        if self._reading:
            self._reading = False
            if self._behind_since is None:
                self._behind_since = self._loop.time()
            self._transport.pause_reading()
