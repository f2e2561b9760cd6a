"""Which journal a command is about, and opening it: that of a running robot, of a folder, or an export."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from robotd.cli.connection import connecting, refusal_sentence
from robotd.cli.exits import Exit, fail
from robotd.cli.files import EXAMPLE_PREFIX, robot_file

if TYPE_CHECKING:
    from robotd.cli.asked import Asked
    from robotd.journal.store import Rows

DATABASE = "journal.db"
IN_MEMORY = Path("memory")
"""What `robotd run` takes for a journal that is nowhere; `$ROBOTD_JOURNAL` may say it."""
SYSTEM_FOLDER = Path("/var/lib/robotd")
"""What systemd gives to the service (`StateDirectory=`); a person who asks has no `$STATE_DIRECTORY`."""
_NAME = re.compile(r"^robot:\s*[\"']?(?P<name>[A-Za-z]\w*)", re.MULTILINE)

JournalPath = Annotated[
    Path | None,
    typer.Option(
        "--journal",
        metavar="PATH",
        envvar="ROBOTD_JOURNAL",
        help="A journal's folder or file, or an export in JSON lines. "
        "Default: that of the robot that runs here, or else the only one here.",
        show_default=False,
    ),
]
SHOWN = 50
Newest = Annotated[
    int | None,
    typer.Option(
        "-n",
        min=1,
        metavar="N",
        help=f"So many of the newest; left out: {SHOWN}, with --json all.",
        show_default=False,
    ),
]
RobotName = Annotated[
    str | None,
    typer.Option(
        "--robot",
        metavar="FILE|NAME",
        help="The journal of this robot: its file, example:NAME or its name.",
        show_default=False,
    ),
]


@contextmanager
def open_journal(
    journal: Path | Asked | None, robot: str | None = None, url: str | None = None
) -> Iterator[Rows]:
    """The rows of the journal that `locate` finds, or has found.

    What is wrong with it, now or while it is read, ends the command with a sentence.
    """
    from robotd.journal.errors import JournalError

    place = journal if isinstance(journal, tuple) else locate(journal, robot, url)
    try:
        with open_place(place) as rows:
            yield rows
    except JournalError as error:
        fail(Exit.FAILED, str(error))
    except PermissionError as error:
        fail_forbidden(Path(str(place)), error)


@contextmanager
def open_place(place: Path | Asked) -> Iterator[Rows]:
    """The rows there. Raises `JournalError`, and `PermissionError`."""
    if isinstance(place, Path):
        from robotd.journal.reader import open_rows

        with open_rows(place) as rows:
            yield rows
    else:
        with place.open() as asked:
            yield asked


def fail_forbidden(path: Path, error: PermissionError) -> NoReturn:
    """It may not be read."""
    fail(Exit.FAILED, f"{error.filename or path}: {error.strerror}; whoever the robot runs as may read it")


def find_journal(journal: Path | None, robot: str | None = None, url: str | None = None) -> Path:
    """As `locate`, for what needs the files; or the end of it, where only the robot can be asked."""
    place = locate(journal, robot, url)
    if not isinstance(place, Path):
        fail(Exit.FAILED, f"{place.robot} runs, and the files of its journal are not here to be read")
    return place


def locate(journal: Path | None, robot: str | None = None, url: str | None = None) -> Path | Asked:
    """Where the journal is that the options mean; or the end of it, which says what there is."""
    if journal is not None and journal != IN_MEMORY:
        if not is_there(journal):
            fail(Exit.USAGE, f"there is no {journal}")
        return journal
    name = None if robot is None else robot_name(robot)
    told = _told_by_a_daemon(url, name)
    if told is not None:
        return told
    places = state_folders(name)
    found = [folder for folder in places if is_there(folder / DATABASE)]
    if len(found) != 1:
        runs, whose = ("no robot runs", "") if name is None else (f"{name} does not run", f" of {name}")
        there = f"several journals{whose} are here" if found else f"there is no journal{whose}"
        what = ", ".join(map(str, found)) if found else f"looked in {', '.join(map(str, places))}"
        fail(Exit.USAGE, f"{runs} here and {there}: name it with --journal PATH ({what})")
    return found[0]


def robot_name(robot: str) -> str:
    """`robot` itself, or the name in it where it is a robot's file. A file with errors does, too."""
    if not (robot.startswith(EXAMPLE_PREFIX) or robot.endswith((".yaml", ".yml")) or "/" in robot):
        return robot
    file = robot_file(robot)
    try:
        found = _NAME.search(file.read_text(errors="replace"))
    except OSError as error:
        fail(Exit.USAGE, f"{file}: {error.strerror}")
    if found is None:
        fail(Exit.USAGE, f"{file} does not say which robot it is")
    return found["name"]


def state_folders(robot: str | None) -> list[Path]:
    """Where the journal of `robot` may lie (None: of any robot), the most likely first."""
    from robotd.journal.reader import default_folder

    if robot is not None:
        mine = [default_folder(robot, os.environ)]
    else:
        # Of a service that is the folder itself, of a user the one that has a folder for each robot.
        likely = default_folder("", os.environ)
        mine = [likely, *sorted(_folders(likely))]
    return list(dict.fromkeys([*mine, SYSTEM_FOLDER]))


def _folders(folder: Path) -> Iterable[Path]:
    try:
        return [path for path in folder.iterdir() if path.is_dir()]
    except OSError:
        return []


def is_there(path: Path) -> bool:
    """Whether there is such a file, or there may be: where we may not look, opening it says why."""
    try:
        return path.exists()
    except PermissionError:
        return True


def _told_by_a_daemon(url: str | None, robot: str | None) -> Path | Asked | None:
    """The journal of the robot that runs there; None where none runs, or not the one called `robot`."""
    import asyncio

    from robotd.client import ClientError, RemoteError

    connection = connecting(url)

    async def ask() -> dict[str, object]:
        async with connection as running:
            return await running.status()

    try:
        status = asyncio.run(ask())
    except (ClientError, TimeoutError, OSError) as error:
        if url is not None and isinstance(error, RemoteError):
            fail(Exit.REFUSED, refusal_sentence(error))
        if url is not None:
            fail(Exit.CANNOT_CONNECT, str(error) or "connected, but the robot did not answer in time")
        return None
    if robot is not None and status["robot"] != robot:
        return None
    journal = status.get("journal")
    if not isinstance(journal, dict):
        return None  # an older version, which has none
    path = Path(journal["path"]) if journal["path"] else None
    if path is not None and _is_of_boot(path, journal["boot"]):
        return path
    from robotd.cli.asked import Asked

    return Asked(url, str(status["robot"]))


def _is_of_boot(path: Path, boot: str) -> bool:
    """Whether these files are here, may be read, and are those of that robot, which may run elsewhere."""
    from robotd.journal.errors import JournalError
    from robotd.journal.reader import open_rows

    try:
        with open_rows(path) as rows:
            newest = next(rows.rows(limit=1, newest_first=True), None)
    except (JournalError, OSError):
        return False
    return newest is not None and newest.boot == boot
