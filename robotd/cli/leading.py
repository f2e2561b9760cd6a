"""`robotd lease`: who moves the robot, and keeping everybody else from it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Annotated

import typer

from robotd.cli.connection import Json, Url, interruption, talk, until
from robotd.cli.exits import Exit, complain

if TYPE_CHECKING:
    from robotd.client import RemoteRobot


def lease(
    keep: Annotated[
        bool, typer.Option("--keep", help="Take it and keep it until Ctrl-C: nobody else moves the robot.")
    ] = False,
    steal: Annotated[
        bool, typer.Option("--steal", help="The same, also from who is not heard, or has a lower role.")
    ] = False,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Show who has the lease, which is who moves the robot; or keep it.

    The first who moves something takes a free lease by that, and has it as long as it moves.

    Example: robotd lease

    Example: robotd lease --keep

    Example: robotd lease --steal --json
    """

    async def story(robot: RemoteRobot) -> Exit:
        if keep or steal:
            return await _keep(robot, steal=steal, as_json=as_json)
        said = (await robot.status())["lease"]
        if as_json:
            typer.echo(json.dumps({"lease": said}))
        else:
            from robotd.cli import console

            console.lease(said)
        return Exit.DONE

    talk(url, story, as_json=as_json)


async def _keep(robot: RemoteRobot, *, steal: bool, as_json: bool) -> Exit:
    """Until it is lost, or somebody has had enough."""
    interrupted = interruption()
    async with robot.lease(steal=steal) as held:
        if as_json:
            typer.echo(json.dumps({"lease_id": held.lease_id, "window_ms": round(held.window_s * 1000)}))
        else:
            typer.echo("the lease is yours, and nobody else moves the robot until you press Ctrl-C")
        if await until(interrupted, _wait_for(held.lost)):
            complain(f"the lease is lost: {held.why}")
            return Exit.FAILED
    return Exit.DONE


async def _wait_for(lost: asyncio.Event) -> None:
    await lost.wait()
