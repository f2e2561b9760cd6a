"""`robotd replay`: a journal played again, by itself, beside another file, up to a row, or as a scenario."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from robotd.cli.connection import Json
from robotd.cli.exits import Exit, fail, printable
from robotd.cli.files import load
from robotd.cli.locating import fail_forbidden, find_journal
from robotd.cli.selecting import local_date_and_time

if TYPE_CHECKING:
    from robotd.config import RobotConfig
    from robotd.journal.replay import Comparison, Difference, Divergence, Parting, Report
    from robotd.journal.row import Row
    from robotd.journal.store import Rows

SHOWN_PARTINGS = 10
"""So many places where two machines part are listed for people. Programs get more."""
PROGRESS_ROWS = 1_000
"""A progress bar moves on after so many rows."""


def replay(
    journal: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="A journal's folder, its database, or an export in JSON lines. "
            "Left out: the journal of the robot that runs here, or else the only one here.",
            show_default=False,
        ),
    ] = None,
    other: Annotated[
        str | None,
        typer.Option("--with", metavar="ROBOT", help="Show what the machine of this file would have done."),
    ] = None,
    until: Annotated[
        int | None,
        typer.Option(
            metavar="SEQ", min=1, help="Stand at this row, and ask what would happen. Else: end there."
        ),
    ] = None,
    scenario: Annotated[
        Path | None,
        typer.Option(
            "--as-scenario", metavar="OUT", help="Write what happened as a scenario for `robotd test`."
        ),
    ] = None,
    since: Annotated[
        int | None, typer.Option("--from", metavar="SEQ", min=1, help="Where the scenario begins.")
    ] = None,
    robot: Annotated[
        str | None,
        typer.Option(
            "--robot", metavar="FILE", help="The scenario's robot. Default: the file that the journal names."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Play the journal FILE again: the same messages and readings must lead to the same decisions.

    Exits 0 when they do at every row, 1 at the first that differs, 78 when a file is not valid. With --with
    it shows where another robot's file parts from what was done, and what each would do there; that one is
    told what happened: commands, events as the journal has them, how actions ended. With --until it shows
    where the robot stood at a row, and takes questions: `drive linear=0.2` says what that would do there.
    Nothing is touched. With --as-scenario an incident becomes a test: what clients, sensors and cables did,
    and where the robot got to.

    Example: robotd replay /var/lib/robotd

    Example: robotd replay incident.jsonl --with config/rover.yaml

    Example: robotd replay --until 812

    Example: robotd replay --from 640 --until 812 --as-scenario bump.yaml && robotd test bump.yaml
    """
    if scenario is not None and other is not None:
        fail(Exit.USAGE, "--with and --as-scenario are two things: use one of them")
    if scenario is None and (since is not None or robot is not None):
        fail(Exit.USAGE, "--from and --robot belong to --as-scenario OUT")
    config = None if other is None else load(other, as_json=as_json)
    with _opened(journal) as rows:
        if scenario is not None:
            from robotd.cli.retelling import write_scenario

            write_scenario(rows, scenario, robot, since, until, as_json=as_json)
        elif config is not None:
            _compare(rows, config, until, as_json=as_json)
        elif until is not None:
            from robotd.cli.asking import ask

            ask(rows, until, as_json=as_json)
        else:
            _replay(rows, as_json=as_json)


def _replay(rows: Rows, *, as_json: bool) -> None:
    from robotd.journal.replay import replay as play

    began = perf_counter()
    with playing(rows.last_seq, quiet=as_json) as progress:
        report = play(rows, progress=progress)
    took_s = perf_counter() - began
    _require_a_start(report)
    divergence = report.divergence
    if as_json:
        typer.echo(json.dumps(_as_json(report, took_s), indent=2))
    else:
        if divergence is not None:
            _show_divergence(divergence)
        typer.echo(_sum(report, took_s))
    if divergence is not None:
        raise typer.Exit(Exit.FAILED)


def _compare(rows: Rows, config: RobotConfig, until: int | None, *, as_json: bool) -> None:
    from robotd.journal.replay import compare
    from robotd.journal.store import Select

    with playing(until or rows.last_seq, quiet=as_json) as progress:
        found = compare(rows, config.chart, config.commands, Select(until=until), progress)
    _require_a_start(found)
    if as_json:
        typer.echo(json.dumps(_comparison_as_json(found), indent=2))
    else:
        _show_comparison(found, config.path.name)
    if found.partings:
        raise typer.Exit(Exit.FAILED)


@contextmanager
def _opened(path: Path | None) -> Iterator[Rows]:
    """The rows of the journal at `path`, or of the one that is here; whatever is wrong with it is said."""
    from robotd.journal.errors import JournalError
    from robotd.journal.reader import open_rows

    found = find_journal(path, None, None)
    try:
        with open_rows(found) as rows:
            yield rows
    except JournalError as error:
        fail(Exit.FILE_INVALID, str(error))
    except PermissionError as error:
        fail_forbidden(found, error)
    except KeyboardInterrupt:
        fail(Exit.FAILED, "interrupted")


@contextmanager
def playing(due: int, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """Shows how far it is, of `due` rows."""
    from robotd.cli import console

    def advance(rows: int) -> None:
        progress.advance(f"row {rows:,} of {due:,}")

    with console.Progress(-(-due // PROGRESS_ROWS), quiet=quiet) as progress:
        yield advance


# -- against itself


def _sum(report: Report, took_s: float) -> str:
    counts = (
        f"{report.rows:,} rows, {_decisions(report)} in {took_s:.1f} s ({report.rows / took_s:,.0f} rows/s)"
    )
    lines = [f"{'the same' if report.divergence is None else 'DIVERGED'}  {counts}"]
    if report.passed_over:
        lines.append(f"{report.passed_over:,} rows lie before the first start and were passed over")
    return "\n".join(lines)


def _show_divergence(divergence: Divergence) -> None:
    from robotd.cli import console

    typer.echo(f"{place(divergence.row)}  {told(divergence.row)}")
    console.table(
        ("", "journal", "now"),
        [(one.key, plain(one.journal), plain(one.replayed)) for one in divergence.differences],
    )
    typer.echo("")


def _as_json(report: Report, took_s: float) -> dict[str, Any]:
    divergence = report.divergence
    return {
        "same": divergence is None,
        "rows": report.rows,
        "decisions": report.decisions,
        "boots": report.boots,
        "passed_over": report.passed_over,
        "took_s": round(took_s, 6),
        "divergence": None
        if divergence is None
        else {
            **about(divergence.row),
            "differences": [_difference(one) for one in divergence.differences],
        },
    }


# -- against another file


def _show_comparison(found: Comparison, name: str) -> None:
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


def _comparison_as_json(found: Comparison) -> dict[str, Any]:
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


def _require_a_start(played: Report | Comparison) -> None:
    if not played.boots:
        fail(Exit.FILE_INVALID, f"no start of a daemon is among {played.rows:,} rows: nothing can be played")


def _decisions(played: Report | Comparison) -> str:
    return f"{played.decisions:,} decisions of {played.boots:,} start{'' if played.boots == 1 else 's'}"


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
