"""Commands about a robot's file, for which no robot need run: `graph` and `schema`; and `version`."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from robotd.cli.connection import Json
from robotd.cli.exits import Exit, complain, fail
from robotd.cli.files import RobotFile, load, robot_here

if TYPE_CHECKING:
    from robotd.config import RobotConfig
    from robotd.core.chart import Do, State, Timeout, Transition
    from robotd.core.graph import Marks


class GraphFormat(StrEnum):
    """The languages that `graph` writes."""

    SVG = "svg"
    MERMAID = "mermaid"
    DOT = "dot"


def graph(
    file: RobotFile = None,
    language: Annotated[GraphFormat, typer.Option("--format", help="The language of the drawing.")] = (
        GraphFormat.MERMAID
    ),
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file to write; stdout without it.")
    ] = None,
    checked: Annotated[
        bool,
        typer.Option("--check/--no-check", help="Whether to mark what `check` has something to say about."),
    ] = True,
) -> None:
    """Draw the state machine of FILE: nested states, triggers, guards and what is done.

    What `robotd check` finds wrong with a state or a transition, or cannot prove, is marked with its code.
    An SVG opens in any browser; GitHub shows Mermaid inside a page; dot is for Graphviz.

    Example: robotd graph config/rover.yaml --format svg --output rover.svg
    """
    from robotd.core.graph import NO_MARKS, dot, mermaid, svg

    config = load(robot_here(file))
    marks = _marks(config) if checked else NO_MARKS
    match language:
        case GraphFormat.SVG:
            text = svg(config.chart, marks, title=config.robot)
        case GraphFormat.MERMAID:
            text = mermaid(config.chart, marks)
        case GraphFormat.DOT:
            text = dot(config.chart, marks)
    if output is None:
        typer.echo(text)
        return
    try:
        output.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        fail(Exit.FAILED, f"cannot write {output}: {error.strerror}")


def _marks(config: RobotConfig) -> Marks:
    """What the proofs say about the chart, for a drawing of it."""
    from robotd.check import Subject, prove
    from robotd.check.codes import CODES
    from robotd.core.chart import NOWHERE
    from robotd.core.graph import Marks

    report = prove(Subject.of(config))

    def codes(*parts: State | Transition | Do | Timeout | None) -> tuple[str, ...]:
        places = [part.where for part in parts if part is not None and part.where != NOWHERE]
        return tuple(dict.fromkeys(code for place in places for code in report.codes_at(place)))

    transitions = [transition for region in config.chart.regions for transition in region.transitions]
    return Marks(
        states={
            state.path: found
            for state in config.chart.states
            if (found := codes(state, state.do, state.timeout))
        },
        transitions={one.where: found for one in transitions if (found := codes(one, one.do))},
        meanings={code: explained.means.partition(". ")[0] for code, explained in CODES.items()},
    )


def schema(
    scenario: Annotated[bool, typer.Option("--scenario", help="That of a scenario's file.")] = False,
) -> None:
    """Print the JSON Schema of a robot's file, for an editor that completes and checks it.

    It knows the drivers of all installed packages. One that cannot be imported is left out; stderr says so.

    Example: robotd schema > config/robotd.schema.json

    Example: robotd schema --scenario > config/scenario.schema.json
    """
    if scenario:
        from robotd.sim.scenario.schema import scenario_schema

        made = scenario_schema()
    else:
        from robotd.config import json_schema

        made = json_schema(lambda why: complain(f"left out: {why}"))
    typer.echo(json.dumps(made, indent=2))


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
