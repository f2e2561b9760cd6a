"""`robotd stop` and `robotd reset`: the latch, from both sides."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from robotd.cli.connection import Json, Traceparent, Url, talk
from robotd.cli.exits import Exit, complain

if TYPE_CHECKING:
    from robotd.client import RemoteRobot

HARDWARE_STOP = "\nIf something moves, use the hardware emergency stop."
ANSWER_S = 0.3
"""A daemon that is well answers a stop within 0.1 s. When it has not by now, its guard is told."""


def stop(
    reason: Annotated[str, typer.Option(help="Why; it is kept with the latch.")] = "robotd stop",
    traceparent: Traceparent = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Stop every actuator now and latch; print what is known of each.

    Only `robotd reset` lifts the latch. An actuator is `confirmed` by what its board reports, never by hope.
    When the daemon does not answer, its guard is told: it stops the robot and ends a daemon that hangs.

    Example: robotd stop --reason "somebody on the track"
    """

    async def story(robot: RemoteRobot) -> Exit:
        answer = await robot.estop(reason, traceparent=traceparent)
        if as_json:
            typer.echo(json.dumps(answer, indent=2))
        else:
            from robotd.cli import console

            console.evidence(answer)
        return Exit.DONE

    told = False

    def tell_guard() -> None:
        nonlocal told
        from robotd.client.guard import stop_by_guard

        told = told or stop_by_guard(url, reason)

    try:
        talk(
            url,
            story,
            as_json=as_json,
            hint=HARDWARE_STOP,
            as_stranger=True,
            overdue=tell_guard,
            overdue_s=ANSWER_S,
        )
    except typer.Exit as end:
        if end.exit_code != Exit.CANNOT_CONNECT or not told:
            raise
        if as_json:
            typer.echo(json.dumps({"guard": "told"}))
        complain("its guard was told to stop the robot; nothing is confirmed")


def reset(
    latch_id: Annotated[
        str | None, typer.Argument(help="The latch that you mean; default: the present one.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Lift the present latch without asking.")] = False,
    traceparent: Traceparent = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Lift the latch of a stop. Nothing moves by it: the robot goes to its initial state, inactive.

    Without LATCH_ID it shows who stopped the robot and why, and asks.

    Example: robotd reset --yes
    """

    async def story(robot: RemoteRobot) -> Exit:
        chosen = latch_id
        if chosen is None:
            latch = (await robot.status())["latch"]
            if latch is None:
                typer.echo(json.dumps({"latch": None}) if as_json else "not latched: nothing to reset")
                return Exit.DONE
            typer.echo(f"stopped {latch['age_s']:.0f} s ago by {latch['by']}: {latch['reason']}", err=True)
            if not yes and not sys.stdin.isatty():
                complain(f"name the latch ({latch['latch_id']}) or say --yes")
                return Exit.USAGE
            if not yes and not typer.confirm("Lift this latch?", err=True):
                return Exit.FAILED
            chosen = latch["latch_id"]
        answer = await robot.reset(chosen, traceparent=traceparent)
        typer.echo(json.dumps(answer) if as_json else "ready")
        return Exit.DONE

    talk(url, story, as_json=as_json)
