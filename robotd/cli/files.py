"""The robot's file: where it is, and loading it with every error printed."""

from __future__ import annotations

import difflib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from robotd.cli.exits import Exit, fail

if TYPE_CHECKING:
    from robotd.config import RobotConfig

EXAMPLE_PREFIX = "example:"
RobotFile = Annotated[
    str | None,
    typer.Argument(
        help="The robot's file, or example:NAME. Left out: the only one in this folder or in its config/."
    ),
]
_A_ROBOT = re.compile(r"^machine:", re.MULTILINE)
"""What the file of a robot has, and no other."""


def robot_file(name: str) -> Path:
    """The path that `name` stands for: itself, or for `example:rover` that of an installed example."""
    if not name.startswith(EXAMPLE_PREFIX):
        return Path(name)
    known, wanted = examples(), name.removeprefix(EXAMPLE_PREFIX)
    if wanted not in known:
        near = difflib.get_close_matches(wanted, known, n=1)
        there = ", ".join(EXAMPLE_PREFIX + one for one in known)
        hint = f"did you mean '{EXAMPLE_PREFIX}{near[0]}'?" if near else f"there are {there}"
        fail(Exit.USAGE, f"there is no {name!r}; {hint}")
    return known[wanted]


def examples() -> dict[str, Path]:
    """The file of each robot that comes with robotd, by name."""
    found = {file.stem: file for file in examples_folder().glob("*.yaml") if is_a_robot(file)}
    return dict(sorted(found.items()))


def robot_here(name: str | None) -> str:
    """`name`, or where none is given the only robot's file in this folder, or else in its config/."""
    if name is not None:
        return name
    found: list[Path] = []
    for folder in (Path(), Path("config")):
        found = found or [file for file in sorted(folder.glob("*.yaml")) if is_a_robot(file)]
    if len(found) != 1:
        there = f"here are {', '.join(map(str, found))}" if found else "none is here or in config/"
        fail(Exit.USAGE, f"name the robot's file; {there}")
    return str(found[0])


def is_a_robot(file: Path) -> bool:
    """Whether it is the file of a robot, by its look. A file with errors is one, too."""
    try:
        return file.suffix == ".yaml" and _A_ROBOT.search(file.read_text(errors="replace")) is not None
    except OSError:
        return False


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
