"""`robotd journal verify`, `stats` and `acknowledge`: whether a journal is whole, and how much is in it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from robotd.cli.connection import Json, Url
from robotd.cli.exits import Exit, complain, fail, printable
from robotd.cli.journal import counted
from robotd.cli.locating import JournalPath, RobotName, fail_forbidden, find_journal, open_journal
from robotd.cli.selecting import local_date_and_time
from robotd.cli.words import many

if TYPE_CHECKING:
    from robotd.journal.stats import Stats
    from robotd.journal.verify import Verdict


def verify(
    journal: JournalPath = None, robot: RobotName = None, url: Url = None, as_json: Json = False
) -> None:
    """Look at all of the journal: each row, the chain through them, the pages on the disk. Changes nothing.

    Exits 1 when something is not as it was written. Rows that a start of the daemon found lost already are
    named, but no fault of what is there.

    Example: robotd journal verify

    Example: robotd journal verify --journal rover.jsonl --json
    """
    from robotd.journal.folder import Folder
    from robotd.journal.quarantine import unacknowledged

    path = find_journal(journal, robot, url)
    verdict = _verdict(path, quiet=as_json)
    aside = unacknowledged(Folder(path if path.is_dir() else path.parent))
    if as_json:
        typer.echo(
            json.dumps({"path": str(path)} | _as_json(verdict) | {"quarantined": list(aside)}, indent=2)
        )
    else:
        for line in _lines(verdict, aside):
            typer.echo(printable(line))
    if not verdict.is_whole:
        raise typer.Exit(Exit.FAILED)


def _verdict(path: Path, *, quiet: bool) -> Verdict:
    from robotd.cli import console
    from robotd.journal.errors import JournalError
    from robotd.journal.reader import open_rows
    from robotd.journal.verify import Verdict
    from robotd.journal.verify import verify as look

    try:
        with open_rows(path) as rows:
            first = next(rows.rows(limit=1), None)
            due = 0 if first is None else rows.last_seq - first.seq
            with console.Progress(due, quiet=quiet) as progress:
                return look(rows, lambda count: progress.reached(count, "rows"))
    except PermissionError as error:
        fail_forbidden(path, error)
    except JournalError as error:
        verdict = Verdict()
        verdict.add(None, str(error))
        return verdict


def _lines(verdict: Verdict, quarantined: Sequence[str]) -> Iterator[str]:
    for fault in verdict.faults:
        yield fault.sentence
    if verdict.faults_count > len(verdict.faults):
        yield f"...and {verdict.faults_count - len(verdict.faults)} more"
    for first, last in verdict.lost:
        yield f"lost: rows {first} to {last}, found broken when a daemon started"
    for aside in quarantined:
        yield f"in quarantine: {aside}; `robotd journal acknowledge` says that you know"
    which = (
        ""
        if verdict.first is None or verdict.last is None
        else f", {verdict.first.seq} to {verdict.last.seq}"
    )
    outcome = "ok" if verdict.is_whole else many(verdict.faults_count, "fault")
    yield f"{outcome}  {verdict.rows} rows{which}, of {verdict.boots} boots"


def _as_json(verdict: Verdict) -> dict[str, Any]:
    return {
        "ok": verdict.is_whole,
        "rows": verdict.rows,
        "boots": verdict.boots,
        "first_seq": verdict.first.seq if verdict.first else None,
        "last_seq": verdict.last.seq if verdict.last else None,
        "lost": [list(numbers) for numbers in verdict.lost],
        "faults": [{"seq": fault.seq, "sentence": fault.sentence} for fault in verdict.faults],
        "faults_count": verdict.faults_count,
    }


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
    """Of its rows on the disk, with what was not yet carried over into the database."""
    files = [path] if path.is_file() else path.glob("journal.db*")
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
