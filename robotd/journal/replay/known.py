"""The newest value of each reading, as far as the rows up to now say it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from robotd.journal.kinds import DECISION, READINGS
from robotd.journal.row import Row

Value = float | bool | None


class Known(NamedTuple):
    """One reading; a value of None: it was stale."""

    value: Value
    at: float
    """When the row was written that says so."""


class Readings:
    """Every reading that was sampled, or that a decision looked at. `get` is what guards ask."""

    def __init__(self) -> None:
        self.known: dict[str, Known] = {}

    def get(self, name: str, /) -> Value:
        """The newest value, however old; None where there is none."""
        found = self.known.get(name)
        return None if found is None else found.value

    def take(self, row: Row) -> None:
        """All that the row says of readings."""
        for _ in self.notice(row):
            pass

    def notice(self, row: Row) -> Iterator[str]:
        """What the row says of readings: the name of each, as soon as it counts."""
        if row.kind in (DECISION, READINGS):
            for at, name, value in _said(row):
                known = self.known.get(name)
                # What was kept around a fault is written afterwards.
                if known is None or known.at <= at:
                    self.known[name] = Known(value, at)
                    yield name


def _said(row: Row) -> Iterator[tuple[float, str, Value]]:
    body = row.data
    for name, value in body.get("values" if row.kind == READINGS else "saw", {}).items():
        yield row.at, name, value
    yield from body.get("dense", ())
