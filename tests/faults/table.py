"""How far it is, and what came out: for a terminal, and for the README."""

from __future__ import annotations

import os
import platform
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TextIO

from tests.benchmarks.figures import quantile
from tests.faults.clock import now
from tests.faults.matrix import Result
from tests.faults.trial import Row

HEAD = ("failure", "trials", "missed", "p50", "p99", "max", "limit")
BAR_LETTERS = 30


class Progress:
    """A bar on a terminal; elsewhere only what a person should know."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._bar = stream.isatty()
        self._trials = 0
        self._done = -1
        self._began = now()

    def begin(self, trials: int) -> None:
        """So many there will be."""
        self._trials = trials
        self._began = now()

    def step(self, row: Row) -> None:
        """One trial of this row is about to begin."""
        self._done += 1
        if self._bar:
            part = self._done * BAR_LETTERS // max(1, self._trials)
            left_s = (now() - self._began) / max(1, self._done) * (self._trials - self._done)
            bar = "#" * part + "." * (BAR_LETTERS - part)
            self._show(f"[{bar}] {self._done}/{self._trials}  {left_s / 60:3.0f} min left  {row.title}"[:110])

    def say(self, sentence: str) -> None:
        """On a line of its own."""
        self._show("")
        self._stream.write(f"{sentence}\n")

    def end(self) -> None:
        """The bar goes."""
        self._show("")

    def _show(self, line: str) -> None:
        if self._bar:
            self._stream.write(f"\r\x1b[K{line}")
            self._stream.flush()


def text(results: Sequence[Result], stolen_s: float) -> str:
    """Columns, and a line for each row that cannot be tried or has missed something.

    `stolen_s`: for how long the host kept processors from this machine, which is in the figures.
    """
    lines = [HEAD, *_cells(results)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    told = [
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    return "\n".join([*told, "", *_remarks(results, stolen_s), ""])


def markdown(results: Sequence[Result], stolen_s: float) -> str:
    """The same for a page, with its date and its machine."""
    marks = ["---", *["---:"] * (len(HEAD) - 1)]
    lines = [f"| {' | '.join(line)} |" for line in (HEAD, marks, *_cells(results))]
    return "\n".join([*lines, "", *_remarks(results, stolen_s), ""])


def _cells(results: Sequence[Result]) -> Iterator[tuple[str, ...]]:
    for result in results:
        row, took_s = result.row, result.took_s
        limit = f"{row.limit_s * 1000:g} ms" + ("" if row.share == 1 else f" (p{row.share * 100:g})")
        if result.skipped is not None:
            yield (row.title, "skipped", "", "", "", "", limit)
            continue
        figures = (quantile(took_s, 0.5), quantile(took_s, 0.99), max(took_s)) if took_s else ()
        shown = [f"{figure * 1000:.1f}" for figure in figures] or ["-"] * 3
        yield (row.title, f"{result.trials:,}", str(result.missed), *shown, limit)


def _remarks(results: Sequence[Result], stolen_s: float) -> Iterator[str]:
    trials = sum(result.trials for result in results)
    missed = sum(result.missed for result in results)
    machine = f"Linux {platform.release().partition('-')[0]}, {os.cpu_count()} cores"
    yield (
        f"{datetime.now(UTC):%Y-%m-%d}, {machine}: {trials:,} trials, {missed} missed. "
        "In ms, from the fault to the last byte that stopped the last motor, as the boards heard it. "
        f"The host took {stolen_s:.1f} s of the cores for itself."
    )
    for result in results:
        if result.skipped is not None:
            yield f"Skipped: {result.row.title}: {result.skipped}."
        elif not result.within and result.took_s:
            yield (
                f"TOO LATE: {result.row.title}: {result.judged_s * 1000:.1f} ms in the best of the rounds, "
                f"the limit is {result.row.limit_s * 1000:g} ms."
            )
        for why, times in Counter(why.partition(": ")[0] for why in result.why_again).items():
            yield f"Made again, {times} x: {result.row.title}: {why}."
        for why in dict.fromkeys(result.why_missed):
            yield f"MISSED: {result.row.title}: {why}"
