"""The time line of one run: what was told, done, reached and read, one lane below the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from hal import BoardState, DriveBaseSpec
from robotd.core.chart import BUILT_IN_STATES, ESTOPPED
from robotd.core.stage import CANCELLED, DONE, EXPIRED, PREEMPTED, TERMINAL, Stage
from robotd.sim.page.lanes import (
    WIDTH_PX,
    Changes,
    Lane,
    Mark,
    Scale,
    Span,
    bars,
    marks,
    plot,
    stacked,
)
from robotd.sim.page.markup import Markup, tag
from robotd.sim.scenario.chronicle import Chronicle
from robotd.sim.scenario.runner import Result
from robotd.sim.scenario.writing import step_lines

AXIS_PX = 22.0
GAP_PX = 8.0
MOST_MARKS = 150
"""So many events and so many deeds are drawn; the list of messages has all."""
MOST_COMMANDS = 600
MOST_READINGS = 24
PALETTE = 8
"""How many colours the style sheet has for states."""

_ENDS = {DONE: "good", PREEMPTED: "replaced", CANCELLED: "cancelled", EXPIRED: "cancelled"}
"""How a command looks that ended so; any other end looks bad."""


def timeline(result: Result, chronicle: Chronicle) -> Markup:
    """An SVG element."""
    scale = Scale(result.duration_s)
    lanes = [
        _steps(result, chronicle, scale),
        *_regions(result, chronicle, scale),
        *_boards(chronicle, scale),
        _deeds(chronicle, scale),
        _events(chronicle, scale),
        *_commands(chronicle, scale),
        *_readings(result, chronicle, scale),
    ]
    y = AXIS_PX
    drawn = []
    for lane in lanes:
        if lane.height_px:
            drawn.append(_placed(lane, y))
            y += lane.height_px + GAP_PX
    return tag(
        "svg",
        _axis(scale, y),
        drawn,
        _failure(result, scale, y),
        viewBox=f"0 0 {WIDTH_PX:g} {y:g}",
        role="img",
        aria_label=f"time line of: {result.script.scenario.title}",
    )


def _placed(lane: Lane, y: float) -> Markup:
    middle = min(lane.height_px, 18.0) / 2 + 4
    words = [tag("text", lane.name, x=0.0, y=middle, class_="lane")]
    if lane.note:
        words.append(tag("text", lane.note, x=0.0, y=middle + 13, class_="note"))
    return tag("g", words, lane.content, transform=f"translate(0 {y:g})")


def _axis(scale: Scale, height: float) -> Markup:
    ticks = []
    for at in scale.ticks():
        x = scale.x(at)
        ticks.append(tag("line", x1=x, x2=x, y1=AXIS_PX - 5, y2=height, class_="grid"))
        ticks.append(tag("text", _time(at, scale), x=x + 3, y=12.0, class_="note"))
    return tag("g", ticks)


def _failure(result: Result, scale: Scale, height: float) -> Markup:
    if result.failure is None:
        return Markup()
    x = scale.x(result.failure.at)
    line = tag("line", x1=x, x2=x, y1=0.0, y2=height)
    return tag("g", tag("title", result.failure.sentence), line, class_="failure")


def _steps(result: Result, chronicle: Chronicle, scale: Scale) -> Lane:
    failed = None if result.failure is None else result.failure.step
    spans = []
    for number, taken in enumerate(chronicle.steps):
        lines = step_lines(result.script.scenario.steps[number])
        look = "bad" if number == failed else "good"
        tip = "\n".join([f"step {number + 1}, {_between(taken.began, taken.ended)}", *lines])
        spans.append(Span(taken.began, taken.ended, "", look, tip))
    return stacked("steps", spans, scale)


def _regions(result: Result, chronicle: Chronicle, scale: Scale) -> Iterator[Lane]:
    states = [state.path for state in result.script.config.chart.states]
    looks = {path: f"s{number % PALETTE}" for number, path in enumerate(states)}
    looks |= {state: "bad" if state == ESTOPPED else "cancelled" for state in BUILT_IN_STATES}
    for place, region in enumerate(chronicle.regions):
        changes = [(0.0, chronicle.beginning[place], "the start")]
        for told in chronicle.told:
            if told.after[place] != changes[-1][1] or told.outcome == "moved":
                changes.append((told.at, told.after[place], told.type))
        changes.append((scale.end, "", ""))
        spans = [
            Span(at, end, state, looks.get(state, "s0"), f"{state}, {_between(at, end)}, by {cause}")
            for (at, state, cause), (end, *_) in pairwise(changes)
        ]
        yield bars(region if len(chronicle.regions) > 1 else "state", spans, scale)


def _boards(chronicle: Chronicle, scale: Scale) -> Iterator[Lane]:
    for board, changes in chronicle.boards.items():
        spans = [
            Span(
                at,
                end,
                state,
                "good" if state == BoardState.ONLINE else "bad",
                f"{board} {state}, {_between(at, end)}",
            )
            for (at, state), (end, _) in pairwise([*changes, (scale.end, "")])
        ]
        yield bars(board, spans, scale)


def _deeds(chronicle: Chronicle, scale: Scale) -> Lane:
    shown = [deed for deed in chronicle.deeds if deed.kind != "send"][:MOST_MARKS]
    moments = [
        Mark(
            deed.at,
            f"{deed.kind} {deed.text}"[:40],
            "bad" if deed.kind in {"stop", "fault"} else "world",
            f"{_time(deed.at, scale)}: {deed.kind} {deed.text}",
        )
        for deed in shown
    ]
    return marks("done to it", moments, scale) if moments else _NOTHING


def _events(chronicle: Chronicle, scale: Scale) -> Lane:
    moments = [
        Mark(
            told.at,
            told.type,
            "cancelled" if told.outcome == "ignored" else "event",
            f"{_time(told.at, scale)}: {told.type} from {told.source}, {told.outcome} {told.why}".rstrip(),
        )
        for told in chronicle.told
        if not told.command
    ]
    return marks("events", moments[:MOST_MARKS], scale) if moments else _NOTHING


def _commands(chronicle: Chronicle, scale: Scale) -> Iterator[Lane]:
    """One lane for each type: a bar from arrival to the terminal stage of each command."""
    lives: dict[str, list[tuple[float, Stage]]] = {}
    for at, stage in chronicle.stages:
        lives.setdefault(stage.id, []).append((at, stage))
    by_type: dict[str, list[Span]] = {}
    for command, life in lives.items():
        kind = chronicle.types.get(command, "other commands")
        spans = by_type.setdefault(kind, [])
        if len(spans) < MOST_COMMANDS:
            spans.append(_command(kind, life, scale))
    for kind, spans in by_type.items():
        yield stacked(kind, spans, scale)


def _command(kind: str, life: Sequence[tuple[float, Stage]], scale: Scale) -> Span:
    begin, (end, last) = life[0][0], life[-1]
    ended = last.stage in TERMINAL
    look = _ENDS.get(last.stage, "bad") if ended else "running"
    tip = [f"{kind} {last.id}"]
    tip += [f"{_time(at, scale)}  {stage.stage} {stage.reason or ''}".rstrip() for at, stage in life]
    if last.error is not None:
        tip.append(str(last.error["message"]))
    return Span(begin, end if ended else scale.end, "", look, "\n".join(tip))


def _readings(result: Result, chronicle: Chronicle, scale: Scale) -> Iterator[Lane]:
    """Those that changed; not those of wheels, whose drive base tells the same."""
    config = result.script.config
    bases = [spec for spec in config.devices.values() if isinstance(spec, DriveBaseSpec)]
    wheels = {wheel for base in bases for wheel in (base.left, base.right)}
    changing = [
        (name, changes)
        for name, changes in chronicle.readings.items()
        if name.partition(".")[0] not in wheels and len({value for _, value in changes} - {None}) > 1
    ]
    for name, changes in changing[:MOST_READINGS]:
        unit = config.readings[name]
        yield _flag(name, changes, scale) if unit == "bool" else plot(name, unit, changes, scale)


def _flag(name: str, changes: Changes, scale: Scale) -> Lane:
    """A bar while it is true."""
    spans = [
        Span(at, end, "", "running", f"{name}, {_between(at, end)}")
        for (at, value), (end, _) in pairwise([*changes, (scale.end, None)])
        if value
    ]
    return stacked(name, spans, scale)


def _between(begin: float, end: float) -> str:
    return f"{begin:.3f} s to {end:.3f} s"


def _time(at: float, scale: Scale) -> str:
    return f"{at:.3f} s" if scale.end < 5 else f"{at:.2f} s"


_NOTHING = Lane("", "", 0.0, Markup())
