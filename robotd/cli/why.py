"""`robotd why`: what happened and its cause, from the journal, whether or not a robot runs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from robotd.cli.connection import Json, Url, connecting, talk
from robotd.cli.exits import Exit, fail, printable
from robotd.cli.locating import JournalPath, RobotName, open_journal
from robotd.cli.selecting import local_time

if TYPE_CHECKING:
    from robotd.client import RemoteRobot
    from robotd.journal.store import Rows


def why(
    about: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID|SEQ]",
            help="The id of a command or its trace, or the number of a row of the journal. "
            "Without it: why the robot stands still now.",
            show_default=False,
        ),
    ] = None,
    journal: JournalPath = None,
    robot: RobotName = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Say why the robot stands still, or why something happened: the chain of causes, oldest first.

    The last line is all of it in short: what happened <- its cause <- the cause of that. A robot that runs is
    asked; where none does, its journal is read.

    Example: robotd why

    Example: robotd why 812

    Example: robotd why --journal incident.jsonl --json
    """
    number = _number(about)
    known = journal is None and robot is None
    if known and (url is not None or _somebody_answers()):
        params = {"seq": number} if number is not None else {} if about is None else {"id": about}
        _ask(params, url, as_json)
    else:
        with open_journal(journal, robot) as rows:
            _show(_explain(rows, about if number is None else number, runs=not known), as_json)


def _number(about: str | None) -> int | None:
    """The number of a row; people write it as they read it, `#812`."""
    digits = (about or "").removeprefix("#")
    return int(digits) if digits.isdecimal() and digits.isascii() else None


def _somebody_answers() -> bool:
    """Whether a robot runs on this machine."""
    from robotd.client import CannotConnect

    connection = connecting(None)

    async def look() -> None:
        async with connection:
            pass

    try:
        asyncio.run(look())
    except CannotConnect:
        return False
    return True


def _ask(params: Mapping[str, Any], url: str | None, as_json: bool) -> None:
    async def story(robot: RemoteRobot) -> Exit:
        _show(await robot.call("why", params), as_json)
        return Exit.DONE

    talk(url, story, as_json=as_json)


def _explain(rows: Rows, about: str | int | None, *, runs: bool) -> Mapping[str, Any]:
    """`runs` is false where nobody answered whose journal it would be."""
    from robotd.journal.why import NotInJournal, explain

    try:
        return explain(_at_hand(rows), about, zone=None, runs=runs).as_data()
    except NotInJournal as error:
        fail(Exit.FAILED, f"{error}; {error.hint}")


def _at_hand(rows: Rows) -> Rows:
    """The newest rows of an export in memory: it is read from its beginning for each question."""
    from robotd.journal.memory import MemoryStore
    from robotd.journal.reader import Export
    from robotd.journal.why import REACH_ROWS

    if not isinstance(rows, Export):
        return rows
    kept = MemoryStore(REACH_ROWS)
    for row in rows.rows():
        kept.commit([row])
    return kept


def _show(explanation: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(explanation, indent=2, ensure_ascii=False))
        return
    for link in explanation["links"]:
        typer.echo(printable(f"{local_time(link['wall'])}  #{link['seq']:<5}  {link['sentence']}"))
    typer.secho(printable(explanation["summary"]), bold=True)
