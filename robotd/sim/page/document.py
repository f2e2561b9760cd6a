"""The page around the time lines: what holds, what does not and why, and every message of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import NamedTuple

from robotd.sim.page.markup import Markup, joined, tag
from robotd.sim.page.timeline import timeline
from robotd.sim.scenario.chronicle import Chronicle, Told
from robotd.sim.scenario.runner import Result
from robotd.sim.scenario.writing import to_yaml

MOST_MESSAGES = 2_000
"""So many messages of a run are listed."""
MOST_SEEDS = 300
"""So many of its seeds are shown as squares."""


class Shown(NamedTuple):
    """One scenario on the page."""

    file: str
    result: Result
    """The run that is drawn: the first that does not hold, or else the first."""
    report: str
    """Why it does not hold; empty where it does."""
    seeds: Sequence[tuple[int, bool]]
    """Every seed that it was run with, and whether it held."""


def page(scenarios: Sequence[Shown]) -> str:
    """The whole text of the HTML file."""
    failed = sum(not all(held for _, held in shown.seeds) for shown in scenarios)
    count = "1 scenario" if len(scenarios) == 1 else f"{len(scenarios)} scenarios"
    title = f"{count}: {f'{failed} failed' if failed else 'ok'}"
    style = files("robotd.sim.page").joinpath("style.css").read_text()
    head = [
        Markup('<meta charset="utf-8">'),
        Markup('<meta name="viewport" content="width=device-width">'),
        tag("title", title),
        Markup(f"<style>\n{style}</style>"),
    ]
    body = [
        tag("h1", title),
        tag("p", "Hold the pointer over anything in a time line to read what it is.", class_="dim"),
        tag("table", [_row(number, shown) for number, shown in enumerate(scenarios)], class_="index"),
        *(_section(number, shown) for number, shown in enumerate(scenarios)),
    ]
    return (
        f'<!doctype html>\n<html lang="en"><head>{joined(head)}</head>\n<body>{joined(body)}</body></html>\n'
    )


def _row(number: int, shown: Shown) -> Markup:
    link = tag("a", shown.result.script.scenario.title, href=f"#s{number}")
    return tag("tr", tag("td", _verdict(shown)), tag("td", link), tag("td", _squares(shown), class_="seeds"))


def _verdict(shown: Shown) -> Markup:
    held = all(held for _, held in shown.seeds)
    return tag("span", "ok" if held else "failed", class_=f"verdict {'good' if held else 'bad'}")


def _squares(shown: Shown) -> Iterator[Markup]:
    for seed, held in shown.seeds[:MOST_SEEDS]:
        yield tag("span", title=f"seed {seed}: {'ok' if held else 'failed'}", class_=None if held else "bad")
    if len(shown.seeds) > MOST_SEEDS:
        yield Markup(f" and {len(shown.seeds) - MOST_SEEDS} more")


def _section(number: int, shown: Shown) -> Markup:
    result = shown.result
    about = f"{shown.file}, seed {result.seed}, {result.duration_s:.3f} s of the robot's time"
    parts = [
        tag("h2", _verdict(shown), Markup("&ensp;"), result.script.scenario.title),
        tag("p", about, class_="dim"),
    ]
    if shown.report:
        parts.append(tag("pre", shown.report))
    chronicle = result.chronicle
    if chronicle is not None:
        parts.append(timeline(result, chronicle))
        parts.append(_messages(chronicle))
    parts.append(tag("details", tag("summary", "the scenario"), tag("pre", to_yaml(result.script.scenario))))
    return tag("section", parts, id=f"s{number}", class_="bad" if result.failure else None)


def _messages(chronicle: Chronicle) -> Markup:
    told = chronicle.told
    heads = [tag("th", word) for word in ("s", "message", "from", "became", "state")]
    rows = [tag("tr", heads), *(_message(message) for message in told[:MOST_MESSAGES])]
    if len(told) > MOST_MESSAGES:
        rows.append(tag("tr", tag("td", f"and {len(told) - MOST_MESSAGES} more", colspan=5)))
    return tag(
        "details",
        tag("summary", f"all {len(told)} messages"),
        tag("div", tag("table", rows), class_="scroll"),
    )


def _message(told: Told) -> Markup:
    became = f"{told.outcome} ({told.why})" if told.why else told.outcome
    cells = (f"{told.at:.3f}", told.type, told.source, became, ", ".join(told.after))
    return tag("tr", [tag("td", cell, class_="code") for cell in cells])
