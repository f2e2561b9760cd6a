"""`robotd sim`: hours of a robot's life in virtual time, under a random operator and random faults."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from robotd.cli.connection import Json
from robotd.cli.exits import Exit, complain, fail
from robotd.cli.files import EXAMPLE_PREFIX, RobotFile, load, robot_here
from robotd.cli.interrupt import CtrlC

if TYPE_CHECKING:
    from robotd.config import RobotConfig
    from robotd.sim.campaign.campaign import Tally, Task
    from robotd.sim.campaign.life import Life
    from robotd.sim.campaign.shrink import Shrunk

MOST_HOURS = 100_000
SHRINK_FOR_S = 60.0
SHOWN_RARE = 12
"""So many of the rarest transitions are shown."""


def sim(
    file: RobotFile = None,
    hours: Annotated[
        float, typer.Option(min=0.001, max=MOST_HOURS, help="Of the robot's time, for each seed.")
    ] = 1.0,
    faults: Annotated[
        str, typer.Option(metavar="SHARE", help="Of the time, in which something is wrong: 2%.")
    ] = "0%",
    seed: Annotated[int, typer.Option(min=0, help="What all chance is drawn from.")] = 0,
    seeds: Annotated[int, typer.Option(min=1, help="So many seeds, from --seed on.")] = 1,
    jobs: Annotated[int, typer.Option(min=1, help="In so many processes.")] = 1,
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where a scenario of what was broken is written.")
    ] = Path(),
    shrink_for: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="Look so long for the shortest such scenario.")
    ] = SHRINK_FOR_S,
    check_repeat: Annotated[
        bool, typer.Option("--check-repeat", help="Live each life twice, and compare all that happened.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Live hours of the robot's life in seconds, and watch that every promise is kept.

    The operator does at random what the file allows, and some of what it does not. --faults is the share of
    the time in which a board or its wire fails, in ways drawn for each seed. Exits 0 when all promises were
    kept, 1 when one was not: then a short scenario that shows it is written, for `robotd test`. Ctrl-C ends
    it; what is known by then is told.

    Example: robotd sim --hours 100 --faults 2% --seed 7

    Example: robotd sim config/rover.yaml --hours 24 --faults 2%

    Example: robotd sim robot.yaml --hours 100 --faults 2% --seed 7 --jobs 2 --out found
    """
    share = _share(faults)
    if math.isnan(hours):
        fail(Exit.USAGE, "--hours nan: so long lives nobody")
    file = robot_here(file)
    config = load(file, as_json=as_json)

    from robotd.sim.campaign.campaign import Tally, quiet, tasks
    from robotd.sim.simulation import CannotSimulate

    quiet()
    due = tasks(range(seed, seed + seeds), hours * 3600, share)
    tally = Tally.of(config)
    began = perf_counter()
    took_s, repeats = 0.0, True
    found: list[tuple[Path | None, Shrunk]] = []
    unwritten = ""
    with CtrlC(raises=jobs > 1) as interrupt:
        try:
            repeats = _run(config, due, tally, jobs, interrupt, twice=check_repeat, hidden=as_json)
        except CannotSimulate as error:
            fail(Exit.FAILED, f"{config.path}: {error}")
        except KeyboardInterrupt:
            interrupt.came = True
        # With --check-repeat every life is lived twice, and counts once.
        took_s = (perf_counter() - began) / (2 if check_repeat else 1)
        interrupt.raises = False
        try:
            _write(config, file, tally, out, shrink_for, interrupt, found)
        except OSError as error:
            unwritten = f"{error.filename}: {error.strerror}"
    interrupted = interrupt.came
    if as_json:
        typer.echo(json.dumps(_as_json(tally, took_s, found, faults), indent=2))
    else:
        _tell(config, file, tally, took_s, found, faults)
    if unwritten:
        complain(unwritten)
    if interrupted:
        complain(f"interrupted after {tally.lives} of {len(due)} lives")
    if not repeats:
        complain("a second run with the same seed was another one")
    if interrupted or tally.broken or not repeats:
        raise typer.Exit(Exit.FAILED)


def _share(text: str) -> float:
    from hal import UnitError, parse_quantity

    try:
        percent = parse_quantity(text, "%")
    except UnitError as error:
        fail(Exit.USAGE, f"--faults {text}: {error}")
    if not 0 <= percent < 100:
        fail(Exit.USAGE, f"--faults {text}: from 0% to less than 100%")
    return percent / 100


def _run(
    config: RobotConfig,
    due: Sequence[Task],
    tally: Tally,
    jobs: int,
    interrupt: CtrlC,
    *,
    twice: bool,
    hidden: bool,
) -> bool:
    """Live all lives. Whether each repeats itself, as far as that was asked for."""
    from robotd.cli import console
    from robotd.sim.campaign.campaign import live_all

    repeats = True
    every = [task for task in due for _ in range(1 + twice)]
    before: Life | None = None
    with console.Progress(len(every), quiet=hidden) as progress:
        for task, life in live_all(config, every, jobs=jobs, ends=lambda: interrupt.came):
            if before is not None:
                repeats = repeats and life.digest == before.digest
                before = None
            else:
                tally.add(task, life)
                before = life if twice else None
                if life.broken is not None:
                    progress.failed(f"{life.broken.name} (seed {task.seed})", life.broken.sentence)
            progress.advance(f"seed {task.campaign}")
    return repeats


def _write(
    config: RobotConfig,
    robot: str,
    tally: Tally,
    folder: Path,
    shrink_for_s: float,
    interrupt: CtrlC,
    found: list[tuple[Path | None, Shrunk]],
) -> None:
    """A scenario of the first life in which each promise was broken, into `folder` and `found`."""
    from robotd.sim.campaign.shrink import shrink
    from robotd.sim.scenario.writing import to_yaml

    named = robot if robot.startswith(EXAMPLE_PREFIX) else os.path.relpath(robot, folder)
    told: set[str] = set()
    for _, life in tally.broken if shrink_for_s else ():
        if life.broken is None or life.broken.name in told or interrupt.came:
            continue
        told.add(life.broken.name)
        shrunk = shrink(
            config,
            life,
            named,
            within_s=shrink_for_s,
            clock=lambda: math.inf if interrupt.came else perf_counter(),
        )
        path = None
        if shrunk.scenario is not None:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{life.broken.name.replace(' ', '-')}-{life.seed}.yaml"
            path.write_text(to_yaml(shrunk.scenario), encoding="utf-8")
        found.append((path, shrunk))


def _tell(
    config: RobotConfig,
    robot: str,
    tally: Tally,
    took_s: float,
    found: Sequence[tuple[Path | None, Shrunk]],
    faults: str,
) -> None:
    from robotd.cli import console

    console.coverage(tally.coverage.states, tally.coverage.events, _rarest(tally))
    console.table(("", ""), _counts(tally))
    console.table(("promise", "", "looked at"), _promises(tally))
    console.table(("seed", "digest"), [(str(seed), tally.digest(seed)) for seed in tally.digests])
    hours = tally.duration_s / 3600
    factor = tally.duration_s / took_s if took_s else 0.0
    typer.echo(
        f"\n{config.robot}: {hours:.4g} h of its time in {took_s:.1f} s, {factor:,.0f} times as fast as it is"
    )
    for task, life in tally.broken:
        if life.broken is not None:
            where = f" ({life.broken.where})" if life.broken.where else ""
            typer.echo(f"\nbroken: {life.broken.name}: {life.broken.sentence}{where}")
            again = f"--hours {task.duration_s / 3600:.6g} --faults {faults} --seed {task.seed}"
            typer.echo(f"  after {life.broken.at:.3f} s; again: robotd sim {robot} {again}")
    for path, shrunk in found:
        if path is None or shrunk.scenario is None:
            typer.echo("  the steps alone do not show it: no scenario was written")
        else:
            steps = len(shrunk.scenario.steps)
            typer.echo(f"  in {steps} steps, found in {shrunk.runs} runs: robotd test {path}")


def _rarest(tally: Tally) -> list[tuple[str, str, int, str]]:
    """Of each transition that is shown: where, what, how often it was taken, and what its guard said."""
    rows = sorted(tally.coverage.transitions, key=lambda seen: seen.taken)[:SHOWN_RARE]
    return [(seen.where, seen.what, seen.taken, _verdicts(seen.guard, seen.verdicts)) for seen in rows]


def _verdicts(guard: str | None, verdicts: dict[str, int]) -> str:
    if guard is None:
        return ""
    said = {"true": verdicts[""], **{reason: verdicts[reason] for reason in ("false", "stale", "missing")}}
    return ", ".join(f"{reason} {count}" for reason, count in said.items() if count or reason != "missing")


def _counts(tally: Tally) -> list[tuple[str, str]]:
    sums = {"commands": tally.stages, "faults": tally.faults}
    return [
        (what, ", ".join(f"{name} {counts[name]}" for name in sorted(counts)) or "none")
        for what, counts in sums.items()
    ]


def _promises(tally: Tally) -> list[tuple[str, str, str]]:
    from robotd.sim.invariants import STANDARD

    said = {promise.name: promise.sentence for promise in STANDARD}
    return [(name, said.get(name, "what the file says itself"), str(n)) for name, n in tally.checked.items()]


def _as_json(
    tally: Tally, took_s: float, found: Sequence[tuple[Path | None, Shrunk]], faults: str
) -> dict[str, Any]:
    return {
        "ok": not tally.broken,
        "virtual_time_s": round(tally.duration_s, 6),
        "took_s": round(took_s, 3),
        "lives": tally.lives,
        "faults_share": faults,
        "digests": {str(seed): tally.digest(seed) for seed in tally.digests},
        "coverage": tally.coverage.as_json(),
        "commands": dict(tally.stages),
        "faults": dict(tally.faults),
        "checked": dict(tally.checked),
        "broken": [
            {
                "promise": life.broken.name,
                "sentence": life.broken.sentence,
                "where": str(life.broken.where) if life.broken.where else None,
                "at_s": round(life.broken.at, 6),
                "seed": task.seed,
                "hours": task.duration_s / 3600,
            }
            for task, life in tally.broken
            if life.broken is not None
        ],
        "scenarios": [str(path) for path, _ in found if path is not None],
    }
