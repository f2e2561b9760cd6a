"""One conversation with a running robot, and what every way it can go wrong means for the exit code."""

from __future__ import annotations

import asyncio
import json
import math
import signal
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from robotd.cli.exits import Exit, fail
from robotd.cli.proving import proof

if TYPE_CHECKING:
    from robotd.client import RemoteError, RemoteRobot
    from robotd.client.target import Target

Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        metavar="URL",
        envvar="ROBOTD_URL",
        help="Where the robot is: unix:///path, tcps://host:port or wss://host:port/ws, on this machine also "
        "tcp:// and ws://. Default: this machine's Unix socket.",
        show_default=False,
    ),
]
Traceparent = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT",
        envvar="TRACEPARENT",
        help="Make it a part of this trace: a W3C `traceparent`, 00-TRACE-SPAN-01.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]

Story = Callable[["RemoteRobot"], Awaitable[Exit]]


def talk(
    url: str | None,
    story: Story,
    *,
    as_json: bool = False,
    hint: str = "",
    as_stranger: bool = False,
    overdue: Callable[[], None] = lambda: None,
    overdue_s: float = math.inf,
) -> None:
    """Connect, let `story` talk, and end with the exit code it returns.

    A refusal is a sentence on stderr and, `as_json`, an object on stdout; `hint` is for when nobody answers.
    `as_stranger`: talk even where the robot does not know us.
    `overdue` is called when the story is not at its end after `overdue_s`, and where nobody is to talk to.
    """
    from robotd.client import CannotConnect, ConnectionLost, RemoteError

    connection = connecting(url, as_stranger=as_stranger)

    async def conversation() -> Exit:
        loop = asyncio.get_running_loop()
        late = loop.call_later(overdue_s, overdue) if overdue_s < math.inf else None
        async with connection as robot:
            code = await story(robot)
            if late is not None:
                late.cancel()
            return code

    try:
        code = asyncio.run(conversation())
    except CannotConnect as error:
        overdue()
        fail(Exit.CANNOT_CONNECT, f"{error}{hint}")
    except ConnectionLost as error:
        overdue()
        fail(Exit.CANNOT_CONNECT, f"connection lost: {error}{hint}")
    except TimeoutError:
        fail(Exit.CANNOT_CONNECT, f"connected, but the robot did not answer in time{hint}")
    except RemoteError as error:
        if as_json:
            refusal = {"code": error.code, "message": str(error), "data": dict(error.data)}
            typer.echo(json.dumps({"error": refusal}))
        fail(Exit.REFUSED, refusal_sentence(error))
    if code is not Exit.DONE:
        raise typer.Exit(code)


def connecting(url: str | None, *, as_stranger: bool = False) -> AbstractAsyncContextManager[RemoteRobot]:
    """`robotd.client.connect`, as the command line says. Raises as `target`, before anything is opened."""
    from robotd.client import connect

    target(url)
    return connect(url, **proof(), as_stranger=as_stranger, client="robotd command line")


def target(url: str | None) -> Target:
    """The robot that is meant. Raises `typer.BadParameter` for what is no address, fingerprint or token."""
    from robotd.client.target import Target

    try:
        return Target.of(url, **proof())
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def refusal_sentence(error: RemoteError) -> str:
    """What the robot said no with, for people."""
    if error.reason == "unauthenticated":
        return f"refused (unauthenticated): {error}; it goes into $ROBOTD_TOKEN, or a file for --token-file"
    return f"refused ({error.reason}): {error}" if error.reason else f"refused: {error}"


def interruption(tell: Callable[[], None] = lambda: None) -> asyncio.Event:
    """An event that Ctrl-C and SIGTERM set, in place of ending the process; `tell` is called then, too."""
    interrupted = asyncio.Event()

    def interrupt() -> None:
        interrupted.set()
        tell()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, interrupt)
    return interrupted


async def until(interrupted: asyncio.Event, work: Coroutine[Any, Any, Any]) -> bool:
    """Run `work` to its end (True) or until interrupted (False; it is cancelled). Raises what it raises."""
    task = asyncio.ensure_future(work)
    waiting = asyncio.ensure_future(interrupted.wait())
    try:
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
            return True
        return False
    finally:
        task.cancel()
        waiting.cancel()
        await asyncio.gather(task, waiting, return_exceptions=True)
