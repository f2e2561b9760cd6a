"""`robotd service`: the daemon as a service of this machine's systemd."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from robotd.cli.connection import Json
from robotd.cli.exits import Exit, complain, fail
from robotd.cli.files import load

if TYPE_CHECKING:
    from robotd.cli.installing import Command, Planned, Service
    from robotd.config import RobotConfig

app = typer.Typer(
    help="Make the daemon a service of systemd, which starts it with the machine and after a fall.\n\n"
    "Example: robotd service install config/rover.yaml --dry-run",
    no_args_is_help=True,
)

EXAMPLE = "example:rover"
LONGEST_SHOWN = 200
"""Lines of a file in a dry run."""
START = ("systemctl", "enable", "--now", "robotd")
END = ("systemctl", "disable", "--now", "robotd")
_USER_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,30}")
"""As useradd(8) takes it everywhere."""

Prefix = Annotated[
    Path,
    typer.Option(
        metavar="FOLDER", help="Write below this folder, and run nothing: for packages, and to have a look."
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show every file and command, and do nothing.")]


@app.command()
def install(
    file: Annotated[
        str | None,
        typer.Argument(
            help="The robot's file, or example:NAME. Left out: what is installed, else example:rover.",
            show_default=False,
        ),
    ] = None,
    user_name: Annotated[str, typer.Option(metavar="NAME", help="The user that runs it.")] = "robotd",
    prefix: Prefix = Path("/"),
    program: Annotated[
        str | None,
        typer.Option(
            metavar="PATH", help="What the unit starts. Default: this installation.", show_default=False
        ),
    ] = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Write the unit, its user, the rules for serial ports, and the robot's file with its handlers and jobs.

    May be repeated: what is as it should be stays, and /etc/robotd is yours, where nothing is overwritten.
    It needs root, and does not start the robot.

    Example: robotd service install config/rover.yaml --dry-run

    Example: sudo /opt/robotd/bin/robotd service install config/rover.yaml
    """
    from robotd.cli.installing import ROBOT, Service, device_groups, this_program, uses_the_network

    if not _USER_NAME.fullmatch(user_name):
        raise typer.BadParameter(f"{user_name!r} is no name for a user of a service")
    prefix = prefix.absolute()
    installed = prefix / ROBOT
    robots = [str(installed)] if installed.exists() else []
    if file is not None or not robots:
        robots.append(file or EXAMPLE)
    configs = [load(name, as_json=as_json) for name in robots]
    service = Service(
        prefix=prefix,
        user=user_name,
        program=this_program() if program is None else (program,),
        groups=device_groups() if prefix == Path("/") else ("dialout",),
        network=any(map(uses_the_network, configs)),
    )
    if not dry_run:
        _need_root(service)
    _look_for_closed_folders(service, given=program is not None, dry_run=dry_run)
    robot = _robot(service, configs[-1])
    try:
        files = service.files(robot)
        _tell(files, service.commands(), START, dry_run=dry_run, as_json=as_json)
        if dry_run:
            return
        for planned in files:
            if planned.state in {"new", "changed"}:
                planned.write()
    except OSError as error:
        fail(Exit.FAILED, f"{error.filename}: {error.strerror}")
    if service.for_this_machine:
        _run(service.commands())


@app.command()
def uninstall(prefix: Prefix = Path("/"), dry_run: DryRun = False, as_json: Json = False) -> None:
    """Stop the service and remove its unit, its rules and the file of its user.

    The robot's file, its journal and the user itself stay.

    Example: sudo robotd service uninstall
    """
    from robotd.cli.installing import RULES, UNIT, USERS, Service, carried_out, shown

    service = Service(prefix.absolute(), "robotd", (), ())
    if not dry_run:
        _need_root(service)
    there = [path for name in (UNIT, RULES, USERS) if (path := service.prefix / name).is_file()]
    after: list[Command] = [("systemctl", "daemon-reload"), ("udevadm", "control", "--reload")]
    if as_json:
        typer.echo(json.dumps({"removes": list(map(str, there)), "commands": [END, *after]}, indent=2))
    else:
        for path in there:
            typer.echo(f"{'would remove' if dry_run else 'removed'}  {path}")
        if not there:
            typer.echo("nothing is installed")
    if dry_run:
        return
    ended = not service.for_this_machine or not there or carried_out(END)
    try:
        for path in there:
            path.unlink()
    except OSError as error:
        fail(Exit.FAILED, f"{error.filename}: {error.strerror}")
    if service.for_this_machine and there:
        _run(after)
    if not ended:
        fail(Exit.FAILED, f"the files are gone, but this did not work: {shown(END)}")


def _need_root(service: Service) -> None:
    if service.for_this_machine and os.geteuid() != 0:
        fail(
            Exit.FAILED,
            "this writes to /etc: run it with sudo, or look at it first with --dry-run or --prefix FOLDER",
        )


def _look_for_closed_folders(service: Service, *, given: bool, dry_run: bool) -> None:
    """A program that its user cannot reach: systemd would say no more than that it is not there."""
    closed = None if given else service.unreachable()
    if closed is None:
        return
    sentence = (
        f"the user {service.user} may not enter {closed}, where this robotd is; have one in /opt/robotd: "
        "sudo python3 -m venv /opt/robotd && sudo /opt/robotd/bin/pip install robotd"
    )
    if service.for_this_machine and not dry_run:
        fail(Exit.FAILED, sentence)
    complain(sentence)


def _robot(service: Service, config: RobotConfig) -> list[Planned]:
    """Its file, and what belongs to it."""
    from robotd.config.place import Place

    root = Place(config.document)
    handlers = [str(entry.value) for entry in (root / "handlers").elements()]
    secrets = [str(entry.value) for entry in (root / "access").members()]
    try:
        return service.robot(config.path, handlers, secrets)
    except OSError as error:
        fail(Exit.FAILED, f"{error.filename}: {error.strerror}")
    except ValueError as error:
        fail(Exit.FAILED, str(error))


def _tell(
    files: Sequence[Planned], commands: Sequence[Command], start: Command, *, dry_run: bool, as_json: bool
) -> None:
    from robotd.cli.installing import State, shown

    if as_json:
        said: dict[str, Any] = {
            "files": [
                {"path": str(planned.path), "state": planned.state, "text": planned.text} for planned in files
            ],
            "commands": commands,
            "start": start,
        }
        typer.echo(json.dumps(said, indent=2))
        return
    for planned in files:
        mine = "  (yours differs, and stays)" if planned.state is State.KEPT else ""
        typer.echo(f"{planned.state:9}  {planned.path}{mine}")
    if dry_run:
        _tell_contents(files)
    typer.echo("\nthen:" if dry_run else "")
    for command in commands:
        typer.echo(f"  {shown(command)}")
    typer.echo(f"\nto start it, now and with the machine: {shown(start)}")
    typer.echo("one that runs goes on as it was until systemctl restart robotd")


def _tell_contents(files: Iterable[Planned]) -> None:
    from robotd.cli.installing import State

    for planned in files:
        if planned.state is State.NEW:
            lines = planned.text.rstrip().splitlines()
            typer.echo("\n".join(["", f"+++ {planned.path}", *lines[:LONGEST_SHOWN]]))
            if len(lines) > LONGEST_SHOWN:
                typer.echo(f"... and {len(lines) - LONGEST_SHOWN} lines more")
        elif planned.state is not State.UNCHANGED:
            typer.echo("\n" + "\n".join(planned.difference()))


def _run(commands: Iterable[Command]) -> None:
    from robotd.cli.installing import carried_out, shown

    failed = [shown(command) for command in commands if not carried_out(command)]
    if failed:
        fail(Exit.FAILED, f"the files are as they should be, but this did not work: {'; '.join(failed)}")
