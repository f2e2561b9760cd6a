"""The command `new-driver`: a package to begin with, from the one that lies in robotd/templates."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Annotated

import typer

from robotd.cli.connection import Json
from robotd.cli.exits import Exit, fail

TEMPLATE = Path(__file__).parents[1] / "templates" / "driver"
WORD = "gadget"
"""What the product is called in the template."""
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
LONGEST_NAME = 20
NEXT = """\
  cd {}
  pip install -e . pytest
  pytest
  robotd run robot.yaml --sim"""


def new_driver(
    name: Annotated[str, typer.Argument(help="The product's, as a robot's file shall say it: lidar.")],
    folder: Annotated[
        Path | None, typer.Option(help="Where to write it. Default: robotd-NAME.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the package of a driver of your own: codec, board, twin, a robot's file, and green tests.

    It speaks an invented protocol, which you replace with your product's, file by file; its README says how.
    Nothing is overwritten.

    Example: robotd new-driver lidar

    Example: robotd new-driver gripper --folder ~/src/robotd-gripper
    """
    from hal import driver_names

    if NAME.fullmatch(name) is None or len(name) > LONGEST_NAME:
        fail(
            Exit.USAGE,
            f"{name!r} is no name for a driver; write up to {LONGEST_NAME} of a-z, 0-9 and _: my_lidar",
        )
    if name in driver_names():
        fail(Exit.USAGE, f"there is a driver {name!r} already; choose another name")
    target = folder if folder is not None else Path(_told_of(name, f"robotd-{WORD}"))
    texts = {target / _told_of(name, file): _told_of(name, text) for file, text in _template().items()}
    try:
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            fail(Exit.FAILED, f"{target} is there already; name another --folder")
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(Exit.FAILED, f"{target} cannot be written: {error.strerror or error}")
    if as_json:
        typer.echo(json.dumps({"folder": str(target), "files": [*map(str, texts)]}))
    else:
        typer.echo(f"wrote {target}; next:\n\n{NEXT.format(shlex.quote(str(target)))}")


def _template() -> dict[str, str]:
    """The texts of its files, without what Python and other tools leave there in folders of their own."""
    paths = (path.relative_to(TEMPLATE) for path in sorted(TEMPLATE.rglob("*")) if path.is_file())
    ours = (path for path in paths if not any(part.startswith((".", "__")) for part in path.parts[:-1]))
    return {str(path): (TEMPLATE / path).read_text(encoding="utf-8") for path in ours}


def _told_of(name: str, text: str) -> str:
    """`text` of the template, as it says it of the product `name`."""
    dashed, capital = name.replace("_", "-"), "".join(part.title() for part in name.split("_"))
    text = text.replace(f"robotd-{WORD}", f"robotd-{dashed}")
    return text.replace(WORD.title(), capital).replace(WORD, name)
