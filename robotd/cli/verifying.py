"""`robotd journal stats` and `acknowledge`: how much is in a journal, and what was found broken."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from robotd.cli.connection import Json, Url
from robotd.cli.exits import Exit, complain, fail, printable
from robotd.cli.journal import counted
from robotd.cli.locating import JournalPath, RobotName, find_journal, open_journal
from robotd.cli.selecting import local_date_and_time

if TYPE_CHECKING:
    from robotd.journal.stats import Stats


def stats(
    journal: JournalPath = None, robot: RobotName = None, url: Url = None, as_json: Json = False
) -> None:
    """Count what is in the journal: rows by kind and by boot, and how commands ended.

    Example: robotd journal stats --json
    """
    from robotd.journal.stats import Stats

    path = find_journal(journal, robot, url)
    found = Stats()
    with open_journal(path) as rows:
        for row in counted(rows.rows(), 0, rows.last_seq, quiet=as_json):
            found.add(row)
    size_bytes = _size_bytes(path)
    if as_json:
        typer.echo(json.dumps({"path": str(path), "size_bytes": size_bytes} | found.as_data(), indent=2))
    else:
        _tell(path, size_bytes, found)


def _size_bytes(path: Path) -> int:
    """On the disk, with all that belongs to it but what is in quarantine."""
    files = [path] if path.is_file() else path.glob("journal.*")
    return sum(file.stat().st_size for file in files)


def _tell(path: Path, size_bytes: int, found: Stats) -> None:
    from robotd.cli import console

    rate = "" if found.rows_per_s is None else f", {found.rows_per_s:.3g} a second while a robot ran"
    typer.echo(f"{path}: {found.rows} rows in {size_bytes / 2**20:.1f} MiB{rate}")
    if found.first is None or found.last is None:
        return
    for name, row in (("first", found.first), ("last", found.last)):
        typer.echo(f"{name:<6}#{row.seq}  {local_date_and_time(row.wall)}")
    console.table(("kind", "rows"), [(kind, str(count)) for kind, count in found.kinds.most_common()])
    if found.ends:
        ends = [(stage, reason, str(count)) for (stage, reason), count in found.ends.most_common()]
        console.table(("commands ended", "because of", ""), ends)
    console.table(
        ("boot", "robot", "began", "lasted", "rows"),
        [
            (
                boot.boot,
                " ".join(filter(None, (boot.robot, boot.version))),
                local_date_and_time(boot.first.wall),
                f"{boot.lasted_s:.0f} s",
                str(boot.rows),
            )
            for boot in found.boots.values()
        ],
    )


def acknowledge(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Without asking.")] = False,
    journal: JournalPath = None,
    robot: RobotName = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Say that a person knows what was found broken and put into quarantine. Nothing is deleted.

    Example: robotd journal acknowledge --yes
    """
    from robotd.journal.errors import JournalError
    from robotd.journal.folder import Folder
    from robotd.journal.quarantine import acknowledge as note
    from robotd.journal.quarantine import unacknowledged

    path = find_journal(journal, robot, url)
    asides = unacknowledged(Folder(path if path.is_dir() else path.parent))
    if not asides:
        typer.echo(
            json.dumps({"acknowledged": []}) if as_json else "nothing is in quarantine that is not known"
        )
        return
    for aside in asides:
        typer.echo(printable(f"{aside}: {(Path(aside) / 'found.txt').read_text().strip()}"), err=True)
    if not yes:
        if not sys.stdin.isatty():
            complain("say --yes")
            raise typer.Exit(Exit.USAGE)
        if not typer.confirm("Do you know of this now?", err=True):
            raise typer.Exit(Exit.FAILED)
    try:
        for aside in asides:
            note(Path(aside))
    except (JournalError, OSError) as error:
        fail(Exit.FAILED, str(error))
    typer.echo(json.dumps({"acknowledged": list(asides)}) if as_json else f"acknowledged: {len(asides)}")
