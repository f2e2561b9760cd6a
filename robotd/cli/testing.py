"""`robotd test`: scenarios of robots, in virtual time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from robotd.cli.connection import Json
from robotd.cli.exits import Exit, complain, fail
from robotd.cli.files import EXAMPLE_PREFIX, examples_folder
from robotd.cli.interrupt import CtrlC

if TYPE_CHECKING:
    from robotd.sim.scenario.junit import Timed
    from robotd.sim.scenario.script import Script

MOST_SEEDS = 100_000
SHOWN_SEEDS = 5
"""So many of the seeds with which a scenario does not hold are named in its row."""


def run_scenarios(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILE|FOLDER]...",
            help="Scenarios, or folders of them; `example:` for the installed ones. "
            "Left out: scenarios/ or config/scenarios/ here.",
        ),
    ] = None,
    seeds: Annotated[
        int, typer.Option(min=1, max=MOST_SEEDS, help="Run each with so many seeds, one after the other.")
    ] = 1,
    seed: Annotated[
        int | None, typer.Option(min=0, help="The first seed; left out: what the scenario says, or 0.")
    ] = None,
    match: Annotated[
        str | None, typer.Option("-k", metavar="TEXT", help="Only those with this in title or file name.")
    ] = None,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the results as JUnit XML, for CI.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page with the time line of each scenario.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run scenarios against the simulated robot, in virtual time: exit 0 when all hold, 1 when one does not.

    A file that is invalid, the scenario's or the robot's, is exit 78. Needs no port, no terminal, no root.
    Ctrl-C ends it; what is known by then is told and written. What may stand in a scenario:
    `robotd schema --scenario` says it to editors, and the installed ones show it.

    Example: robotd test

    Example: robotd test config/scenarios --seeds 30 --junit results.xml

    Example: robotd test config/scenarios/an-obstacle-ends-the-patrol.yaml --seed 7 --html patrol.html
    """
    scripts = _read(paths or [], as_json=as_json)
    if match is not None:
        wanted = match.casefold()
        scripts = [
            script
            for script in scripts
            if wanted in script.scenario.title.casefold() or wanted in script.file.casefold()
        ]
        if not scripts:
            fail(Exit.USAGE, f"no scenario has {match!r} in its title or file name")
    results: list[Timed] = []
    try:
        interrupted = _run(_rounds(scripts, seeds, seed), len(scripts) * seeds, results, quiet=as_json)
    except KeyboardInterrupt:
        interrupted = True
    _tell(results, as_json=as_json, interrupted=interrupted, due=len(scripts) * seeds)
    _write(results, junit, html)
    if interrupted or any(timed.result.failure for timed in results):
        raise typer.Exit(Exit.FAILED)


def _read(names: Sequence[str], *, as_json: bool) -> list[Script]:
    """Every scenario, or the end of it: all that is wrong with any of them."""
    from robotd.config import ConfigErrors
    from robotd.sim.scenario.finding import NoScenarioError, find_scenarios
    from robotd.sim.scenario.reading import read_scenario
    from robotd.sim.scenario.script import Robots

    try:
        files = find_scenarios([_place(name) for name in names], Path())
    except NoScenarioError as error:
        fail(Exit.USAGE, str(error))
    robots = Robots(examples_folder())
    scripts: list[Script] = []
    invalid: list[ConfigErrors] = []
    for file in files:
        try:
            scripts.append(read_scenario(file, robots))
        except ConfigErrors as errors:
            if errors not in invalid:
                invalid.append(errors)
    if invalid:
        if as_json:
            faults = [fault for errors in invalid for fault in errors.as_json()]
            typer.echo(json.dumps({"ok": False, "errors": faults}, indent=2))
        else:
            typer.echo("\n\n".join(errors.report() for errors in invalid), err=True)
        raise typer.Exit(Exit.FILE_INVALID)
    return scripts


def _place(name: str) -> Path:
    if not name.startswith(EXAMPLE_PREFIX):
        return Path(name)
    rest = name.removeprefix(EXAMPLE_PREFIX)
    folder = examples_folder() / "scenarios"
    return folder / f"{rest}.yaml" if rest else folder


def _rounds(scripts: Iterable[Script], seeds: int, first: int | None) -> Iterator[tuple[Script, int]]:
    for script in scripts:
        begin = script.scenario.seed if first is None else first
        for number in range(begin, begin + seeds):
            yield script, number


def _run(rounds: Iterable[tuple[Script, int]], due: int, results: list[Timed], *, quiet: bool) -> bool:
    """Returns whether Ctrl-C ended it early."""
    import logging

    from robotd.cli import console
    from robotd.sim.scenario.junit import Timed
    from robotd.sim.scenario.runner import bare, run_scenario
    from robotd.sim.scenario.telling import report
    from robotd.sim.simulation import CannotSimulate

    # What a board logs about the faults of a scenario is no news here.
    logging.getLogger().addHandler(logging.NullHandler())
    kept: set[tuple[str, bool]] = set()
    # asyncio's way would be to cancel the story: pressed while that comes to its end, it would be lost.
    with CtrlC() as pressed, console.Progress(due, quiet=quiet) as progress:
        for script, seed in rounds:
            if pressed.came:
                return True
            began = perf_counter()
            try:
                result = run_scenario(script, seed=seed)
            except CannotSimulate as error:
                fail(Exit.FAILED, f"{script.config.path}: {error}")
            took_s, why = perf_counter() - began, report(result, script.file)
            # Of each scenario one run that holds and one that does not are told and drawn as a whole: of all
            # the others the verdict is enough.
            kind = (script.file, result.failure is None)
            results.append(Timed(script.file, bare(result) if kind in kept else result, took_s, why))
            if result.failure is not None:
                progress.failed(f"{script.scenario.title} (seed {seed})", "" if kind in kept else why)
            kept.add(kind)
            progress.advance(script.scenario.title)
    return False


def _write(results: Sequence[Timed], junit: Path | None, html: Path | None) -> None:
    from robotd.sim.page import Shown, page
    from robotd.sim.scenario.junit import as_junit

    if junit is not None:
        _save(junit, as_junit(results))
    if html is not None:
        shown = []
        for file, group in groupby(results, key=lambda timed: timed.file):
            runs = list(group)
            drawn = next((timed for timed in runs if timed.result.failure), runs[0])
            seeds = [(timed.result.seed, timed.result.failure is None) for timed in runs]
            shown.append(Shown(file, drawn.result, drawn.report, seeds))
        _save(html, page(shown))


def _save(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(Exit.FAILED, f"{path} cannot be written: {error.strerror}")


def _tell(results: Sequence[Timed], *, as_json: bool, interrupted: bool, due: int) -> None:
    if as_json:
        typer.echo(json.dumps({"results": [_as_json(timed) for timed in results]}, indent=2))
    else:
        from robotd.cli import console

        by_file = groupby(results, key=lambda timed: timed.file)
        console.scenarios([_row(list(runs)) for _, runs in by_file])
        typer.echo(_sum(results))
    if interrupted:
        complain(f"interrupted after {len(results)} of {due} runs")


def _row(runs: Sequence[Timed]) -> tuple[bool, str, str, str]:
    """What the table says of one scenario: whether it holds, its title, its seeds, its time."""
    failed = [str(timed.result.seed) for timed in runs if timed.result.failure is not None]
    seeds = "1 seed" if len(runs) == 1 else f"{len(runs)} seeds"
    if failed:
        more = ", ..." if len(failed) > SHOWN_SEEDS else ""
        seeds += f", not with {', '.join(failed[:SHOWN_SEEDS])}{more}"
    virtual_s = sum(timed.result.duration_s for timed in runs)
    return not failed, runs[0].result.script.scenario.title, seeds, f"{virtual_s:.1f} s"


def _sum(results: Sequence[Timed]) -> str:
    failed = sum(timed.result.failure is not None for timed in results)
    virtual_s = sum(timed.result.duration_s for timed in results)
    took_s = sum(timed.took_s for timed in results)
    counts = f"{len(results) - failed} passed" + (f", {failed} failed" if failed else "")
    return f"\n{counts}: {virtual_s:.0f} s of the robot's time in {took_s:.1f} s"


def _as_json(timed: Timed) -> dict[str, Any]:
    result = timed.result
    failure = result.failure
    return {
        "file": timed.file,
        "scenario": result.script.scenario.title,
        "seed": result.seed,
        "passed": failure is None,
        "virtual_time_s": round(result.duration_s, 6),
        "took_s": round(timed.took_s, 6),
        "digest": result.digest,
        "failure": None
        if failure is None
        else {
            "file": failure.where.file,
            "line": failure.where.line,
            "column": failure.where.column,
            "sentence": failure.sentence,
            "at_s": round(failure.at, 6),
            "details": [{"kind": kind, "text": text} for kind, text in failure.details],
        },
    }
