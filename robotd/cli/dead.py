"""`robotd dead`: the commands that came to no good end, and what a person does about each."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from robotd.cli.connection import Json, Url, talk
from robotd.cli.driving import Wait, send_once
from robotd.cli.exits import Exit, fail
from robotd.cli.locating import SHOWN, JournalPath, Newest, RobotName, locate, open_journal
from robotd.cli.proving import Commands
from robotd.cli.selecting import local_date_and_time, local_time

if TYPE_CHECKING:
    from robotd.cli.asked import Asked
    from robotd.client import RemoteRobot
    from robotd.journal.dead import DeadLetter
    from robotd.journal.store import Rows

NEEDS_THE_ROBOT = "\nOnly a running robot writes to its journal."

app = typer.Typer(
    cls=Commands,
    help="Dead letters: commands that were accepted and came to no good end. Each waits here until a person "
    "sends it again or drops it. None is ever run again by itself.\n\n"
    "Example: robotd dead list",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Letter = Annotated[
    int, typer.Argument(metavar="SEQ", help="The number that `robotd dead list` shows.", min=1)
]


@app.command("list")
def list_letters(
    count: Newest = None,
    journal: JournalPath = None,
    robot: RobotName = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """List the dead letters that nobody has dealt with, the oldest first.

    Example: robotd dead list
    """
    from robotd.journal.dead import dead_letters

    with open_journal(journal, robot, url) as rows:
        letters = dead_letters(rows)
    if as_json:
        typer.echo(json.dumps([letter.as_data() for letter in letters[-(count or 0) :]], indent=2))
    elif not letters:
        typer.echo("there are no dead letters")
    else:
        _table(letters, count or SHOWN)


def _table(letters: Sequence[DeadLetter], most: int) -> None:
    from robotd.cli import console

    columns = ("seq", "ended", "command", "from", "stage", "why")
    console.table(columns, [_row(letter) for letter in letters[-most:]])
    if len(letters) > most:
        typer.echo(f"\nand {len(letters) - most} older")


def _row(letter: DeadLetter) -> Sequence[str]:
    return (
        str(letter.seq),
        local_time(letter.wall),
        _asked(letter),
        letter.source,
        letter.stage,
        _why(letter),
    )


@app.command()
def show(
    seq: Letter, journal: JournalPath = None, robot: RobotName = None, url: Url = None, as_json: Json = False
) -> None:
    """Show all that is known of a dead letter.

    Example: robotd dead show 812
    """
    with open_journal(journal, robot, url) as rows:
        letter = _find(rows, seq)
    if as_json:
        typer.echo(json.dumps(letter.as_data(), indent=2))
        return
    from robotd.cli import console

    facts = {
        "command": _asked(letter),
        "from": letter.source,
        "ended": f"{letter.stage}, {local_date_and_time(letter.wall)}",
        "why": _why(letter),
        "hint": letter.hint,
        "ran": "something of it may have run" if letter.started else "nothing of it ran",
        "id": letter.id,
        "trace": letter.trace,
    }
    console.table((f"#{letter.seq}", ""), [(name, fact) for name, fact in facts.items() if fact])


@app.command()
def resend(
    seq: Letter,
    wait: Annotated[Wait, typer.Option(help="The stage to wait for; any end comes first.")] = Wait.STARTED,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Send it again as a new command, and say what becomes of that. The robot may move.

    The new command has an id of its own and names the old one as its correlation id. Where the robot does not
    even accept it (it is latched, say) the dead letter stays; else it is done with, however the new one ends.

    Example: robotd dead resend 812
    """
    from robotd.client import RemoteError

    place = locate(None, url=url)
    with open_journal(place) as rows:
        letter = _find(rows, seq)
    command = letter.command
    if command is None:
        fail(Exit.FAILED, f"the journal no longer has the command of #{seq}: it cannot be sent again")
    valid_for_ms = command.get("valid_for_ms")
    new_id = str(uuid.uuid4())
    more: dict[str, Any] = {
        "command_id": new_id,
        "correlation_id": letter.id,
        "valid_for_s": None if valid_for_ms is None else valid_for_ms / 1000,
        "priority": "background" if command.get("lane") == "background" else None,
        "version": command.get("version"),
    }

    async def story(robot: RemoteRobot) -> Exit:
        try:
            code = await send_once(robot, letter.type, letter.payload or {}, wait, as_json, **more)
        except RemoteError:
            if _was_accepted(place, new_id):
                await _bury(robot, seq, "resent")
            raise
        await _bury(robot, seq, "resent")
        return code

    talk(url, story, as_json=as_json, hint=NEEDS_THE_ROBOT)


@app.command()
def drop(
    seqs: Annotated[
        list[int] | None, typer.Argument(metavar="SEQ...", help="Their numbers.", show_default=False)
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that there are now.")] = False,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Be done with dead letters without sending them again. Their rows stay in the journal.

    Example: robotd dead drop 812 815

    Example: robotd dead drop --all
    """
    if bool(seqs) is everything:
        raise typer.BadParameter("name dead letters, or say --all")
    from robotd.cli import console
    from robotd.journal.dead import dead_letters

    with open_journal(None, url=url) as rows:
        chosen = dead_letters(rows) if everything else [_find(rows, seq) for seq in dict.fromkeys(seqs or ())]
    dropped = [letter.seq for letter in chosen]

    async def story(robot: RemoteRobot) -> Exit:
        with console.Progress(len(dropped), quiet=as_json) as progress:
            for seq in dropped:
                await _bury(robot, seq, "dropped")
                progress.advance(f"#{seq}")
        typer.echo(json.dumps({"dropped": dropped}) if as_json else _dropped(dropped))
        return Exit.DONE

    talk(url, story, as_json=as_json, hint=NEEDS_THE_ROBOT)


def _dropped(seqs: Sequence[int]) -> str:
    return f"dropped {', '.join(f'#{seq}' for seq in seqs)}" if seqs else "there are no dead letters"


def _was_accepted(journal: Path | Asked, command_id: str) -> bool:
    """Whether the journal has it: then it has a fate of its own, and where that is bad a dead letter."""
    from robotd.journal.kinds import COMMAND
    from robotd.journal.store import Select

    with open_journal(journal) as rows:
        found = rows.rows(Select(kinds=(COMMAND,), id=command_id), limit=1, newest_first=True)
        return next(found, None) is not None


async def _bury(robot: RemoteRobot, seq: int, how: str) -> None:
    await robot.call("dead.bury", {"letter": seq, "how": how})


def _find(rows: Rows, seq: int) -> DeadLetter:
    from robotd.journal.dead import dead_letter

    return dead_letter(rows, seq)


def _asked(letter: DeadLetter) -> str:
    """What was wanted, as somebody would type it: `drive linear=0.2`."""
    from robotd.journal.telling import arguments

    return f"{letter.type} {arguments(letter.payload or {})}".strip()


def _why(letter: DeadLetter) -> str:
    return ": ".join(filter(None, (letter.reason, letter.message)))
