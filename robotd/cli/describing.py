"""Commands about a robot's file, for which no robot need run: `graph` and `schema`; and `version`."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from robotd.cli.connection import Json
from robotd.cli.exits import Exit, fail
from robotd.cli.files import load

RobotFile = Annotated[str, typer.Argument(help="The robot's file, or example:NAME for an installed one.")]


class GraphFormat(StrEnum):
    """The languages that `graph` writes."""

    SVG = "svg"
    MERMAID = "mermaid"
    DOT = "dot"


def graph(
    file: RobotFile,
    language: Annotated[GraphFormat, typer.Option("--format", help="The language of the drawing.")] = (
        GraphFormat.MERMAID
    ),
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file to write; stdout without it.")
    ] = None,
) -> None:
    """Draw the state machine of FILE: nested states, triggers, guards and what is done.

    An SVG opens in any browser; GitHub shows Mermaid inside a page; dot is for Graphviz.

    Example: robotd graph config/rover.yaml --format svg --output rover.svg
    """
    from robotd.core.graph import dot, mermaid, svg

    config = load(file)
    match language:
        case GraphFormat.SVG:
            text = svg(config.chart, title=config.robot)
        case GraphFormat.MERMAID:
            text = mermaid(config.chart)
        case GraphFormat.DOT:
            text = dot(config.chart)
    if output is None:
        typer.echo(text)
        return
    try:
        output.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        fail(Exit.FAILED, f"cannot write {output}: {error.strerror}")


def schema() -> None:
    """Print the JSON Schema of a robot's file, for an editor that completes and checks it.

    Example: robotd schema > config/robotd.schema.json
    """
    from robotd.config import json_schema

    typer.echo(json.dumps(json_schema(), indent=2))


def version(as_json: Json = False) -> None:
    """Print which robotd this is.

    Example: robotd version --json
    """
    import platform

    from robotd.version import VERSION

    versions = {"robotd": VERSION, "python": platform.python_version()}
    typer.echo(
        json.dumps(versions) if as_json else f"robotd {versions['robotd']} (Python {versions['python']})"
    )
