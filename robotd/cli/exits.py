"""How a command ends, as scripts see it, and the only way to end badly: a sentence on stderr."""

from __future__ import annotations

from enum import IntEnum
from typing import NoReturn

import typer


class Exit(IntEnum):
    """The exit codes of every command."""

    DONE = 0
    FAILED = 1
    """It was tried and did not end well: a command that failed, a daemon that fell."""
    USAGE = 2
    """The command line makes no sense. Nothing was done."""
    CANNOT_CONNECT = 4
    """No robot answers there, or it went away in the middle."""
    REFUSED = 5
    """The robot said no, and why."""
    FILE_INVALID = 78
    """The robot's file has errors; `EX_CONFIG` of sysexits(3), which systemd is told not to restart on."""


def fail(code: Exit, sentence: str) -> NoReturn:
    """Say why on stderr and end with `code`."""
    complain(sentence)
    raise typer.Exit(code)


def complain(sentence: str) -> None:
    """One line on stderr, red on a terminal."""
    typer.secho(f"robotd: {printable(sentence)}", err=True, fg=typer.colors.RED)


def printable(text: str) -> str:
    """`text` without anything that would steer a terminal: a robot is not trusted to do so."""
    return "".join(
        char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in text
    )
