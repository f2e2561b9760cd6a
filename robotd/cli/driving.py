"""`robotd send`: one command, a stream of setpoints, or raw lines from a script."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from robotd.cli.arguments import nested, payload, seconds
from robotd.cli.connection import Json, Traceparent, Url, interruption, talk, until
from robotd.cli.exits import Exit

if TYPE_CHECKING:
    from robotd.client import Command, RemoteRobot

DEFAULT_RATE_HZ = 20.0
MAX_RATE_HZ = 100.0
"""The robot takes 200 setpoints a second from one client; half of it leaves room for a stop."""
REFUSED_WITHIN_S = 0.1
"""So long after its start is waited for a motion's refusal: a goal that is beyond a limit, a missing file."""
SETPOINT_ANSWER_S = 2.0
"""A robot that takes longer to answer a setpoint has lost it: they lapse after 0.4 s."""


class Wait(StrEnum):
    """The stage that `send` waits for; any end comes first."""

    ACCEPTED = "accepted"
    JOURNALED = "journaled"
    STARTED = "started"
    DONE = "done"


def send(
    command: Annotated[
        str | None, typer.Argument(metavar="TYPE", help="The command, as the robot's file names it.")
    ] = None,
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="KEY=VALUE...", help="Its payload: numbers in SI, or texts with a unit."),
    ] = None,
    for_time: Annotated[
        str | None,
        typer.Option(
            "--for", metavar="TIME", help="Repeat it as a setpoint for so long, then end it: 2s, 500ms."
        ),
    ] = None,
    rate_hz: Annotated[
        float, typer.Option("--rate", min=0.1, max=MAX_RATE_HZ, help="Setpoints a second, with --for.")
    ] = DEFAULT_RATE_HZ,
    wait: Annotated[
        Wait | None,
        typer.Option(
            help="The stage to wait for; any end comes first. A longer motion needs 'done': it goes on "
            "only while its sender stays, or in a state that is unattended. Left out: started, and on a "
            "terminal the end of a program, with a bar.",
            show_default=False,
        ),
    ] = None,
    raw: Annotated[
        str | None,
        typer.Option(
            metavar="-", help="Send the lines of standard input as they are and print every answer."
        ),
    ] = None,
    command_id: Annotated[
        str | None,
        typer.Option(
            "--id",
            help="Your own id for it: sent again with it, it says what became of it and runs nothing.",
            show_default=False,
        ),
    ] = None,
    trace_id: Annotated[
        str | None, typer.Option(help="The trace it belongs to: 32 hexadecimal digits.", show_default=False)
    ] = None,
    traceparent: Traceparent = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Send a command and say what became of it. Ctrl-C cancels it, and what it moves stops.

    A program, such as a G-code file, shows a bar until it has ended.

    Example: robotd send arm

    Example: robotd send drive linear=0.2 --for 2s

    Example: robotd send drive linear="200 mm/s" angular="30 deg/s" --json

    Example: robotd send move_to joints.shoulder="20 deg" joints.elbow="-45 deg"

    Example: robotd send patrol --id morning-round-2026-11-21

    Example: robotd send run_job file=jobs/square.nc

    Example: robotd send arm --traceparent 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01

    Example: printf '{"type": "arm"}\\n' | robotd send --raw -
    """
    if raw is not None:
        if raw != "-" or command is not None or arguments or for_time:
            raise typer.BadParameter("--raw takes '-' (standard input) and nothing beside it")
        from robotd.cli.raw import pass_lines

        pass_lines(url)
        return
    if command is None:
        raise typer.BadParameter("which command? For example: robotd send arm")
    values = nested(payload(arguments or ()))
    trace = {"trace_id": trace_id, "traceparent": traceparent}
    if for_time is not None and command_id is not None:
        raise typer.BadParameter("--for sends many commands, and --id is of one")
    if for_time is None:

        async def story(robot: RemoteRobot) -> Exit:
            return await send_once(robot, command, values, wait, as_json, command_id=command_id, **trace)

    else:
        duration_s = seconds(for_time)

        async def story(robot: RemoteRobot) -> Exit:
            return await _stream(robot, command, values, duration_s, rate_hz, as_json, **trace)

    talk(url, story, as_json=as_json)


async def send_once(
    robot: RemoteRobot,
    command_type: str,
    values: Mapping[str, Any],
    wait: Wait | None,
    as_json: bool,
    *,
    command_id: str | None = None,
    **more: Any,
) -> Exit:
    """Send, wait for the stage, report. Interrupted: cancel it. `more` is for `RemoteRobot.send`.

    Without a stage: for `started` and a refusal that follows at once, and on a terminal for the end of a
    program.
    """
    from robotd.cli.programs import follow_on_a_terminal

    command_id = command_id or str(uuid.uuid4())
    sent: list[Command] = []

    async def sending() -> None:
        stage = (wait or Wait.STARTED).value
        sent.append(await robot.send(command_type, values, wait=stage, command_id=command_id, **more))
        if wait is None:
            await _hear_of_a_refusal(sent[0])
            if not as_json:
                await follow_on_a_terminal(robot, sent[0])

    if await until(interruption(), sending()):
        return _report(sent[0], as_json)
    await _cancel(robot, command_id)
    typer.echo("cancelled", err=True)
    return Exit.FAILED


async def _hear_of_a_refusal(command: Command) -> None:
    """What a device does not take, it refuses at once, though it was told of the start before."""
    if command.result is None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(REFUSED_WITHIN_S):
                await command.wait()


async def _stream(
    robot: RemoteRobot,
    command_type: str,
    values: Mapping[str, Any],
    duration_s: float,
    rate_hz: float,
    as_json: bool,
    **more: Any,
) -> Exit:
    """Repeat a setpoint for `duration_s`, then cancel the last: it ends now, not when it lapses."""
    interrupted = interruption()
    loop = asyncio.get_running_loop()
    begin = loop.time()
    latest: Command | None = None
    count = 0
    try:
        while loop.time() < begin + duration_s and not interrupted.is_set():
            latest = await robot.send(
                command_type, values, wait=Wait.STARTED.value, timeout_s=SETPOINT_ANSWER_S, **more
            )
            count += 1
            if latest.stage in _BAD_ENDS:
                return _report(latest, as_json)
            next_at = min(begin + count / rate_hz, begin + duration_s)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(next_at):
                    await interrupted.wait()
    finally:
        # A second Ctrl-C may cut this short; then the setpoint lapses by itself, 400 ms after it was sent.
        if latest is not None:
            await _cancel(robot, latest.id)
    if as_json:
        typer.echo(
            json.dumps({"type": command_type, "sent": count, "seconds": round(loop.time() - begin, 3)})
        )
    else:
        typer.echo(f"{command_type}: {count} setpoints in {loop.time() - begin:.1f} s, then stopped")
    return Exit.DONE


_BAD_ENDS = frozenset({"failed", "cancelled", "expired", "rejected", "unknown"})
"""Stages after which a command did not do what was asked; `preempted` is the fate of a replaced setpoint."""


async def _cancel(robot: RemoteRobot, command_id: str) -> None:
    from robotd.client import RemoteError

    # It may have ended by itself in the meantime, which is as good.
    with contextlib.suppress(RemoteError):
        await robot.cancel(command_id)


def _report(command: Command, as_json: bool) -> Exit:
    """Print the stage that was reached; the exit code says whether it is a good one."""
    stage = command.latest
    if as_json:
        facts = {"id": stage.id, "type": command.type, "stage": stage.stage, "state": stage.state}
        more = {"reason": stage.reason, "result": stage.result, "error": stage.error, "seq": stage.seq}
        trace = {"trace_id": command.trace_id, "traceparent": command.traceparent or None}
        told = facts | more | trace
        typer.echo(json.dumps({name: fact for name, fact in told.items() if fact is not None}))
    else:
        from robotd.cli import console

        console.stage(command.type, stage.stage, stage.state, stage.reason, stage.result, stage.error)
        if command.traceparent:
            typer.echo(f"traceparent {command.traceparent}")
    if stage.stage == "rejected":
        return Exit.REFUSED
    return Exit.FAILED if stage.stage in {*_BAD_ENDS, "preempted"} else Exit.DONE
