"""`robotd scan`: what hangs on a port, found by a driver that talks and moves nothing."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from robotd.cli.connection import Json, interruption, until
from robotd.cli.exits import Exit, complain, fail

if TYPE_CHECKING:
    from hal import Driver, Probe
    from robotd.cli.drafting import Answer, Draft

PSEUDO_TERMINALS = "/dev/pts/"
"""Where `robotd twin --pty` serves."""


def scan(
    driver_name: Annotated[
        str, typer.Argument(metavar="DRIVER", help="firmata, dynamixel, ...: as in a robot's file.")
    ],
    port: Annotated[
        str,
        typer.Argument(metavar="PORT", help="As `robotd ports` names it; usb:VID:PID or tcp://HOST:PORT."),
    ],
    baud: Annotated[
        list[int] | None,
        typer.Option(
            metavar="BAUD", help="Look at this speed only. May be repeated. Default: all that are usual."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Find what hangs on PORT: its address, model and state, and the lines of a robot's file that name it.

    It asks and moves nothing, but opening a port resets most Arduinos. Nobody else may have the port.
    Exits 0 when something answered, 1 when nothing did, 4 when the port cannot be opened, 5 when a running
    robotd has it. Ctrl-C ends it and gives the port back.

    Example: robotd scan firmata /dev/ttyACM0

    Example: robotd scan dynamixel usb:0403:6014 --baud 1000000 --baud 57600

    Example: robotd scan feetech /dev/ttyUSB0 --json | jq -r .lines
    """
    driver = find(driver_name)
    probes = chosen(driver, port, baud)
    found = look(driver.name, port, probes, quiet=as_json)
    drawn = draft(driver, port, found) if found else None
    lines = drawn.lines() if drawn else []
    if as_json:
        typer.echo(json.dumps(_json(driver_name, port, probes, found, lines), indent=2))
    elif drawn:
        _tell(found, drawn)
    if not found:
        fail_empty(driver_name, port, probes)


def fail_empty(driver: str, port: str, probes: Sequence[Probe]) -> NoReturn:
    """Nothing answered."""
    from robotd.cli.drafting import speed

    tried = ", ".join(map(speed, probes))
    fail(
        Exit.FAILED,
        f"nothing on {port} answered {driver} (tried {tried}); is it powered, is this its port, "
        "is it another product?",
    )


def find(name: str) -> Driver:
    """The driver called `name`, which can scan; else the end, with those that there are."""
    from hal import DriverNotFound, find_driver

    try:
        driver = find_driver(name)
    except DriverNotFound as error:
        raise typer.BadParameter(str(error)) from None
    if not driver.probes:
        raise typer.BadParameter(f"the driver {name!r} has no way to look for what hangs on a port")
    return replace(driver, name=name)  # as the robot's file will have to say it


def chosen(driver: Driver, port: str, bauds: Sequence[int] | None) -> Sequence[Probe]:
    """The probes for `bauds`; one is enough on a port that has no speed: each would find the same there."""
    known = list(dict.fromkeys(probe.baud for probe in driver.probes))
    for baud in bauds or ():
        if baud not in known:
            speeds = ", ".join(map(str, known))
            raise typer.BadParameter(f"{driver.name} is not looked for at {baud} baud, but at {speeds}")
    probes = [probe for probe in driver.probes if not bauds or probe.baud in bauds]
    speedless = port.startswith("tcp://") or os.path.realpath(port).startswith(PSEUDO_TERMINALS)
    return probes[:1] if speedless else probes


def look(driver: str, port: str, probes: Sequence[Probe], *, quiet: bool) -> list[Answer]:
    """All that answered, told on stderr while it comes. A port that cannot be had ends the command."""
    from hal import LinkError

    def tell(sentence: str) -> None:
        if not quiet:
            typer.echo(sentence, err=True)

    _refuse_held(port)
    found: list[Answer] = []
    try:
        done = asyncio.run(_run(driver, port, probes, found, tell))
    except LinkError as error:
        fail(Exit.CANNOT_CONNECT, str(error))
    if not done:
        fail(Exit.FAILED, "interrupted; the port is free again")
    return found


async def _run(
    driver: str, port: str, probes: Sequence[Probe], found: list[Answer], tell: Callable[[str], None]
) -> bool:
    """Whether it came to its end. Raises `LinkError`."""
    return await until(interruption(), _scan(driver, port, probes, found, tell))


async def _scan(
    driver: str, port: str, probes: Sequence[Probe], found: list[Answer], tell: Callable[[str], None]
) -> None:
    from hal import HalError, LinkError, SpeedRefused, open_link
    from robotd.cli.drafting import Answer, speed

    for probe in probes:
        tell(f"{port}: asking for {driver} at {speed(probe)}")
        link = open_link(port, probe.baud, probe.parity)
        try:
            async for one in probe.find(link):
                found.append(Answer(probe, one))
                tell(f"  {found[-1].who}")
        except HalError as error:
            if isinstance(error, LinkError) and not isinstance(error, SpeedRefused):
                raise
            tell(f"  {error}")  # what went wrong at this speed is no reason to pass over the next
        finally:
            link.close()
        if any(not answer.found.address for answer in found):
            return  # there is but one on such a port


def _refuse_held(port: str) -> None:
    """A scan among the talk of another program would disturb it, and take its answers for its own."""
    from hal import LinkError, device_of, find_holders
    from robotd.doctor.robot import is_ours

    try:
        holders = find_holders(device_of(port))
    except LinkError as error:
        fail(Exit.CANNOT_CONNECT, str(error))
    if not holders:
        return
    running = next(filter(is_ours, holders), None)
    if running is not None:
        fail(
            Exit.REFUSED,
            f"{port} belongs to a running robot: {running}; end that first, with Ctrl-C where it runs "
            "or with `sudo systemctl stop robotd`",
        )
    names = " and ".join(map(str, holders))
    fail(Exit.CANNOT_CONNECT, f"{port} is in use by {names}; end that first")


def draft(driver: Driver, port: str, answers: Sequence[Answer]) -> Draft:
    """Of what answered, at least one; with the port's stable name."""
    from hal import device_of, list_ports
    from robotd.cli.drafting import Draft

    stable = {info.device: info.name for info in list_ports()}
    return Draft.of(driver, stable.get(device_of(port), port), answers)


def _tell(answers: Sequence[Answer], drawn: Draft) -> None:
    from robotd.cli import console

    rows = [
        {"address": one.address, "model": one.model, "baud": str(one.baud), **one.details}
        for _, one in answers
    ]
    columns = list(dict.fromkeys(name for row in rows for name, said in row.items() if said))
    console.table(columns, [[row.get(name, "") for name in columns] for row in rows])
    for remark in drawn.remarks:
        complain(remark)
    typer.echo("\nIn the robot's file (`robotd init --scan` writes a whole one):\n")
    for line in drawn.lines():
        typer.echo(line)


def _json(
    driver: str, port: str, probes: Sequence[Probe], answers: Sequence[Answer], lines: Sequence[str]
) -> dict[str, Any]:
    return {
        "driver": driver,
        "port": port,
        "tried": [{"baud": probe.baud, "parity": probe.parity} for probe in probes],
        "found": [
            one._asdict() | {"parity": probe.parity, "details": dict(one.details), "device": dict(one.device)}
            for probe, one in answers
        ],
        "lines": "\n".join(lines),
    }
