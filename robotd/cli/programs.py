"""A command that carries out a program, a G-code file or a recording: how far it is, until its end."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from robotd.cli.console import Progress
    from robotd.client import Command, RemoteRobot, Subscription

WHOLE = 100
"""Per cent."""
REFRESH_HZ = 5.0


async def follow_on_a_terminal(robot: RemoteRobot, command: Command) -> None:
    """Show how far `command` is until it has ended, if it carries out a program and somebody looks on."""
    if command.latest.terminal or not sys.stdout.isatty():
        return
    info = (await robot.describe())["commands"].get(command.type, {})
    if devices := info.get("progress"):
        await _follow(robot, command, devices[0])


async def _follow(robot: RemoteRobot, command: Command, device: str) -> None:
    from robotd.cli import console

    with console.Progress(WHOLE, quiet=False) as bar:
        async with robot.subscribe(f"reading.{device}", max_hz=REFRESH_HZ) as updates:
            showing = asyncio.ensure_future(_show(updates, bar))
            try:
                await command.wait()
            finally:
                showing.cancel()


async def _show(updates: Subscription, bar: Progress) -> None:
    async for update in updates:
        said = {name: one["value"] for name, one in update.data["readings"].items() if one is not None}
        line = f"line {said['line']:.0f}" if "line" in said else ""
        bar.reached(int(said.get("progress", 0)), "held" if said.get("held") else line)
