"""How fast a journal is played again, of a life that was lived and of nothing but decisions."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from robotd.config import RobotConfig, load
from robotd.journal.memory import MemoryStore
from robotd.journal.replay import compare
from robotd.journal.replay import replay as play
from robotd.journal.store import Rows
from robotd.sim.campaign.life import live
from tests.benchmarks.figures import Report, interleaved, median
from tests.core.making import AT_EASE
from tests.journal.played import ROVER as CHART
from tests.journal.played import Written

ROVER = Path(__file__).parents[2] / "config" / "rover.yaml"
GOAL = 20_000
FAULTS = 0.05
SEED = 7
ROUNDS = 3
DECISIONS = 20_000


def replay(report: Report, *, hours: float) -> None:
    """The yardstick reads every row and decodes its body: no replay can do less."""
    report.title("replay (rows in a second of one core, medians)")
    logging.getLogger().addHandler(logging.NullHandler())
    config = load(ROVER)
    lived = MemoryStore()
    if (broken := live(config, SEED, hours * 3600, FAULTS, store=lived).broken) is not None:
        raise RuntimeError(f"seed {SEED} broke {broken}")
    decided = _decisions()
    found = interleaved(
        ROUNDS,
        read=partial(_rate, lived, _read),
        lived=partial(_rate, lived, _play),
        beside=partial(_rate, lived, partial(_compare, config=config)),
        decided=partial(_rate, decided, _play),
    )
    rates = {name: median(rounds) for name, rounds in found.items()}
    rows = [
        (f"{hours:g} h of a life with faults, only decoded", f"{lived.last_seq:,}", f"{rates['read']:,.0f}"),
        ("the same, played", f"{lived.last_seq:,}", f"{rates['lived']:,.0f}"),
        ("the same, beside its own file", f"{lived.last_seq:,}", f"{rates['beside']:,.0f}"),
        ("decisions and nothing else, played", f"{decided.last_seq:,}", f"{rates['decided']:,.0f}"),
    ]
    report.table(("", "rows", "rows/s"), rows)
    worst = min(rates["lived"], rates["decided"])
    report.goal(f"at least {GOAL:,} rows a second: {worst:,.0f}", worst >= GOAL)


def _decisions() -> Written:
    """A robot that is driven, bumps and patrols."""
    journal = Written()
    machine = journal.boot(CHART)
    journal.decide(journal.command("arm"), AT_EASE)
    while journal.last_seq < DECISIONS:
        for _ in range(20):
            journal.decide(journal.command("drive", {"linear": 0.3}), AT_EASE)
        journal.decide(journal.event("bump", source="rule:bumper.active"), AT_EASE)
        journal.decide(journal.command("patrol"))
        stay = machine.entries["armed.auto"].number
        journal.decide(journal.event("patrol.done", source="executor", stamp=stay))
    return journal


def _rate(rows: MemoryStore, work: Callable[[Rows], None]) -> float:
    began = time.process_time()
    work(rows)
    return rows.last_seq / (time.process_time() - began)


def _read(rows: Rows) -> None:
    for row in rows.rows():
        row.data  # noqa: B018  # to decode it is the work


def _play(rows: Rows) -> None:
    if (divergence := play(rows).divergence) is not None:
        raise RuntimeError(f"row {divergence.row.seq} was not decided again: {divergence.differences}")


def _compare(rows: Rows, config: RobotConfig) -> None:
    if (found := compare(rows, config.chart, config.commands, config.rules)).partings:
        raise RuntimeError(f"the rover parts from itself at row {found.kept[0].row.seq}")
