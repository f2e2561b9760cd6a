"""How a Grbl machine is brought to rest: a feed hold or a jog cancel first, and a reset behind it.

A stop is `!`, then 0x18: after `Hold:0`, since what was planned would go on at the next `~`, or when
`brake_s` is over, whatever it does then. A reset while it moves loses its position (ALARM:3); one after
`Hold:0` does not. A reset also switches the coolant output off. While that holds something (`on_stop:
keep`), a machine that says that it brakes or is held is left so, and reset before its next motion.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal, Protocol

from hal.drivers.grbl import words
from hal.drivers.grbl.words import MachineState, Status

CANCEL_S = 1.0
"""How much longer than its settings say a jog that was cancelled may brake before it is stopped."""
RESET_AGAIN_S = 0.3
"""After this without a greeting it is reset again."""

HELD = frozenset({MachineState.HOLD, MachineState.DOOR})


class Brakes(Protocol):
    """What a board lets its brake do."""

    def tell(self, data: bytes) -> None:
        """Write real-time bytes; a wire that does not take them is its supervisor's matter."""

    def ask_status(self, now: float) -> None:
        """Ask for a report, if one may be asked for."""

    @property
    def keeps(self) -> bool:
        """Whether the coolant output holds something that a stop must not let go."""

    @property
    def quiet(self) -> bool:
        """Whether every line is answered."""


class Brake:
    """One stop at a time. Its timers are its own: the board is tended less often."""

    def __init__(self, board: Brakes, brake_s: float) -> None:
        self._board = board
        self._brake_s = brake_s
        self._how: Literal["stop", "cancel"] | None = None
        self._since = 0.0
        self._heard: Status | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._reset_at: float | None = None
        self.stopped_at = 0.0
        """The loop time of the last stop: a report that was asked for since may prove that it stands."""

    @property
    def busy(self) -> bool:
        """Whether it is being brought to rest, or reset."""
        return self._how is not None or self._reset_at is not None

    def stop(self) -> None:
        """Brake, then reset. A stop under way goes on as it is."""
        if self._how != "stop":
            self._board.tell(words.FEED_HOLD)
            self.stopping()

    def stopping(self) -> None:
        """A feed hold was written: see that the rest of the stop follows."""
        if self._how != "stop" and self._reset_at is None:
            self._begin("stop", self._brake_s)

    def cancel(self, braking_s: float) -> None:
        """Brake and forget a jog, which takes up to `braking_s`."""
        if self._how is None and self._reset_at is None:
            self._board.tell(words.JOG_CANCEL)
            self._begin("cancel", CANCEL_S + braking_s)

    def reset(self, *, stands: bool = False) -> None:
        """Let it begin anew. While it moves that is the hardest stop of all, and loses its position.

        `stands`: a report says so already, and what proved the stop goes on proving it.
        """
        self._end()
        now = asyncio.get_running_loop().time()
        if not stands:
            self.stopped_at = now
        self._reset_at = now
        self._board.tell(words.SOFT_RESET)
        self._at(now + RESET_AGAIN_S, self._reset_again)

    def greeted(self) -> bool:
        """It has begun anew; returns whether that was asked for."""
        expected, self._reset_at = self._reset_at is not None, None
        self._end()
        return expected

    def forget(self) -> None:
        """Its wire was lost."""
        self._reset_at = None
        self._end()

    def answered(self) -> None:
        """It took a line meanwhile: if that was a jog, behind the one that was cancelled, it begins now."""
        if self._how == "cancel":
            self._board.tell(words.JOG_CANCEL)

    def judge(self, status: Status, asked_at: float) -> None:
        """A report came to a question that was put at `asked_at`."""
        if self._how is None or asked_at < self._since:
            return
        self._heard = status
        if status.state in HELD and status.stands:
            self.held(status)
        elif status.state not in HELD and status.stands and self._board.quiet:
            self._end()
        elif self._how == "cancel" and status.state is MachineState.JOG:
            # It may not have heard the first; where it has, another changes nothing.
            self._board.tell(words.JOG_CANCEL)

    def held(self, status: Status) -> None:
        """It is held, or brakes into a hold by itself, and shall forget what it would go on with."""
        if not status.stands:
            self.stopping()
        elif self._board.keeps:
            self._end()
        else:
            self.reset(stands=True)

    def _begin(self, how: Literal["stop", "cancel"], until_s: float) -> None:
        now = asyncio.get_running_loop().time()
        self._how, self._since, self._heard = how, now, None
        self.stopped_at = now
        self._at(now + until_s, self._time_is_over)
        self._board.ask_status(now)

    def _end(self) -> None:
        self._how = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _time_is_over(self) -> None:
        self._timer = None
        how, self._how = self._how, None
        brakes = self._heard is not None and self._heard.state in (*HELD, MachineState.IDLE)
        if how == "cancel":
            self.stop()
        elif self._board.keeps and brakes:
            self._how = "stop"  # it heard the stop, and shall not let go: it comes to rest by itself
        else:
            self.reset()

    def _reset_again(self) -> None:
        if self._reset_at is not None:
            self.reset()

    def _at(self, when: float, call: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(when, call)
