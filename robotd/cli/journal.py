"""`robotd journal`: what the robot did, row by row: to look at, to follow, to carry away, to check."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from robotd.cli.connection import Json, Url, interruption, until
from robotd.cli.exits import Exit, complain, fail, printable
from robotd.cli.locating import DATABASE, JournalPath, RobotName, locate, open_journal, open_place
from robotd.cli.proving import Commands
from robotd.cli.selecting import (
    Id,
    Kind,
    OfDevice,
    Seq,
    Since,
    Trace,
    Until,
    local_date_and_time,
    local_time,
    selection,
)

if TYPE_CHECKING:
    from robotd.cli.asked import Asked
    from robotd.journal.row import Row
    from robotd.journal.store import Rows, Select

ShowRows = Callable[[Iterable["Row"]], None]
Write = Callable[[Iterable["Row"], IO[bytes]], None]

TAIL_ROWS = 20
FOLLOW_S = 0.25
"""How often `tail -f` looks for new rows: no person reads faster, and no disk notices."""
PROGRESS_ROWS = 1_000
"""A progress bar moves on after so many numbers."""

app = typer.Typer(
    cls=Commands,
    help="Look into the journal: every command, decision, outcome and stop, in order and durable.\n\n"
    "It is that of the robot that runs here, or else the only one here; --journal names another.\n\n"
    "Example: robotd journal tail -f",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class Format(StrEnum):
    """What an export is written as."""

    JSONL = "jsonl"
    MCAP = "mcap"


@app.command()
def tail(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new rows until Ctrl-C.")] = False,
    count: Annotated[
        int | None,
        typer.Option(
            "-n",
            min=0,
            metavar="N",
            help=f"So many of the newest; left out: {TAIL_ROWS}, with --since or --seq all.",
            show_default=False,
        ),
    ] = None,
    since: Since = None,
    before: Until = None,
    seq: Seq = None,
    kind: Kind = None,
    trace: Trace = None,
    about: Id = None,
    device: OfDevice = None,
    journal: JournalPath = None,
    robot: RobotName = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Show the newest rows, the oldest of them first; with -f follow what is written.

    Example: robotd journal tail -f

    Example: robotd journal tail --since "10 min" --kind stop --kind halt

    Example: robotd journal tail --seq 800..900 --device base --json
    """
    select = selection(since=since, until=before, seq=seq, kind=kind, trace=trace, about=about, device=device)
    limit = TAIL_ROWS if count is None and since is None and seq is None else count
    place = locate(journal, robot, url)
    if follow and isinstance(place, Path) and place.is_file() and place.name != DATABASE:
        raise typer.BadParameter(f"{place} is an export: nothing is added to it")
    show_rows = _print_json if as_json else _print_rows
    if follow:
        asyncio.run(_follow(place, select, limit, show_rows))
    else:
        _show_newest(place, select, limit, show_rows)


def _show_newest(place: Path | Asked, select: Select, limit: int | None, show_rows: ShowRows) -> int:
    """Show what is there, at most so much of it; returns the number of the row that is the newest now."""
    with open_journal(place) as rows:
        newest = rows.last_seq
        past = _until(select, newest)
        if limit is None:
            show_rows(rows.rows(past))
        else:
            show_rows(reversed(list(rows.rows(past, limit=limit, newest_first=True))))
    return newest


def _until(select: Select, newest: int) -> Select:
    return replace(select, until=newest if select.until is None else min(newest, select.until))


async def _follow(place: Path | Asked, select: Select, limit: int | None, show_rows: ShowRows) -> None:
    """Show what is there, then what is added, until Ctrl-C.

    Files are opened anew each time, since a start of the daemon may put others in their place; where they
    cannot be read now, that is said once, and a later start may mend it. A robot that has to be asked is
    asked over one connection.
    """
    from robotd.journal.errors import JournalError

    async def look(seen: int, asked: Rows | None) -> None:
        trouble = ""
        while True:
            await asyncio.sleep(FOLLOW_S)
            try:
                with nullcontext(asked) if asked is not None else open_place(place) as rows:
                    newest = rows.last_seq
                    show_rows(rows.rows(_until(replace(select, since=max(seen, select.since)), newest)))
                seen, trouble = max(seen, newest), ""
            except JournalError as error:
                if asked is not None:
                    raise
                if str(error) != trouble:
                    trouble = str(error)
                    complain(trouble)

    interrupted = interruption()
    seen = _show_newest(place, select, limit, show_rows)
    if isinstance(place, Path):
        await until(interrupted, look(seen, None))
    else:
        with open_journal(place) as asked:
            await until(interrupted, look(seen, asked))


@app.command()
def show(
    numbers: Annotated[list[int], typer.Argument(metavar="SEQ...", help="The numbers of rows.", min=1)],
    journal: JournalPath = None,
    robot: RobotName = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Show all that rows say.

    Example: robotd journal show 812
    """
    from robotd.journal.store import Select

    with open_journal(journal, robot, url) as rows:
        for number in numbers:
            row = next(rows.rows(Select(since=number - 1, until=number)), None)
            if row is None:
                fail(Exit.FAILED, f"the journal has no row #{number}; its newest is #{rows.last_seq}")
            if as_json:
                _print_json([row])
            else:
                _print_all_of(row)


@app.command()
def export(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Default: standard output.")
    ] = None,
    form: Annotated[
        Format | None,
        typer.Option("--format", help="Left out: what FILE ends in, or jsonl.", show_default=False),
    ] = None,
    since: Since = None,
    before: Until = None,
    seq: Seq = None,
    kind: Kind = None,
    trace: Trace = None,
    about: Id = None,
    device: OfDevice = None,
    journal: JournalPath = None,
    robot: RobotName = None,
    url: Url = None,
) -> None:
    """Write rows as JSON lines, or as MCAP for Foxglove and PlotJuggler.

    JSON lines can be read by all commands that take --journal. MCAP has the channels /state, /stage,
    /decision, /log and one for each reading; it needs the extra `record`. A file that is there already is
    replaced, and only when all is written.

    Example: robotd journal export -o rover.jsonl

    Example: robotd journal export --since 14:00 -o patrol.mcap
    """
    select = selection(since=since, until=before, seq=seq, kind=kind, trace=trace, about=about, device=device)
    if form is None:
        form = Format.MCAP if output is not None and output.suffix == ".mcap" else Format.JSONL
    if form is Format.MCAP and output is None:
        raise typer.BadParameter("an MCAP file needs a name: -o FILE")
    from robotd.journal.export import whole_file

    writer = _writer(form)
    with open_journal(journal, robot, url) as rows:
        write = writer(rows)
        try:
            if output is None:
                write(rows.rows(select), sys.stdout.buffer)
                sys.stdout.flush()
            else:
                with whole_file(output) as file:
                    last = rows.last_seq if select.until is None else min(select.until, rows.last_seq)
                    write(counted(rows.rows(select), select.since, last), file)
        except BrokenPipeError:
            raise  # whoever read it has enough
        except OSError as error:
            fail(Exit.FAILED, f"{output or 'standard output'} cannot be written: {error.strerror}")


def _writer(form: Format) -> Callable[[Rows], Write]:
    """What writes rows of a journal; or the end of it, where a package is missing."""
    from robotd.journal.export import write_json_lines
    from robotd.journal.kinds import BOOT
    from robotd.journal.store import Select

    if form is Format.JSONL:
        return lambda _: write_json_lines
    try:
        from robotd.journal.mcap import write_mcap
    except ModuleNotFoundError:
        fail(Exit.FAILED, 'MCAP needs a package that is not here: pip install "robotd[record]"')
    # Names and units are needed, whatever rows were chosen.
    return lambda rows: partial(write_mcap, boots=rows.rows(Select(kinds=(BOOT,))))


def counted(rows: Iterable[Row], first: int, last: int, *, quiet: bool = False) -> Iterator[Row]:
    """`rows`, with a progress bar over the numbers from `first` to `last`."""
    from robotd.cli import console

    with console.Progress(last - first, quiet=quiet) as progress:
        told = first
        for row in rows:
            if row.seq >= told + PROGRESS_ROWS:
                told = row.seq
                progress.reached(told - first, "rows")
            yield row


def _print_json(rows: Iterable[Row]) -> None:
    from robotd.journal.export import json_line

    for row in rows:
        typer.echo(json_line(row))


def _print_rows(rows: Iterable[Row]) -> None:
    from robotd.cli import console
    from robotd.journal.telling import tell

    console.journal_rows((local_time(row.wall), row.seq, row.kind, tell(row)) for row in rows)


def _print_all_of(row: Row) -> None:
    """The row in a sentence, then all it has; tracebacks and files as they are."""
    _print_rows([row])
    try:
        body = dict(row.data)
    except ValueError as error:
        body = {"damaged": str(error), "text": row.body.decode(errors="replace")}
    texts = [body.pop(name) for name, said in list(body.items()) if isinstance(said, str) and "\n" in said]
    facts = {"time": local_date_and_time(row.wall), "at": f"{row.at:.6f} s", "boot": row.boot}
    for name, fact in (facts | {"id": row.id, "trace": row.trace}).items():
        if fact is not None:
            typer.echo(printable(f"{name:<8}{fact}"))
    typer.echo(printable(json.dumps(body, indent=2, ensure_ascii=False)))
    for text in texts:
        typer.echo(printable(text))
