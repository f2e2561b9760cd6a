"""The command `check`: what is proven about a robot's file, and what is not."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from robotd.cli.connection import Json
from robotd.cli.exits import Exit, fail
from robotd.cli.files import RobotFile, load, robot_here
from robotd.cli.findings import explanation_text, finding_text

if TYPE_CHECKING:
    from robotd.check import Report
    from robotd.config import RobotConfig

SHOWN_FINDINGS = 100
"""So many are spelled out for people; the rest are counted. Programs get all."""


def check(
    file: RobotFile = None,
    strict: Annotated[bool, typer.Option("--strict", help="A warning fails too.")] = False,
    explain: Annotated[
        str | None, typer.Option(metavar="CODE", help="Say what a code means, with an example and the mend.")
    ] = None,
    scenarios: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write each trace there, for `robotd test`.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Prove from FILE alone that its machine is sound; say what is not, with a trace to where it shows.

    Exits 0 when every proof holds, 1 when one fails (with --strict also on a warning), 78 when the file is
    not valid. Opens no port and starts nothing.

    Example: robotd check config/rover.yaml

    Example: robotd check --explain trap-state

    Example: robotd check robot.yaml --strict --scenarios findings && robotd test findings
    """
    if explain is not None:
        _explain(explain)
        return
    config = load(robot_here(file), as_json=as_json)

    from robotd.check import Severity, Subject, prove

    report = prove(Subject.of(config))
    failed = report.failed(strict=strict)
    if scenarios is not None:
        _write_scenarios(report, config, scenarios)
    counts = _counts(config) | {"configurations": report.configurations}
    if as_json:
        result: dict[str, Any] = {"ok": not failed, "file": str(config.path), "robot": config.robot, **counts}
        result["findings"] = [finding.as_json() for finding in report.findings]
        typer.echo(json.dumps(result, indent=2))
    else:
        for finding in report.findings[:SHOWN_FINDINGS]:
            typer.echo(f"{finding_text(finding, config)}\n", err=True)
        if (more := len(report.findings) - SHOWN_FINDINGS) > 0:
            typer.echo(f"and {more} more\n", err=True)
        found = {f"{severity}s": report.count(severity) for severity in Severity}
        numbers = _numbers({name: number for name, number in (counts | found).items() if number})
        typer.echo(f"{'FAILED' if failed else 'ok'}  {config.robot}: {numbers}")
    if failed:
        raise typer.Exit(Exit.FAILED)


def _counts(config: RobotConfig) -> dict[str, int]:
    chart = config.chart
    return {
        "boards": len(config.boards),
        "devices": len(config.devices),
        "regions": len(chart.regions),
        "states": sum(1 for _ in chart.states),
        "transitions": sum(len(region.transitions) for region in chart.regions),
        "commands": len(config.commands),
    }


def _numbers(counts: Mapping[str, int]) -> str:
    return ", ".join(
        f"{number} {name.removesuffix('s') if number == 1 else name}" for name, number in counts.items()
    )


def _write_scenarios(report: Report, config: RobotConfig, folder: Path) -> None:
    """A file for each finding whose trace can be taken in simulation."""
    from robotd.sim.scenario.retelling import retell
    from robotd.sim.scenario.writing import to_yaml

    robot = Path(os.path.relpath(config.path.resolve(), folder.resolve())).as_posix()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for finding in report.findings:
            scenario = retell(finding, config, robot)
            if scenario is not None:
                where = finding.where
                file = folder / f"{finding.code}-{where.line}-{where.column}.yaml"
                file.write_text(to_yaml(scenario), encoding="utf-8")
                typer.echo(f"wrote {file}", err=True)
    except OSError as error:
        fail(Exit.FAILED, f"{folder} cannot be written: {error.strerror or error}")


def _explain(code: str) -> None:
    from robotd.check.codes import CODES

    if code not in CODES:
        fail(Exit.USAGE, f"there is no code {code!r}; the codes are {', '.join(CODES)}")
    typer.echo(explanation_text(code, CODES[code]))
