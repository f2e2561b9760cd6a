"""The command `new-driver`: a package to begin with, from the one that lies in robotd/templates."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from robotd.cli.exits import Exit, fail

TEMPLATE = Path(__file__).parents[1] / "templates" / "driver"
WORD = "gadget"
"""What the product is called in the template."""
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
LONGEST_NAME = 30


def new_driver(
    name: Annotated[str, typer.Argument(help="The product's, as a robot's file shall say it: lidar.")],
    folder: Annotated[
        Path | None, typer.Option(help="Where to write it. Default: robotd-NAME.", show_default=False)
    ] = None,
) -> None:
    """Write the package of a driver of your own: codec, board, twin, a robot's file, and green tests.

    It speaks an invented protocol, which you replace with your product's, file by file; its README says how.
    Nothing is overwritten.

    Example: robotd new-driver lidar

    Example: robotd new-driver gripper --folder ~/src/robotd-gripper
    """
    from hal import driver_names

    if NAME.fullmatch(name) is None or len(name) > LONGEST_NAME:
        fail(Exit.USAGE, f"{name!r} is no name for a driver; write letters, digits and _, as in my_lidar")
    if name in driver_names():
        fail(Exit.USAGE, f"there is a driver {name!r} already; choose another name")
    target = folder if folder is not None else Path(_told_of(name, f"robotd-{WORD}"))
    try:
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            fail(Exit.FAILED, f"{target} is there already; name another --folder")
        for source in _template():
            written = target / _told_of(name, str(source.relative_to(TEMPLATE)))
            written.parent.mkdir(parents=True, exist_ok=True)
            written.write_text(_told_of(name, source.read_text(encoding="utf-8")), encoding="utf-8")
    except OSError as error:
        fail(Exit.FAILED, f"{target} cannot be written: {error.strerror or error}")
    typer.echo(
        f"wrote {target}; next:\n\n"
        f"  cd {target}\n"
        "  pip install -e . pytest\n"
        "  pytest\n"
        "  robotd run robot.yaml --sim\n"
    )


def _template() -> list[Path]:
    """Its files, without what Python and the tools that check it leave in folders of their own."""
    return [
        path
        for path in sorted(TEMPLATE.rglob("*"))
        if path.is_file()
        and not any(folder.startswith((".", "__")) for folder in path.relative_to(TEMPLATE).parts[:-1])
    ]


def _told_of(name: str, text: str) -> str:
    """`text` of the template, as it says it of the product `name`."""
    dashed, capital = name.replace("_", "-"), "".join(part.title() for part in name.split("_"))
    text = text.replace(f"robotd-{WORD}", f"robotd-{dashed}")
    return text.replace(WORD.title(), capital).replace(WORD, name)
