"""What is read of a line, block by block, and how well each unit is heard. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from hal.drivers.modbus.fitting import ActingFitting, Fitting, Memory
from hal.drivers.modbus.words import Answer, Function, Request

MENDED = 20
"""After so many good answers in a row a unit is not degraded any more."""


@dataclass(eq=False)
class Block:
    """What is read of a unit in one go, and for whom."""

    unit: int
    function: Function
    first: int
    last: int
    sample_s: float
    fittings: list[Fitting]
    due_at: float = 0.0
    asked: bool = False
    """It is being read, or waits for its turn."""
    refused: bool = False
    """The unit would not tell it when it was asked last."""

    @property
    def acting(self) -> list[ActingFitting]:
        """The actuators among those."""
        return [one for one in self.fittings if isinstance(one, ActingFitting)]

    @cached_property
    def request(self) -> Request:
        """The reading of it."""
        return Request(self.unit, self.function, self.first, self.last - self.first + 1)

    def memory(self, answer: Answer) -> Memory:
        """What the answer says, by address."""
        return dict(zip(range(self.first, self.last + 1), answer.values, strict=False))


def blocks_of(fittings: Sequence[Fitting]) -> list[Block]:
    """What is to be read: the coils of one unit together, its inputs together, registers device by device."""
    blocks: dict[Hashable, Block] = {}
    for fitting in fittings:
        place = fitting.place
        together = place.function in (Function.READ_COILS, Function.READ_INPUTS)
        key = (place.unit, place.function, None if together else place.first)
        block = blocks.setdefault(key, Block(*place, []))
        block.first, block.last = min(block.first, place.first), max(block.last, place.last)
        block.sample_s = min(block.sample_s, place.sample_s)
        block.fittings.append(fitting)
    return list(blocks.values())


class Unit:
    """How well one unit is heard."""

    def __init__(self, number: int, fittings: Sequence[Fitting]) -> None:
        self.number = number
        self.fittings = fittings
        self.stale_s = min(fitting.stale_s for fitting in fittings)
        """Not heard for so long, some of them mean nothing any more."""
        self.heard_at = 0.0
        self.degraded = False
        self.silent = False
        """It was not heard for `stale_s`."""
        self._good = 0

    @property
    def silent_at(self) -> float:
        """When it is silent if it says nothing until then."""
        return self.heard_at + self.stale_s

    def begin(self, now: float) -> None:
        """It was just heard, and nothing is held against it."""
        self.heard_at, self.degraded, self.silent = now, False, False

    def hear(self, now: float) -> bool:
        """It answered; whether it is mended by that."""
        self.heard_at, self.silent = now, False
        self._good += 1
        mended = self.degraded and self._good >= MENDED
        self.degraded = self.degraded and not mended
        return mended

    def miss(self) -> bool:
        """It did not; whether that is news."""
        news, self.degraded, self._good = not self.degraded, True, 0
        return news


def units_of(fittings: Sequence[Fitting]) -> dict[int, Unit]:
    """Who is on the line, by address."""
    numbers = dict.fromkeys(fitting.place.unit for fitting in fittings)
    return {number: Unit(number, [one for one in fittings if one.place.unit == number]) for number in numbers}


def described(block: Block) -> str:
    """For people: `input_registers 4 to 5`."""
    return f"{block.function.name.removeprefix('READ_').lower()} {block.first} to {block.last}"


def listed(units: Iterable[int]) -> str:
    """For people: `units 1, 2, 3`."""
    numbers = sorted(units)
    return f"unit{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))}"
