"""How figures are kept and shown: medians over interleaved rounds, in a table beside what they must reach."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

Round = Callable[[], float]


@dataclass
class Report:
    """Collects lines for people and the goals that were missed."""

    missed: list[str] = field(default_factory=list)

    def title(self, text: str) -> None:
        """Begin a section."""
        print(f"\n{text}\n{'-' * len(text)}", flush=True)

    def table(self, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Print columns, the first to the left and the others to the right."""
        lines = [tuple(head), *(tuple(row) for row in rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
        for line in lines:
            cells = [
                cell.ljust(width) if column == 0 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(line, widths, strict=True))
            ]
            print("  " + "  ".join(cells).rstrip(), flush=True)

    def goal(self, text: str, reached: bool) -> None:
        """Say whether a goal of the design is reached."""
        print(f"  {'ok    ' if reached else 'MISSED'}  {text}", flush=True)
        if not reached:
            self.missed.append(text)


def median(values: Iterable[float]) -> float:
    """The middle value."""
    return statistics.median(values)


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of `values` lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def interleaved(rounds: int, **measured: Round) -> dict[str, list[float]]:
    """Run each in turn, `rounds` times over, so that a machine that slows down slows them all alike."""
    found: dict[str, list[float]] = {name: [] for name in measured}
    for _ in range(rounds):
        for name, run in measured.items():
            found[name].append(run())
    return found
