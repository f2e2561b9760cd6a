"""The simulated far end of a wire: bytes in, bytes out, a physical model, and no clock of its own."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Protocol, runtime_checkable

from hal.errors import HalError
from hal.units import UnitError, to_si

SHORTEST_STEP_S = 0.0001
"""A twin is never woken more often, so that a model which forgets to move on cannot stop the loop."""


class UnknownQuantity(HalError):
    """The twin's world has no quantity of that name."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name = name
        self.known = tuple(sorted(known))
        super().__init__(f"the simulated world has no '{name}'; it has {', '.join(self.known)}")


_WORDS = {
    "true": True,
    "pressed": True,
    "on": True,
    "false": False,
    "released": False,
    "off": False,
}


def parse_world_value(text: str, now: float | bool) -> float | bool | None:
    """What a person writes for a quantity of the world that is `now` so: a switch, or a number in SI.

    `pressed` or `true`, `released` or `false`; `10.2 V` or, in SI, `10.2`. `free` gives it back to the model:
    None. Raises `UnitError`.
    """
    word = text.strip().lower()
    if word == "free":
        return None
    if isinstance(now, bool):
        if word not in _WORDS:
            raise UnitError(f"'{text}' is nothing for a switch; write pressed, released or free")
        return _WORDS[word]
    with suppress(ValueError):
        number = float(word)
        if math.isfinite(number):
            return number
    return to_si(text)[0]


class Twin(Protocol):
    """What every driver's twin can do. All `now` are seconds on one monotonic clock and never go back.

    None of these methods waits, and none calls back: what the far end says is what they return.
    """

    refusing: bool
    """While True it does nothing that it is told, and says so as its product does; questions it answers."""

    def power_on(self, now: float) -> bytes:
        """Somebody opened the port, which resets an Arduino. Returns what it says at once.

        A greeting that comes later comes through `advance`. While nobody has the port open the twin is not
        advanced: all that time passes in this one step.
        """

    def receive(self, data: bytes, now: float) -> bytes:
        """Take bytes, cut anywhere, and return the answers. `advance(now)` was called just before."""

    def advance(self, now: float) -> bytes:
        """Move the model on to `now` and return what it says by itself: reports, edges, a late greeting."""

    def wakes_at(self) -> float | None:
        """When `advance` is next due, or None while nothing happens by itself."""

    def world(self) -> dict[str, float | bool]:
        """The model's quantities in SI, by name: `battery`, `x`, `bumper_left`."""

    def set_world(self, name: str, value: float | bool | None) -> None:
        """Pin one quantity to `value`; None gives it back to the model. Raises `UnknownQuantity`."""

    def run_away(self, name: str, *, on: bool) -> None:
        """Let an actuator, by its device's name, go as far as it can whatever it is told; or obey again.

        Raises `UnknownQuantity`.
        """


@runtime_checkable
class LiveTwin(Protocol):
    """A twin that can be changed from outside while it runs: its time to wake moves, its wire may be pulled.

    Its methods raise `Unplugged` when that happens, and `power_on` as long as it lasts.
    """

    changed: Callable[[], None]
    """It calls this after a change: `wakes_at` has another answer. Set by whoever runs it."""

    def unplugged_s(self, now: float) -> float:
        """For how much longer the far end cannot be reached; 0 while it can."""


@runtime_checkable
class RidingTwin(Protocol):
    """A twin whose product rides on what other boards move, and measures where that brings it."""

    robot: Callable[[], Mapping[str, float | bool]]
    """The quantities of the other boards' worlds, as they were last. Set by whoever builds the robot."""


class TwinDriver:
    """Runs a twin on the running loop's clock while its port is open.

    What the twin says is handed to `emit` from a callback of its own, joined for each turn of the loop: never
    from inside `feed`. An exception in the twin stops it and is handed to `failed`: `Unplugged`, or a bug.
    """

    def __init__(
        self, twin: Twin, emit: Callable[[bytes], None], failed: Callable[[Exception], None]
    ) -> None:
        self.twin = twin
        self._live = twin if isinstance(twin, LiveTwin) else None
        self._emit = emit
        self._failed = failed
        self._loop: asyncio.AbstractEventLoop | None = None
        self._now = 0.0
        self._alarm: asyncio.TimerHandle | None = None
        self._said = bytearray()
        self._delivery: asyncio.Handle | None = None

    @property
    def running(self) -> bool:
        """Whether the port is open, as the twin sees it."""
        return self._loop is not None

    @property
    def unplugged_s(self) -> float:
        """For how much longer there is no far end; 0 while there is one."""
        now = max(self._now, asyncio.get_running_loop().time())
        return self._live.unplugged_s(now) if self._live is not None else 0.0

    def start(self) -> None:
        """The port was opened: power the twin on and let its time pass. Once more restarts it."""
        self.stop()
        loop = self._loop = asyncio.get_running_loop()
        if self._live is not None:
            self._live.changed = self._look_again
        self._now = max(self._now, loop.time())
        self._run(loop, self.twin.power_on)

    def feed(self, data: bytes) -> None:
        """Bytes for the twin, now. Ignored while the port is closed."""
        loop = self._loop
        if loop is None:
            return
        self._now = max(self._now, loop.time())
        self._run(loop, lambda now: self.twin.advance(now) + self.twin.receive(data, now))

    def stop(self) -> None:
        """The port was closed: the twin stands still, and what it said last is lost."""
        self._loop = None
        self._said.clear()
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._delivery is not None:
            self._delivery.cancel()
            self._delivery = None

    def _look_again(self) -> None:
        """The twin was changed: advance it in the loop's next turn."""
        loop = self._loop
        if loop is not None:
            if self._alarm is not None:
                self._alarm.cancel()
            now = loop.time()
            self._alarm = loop.call_at(now, self._wake, loop, now)

    def _run(self, loop: asyncio.AbstractEventLoop, step: Callable[[float], bytes]) -> None:
        try:
            self._said += step(self._now)
            due = self.twin.wakes_at()
        except Exception as error:
            self.stop()
            self._failed(error)
            return
        if self._said and self._delivery is None:
            self._delivery = loop.call_soon(self._deliver)
        self._wake_at(loop, due)

    def _wake_at(self, loop: asyncio.AbstractEventLoop, due: float | None) -> None:
        if due is not None:
            due = max(due, self._now + SHORTEST_STEP_S)
        if self._alarm is not None:
            if due == self._alarm.when():
                return
            self._alarm.cancel()
            self._alarm = None
        if due is not None:
            self._alarm = loop.call_at(due, self._wake, loop, due)

    def _wake(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        self._alarm = None
        # A loop may call a timer one clock tick early; the twin must still find its moment reached.
        self._now = max(self._now, due, loop.time())
        self._run(loop, self.twin.advance)

    def _deliver(self) -> None:
        self._delivery = None
        said = bytes(self._said)
        self._said.clear()
        self._emit(said)
