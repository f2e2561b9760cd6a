"""A twin that fails as it is told: its wire, its memory, its ears, its sensors, its clock."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable

from hal.errors import Unplugged
from hal.faults.grammar import Fault, FaultError, FaultKind, parse_fault
from hal.faults.plan import Plan
from hal.faults.wire import Wire
from hal.twin import Twin, UnknownQuantity


class FaultyTwin:
    """`twin`, with faults: a twin itself, as pure as one. Every chance is drawn from `rng`.

    While nothing is wrong each call is handed on as it is. Faults may be given as text; one that is none, or
    that names a quantity which the world has not, raises `FaultError`. `name` is for messages.
    """

    def __init__(self, name: str, twin: Twin, rng: random.Random, faults: Iterable[str | Fault] = ()) -> None:
        self.name = name
        self.twin = twin
        """What is behind the faults."""
        self.wire = Wire(rng)
        """What is on its way between the twin and whoever runs it."""
        self.changed: Callable[[], None] = _nobody_runs_it
        self._rng = rng
        self._pinned: dict[str, float | bool] = {}
        self._held: set[str] = set()
        self._runaways: set[str] = set()
        self._clock = _Clock()
        self._deaf = False
        self._reboots: Fault | None = None
        self._pulled = False
        self._acts_at = math.inf
        """When it reboots, or its wire is pulled: begun, and not yet done."""
        self._plan = Plan([self._fault(fault) for fault in faults])
        self._sound = self._plan.quiet

    # ------------------------------------------------------------------ what goes wrong

    @property
    def faults(self) -> list[Fault]:
        """Those that last and are in force."""
        return self._plan.lasting

    def inject(self, fault: str | Fault, now: float) -> None:
        """Add a fault, at once or `after` from now. Raises `FaultError`."""
        self._plan.add(self._fault(fault), now)
        self._sound = False
        self._settle(now)
        self.changed()

    def mend(self, now: float) -> None:
        """End every fault, and forget those to come. What is late still comes; lost time stays lost."""
        for fault in self._plan.clear():
            self._end(fault, now)
        self.wire.mend()
        self._reboots, self._pulled = None, False
        self.changed()

    def unplugged_s(self, now: float) -> float:
        """For how much longer it cannot be powered on; 0 while it can."""
        self._settle(now)
        return max(0.0, self.wire.unplugged_until - now)

    # ------------------------------------------------------------------ the contract of a twin

    @property
    def refusing(self) -> bool:
        """Whether the twin refuses what it is told."""
        return self.twin.refusing

    @refusing.setter
    def refusing(self, refusing: bool) -> None:
        self.twin.refusing = refusing

    def power_on(self, now: float) -> bytes:
        """Somebody opened the port. Raises `Unplugged`."""
        if self._sound:
            return self.twin.power_on(now - self._clock.lag_s)
        self._settle(now)
        # What happened once while the port was closed, and is over, nobody saw.
        self.wire.clear()
        self._reboots, self._pulled = None, self.unplugged_s(now) > 0
        self._plan.start(now)
        self._settle(now)
        self._require_plugged(now)
        self.wire.hear(self.twin.power_on(self._clock.read(now)), now)
        return self._arrived(now)

    def receive(self, data: bytes, now: float) -> bytes:
        """Bytes for the twin; those for which the wire has no room are lost."""
        if self._sound:
            return self.twin.receive(data, now - self._clock.lag_s)
        if self.wire.has_room(len(data), now):
            self.wire.outward.put(data, now)
        self._hear(now)
        return self._arrived(now)

    def advance(self, now: float) -> bytes:
        """Move the twin on to `now`, through everything that goes wrong or comes right until then."""
        if self._sound:
            return self.twin.advance(now - self._clock.lag_s)
        while (change_at := self._plan.next_at) <= now:
            self._pass(change_at)
        self._pass(now)
        self._require_plugged(now)
        self._sound = self._plan.quiet and self.wire.is_clear(now)
        return self._arrived(now)

    def wakes_at(self) -> float | None:
        """When the twin wakes, a fault begins or ends, or a byte arrives."""
        due = self.twin.wakes_at()
        if self._sound:
            return due if due is None else due + self._clock.lag_s
        next_at = min(self._plan.next_at, self._acts_at, self.wire.inward.due_at, self.wire.outward.due_at)
        if due is not None:
            next_at = min(next_at, self._clock.when(due))
        return next_at if next_at < math.inf else None

    def world(self) -> dict[str, float | bool]:
        """The quantities of the twin's world; one that is frozen or stuck is as it is shown."""
        return self.twin.world()

    def set_world(self, name: str, value: float | bool | None) -> None:
        """Pin a quantity; a frozen or stuck one becomes so when that ends. Raises `UnknownQuantity`."""
        if name not in self._held:
            self.twin.set_world(name, value)
        if value is None:
            self._pinned.pop(name, None)
        else:
            self._pinned[name] = value
        self.changed()

    def run_away(self, name: str, *, on: bool) -> None:
        """As its twin."""
        self.twin.run_away(name, on=on)
        self.changed()

    # ------------------------------------------------------------------ time passes

    def _pass(self, now: float) -> None:
        """The twin moves on to `now`, hears what has arrived, and has what goes wrong then."""
        self.wire.hear(self.twin.advance(self._clock.read(now)), now)
        self._hear(now)
        self._settle(now)
        if self._reboots is not None:
            garbage = self._rng.randbytes(int(self._reboots.amount))
            self._reboots = None
            self.wire.hear(garbage + self.twin.power_on(self._clock.read(now)), now)
        self._acts_at = math.inf

    def _hear(self, now: float) -> None:
        if not self.wire.outward.size:
            return
        for piece in self.wire.outward.take(now):
            if not self._deaf:
                self.wire.hear(self.twin.receive(piece, self._clock.read(now)), now)

    def _arrived(self, now: float) -> bytes:
        return b"".join(self.wire.inward.take(now)) if self.wire.inward.size else b""

    def _require_plugged(self, now: float) -> None:
        if self._pulled:
            self.wire.clear()
            raise Unplugged(self.name, self.unplugged_s(now))

    # ------------------------------------------------------------------ faults come and go

    def _fault(self, fault: str | Fault) -> Fault:
        if isinstance(fault, str):
            fault = parse_fault(fault)
        if fault.name:
            try:
                if fault.kind is FaultKind.RUNAWAY:
                    self.twin.run_away(fault.name, on=fault.name in self._runaways)
                elif fault.name not in self._held:
                    self.twin.set_world(fault.name, self._pinned.get(fault.name))
            except UnknownQuantity as error:
                raise FaultError(f"'{fault}' cannot happen to {self.name}: {error}") from None
        return fault

    def _settle(self, now: float) -> None:
        """Let begin and end what is due."""
        while (change := self._plan.take(now)) is not None:
            if change.begins:
                self._begin(change.fault, change.at)
            else:
                self._end(change.fault, change.at)

    def _begin(self, fault: Fault, at: float) -> None:
        match fault.kind:
            case FaultKind.REBOOT:
                self._reboots, self._acts_at = fault, at
            case FaultKind.FREEZE:
                self._hold(fault, self.twin.world()[fault.name])
            case FaultKind.STUCK:
                self._hold(fault, True if isinstance(self.twin.world()[fault.name], bool) else 0.0)
            case FaultKind.RUNAWAY:
                self._runaways.add(fault.name)
                self.twin.run_away(fault.name, on=True)
            case FaultKind.NAK:
                self.twin.refusing = True
            case FaultKind.DEAF:
                self._deaf = True
            case FaultKind.SLOW_CLOCK:
                self._clock.go(1 - fault.amount / 100, at)
            case FaultKind.UNPLUG:
                self.wire.begin(fault, at)
                self._pulled, self._acts_at = True, at
            case _:
                self.wire.begin(fault, at)

    def _end(self, fault: Fault, at: float) -> None:
        match fault.kind:
            case FaultKind.FREEZE | FaultKind.STUCK:
                self._held.remove(fault.name)
                self.twin.set_world(fault.name, self._pinned.get(fault.name))
            case FaultKind.RUNAWAY:
                self._runaways.remove(fault.name)
                self.twin.run_away(fault.name, on=False)
            case FaultKind.NAK:
                self.twin.refusing = False
            case FaultKind.DEAF:
                self._deaf = False
            case FaultKind.SLOW_CLOCK:
                self._clock.go(1.0, at)
            case _:
                self.wire.end(fault)

    def _hold(self, fault: Fault, value: float | bool) -> None:
        self._held.add(fault.name)
        self.twin.set_world(fault.name, value)


class _Clock:
    """The twin's own time against that of whoever runs it. It never goes back, not even in the last bit."""

    def __init__(self) -> None:
        self.lag_s = 0.0
        """How much it has lost, while it goes right."""
        self._rate = 1.0
        self._since = 0.0
        self._showed = 0.0

    def go(self, rate: float, at: float) -> None:
        """From `at` on it goes so fast."""
        self._showed, self._since, self._rate = self.read(at), at, rate
        self.lag_s = at - self._showed
        while at - self.lag_s < self._showed:
            self.lag_s = math.nextafter(self.lag_s, -math.inf)

    def read(self, now: float) -> float:
        """What it shows at `now`."""
        if self._rate == 1.0:
            return now - self.lag_s
        return self._showed + (now - self._since) * self._rate

    def when(self, time: float) -> float:
        """The moment at which it shows `time`."""
        if self._rate == 1.0:
            return time + self.lag_s
        return self._since + (time - self._showed) / self._rate


def _nobody_runs_it() -> None: ...
