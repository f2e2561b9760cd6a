"""An event loop in virtual time: its clock jumps to the next timer, so that hours take seconds.

It has no file descriptor, no thread and no socket. Everything that runs on it is a function of the seed: the
order of what is ready at the same moment is drawn from it, as a real machine draws it from chance, and is the
same in every run, whatever the addresses of objects, the hashes of texts and the version of Python.
"""

from __future__ import annotations

import asyncio
import contextvars
import heapq
import threading
from collections.abc import Coroutine
from typing import Any, NoReturn, TypeVar

T = TypeVar("T")

TURNS_AT_MOST = 100_000
"""So many turns of the loop without time passing are called a livelock: somebody asks again and again."""
CANCELLED_TIMERS_AT_MOST = 100
"""Of more cancelled timers than these the heap is freed as soon as they are half of it."""


class SimulationStuck(RuntimeError):
    """Virtual time cannot go on: every task waits and no timer is set, or time stands still for ever."""


class VirtualLoop(asyncio.BaseEventLoop):
    """A loop in virtual time, from 0 s. `seed` orders what is ready together; None: as asyncio does."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__()
        self.seed = seed
        self._now = 0.0
        self._turns = 0
        self._tasks = 0
        self._clock_resolution = 1e-9
        self._ready: Any
        self._scheduled: list[Any]
        self._timer_cancelled_count: int

    # -- the clock ------------------------------------------------------------------------------------

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self._now

    def spend(self, duration_s: float) -> None:
        """Move the clock on in the middle of a turn: the running code took its time."""
        self._now += duration_s

    def call_at(  # type: ignore[override]  # its types say no more
        self, when: float, callback: Any, *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        """As asyncio's, without its checks: a simulated day has millions of timers."""
        timer = _Timer(when, callback, args, self, context)
        heapq.heappush(self._scheduled, timer)
        return timer

    def call_soon(  # type: ignore[override]  # its types say no more
        self, callback: Any, *args: Any, context: Any = None
    ) -> asyncio.Handle:
        """As asyncio's, without its checks."""
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    # -- one turn -------------------------------------------------------------------------------------

    def _run_once(self) -> None:
        ready, scheduled = self._ready, self._scheduled
        if self._timer_cancelled_count > CANCELLED_TIMERS_AT_MOST:
            self._free_cancelled_timers()
        if not ready and not self._stopping:  # type: ignore[attr-defined]  # asyncio.BaseEventLoop has it
            self._pass_time()
        now = self._now
        while scheduled and scheduled[0]._when <= now:
            timer = heapq.heappop(scheduled)
            timer._scheduled = False
            if timer._cancelled:
                self._timer_cancelled_count -= 1
            else:
                ready.append(timer)
        self._turns += 1
        if self._turns > TURNS_AT_MOST:
            self._turns = 0  # whoever catches this may still end its tasks
            raise SimulationStuck(f"time stands still at {now:.6f} s: something asks again without end")
        count = len(ready)
        if count == 1:
            handle = ready.popleft()
            if not handle._cancelled:
                handle._run()
            return
        batch = [ready.popleft() for _ in range(count)]
        for handle in batch if self.seed is None else self._in_order(batch):
            if not handle._cancelled:
                handle._run()

    def _pass_time(self) -> None:
        """To the next timer. Cancelled ones do not count: nobody would wake."""
        scheduled = self._scheduled
        while scheduled and scheduled[0]._cancelled:
            timer = heapq.heappop(scheduled)
            timer._scheduled = False
            self._timer_cancelled_count -= 1
        if not scheduled:
            raise SimulationStuck("every task waits and no timer is set")
        if scheduled[0]._when > self._now:
            self._now = scheduled[0]._when
            self._turns = 0

    def _free_cancelled_timers(self) -> None:
        if self._timer_cancelled_count * 2 > len(self._scheduled):
            for timer in self._scheduled:
                timer._scheduled = not timer._cancelled
            self._scheduled[:] = [timer for timer in self._scheduled if timer._scheduled]
            heapq.heapify(self._scheduled)
            self._timer_cancelled_count = 0

    def _in_order(self, batch: list[Any]) -> list[Any]:
        """What is ready, in the order that the seed gives to this moment.

        Callbacks keep the order in which they were asked for, as asyncio promises. Tasks and timers that are
        due together are in no order that anybody may rely on: the seed draws one, from the number of each and
        from the time alone, so that how often a task was woken on the way does not change it.
        """
        seed, now, timers = self.seed, self._now, 0
        unmoved = hash((seed, now))
        keys = []
        for place, handle in enumerate(batch):
            task = getattr(handle._callback, "__self__", None)
            if type(task) is NumberedTask:
                key = hash((seed, now, task.number))
            elif type(handle) is _Timer:
                timers -= 1
                key = hash((seed, now, timers))
            else:
                key = unmoved
            keys.append((key, place, handle))
        keys.sort(key=_by_key)
        return [handle for _, _, handle in keys]

    # -- tasks, threads, sockets ----------------------------------------------------------------------

    def create_task(self, coro: Any, **options: Any) -> Any:
        """As asyncio's, but tasks are numbered in the order in which they are made."""
        self._tasks += 1
        return NumberedTask(self._tasks, coro, loop=self, **options)

    def call_soon_threadsafe(  # type: ignore[override]  # its types say no more
        self, callback: Any, *args: Any, **options: Any
    ) -> Any:
        """As `call_soon`, and for this thread alone. Raises `RuntimeError` in another."""
        if self._thread_id not in (None, threading.get_ident()):  # type: ignore[attr-defined]  # it has it
            _no_threads()
        return self.call_soon(callback, *args, **options)

    def run_in_executor(self, *_: Any) -> NoReturn:  # type: ignore[override]  # it only raises
        """Raises `RuntimeError`: a thread takes real time, and nobody knows how much."""
        _no_threads()

    def getaddrinfo(self, *_: Any, **__: Any) -> NoReturn:
        """Raises `RuntimeError`: an answer from a network takes real time."""
        raise RuntimeError("virtual time has no network: use an address of this machine")

    def _process_events(self, event_list: Any) -> None:
        """There are none: nothing comes from outside."""

    def _write_to_self(self) -> None:
        """Nobody waits in a system call, so nobody has to be woken."""


class _Timer(asyncio.TimerHandle):
    """As asyncio's, in half the time: where it was made is not remembered, and only timers are compared."""

    __slots__ = ()

    def __init__(self, when: float, callback: Any, args: Any, loop: VirtualLoop, context: Any) -> None:
        self._when: float = when
        self._callback = callback
        self._args = args
        self._loop = loop
        self._context = contextvars.copy_context() if context is None else context
        self._cancelled = False
        self._scheduled = True
        self._repr = self._source_traceback = None

    def __lt__(self, other: _Timer) -> bool:  # type: ignore[override]  # it is compared in the heap alone
        return self._when < other._when


class NumberedTask(asyncio.Task[Any]):
    """A task that knows how many were made before it on its loop."""

    def __init__(self, number: int, coro: Any, **options: Any) -> None:
        self.number = number
        super().__init__(coro, **options)


def run(story: Coroutine[Any, Any, T], *, seed: int | None = None) -> T:
    """Run `story` in virtual time, as `asyncio.run` does in real time."""
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(seed)) as runner:
        return runner.run(story)


def spend(duration_s: float) -> None:
    """Let the running code take its time: the clock moves on and nothing else happens meanwhile."""
    loop = asyncio.get_running_loop()
    if not isinstance(loop, VirtualLoop):
        raise TypeError("only virtual time can be spent")
    loop.spend(duration_s)


def _by_key(entry: tuple[int, int, Any]) -> tuple[int, int]:
    return entry[0], entry[1]


def _no_threads() -> NoReturn:
    raise RuntimeError("virtual time waits for no thread; write what needs one with `async def`")
