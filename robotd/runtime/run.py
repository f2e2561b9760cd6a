"""One action under way."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from robotd.core.decision import Start
from robotd.core.message import Command, Message
from robotd.runtime.robot import Permit


class Run:
    """One action under way."""

    __slots__ = (
        "answers",
        "cause",
        "expires_at",
        "over",
        "permit",
        "start",
        "task",
        "together",
        "waiting",
    )

    def __init__(self, start: Start, cause: Message, permit: Permit) -> None:
        self.start = start
        self.cause = cause
        self.permit = permit
        self.answers = isinstance(cause, Command) and start.do is not start.entry.state.do
        """Whether the command that caused it ends with it: not so for what a state does by itself."""
        self.expires_at = cause.expires_at if self.answers else None
        """When what its command wanted is no longer wanted. What a state does is bounded by the state."""
        self.together: Sequence[Run] = ()
        """All that its message started, where that is more than one."""
        self.task: asyncio.Task[None] | None = None
        self.over = False
        self.waiting: list[Run] = []
        """Later calls of the same action in mode `queued`."""

    @property
    def out_of_time(self) -> bool:
        """Whether what its command wanted is no longer wanted."""
        return self.expires_at is not None and asyncio.get_running_loop().time() >= self.expires_at

    @property
    def waits_for_others(self) -> bool:
        """Whether something else that answers its command has not ended."""
        return any(run.answers and not run.over for run in self.together)
