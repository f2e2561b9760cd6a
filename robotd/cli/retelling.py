"""Rows of a journal as the file of a scenario."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from robotd.cli.exits import Exit, fail
from robotd.cli.files import EXAMPLE_PREFIX, load

if TYPE_CHECKING:
    from robotd.journal.store import Rows


def write_scenario(
    rows: Rows, out: Path, robot: str | None, since: int | None, until: int | None, *, as_json: bool
) -> None:
    """Write what the rows tell to `out`. `robot`: its file; None: the one that the journal names."""
    from robotd.sim.scenario.incident import retell_rows

    name = robot or _named(rows, until)
    config = load(name, as_json=as_json)
    if not name.startswith(EXAMPLE_PREFIX):
        name = Path(os.path.relpath(config.path.resolve(), out.parent.resolve())).as_posix()
    incident = retell_rows(rows, config, name, since=since, until=until)
    try:
        out.write_text(incident.to_yaml(), encoding="utf-8")
    except OSError as error:
        fail(Exit.FAILED, f"{out} cannot be written: {error.strerror}")
    if as_json:
        found = {"scenario": str(out), "steps": len(incident.scenario.steps), "not_retold": incident.unsaid}
        typer.echo(json.dumps(found, indent=2))
        return
    typer.echo(f"wrote {out}: {len(incident.scenario.steps)} steps; run it: robotd test {out}")
    for sentence in incident.unsaid:
        typer.echo(f"not retold: {sentence}")


def _named(rows: Rows, until: int | None) -> str:
    """The robot's file, as the newest start of a daemon says it."""
    from robotd.journal.kinds import BOOT
    from robotd.journal.store import Select

    boot = next(rows.rows(Select(kinds=(BOOT,), until=until), limit=1, newest_first=True), None)
    file = None if boot is None else boot.data.get("file")
    if not file or not Path(file).is_file():
        fail(
            Exit.USAGE,
            f"the journal's robot is {file or 'not named'}, which is not here: --robot FILE names it",
        )
    return str(file)
