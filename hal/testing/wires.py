"""Wires and far ends that misbehave, in the grammar of `hal.faults`, and a far end of another kind."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import NoReturn

from hal.faults import KINDS, FaultKind
from hal.twin import UnknownQuantity

WIRES: Mapping[str, Sequence[str]] = {
    "good": [],
    "one byte at a time": ["split"],
    "late": ["delay 5..40 ms"],
    "one late byte at a time": ["split", "delay 1..5 ms"],
    "lossy": ["drop 1%"],
    "corrupt": ["corrupt 1%"],
    "noisy": ["garbage 64 B", "garbage 200 B after 600 ms", "garbage 64 B after 1 s"],
    "ruined for a second": ["corrupt 20% for 1 s after 600 ms"],
    "stalling": ["stall 800 ms after 600 ms"],
    "full": ["full 500 ms after 600 ms"],
    "cut": ["unplug 500 ms after 600 ms"],
    "everything": [
        "drop 1%",
        "corrupt 1%",
        "delay 1..10 ms",
        "garbage 64 B after 1 s",
        "unplug 1 s after 2 s",
    ],
}
FAR_ENDS: Mapping[str, Sequence[str]] = {
    "restarting": ["reboot after 600 ms", "reboot garbage 400 B after 1500 ms"],
    "frozen": ["freeze SENSOR for 1 s after 600 ms"],
    "stuck": ["stuck SENSOR for 1 s after 600 ms"],
    "refusing": ["nak for 700 ms after 600 ms"],
    "refusing while it is prepared": ["nak for 1 s", "reboot after 1500 ms", "nak for 1 s after 1500 ms"],
    "deaf": ["deaf for 700 ms after 600 ms"],
    "slow": ["slow clock for 1 s after 600 ms", "slow clock 20% for 1 s after 1800 ms"],
    "everything at the far end": [
        "drop 1%",
        "reboot garbage 64 B after 1 s",
        "slow clock 30% for 1 s after 1 s",
        "nak for 200 ms after 2 s",
        "deaf for 200 ms after 3 s",
    ],
}
LOSING_A_STOP = (
    "drop 60% for 300 ms",
    "corrupt 20% for 300 ms",
    "nak for 300 ms",
    "deaf for 300 ms",
    "full 300 ms",
    "stall 300 ms",
)
RESISTING = ("nak for 1 s", "deaf for 1 s", "delay 5..40 ms for 1 s", "runaway ACTUATOR for 1 s")
"""What keeps a stopped robot moving, on a wire that says nothing wrong. `ACTUATOR` stands for one of its."""


def any_fault(rng: random.Random, sensors: Sequence[str], actuators: Sequence[str]) -> str:
    """One that may be in force together with any other, of a world with these names."""
    names = {FaultKind.FREEZE: sensors, FaultKind.STUCK: sensors, FaultKind.RUNAWAY: actuators}
    kind = rng.choice([kind for kind in KINDS if names.get(kind, "any")])
    words = [f"{kind} {rng.choice(names[kind])}" if kind in names else KINDS[kind].example]
    if KINDS[kind].lasts:
        words.append(f"for {rng.randrange(50, 3000)} ms")
    words.append(f"after {rng.randrange(1000)} ms")
    return " ".join(words)


class Nonsense:
    """A far end that is something else: it answers anything with anything, and talks unasked."""

    refusing = False

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._talks_at = 0.0

    def power_on(self, now: float) -> bytes:
        """It begins at once."""
        self._talks_at = now
        return b""

    def receive(self, data: bytes, now: float) -> bytes:
        """Anything."""
        return self._anything()

    def advance(self, now: float) -> bytes:
        """Anything, when it feels like it."""
        if now < self._talks_at:
            return b""
        self._talks_at = now + self._rng.uniform(0.001, 0.2)
        return self._anything()

    def wakes_at(self) -> float:
        """Soon."""
        return self._talks_at

    def world(self) -> dict[str, float | bool]:
        """Nothing."""
        return {}

    def set_world(self, name: str, value: float | bool | None) -> NoReturn:
        """Raises `UnknownQuantity`."""
        raise UnknownQuantity(name, ())

    def run_away(self, name: str, *, on: bool) -> NoReturn:
        """Raises `UnknownQuantity`."""
        raise UnknownQuantity(name, ())

    def _anything(self) -> bytes:
        return self._rng.randbytes(self._rng.randrange(40))
