"""`robotd status` and `robotd watch`: what a running robot says of itself, once or on and on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from robotd.cli.connection import Json, Url, interruption, talk, until
from robotd.cli.exits import Exit

if TYPE_CHECKING:
    from robotd.client import RemoteRobot

DEFAULT_TOPICS = ("state", "stage", "reading.*")
DEFAULT_MAX_HZ = 2.0
"""A person reads no faster."""


def status(url: Url = None, as_json: Json = False) -> None:
    """Show what the robot is doing: states, boards, devices with their readings, queue, latch.

    Example: robotd status --json
    """

    async def story(robot: RemoteRobot) -> Exit:
        answer = await robot.status()
        if as_json:
            typer.echo(json.dumps(answer, indent=2))
        else:
            from robotd.cli import console

            console.status(answer)
        return Exit.DONE

    talk(url, story, as_json=as_json)


def watch(
    topics: Annotated[
        list[str] | None,
        typer.Argument(
            help="state, stage, log, reading.NAME or reading.*; default: state, stage and all readings.",
            show_default=False,
        ),
    ] = None,
    max_hz: Annotated[
        float, typer.Option(min=0.01, help="At most so many updates of one reading a second.")
    ] = (DEFAULT_MAX_HZ),
    since: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="SEQ",
            help="Begin with the stages after this row of the journal: what you missed.",
            show_default=False,
        ),
    ] = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Follow the robot until Ctrl-C: its present values first, then each change on a line.

    Example: robotd watch state reading.battery --json

    Example: robotd watch stage --since 812
    """

    async def follow(robot: RemoteRobot) -> None:
        from robotd.cli import console

        wanted = topics or DEFAULT_TOPICS
        async with robot.subscribe(*wanted, max_hz=max_hz, since_seq=since) as updates:
            if since is not None:
                _say_what_is_missing(updates.begun, since)
            async for update in updates:
                if as_json:
                    typer.echo(json.dumps({"topic": update.topic, "data": update.data, "gap": update.gap}))
                else:
                    console.update(update.topic, update.data, update.gap)

    async def story(robot: RemoteRobot) -> Exit:
        await until(interruption(), follow(robot))
        return Exit.DONE

    talk(url, story, as_json=as_json)


def _say_what_is_missing(answer: Mapping[str, Any], since: int) -> None:
    if answer["last_seq"] < since:
        typer.echo(f"the robot began another journal: its last row is {answer['last_seq']}", err=True)
    elif "gap" in answer:
        typer.echo(f"stages between the rows {since} and {answer['gap']} are left out", err=True)
