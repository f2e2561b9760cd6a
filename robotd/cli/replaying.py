"""`robotd replay`: a journal played again, by itself, beside another file, up to a row, or as a scenario."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from robotd.cli.connection import Json
from robotd.cli.exits import Exit, fail
from robotd.cli.files import load
from robotd.cli.locating import fail_forbidden, find_journal
from robotd.cli.played import (
    comparison_as_json,
    playing,
    report_as_json,
    report_text,
    show_comparison,
    show_divergence,
)

if TYPE_CHECKING:
    from robotd.config import RobotConfig
    from robotd.journal.replay import Comparison, Report
    from robotd.journal.store import Rows


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
    told what happened: commands, events, how actions ended; what its own events look at is known from the
    journal's samples. With --until it shows where the robot stood at a row, and takes questions: `drive
    linear=0.2` says what that would do there. Nothing is touched. With --as-scenario an incident becomes a
    test: what clients, sensors and cables did, and where the robot got to.

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
        typer.echo(json.dumps(report_as_json(report, took_s), indent=2))
    else:
        if divergence is not None:
            show_divergence(divergence)
        typer.echo(report_text(report, took_s))
    if divergence is not None:
        raise typer.Exit(Exit.FAILED)


def _compare(rows: Rows, config: RobotConfig, until: int | None, *, as_json: bool) -> None:
    from robotd.journal.replay import compare
    from robotd.journal.store import Select

    with playing(until or rows.last_seq, quiet=as_json) as progress:
        found = compare(rows, config.chart, config.commands, config.rules, Select(until=until), progress)
    _require_a_start(found)
    if as_json:
        typer.echo(json.dumps(comparison_as_json(found), indent=2))
    else:
        show_comparison(found, config.path.name)
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


def _require_a_start(played: Report | Comparison) -> None:
    if not played.boots:
        fail(Exit.FILE_INVALID, f"no start of a daemon is among {played.rows:,} rows: nothing can be played")
