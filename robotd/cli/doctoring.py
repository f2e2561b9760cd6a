"""`robotd doctor`: what this machine does to its robots, and how that is mended."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from robotd.cli.connection import Json
from robotd.cli.exits import Exit, printable
from robotd.cli.files import load
from robotd.cli.words import many

if TYPE_CHECKING:
    from robotd.config import RobotConfig
    from robotd.doctor import Finding, Robot

SERVED = Path("/etc/robotd/robot.yaml")
"""The file of the robot that is a service."""
SERVICE_STATE = Path("/var/lib/robotd")


def doctor(
    file: Annotated[
        str | None,
        typer.Argument(
            help="The robot's file, or example:NAME: look at its ports, too. Left out: at this machine only.",
            show_default=False,
        ),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="A warning fails too.")] = False,
    as_json: Json = False,
) -> None:
    """Look for what would trouble a robot on this machine, each with its mend. Nothing is changed.

    Ports: permissions, who holds them, a console on the UART, ModemManager, brltty, the latency timer of
    FTDI adapters, USB's sleep. Power: a weak supply, a hot or slow processor. Clock. Disk. And of FILE:
    whether its ports are there, and whether the service's user may use them.

    Exits 0 when nothing would keep a robot from running, 1 when something would (with --strict also on a
    warning), 78 when the file is not valid.

    Example: robotd doctor

    Example: robotd doctor robot.yaml --json | jq -r '.findings[].commands[]'
    """
    config = None if file is None else load(file, as_json=as_json)

    from robotd.cli.installing import this_program
    from robotd.clock import wall_time
    from robotd.doctor import EXAMINATIONS, Machine, Severity, examine

    found = examine(Machine(wall_time().timestamp(), program=this_program()), _robot(file, config))
    counts = {severity: sum(one.severity is severity for one in found) for severity in Severity}
    failed = counts[Severity.ERROR] > 0 or (strict and counts[Severity.WARNING] > 0)
    if as_json:
        said = {
            "ok": not failed,
            "robot": None if config is None else config.robot,
            "findings": [one.as_json() for one in found],
        }
        typer.echo(json.dumps(said, indent=2))
    else:
        _tell(found)
        numbers = ", ".join(many(number, severity) for severity, number in counts.items() if number)
        looked = f"looked at {len(EXAMINATIONS)} things"
        typer.echo(f"{'FAILED' if failed else 'ok'}  {looked}: {numbers or 'all is well'}")
    if failed:
        raise typer.Exit(Exit.FAILED)


def _robot(file: str | None, config: RobotConfig | None) -> Robot:
    from robotd.doctor import Robot
    from robotd.journal.reader import default_folder

    if config is None:
        return Robot({}, default_folder("", os.environ))
    ports = {name: board.port for name, board in config.boards.items()}
    if config.path.resolve() == SERVED:
        return Robot(ports, SERVICE_STATE)
    return Robot(ports, default_folder(config.robot, os.environ), file)


def _tell(found: Iterable[Finding]) -> None:
    from robotd.doctor import Severity

    colours = {Severity.ERROR: typer.colors.RED, Severity.WARNING: typer.colors.YELLOW}
    for one in found:
        label = typer.style(f"{one.severity}[{one.code}]", fg=colours.get(one.severity), bold=True)
        typer.echo(f"{label}: {printable(one.sentence)}\n  mend: {printable(one.mend)}")
        for command in one.commands:
            typer.echo(f"    {printable(command)}")
        typer.echo()
