"""`robotd audit`: what somebody may have to answer for, and whether those rows are as they were written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typer

from robotd.cli.connection import Json, Url
from robotd.cli.exits import Exit, printable
from robotd.cli.locating import SHOWN, JournalPath, Newest, RobotName, open_journal
from robotd.cli.proving import Commands
from robotd.cli.selecting import local_date_and_time
from robotd.cli.words import many

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from robotd.journal.row import Row

COVERED = ("n", "what", "who", "source", "prev", "chain")

app = typer.Typer(
    cls=Commands,
    help="The audit rows of the journal: tokens that were taken and refused, stops, resets, leases that were "
    "stolen, what was forbidden, and the configuration of each start.\n\n"
    "Example: robotd audit list",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("list")
def list_rows(
    count: Newest = None,
    journal: JournalPath = None,
    robot: RobotName = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """List who did what, the oldest first.

    Example: robotd audit list -n 10
    """
    from robotd.journal.kinds import AUDIT
    from robotd.journal.store import Select

    limit = count or (None if as_json else SHOWN)
    with open_journal(journal, robot, url) as rows:
        found = [*rows.rows(Select(kinds=(AUDIT,)), limit=limit, newest_first=True)]
    found.reverse()
    if as_json:
        from robotd.journal.reader import to_json

        typer.echo(json.dumps([to_json(row) for row in found], indent=2))
    elif not found:
        typer.echo("there are no audit rows")
    else:
        _table(found)


def _table(rows: list[Row]) -> None:
    from robotd.cli import console
    from robotd.journal.telling import arguments

    def line(row: Row) -> tuple[str, ...]:
        body: Mapping[str, Any] = row.data
        rest = {name: value for name, value in body.items() if name not in COVERED}
        words = (str(body.get(name, "?")) for name in ("n", "what", "who", "source"))
        n, what, who, source = words
        return n, local_date_and_time(row.wall), what, who, source, arguments(rest)

    console.table(("n", "when", "what", "who", "from", ""), [line(row) for row in rows])


@app.command()
def verify(
    journal: JournalPath = None, robot: RobotName = None, url: Url = None, as_json: Json = False
) -> None:
    """Look whether the audit rows are those that were written, all of them, in their order. Changes nothing.

    Exits 1 when they are not. The oldest may be gone: a journal forgets what no longer fits.

    Example: robotd audit verify
    """
    from robotd.access.audit import verify as look
    from robotd.journal.kinds import AUDIT
    from robotd.journal.store import Select

    with open_journal(journal, robot, url) as rows:
        found = [*rows.rows(Select(kinds=(AUDIT,)))]
    faults = look(found)
    if as_json:
        said = [{"seq": fault.seq, "sentence": fault.sentence} for fault in faults]
        typer.echo(json.dumps({"ok": not faults, "rows": len(found), "faults": said}, indent=2))
    else:
        for fault in faults:
            typer.echo(printable(fault.sentence))
        verdict = many(len(faults), "fault") if faults else "ok"
        typer.echo(f"{verdict}  {len(found)} audit rows")
    if faults:
        raise typer.Exit(Exit.FAILED)
