"""What a client asks of the journal: it takes a while, so one thing is looked up after the other."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, NamedTuple

from robotd.errors import Refused
from robotd.wire.outbox import Outbox
from robotd.wire.replies import Reply

WAITING = 16
"""Questions of one client that may wait for their turn."""
BUSY_RETRY_MS = 500


class _Question(NamedTuple):
    ask: Callable[[], Awaitable[Any]]
    found: Callable[[Any], None]
    reply: Reply


class Lookups:
    """The questions of one client. An answer may fill half of its outbox, so there is one at a time, and the
    next is asked when the client has read."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._waiting: deque[_Question] = deque()
        self._asked: tuple[_Question, asyncio.Future[Any]] | None = None
        self._refusal: Refused | None = None

    def ask(self, ask: Callable[[], Awaitable[Any]], found: Callable[[Any], None], reply: Reply) -> None:
        """Let `found` have what `ask` finds; a refusal goes to `reply`. Raises `Refused` if too many wait."""
        if self._refusal is not None:
            raise self._refusal
        if len(self._waiting) >= WAITING:
            raise Refused(
                "busy",
                f"{WAITING} questions of this client wait for an answer",
                hint="ask again when some are answered",
                retry_after_ms=BUSY_RETRY_MS,
            )
        self._waiting.append(_Question(ask, found, reply))
        self.proceed()

    def proceed(self) -> None:
        """Ask the next, if there is one and the client reads."""
        while self._waiting and self._asked is None and not self._outbox.blocked:
            question = self._waiting.popleft()
            try:
                asked = asyncio.ensure_future(question.ask())
            except Refused as refused:
                question.reply.refuse(refused)
            else:
                self._asked = question, asked
                asked.add_done_callback(partial(self._answered, question))

    def refuse(self, refused: Refused) -> None:
        """From now on answer everything with this, and at once."""
        self._refusal = refused
        questions = [*([self._asked[0]] if self._asked else []), *self._waiting]
        self.forget()
        for question in questions:
            question.reply.refuse(refused)

    def forget(self) -> None:
        """Nobody wants to know any more."""
        self._waiting.clear()
        if self._asked is not None:
            asked = self._asked[1]
            self._asked = None
            asked.cancel()

    def _answered(self, question: _Question, asked: asyncio.Future[Any]) -> None:
        if self._asked is None or self._asked[1] is not asked:
            return  # forgotten meanwhile
        self._asked = None
        try:
            question.found(asked.result())
        except Refused as refused:
            question.reply.refuse(refused)
        except asyncio.CancelledError:
            question.reply.refuse(Refused("shutting_down", "the daemon ended before it was found"))
        except Exception:
            question.reply.refuse(
                Refused("internal", "looking it up failed", hint="the daemon's log says why")
            )
            raise
        finally:
            self.proceed()
