"""One conversation with a running robot, and what every way it can go wrong means for the exit code."""

from __future__ import annotations

import asyncio
import json
import math
import signal
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Annotated, Any

import typer

from robotd.cli.exits import Exit, fail

if TYPE_CHECKING:
    from robotd.client import RemoteRobot

Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        metavar="URL",
        envvar="ROBOTD_URL",
        help="Where the robot is: unix:///path, tcp://host:port or ws://host:port/ws. "
        "Default: this machine's Unix socket.",
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
    overdue: Callable[[], None] = lambda: None,
    overdue_s: float = math.inf,
) -> None:
    """Connect, let `story` talk, and end with the exit code it returns.

    A refusal is a sentence on stderr and, `as_json`, an object on stdout; `hint` is for when nobody answers.
    `overdue` is called when the story is not at its end after `overdue_s`, and where nobody is to talk to.
    """
    from robotd.client import CannotConnect, ConnectionLost, RemoteError, connect

    check_url(url)

    async def conversation() -> Exit:
        loop = asyncio.get_running_loop()
        late = loop.call_later(overdue_s, overdue) if overdue_s < math.inf else None
        async with connect(url, client="robotd command line") as robot:
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
        fail(Exit.REFUSED, f"refused ({error.reason}): {error}" if error.reason else f"refused: {error}")
    if code is not Exit.DONE:
        raise typer.Exit(code)


def check_url(url: str | None) -> None:
    """Raises `typer.BadParameter` when `url` is not an address."""
    from robotd.client.address import parse_address

    if url is not None:
        try:
            parse_address(url)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None


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
