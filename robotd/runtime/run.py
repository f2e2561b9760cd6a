"""One action under way."""

from __future__ import annotations

import asyncio

from robotd.core.decision import Start
from robotd.core.message import Command, Message
from robotd.runtime.robot import Permit


class Run:
    """One action under way."""

    __slots__ = ("answers", "cause", "over", "permit", "shared", "start", "task", "waiting")

    def __init__(self, start: Start, cause: Message, permit: Permit, *, shared: bool) -> None:
        self.start = start
        self.cause = cause
        self.permit = permit
        self.answers = isinstance(cause, Command) and start.do is not start.entry.state.do
        """Whether the command that caused it ends with it: not so for what a state does by itself."""
        self.shared = shared
        """Whether its command started other actions too."""
        self.task: asyncio.Task[None] | None = None
        self.over = False
        self.waiting: list[Run] = []
        """Later calls of the same action in mode `queued`."""

    @property
    def out_of_time(self) -> bool:
        """Whether what its command wanted is no longer wanted."""
        expires_at = self.cause.expires_at
        return expires_at is not None and asyncio.get_running_loop().time() >= expires_at
