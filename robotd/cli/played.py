"""What came of a replay, for people and for scripts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from robotd.cli.exits import printable
from robotd.cli.selecting import local_date_and_time
from robotd.cli.words import many

if TYPE_CHECKING:
    from robotd.journal.replay import Comparison, Difference, Divergence, Parting, Report
    from robotd.journal.row import Row

SHOWN_PARTINGS = 10
"""So many places where two machines part are listed for people. Programs get more."""
PROGRESS_ROWS = 1_000
"""A progress bar moves on after so many rows."""


@contextmanager
def playing(due: int, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """Shows how far it is, of `due` rows."""
    from robotd.cli import console

    def advance(rows: int) -> None:
        progress.advance(f"row {rows:,} of {due:,}")

    with console.Progress(-(-due // PROGRESS_ROWS), quiet=quiet) as progress:
        yield advance


# -- against itself


def report_text(report: Report, took_s: float) -> str:
    """A replay in a line or two."""
    counts = (
        f"{report.rows:,} rows, {_decisions(report)} in {took_s:.1f} s ({report.rows / took_s:,.0f} rows/s)"
    )
    lines = [f"{'the same' if report.divergence is None else 'DIVERGED'}  {counts}"]
    if report.passed_over:
        lines.append(f"{report.passed_over:,} rows lie before the first start and were passed over")
    return "\n".join(lines)


def show_divergence(divergence: Divergence) -> None:
    """The row at which the machine did not do the same again, and both sides."""
    from robotd.cli import console

    typer.echo(f"{place(divergence.row)}  {told(divergence.row)}")
    console.table(
        ("", "journal", "now"),
        [(one.key, plain(one.journal), plain(one.replayed)) for one in divergence.differences],
    )
    typer.echo("")


def report_as_json(report: Report, took_s: float) -> dict[str, Any]:
    """A replay, for scripts."""
    divergence = report.divergence
    return {
        "same": divergence is None,
        "rows": report.rows,
        "decisions": report.decisions,
        "boots": report.boots,
        "passed_over": report.passed_over,
        "took_s": round(took_s, 6),
        "rows_per_s": round(report.rows / took_s),
        "divergence": None
        if divergence is None
        else {
            **about(divergence.row),
            "differences": [_difference(one) for one in divergence.differences],
        },
    }


# -- against another file


def show_comparison(found: Comparison, name: str) -> None:
    """Where the journal and the robot's file `name` part, and what each did there."""
    if found.kept:
        first, *others = found.kept
        _show_parting(first, name)
        for parting in others[: SHOWN_PARTINGS - 1]:
            typer.echo(f"{place(parting.row)}  {name}: {told(parting.row, parting.other)}{_until(parting)}")
        if (more := found.partings - min(len(found.kept), SHOWN_PARTINGS)) > 0:
            typer.echo(f"and {more:,} more")
        typer.echo("")
    decisions = _decisions(found)
    if found.partings:
        times = "once" if found.partings == 1 else f"{found.partings:,} times"
        typer.echo(f"DIVERGED  {name} parts {times}: {found.different:,} of {decisions} are not the same")
    else:
        typer.echo(f"the same  {name} does the same: {decisions}")
    if found.passed_over:
        typer.echo(f"{found.passed_over:,} rows lie before the first start and were passed over")


def _show_parting(parting: Parting, name: str) -> None:
    from robotd.cli import console

    width = max(len(name), len("journal")) + 1
    typer.echo(f"{place(parting.row)}")
    happened = "nothing happened" if parting.journal is None else told(parting.row)
    typer.echo(f"  {'journal:':<{width}} {happened}")
    typer.echo(f"  {name + ':':<{width}} {told(parting.row, parting.other)}")
    saw = [
        f"{reading} {plain(value)}{f' ({age:.1f} s old)' if (age := parting.ages_s.get(reading)) else ''}"
        for reading, value in parting.other.get("saw", {}).items()
    ]
    if saw:
        typer.echo(f"  {'':<{width}} it looked at {', '.join(saw)}")
    if parting.journal is not None:
        console.table(
            ("", "journal", name),
            [(one.key, plain(one.journal), plain(one.replayed)) for one in parting.differences],
        )
    met = parting.met
    typer.echo(
        "\n" + ("they never meet again" if met is None else f"they meet again at row {met.seq}") + "\n"
    )


def _until(parting: Parting) -> str:
    return "" if parting.met is None else f" until row {parting.met.seq}"


def comparison_as_json(found: Comparison) -> dict[str, Any]:
    """The same, for scripts; more of it."""
    return {
        "same": not found.partings,
        "rows": found.rows,
        "decisions": found.decisions,
        "boots": found.boots,
        "passed_over": found.passed_over,
        "different": found.different,
        "partings": found.partings,
        "shown": [
            {
                **about(parting.row),
                "differences": [_difference(one) for one in parting.differences],
                "journal": parting.journal,
                "other": parting.other,
                "ages_s": {name: round(age, 6) for name, age in parting.ages_s.items()},
                "met": None if parting.met is None else parting.met.seq,
            }
            for parting in found.kept
        ],
    }


def _difference(one: Difference) -> dict[str, Any]:
    return {"key": one.key, "journal": one.journal, "now": one.replayed}


def _decisions(played: Report | Comparison) -> str:
    return f"{many(played.decisions, 'decision')} of {many(played.boots, 'start')}"


# -- rows


def about(row: Row) -> dict[str, Any]:
    """Which row it is, for scripts."""
    return {"seq": row.seq, "boot": row.boot, "at": row.at, "wall": row.wall}


def place(row: Row) -> str:
    """Which row it is, and when it was written, for people."""
    return f"row {row.seq}  {local_date_and_time(row.wall)}"


def told(row: Row, decision: Mapping[str, Any] | None = None) -> str:
    """What happened in a sentence; with `decision`, as if its row had said that."""
    from robotd.journal.telling import tell
    from robotd.json import encode

    if decision is not None:
        row = row._replace(kind="decision", body=encode(decision))
    return printable(tell(row))


def plain(value: Any) -> str:
    """A value, for people."""
    return "-" if value is None else value if isinstance(value, str) else json.dumps(value)
