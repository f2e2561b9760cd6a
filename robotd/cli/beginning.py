"""`robotd init`: a robot's file to begin with, from an example or from what a scan found."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Annotated, NamedTuple, NoReturn

import typer

from robotd.cli.connection import Json
from robotd.cli.exits import Exit, complain, fail, printable
from robotd.cli.files import EXAMPLE_PREFIX, examples, examples_folder, robot_file

if TYPE_CHECKING:
    from robotd.cli.installing import Planned

DEFAULT = Path("robot.yaml")
COLUMNS = 100
INDENT = "    "


class Begun(NamedTuple):
    """What is to be written."""

    file: Path
    """That of the robot."""
    planned: Sequence[Planned]
    """It, and what belongs to it."""
    remarks: Sequence[str] = ()


def init(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="The file to write. Default: NAME.yaml for an example, else robot.yaml.", show_default=False
        ),
    ] = None,
    source: Annotated[
        str | None, typer.Option("--from", metavar="example:NAME", help="Copy this example, with its files.")
    ] = None,
    scanned: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--scan", metavar="DRIVER PORT", help="Look at what hangs on this port, as robotd scan does."
        ),
    ] = None,
    baud: Annotated[
        list[int] | None, typer.Option(metavar="BAUD", help="With --scan: look at this speed only.")
    ] = None,
    list_them: Annotated[bool, typer.Option("--list", help="List the examples.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite what is there.")] = False,
    as_json: Json = False,
) -> None:
    """Write a robot's file to begin with, with comments, that passes `robotd check`.

    From an example the files that it names come along: handlers, jobs, the schema for an editor. From a scan
    it has a state in which all is off, one in which each device does what it is told, and what is not known
    yet as comments. Nothing is overwritten without --force.

    Example: robotd init --list

    Example: robotd init --from example:rover

    Example: robotd init my-arm.yaml --scan dynamixel /dev/ttyUSB0
    """
    if list_them:
        _list(as_json=as_json)
        return
    if (source is None) == (scanned is None):
        raise typer.BadParameter(
            "say from what: --from example:NAME (--list shows them), or --scan DRIVER PORT"
        )
    if source is not None:
        begun = _from_example(source, file)
    else:
        assert scanned is not None
        file = file or DEFAULT
        if file.exists() and not force:  # said before a scan that may take its time
            _refuse([str(file)])
        begun = _from_scan(*scanned, file, baud, quiet=as_json)
    _write(begun, force=force)
    _tell(begun, as_json=as_json)


def _list(*, as_json: bool) -> None:
    from robotd.cli.examples import described

    known = {f"{EXAMPLE_PREFIX}{name}": described(file) for name, file in examples().items()}
    if as_json:
        typer.echo(json.dumps(known, indent=2))
        return
    for name, description in known.items():
        typer.echo(f"{name}\n{fill(description, COLUMNS, initial_indent=INDENT, subsequent_indent=INDENT)}\n")
    typer.echo("robotd init --from example:NAME copies one, robotd run example:NAME --sim runs it")


def _from_example(name: str, file: Path | None) -> Begun:
    """The example's files, its own under the name that is asked for."""
    from robotd.cli.examples import companions
    from robotd.cli.installing import Planned

    source = robot_file(name if name.startswith(EXAMPLE_PREFIX) else EXAMPLE_PREFIX + name)
    file = file or Path(source.name)
    # What its comments tell to type is to be about the copy.
    text = source.read_text(encoding="utf-8").replace(
        f"config/{source.name}", shlex.quote(printable(str(file)))
    )
    beside = {path.relative_to(source.parent): path for path in companions(source)}
    return Begun(
        file,
        [
            Planned(file, text.encode()),
            *(Planned(file.parent / name, path.read_bytes()) for name, path in beside.items()),
        ],
    )


def _from_scan(driver_name: str, port: str, file: Path, bauds: Sequence[int] | None, *, quiet: bool) -> Begun:
    """What hangs on the port, as a robot."""
    from robotd.cli.composing import SCHEMA, robot_text
    from robotd.cli.installing import Planned
    from robotd.cli.scanning import chosen, draft, fail_empty, find, look
    from robotd.config import ConfigErrors

    driver = find(driver_name)
    probes = chosen(driver, port, bauds)
    answers = look(driver_name, port, probes, quiet=quiet)
    if not answers:
        fail_empty(driver_name, port, probes)
    drawn = draft(driver, port, answers)
    schema = Planned(file.with_name(SCHEMA), (examples_folder() / SCHEMA).read_bytes())
    try:
        text = robot_text(drawn, driver, file)
    except ConfigErrors as errors:
        fail(Exit.FAILED, f"a robot's file of what was found would not be valid:\n{errors.report()}")
    return Begun(file, [Planned(file, text.encode()), schema], drawn.remarks)


def _write(begun: Begun, *, force: bool) -> None:
    from robotd.cli.installing import State

    file = begun.file
    try:
        mine = [str(planned.path) for planned in begun.planned if planned.state is State.CHANGED]
        if mine and not force:
            _refuse(mine)
        for planned in begun.planned:
            file = planned.path
            if planned.state is not State.UNCHANGED:
                planned.write()
    except OSError as error:  # its own name is that of a file that is written beside ours
        fail(Exit.FAILED, f"{file}: {error.strerror}")


def _refuse(mine: Sequence[str]) -> NoReturn:
    there = f"{' and '.join(mine)} {'is' if len(mine) == 1 else 'are'} there already"
    fail(Exit.FAILED, f"{there}: write to another folder, or let --force overwrite")


def _tell(begun: Begun, *, as_json: bool) -> None:
    written = [str(planned.path) for planned in begun.planned]
    if as_json:
        said = {"file": str(begun.file), "files": written, "remarks": list(begun.remarks)}
        typer.echo(json.dumps(said, indent=2))
        return
    for remark in begun.remarks:
        complain(remark)
    for path in written:
        typer.echo(f"wrote  {path}")
    file = shlex.quote(str(begun.file))
    typer.echo(f"\nnow:   robotd check {file}\n       robotd run {file} --sim")
