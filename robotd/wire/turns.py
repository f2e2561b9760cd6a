"""Whose turn it is: in one turn of the event loop, all clients together get a bounded amount of work done.

Each client has its own bounds, but fifty clients within theirs would still make a turn that is fifty times as
long, and a stop that arrives during it is only read in the next one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

TURN_MESSAGES = 128
TURN_S = 0.0005
"""Messages differ: a `status` costs as much as twenty commands. Whichever bound is reached first counts."""


class Turns:
    """Shared by all sessions of one daemon. Those that must wait are served in the order of asking."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], None]] = deque()
        self._left = TURN_MESSAGES
        self._ends_at = 0.0
        self._begun = False

    def may_go(self) -> bool:
        """Take one message's share of the present turn. False: `wait` for the next."""
        loop = asyncio.get_running_loop()
        if not self._begun:
            self._begun = True
            self._ends_at = loop.time() + TURN_S
            loop.call_soon(self._next_turn)
        if self._left <= 0 or loop.time() >= self._ends_at:
            self._left = 0
            return False
        self._left -= 1
        return True

    def wait(self, proceed: Callable[[], None]) -> None:
        """Call `proceed` in a later turn, when those who asked before have been served."""
        self._waiting.append(proceed)

    def _next_turn(self) -> None:
        self._begun = False
        self._left = TURN_MESSAGES
        waiting, self._waiting = self._waiting, deque()
        # Whoever is called when the turn is used up asks again, and so comes behind those who asked since.
        # The rest keeps its place: it is not even called.
        while waiting and self._left > 0:
            waiting.popleft()()
        self._waiting = waiting + self._waiting
