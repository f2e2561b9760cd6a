"""The robot's file: where it is, and loading it with every error printed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from robotd.cli.exits import Exit, fail

if TYPE_CHECKING:
    from robotd.config import RobotConfig

EXAMPLE_PREFIX = "example:"


def robot_file(name: str) -> Path:
    """The path that `name` stands for: itself, or for `example:rover` that of an installed example."""
    if not name.startswith(EXAMPLE_PREFIX):
        return Path(name)
    folder = examples_folder()
    path = folder / f"{name.removeprefix(EXAMPLE_PREFIX)}.yaml"
    if not path.is_file():
        there = ", ".join(EXAMPLE_PREFIX + known.stem for known in sorted(folder.glob("*.yaml")))
        fail(Exit.USAGE, f"there is no {name!r}; there are {there}")
    return path


def examples_folder() -> Path:
    """Where the example robots are: inside an installed package, or config/ of a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "examples"
    return installed if installed.is_dir() else package.parent / "config"


def load(name: str, *, as_json: bool = False) -> RobotConfig:
    """Load the robot's file, or print all that is wrong with it and end with `FILE_INVALID`."""
    path = robot_file(name)

    from robotd.config import ConfigErrors
    from robotd.config import load as load_file

    try:
        return load_file(path)
    except ConfigErrors as errors:
        if as_json:
            typer.echo(json.dumps({"ok": False, "file": str(path), "errors": errors.as_json()}, indent=2))
        else:
            typer.echo(errors.report(), err=True)
        raise typer.Exit(Exit.FILE_INVALID) from None
