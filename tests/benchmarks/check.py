"""All proofs over a hundred thousand configurations, against a bare search over as many whole numbers."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from robotd.check import Report as Findings
from robotd.check import Subject, prove
from robotd.core.chart import Chart, Region, State, Transition
from robotd.core.expression import Expression, compile_expression
from tests.benchmarks.figures import Report, interleaved, median

ROUNDS = 3
GOAL_S = 2.0
UNITS = {"battery.value": "V"}
SHAPES = {"five regions of 10": (5, 10), "two regions of 316": (2, 316)}


def rings(regions: int, size: int, *, coupled: bool) -> Subject:
    """Rings side by side. `coupled`: all go on at one trigger, if another ring or the battery lets them."""
    charts = tuple(_ring(number, regions, size, coupled) for number in range(regions))
    commands = {trigger for ring in charts for one in ring.transitions for trigger in one.triggers}
    return Subject(chart=Chart(1, charts, frozenset(commands)), readings=UNITS)


def _ring(number: int, regions: int, size: int, coupled: bool) -> Region:
    paths = [f"r{number}s{place}" for place in range(size)]
    transitions = []
    for place, path in enumerate(paths):
        other = f"r{(number + 1) % regions}s{place * 7 % size}"
        trigger = "next" if coupled else f"next{number}"
        guard = _guard(place, other) if coupled else None
        transitions.append(Transition((trigger,), (path,), paths[(place + 1) % size], guard))
        transitions.append(Transition((f"back{number}",), (path,), paths[place - 1]))
    return Region(f"r{number}", paths[0], {path: State(path) for path in paths}, tuple(transitions))


def _guard(place: int, other: str) -> Expression:
    text = f"not {other}" if place % 2 else f"battery.value > {10 + place % 3} or {other}"
    return compile_expression(text, readings=UNITS, states=[other])


def _search(count: int, ways: int) -> None:
    """Breadth first over `count` numbers with so many ways on from each: nobody can do it with less."""
    steps = [(place * place + 1) % count for place in range(ways)]
    found, order = {0}, [0]
    for number in order:
        for step in steps:
            after = (number + step) % count
            if after not in found:
                found.add(after)
                order.append(after)


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _proven(subject: Subject) -> Findings:
    found = prove(subject)
    if found.findings:
        raise ValueError(f"the rings are not sound: {found.findings[0].sentence}")
    return found


def check(report: Report) -> None:
    """Each shape, its regions apart and coupled by shared triggers and guards over states."""
    report.title("check (seconds for all proofs, medians)")
    rows = []
    worst = 0.0
    for name, (regions, size) in SHAPES.items():
        for coupled in (False, True):
            subject = rings(regions, size, coupled=coupled)
            count = _proven(subject).configurations
            found = interleaved(
                ROUNDS,
                search=partial(_seconds, partial(_search, count, 2 * regions + 1)),
                check=partial(_seconds, partial(_proven, subject)),
            )
            search_s, check_s = median(found["search"]), median(found["check"])
            worst = max(worst, check_s)
            what = f"{name}, {'coupled' if coupled else 'apart'}"
            row = (what, f"{count:,}", f"{search_s:.2f}", f"{check_s:.2f}", f"{check_s / search_s:.1f}")
            rows.append(row)
    report.table(("", "configurations", "a bare search", "check", "ratio"), rows)
    report.goal(f"100,000 configurations in under {GOAL_S:g} s: {worst:.2f} s", worst < GOAL_S)
