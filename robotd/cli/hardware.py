"""`robotd ports` and `robotd twin`: the wires, real and pretended."""

from __future__ import annotations

import asyncio
import json
import os
import random
import tempfile
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from robotd.cli.arguments import host_and_port, known_board
from robotd.cli.connection import Json, interruption
from robotd.cli.exits import Exit, fail
from robotd.cli.files import load
from robotd.cli.typed import TypedLines

if TYPE_CHECKING:
    from hal import FaultyTwin, PortInfo

STDIN = 0


def ports(as_json: Json = False) -> None:
    """List the serial ports of this machine: the name for the robot's file, what it is, who holds it.

    Opens none of them. What hangs on one is found out by `robotd scan`.

    Example: robotd ports

    Example: robotd ports --json
    """
    from hal import list_ports

    found = list_ports()
    if as_json:
        typer.echo(json.dumps([_port_json(info) for info in found], indent=2))
        return
    if not found:
        typer.echo("no serial port is plugged in")
        return
    from robotd.cli import console

    console.names(
        ("port", "device", "usb", "what", "use"),
        [(info.name, info.device, info.usb_id or "", info.description, _use(info)) for info in found],
    )
    for info in found:
        if not info.permitted:
            typer.echo(f"\n{info.device}: {info.mend}")


def _use(info: PortInfo) -> str:
    held = ", ".join(map(str, info.holders))
    return held or ("free" if info.permitted else "no permission")


def _port_json(info: PortInfo) -> dict[str, Any]:
    return {
        "name": info.name,
        "device": info.device,
        "by_id": info.by_id,
        "by_path": info.by_path,
        "usb_id": info.usb_id,
        "description": info.description,
        "holders": [asdict(holder) for holder in info.holders],
        "permitted": info.permitted,
        "mend": None if info.permitted else info.mend,
    }


def twin(
    file: Annotated[str, typer.Argument(help="The robot's file, or example:NAME for an installed one.")],
    board: Annotated[str, typer.Argument(help="The board to pretend to be.")],
    pty: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="Serve it on a pseudo-terminal, linked to at PATH; /tmp/BOARD if nothing is said.",
        ),
    ] = None,
    tcp: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Serve it on a TCP port; 0 picks one.")
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(metavar="FAULT", help="What goes wrong from the start. May be repeated."),
    ] = None,
) -> None:
    """Serve the simulated far end of a board until Ctrl-C, to robotd or to any other program.

    One line on stdout tells where it is. Its world lives as long as this command.

    Example: robotd twin config/rover.yaml arduino

    Then: robotd run config/rover.yaml --port arduino=/tmp/arduino

    While it serves, type: `battery: 10.2 V`, `bumper: pressed`, `bumper: free`, `world`, `help`, `quit`.

    Or let something go wrong: corrupt 2%, drop 1%, delay 5..40 ms, split, stall 800 ms, full 500 ms,
    garbage 64 B, unplug 5 s, reboot, reboot garbage 400 B, freeze battery, stuck bumper, runaway mast,
    nak, deaf, slow clock 20%; with `for 10 s` where it lasts, with `after 5 s` where it is to begin
    later. `mend` ends them all, `faults` explains them.
    """
    if pty is not None and tcp is not None:
        raise typer.BadParameter("it is in one place: --pty PATH or --tcp HOST:PORT")
    address = None if tcp is None else host_and_port(tcp)
    config = load(file)
    known_board(config.boards, board)

    from hal import FaultError, HalError, Rig, serve_pty, serve_tcp

    try:
        rig = Rig.build(
            config.boards,
            config.devices,
            simulated=[board],
            rng=random.Random(),
            faults={board: fault or []},
        )
    except FaultError as error:
        raise typer.BadParameter(str(error)) from None
    served = rig.twins[board]
    link = pty or os.path.join(tempfile.gettempdir(), board)
    serving = serve_pty(served, link) if address is None else serve_tcp(served, *address)
    try:
        asyncio.run(_serve(board, served, serving))
    except (HalError, OSError) as error:
        fail(Exit.FAILED, str(error))


async def _serve(board: str, served: FaultyTwin, serving: AbstractAsyncContextManager[Any]) -> None:
    from robotd.cli.bench import obey

    interrupted = interruption()
    loop = asyncio.get_running_loop()

    def take(line: str) -> None:
        if line == "quit":
            interrupted.set()
        elif line:
            typer.echo(obey(line, served, loop.time()))

    async with serving as where:
        typer.echo(f"ready  {board} on {where}")
        typed = TypedLines(STDIN, take)
        typed.start()
        await interrupted.wait()
        typed.stop()
