"""The daemon's end of the guard: beats for it, hands it the wires, and obeys what it says.

The guard itself is `guard.py`, a process that imports none of this. Not responsible for starting that process
(`process.py`) or for what a stop does (`stop.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol, Self

from hal import Board, DeviceSilent
from robotd.errors import Refused

TICK_S = 0.02
ANSWER_S = 1.0
TICKS_ANSWERED = 20
"""A guard that is alive answers within this time, and one of so many ticks: every tenth. One that does not is
ended, and counts as dead."""
AGAIN_S = 0.1
LONGEST_AGAIN_S = 5.0
"""The pause before the next guard is started, doubled from the first to the last."""


class Line(Protocol):
    """To one guard, from its start to its end."""

    def send(self, message: bytes, descriptor: int | None = None) -> None:
        """Hand over a message, and a duplicate of a descriptor. Never waits. Raises `OSError`."""

    def kill(self) -> None:
        """End it, whatever it is doing."""

    def close(self) -> None:
        """Hear no more of it."""


Start = Callable[[Callable[[bytes], None], Callable[[], None]], Line]
"""Starts a guard. It is given what hears each message of the guard, and what hears of its end. May raise
`OSError`."""


class Watched(Protocol):
    """The daemon, as the guard's doings reach it."""

    def progress(self) -> Sequence[str]:
        """A counter for each part of it that has something to do, `-` for one that is idle."""

    def guard_tripped(self, latch_id: str, why: str, sentence: str) -> None:
        """The guard has stopped the robot."""

    def guard_lost(self, sentence: str) -> None:
        """The guard is gone: nothing would stop the robot if the daemon were next."""


class Guarding:
    """Keeps a guard running, as an async context. Entering starts it and does not wait for it.

    An end without `goodbye` is a death to the guard: the robot stays stopped until a reset.
    """

    def __init__(self, start: Start, watched: Watched, log: Any, *, tick_s: float = TICK_S) -> None:
        self._start = start
        self._watched = watched
        self._log = log
        self._tick_s = tick_s
        self._silent_s = max(ANSWER_S, TICKS_ANSWERED * tick_s)
        self._line: Line | None = None
        self._leaving: Line | None = None
        """To the guard that was told goodbye last."""
        self._life = 0
        """Which guard it is: of an earlier one only a stop still counts."""
        self._ready = asyncio.Event()
        self._answers: dict[str, asyncio.Future[None]] = {}
        self._stops: dict[Board, Sequence[bytes]] = {}
        """The boards that are to be kept, and the stop frames that the guard has of each."""
        self._kept: dict[str, None] = {}
        self.unprotected: dict[str, None] = {}
        """Boards whose wire only this process can write to: a twin in memory, a TCP socket."""
        self.tripped = False
        self.real_time = False
        self.memory_locked = False
        self.starts = 0
        self._heard_at = 0.0
        self._again_s = AGAIN_S
        self._timer: asyncio.TimerHandle | None = None
        self._restart: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._last = 0.0
        self.slowest_tick_s = 0.0
        """The longest time between two ticks; the guard ends a daemon at 150 ms."""

    async def __aenter__(self) -> Self:
        self._begin()
        return self

    async def __aexit__(self, *_: object) -> None:
        for timer in (self._timer, self._restart):
            if timer is not None:
                timer.cancel()
        self._part()
        self._let_go()

    def beat(self) -> None:
        """The daemon is up: from now on its guard hears a tick as long as the loop turns.

        A start has long work to do in one piece. It moves nothing, and its death is noticed all the same.
        """
        self._due = self._heard_at = asyncio.get_running_loop().time()
        self._tick()

    def goodbye(self) -> None:
        """The daemon ends in good order: the guard writes its stop frames once more and goes."""
        self._say("bye")

    # -- what the daemon asks -----------------------------------------------------------------------

    def missing(self) -> str | None:
        """Why the robot may not move yet, as a sentence; None while the guard can stop it."""
        if self.tripped:
            return "the guard has stopped the robot, and stays with it until a reset"
        if not self._ready.is_set():
            return "the guard process is not there yet"
        waiting = [board.name for board in self._stops if board.name not in self._kept]
        return f"the guard does not hold {', '.join(waiting)} yet" if waiting else None

    def refusal(self) -> Refused | None:
        """The same, for what would activate an actuator."""
        sentence = self.missing()
        return None if sentence is None else Refused("latched", sentence, hint="try again in a second")

    def standing(self) -> str | None:
        """What keeps the robot stopped, beyond a stop of the guard's own: that is over with the reset."""
        return None if self.tripped else self.missing()

    def reset(self) -> None:
        """The stop is over. A guard that has tripped never moves a robot again: another takes its place."""
        if self.tripped and self._line is not None:
            self._say("bye")
            # What somebody told it a moment ago is still to be heard, and how it ends need not be waited for.
            self._let_go()
            self._leaving, self._line = self._line, None
            self._part()
            self._begin()

    def as_data(self) -> dict[str, Any]:
        """What `status` says of it."""
        ports = list(self._kept)
        missing = self.missing()
        if missing is None:
            missing = f"holds {', '.join(ports)}" if ports else "no ports"
            if self.unprotected:
                missing += f"; cannot reach {', '.join(self.unprotected)}" if ports else " (simulated)"
        return {
            "state": "tripped" if self.tripped else "ready" if self._ready.is_set() else "starting",
            "detail": missing,
            "ports": ports,
            "unprotected": list(self.unprotected),
            "real_time": self.real_time,
            "memory_locked": self.memory_locked,
            "starts": self.starts,
            "slowest_tick_ms": round(self.slowest_tick_s * 1000, 1),
        }

    # -- what the boards ask ------------------------------------------------------------------------

    async def keep(self, board: Board) -> None:
        """Give the guard a duplicate of the board's wire. Raises `DeviceSilent` when it does not take it."""
        if board.link is None or board.link.descriptor is None:
            self.unprotected[board.name] = None
            return
        if board not in self._stops:
            self._stops[board] = ()
            self._offer(board)
        if board.name in self._kept:
            return
        try:
            await self._until(f"kept {board.name}")
        except TimeoutError:
            why = self.missing() or "the guard process does not answer"
            raise DeviceSilent(board.name, f"{why}, and nothing moves without it") from None

    async def give_back(self, board: Board) -> None:
        """Take the duplicate back. Returns when the guard has closed it, or is no more."""
        self.unprotected.pop(board.name, None)
        kept = self._stops.pop(board, None) is not None
        self._kept.pop(board.name, None)
        if kept and self._ready.is_set():
            self._say(f"back {board.name}")
            with suppress(TimeoutError):
                await self._until(f"gave {board.name}")

    def _offer(self, board: Board) -> None:
        """Hand a board's wire to the present guard; a later one gets it when it is ready."""
        if self._ready.is_set() and board.link is not None:
            stops = self._stops[board] = board.stop_series()
            self._say(_keep(board, stops), board.link.descriptor)

    async def _until(self, word: str) -> None:
        """Wait for the guard to say something, or for its end. Raises `TimeoutError`."""
        answer = self._answers.setdefault(word, asyncio.get_running_loop().create_future())
        try:
            async with asyncio.timeout(ANSWER_S):
                await asyncio.shield(answer)
        finally:
            self._answers.pop(word, None)

    # -- one guard's life ---------------------------------------------------------------------------

    def _begin(self) -> None:
        """Start a guard; where that is not possible, try again."""
        self._life = life = self._life + 1
        self._restart = None
        self.starts += 1
        self._heard_at = asyncio.get_running_loop().time()

        def heard(message: bytes) -> None:
            if life == self._life:
                self._heard(message)
            elif message.startswith(b"tripped "):
                self._watched.guard_tripped(*message.decode().split(" ", 3)[1:])

        def gone() -> None:
            if life == self._life:
                self._gone("the guard process died")

        try:
            self._line = self._start(heard, gone)
        except OSError as error:
            self._gone(f"the guard process cannot be started: {error}")

    def _part(self) -> None:
        """Nothing more is said to this guard, and nothing of it heard."""
        self._life += 1
        line, self._line = self._line, None
        if line is not None:
            line.close()
        self._ready.clear()
        self._kept.clear()
        self.tripped = self.real_time = self.memory_locked = False
        for word, answer in self._answers.items():
            if word.startswith("gave ") and not answer.done():
                answer.set_result(None)

    def _let_go(self) -> None:
        """Hear no more of a guard that was told goodbye long ago."""
        if self._leaving is not None:
            self._leaving.close()
            self._leaving = None

    def _gone(self, sentence: str) -> None:
        self._watched.guard_lost(sentence)  # first, for to part waits until the process is gone
        self._part()
        self._log.error("guard", trouble=sentence, again_s=self._again_s)
        self._restart = asyncio.get_running_loop().call_later(self._again_s, self._begin)
        self._again_s = min(2 * self._again_s, LONGEST_AGAIN_S)

    def _heard(self, message: bytes) -> None:
        word, *rest = message.decode().split(" ", 3)
        self._heard_at = asyncio.get_running_loop().time()
        if word == "ready":
            self.real_time, self.memory_locked = rest[0] != "-", rest[1] != "-"
            self._again_s = AGAIN_S
            self._ready.set()
            self._log.info("guard", real_time=self.real_time, memory_locked=self.memory_locked)
            for board in self._stops:
                self._offer(board)
        elif word == "tripped":
            self.tripped = True
            self._watched.guard_tripped(*rest)
        else:
            if word == "kept":
                self._kept[rest[0]] = None
            if (answer := self._answers.get(f"{word} {rest[0]}" if rest else word)) and not answer.done():
                answer.set_result(None)

    # -- the beat -----------------------------------------------------------------------------------

    def _tick(self) -> None:
        """Say that the loop turns and how far each part is, and what the stop frames are by now."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        if self._last:
            self.slowest_tick_s = max(self.slowest_tick_s, now - self._last)
        self._last = now
        if now - self._due > self._silent_s / 2:
            self._heard_at = now  # this loop slept: what the guard said meanwhile is not read yet
        # From the first deadline, or the lateness of each would add up; after a gap from now.
        self._due = max(self._due + self._tick_s, now)
        self._timer = loop.call_at(self._due, self._tick)
        if now - self._heard_at > self._silent_s and self._line is not None:
            self._line.kill()
        if not self._ready.is_set():
            return
        self._say(" ".join(("tick", f"{now:.4f}", *self._watched.progress())))
        for board, stops in self._stops.items():
            if board.name in self._kept and (renewed := board.stop_series()) != stops:
                self._stops[board] = renewed
                self._say(_keep(board, renewed))

    def _say(self, message: str, descriptor: int | None = None) -> None:
        """Nothing waits for a guard: one that does not read is found out by its silence."""
        if self._line is not None:
            with suppress(OSError):
                self._line.send(message.encode(), descriptor)


def _keep(board: Board, stops: Sequence[bytes]) -> str:
    frames = ",".join(stop.hex() for stop in stops)
    return f"keep {board.name} {round(board.IDLE_GAP_S * 1e6)} {frames or '-'}"
