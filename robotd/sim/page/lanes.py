"""The lanes of a time line: what lay between which moments, as SVG."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import NamedTuple, TypeAlias

from robotd.sim.page.markup import Markup, tag

LABELS_PX = 170.0
"""Left of the time line: what each lane is."""
PLOT_PX = 900.0
MARGIN_PX = 14.0
WIDTH_PX = LABELS_PX + PLOT_PX + MARGIN_PX
CHARACTER_PX = 6.3
"""The mean width of one, in the size that lanes are written in."""
SHORTEST_PX = 2.0
OVERLAP_PX = 0.5
"""So much of two bars may overlap in one row."""
BAR_PX = 18.0
FLAG_PX = 16.0
PLOT_HEIGHT_PX = 34.0
PIXEL_PX = 0.5
"""Changes closer than this are drawn as one."""
TICKS = 10
"""About so many marks on the axis."""

Changes: TypeAlias = Sequence[tuple[float, float | bool | None]]
"""When a reading became what; None from when it had no value."""


class Span(NamedTuple):
    """A bar from `begin` to `end`."""

    begin: float
    end: float
    text: str
    look: str
    """A class of the style sheet."""
    tip: str


class Mark(NamedTuple):
    """A moment."""

    at: float
    text: str
    look: str
    tip: str


class Lane(NamedTuple):
    """One row: its height in pixels and what is in it, drawn from y = 0 on."""

    name: str
    note: str
    height_px: float
    content: Markup


class Scale:
    """Seconds to pixels."""

    def __init__(self, end: float) -> None:
        self.end = max(end, 0.001)

    def x(self, at: float) -> float:
        """Where a moment is drawn."""
        return LABELS_PX + PLOT_PX * min(max(at, 0.0), self.end) / self.end

    def ticks(self) -> list[float]:
        """Round moments, about `TICKS` of them."""
        rough = self.end / TICKS
        power = 10 ** math.floor(math.log10(rough))
        step = next(power * times for times in (1, 2, 5, 10) if power * times >= rough)
        return [number * step for number in range(int(self.end / step) + 1)]


def bars(name: str, spans: Iterable[Span], scale: Scale, note: str = "") -> Lane:
    """States, or whatever follows one another."""
    return Lane(name, note, BAR_PX, Markup("".join(_bar(span, scale, 0.0) for span in spans)))


def stacked(name: str, spans: Sequence[Span], scale: Scale, note: str = "") -> Lane:
    """What may overlap, in as few rows as hold it."""
    ends: list[float] = []
    drawn = []
    for span in spans:
        left = scale.x(span.begin)
        row = next((row for row, end in enumerate(ends) if end <= left + OVERLAP_PX), len(ends))
        width = max(scale.x(span.end) - left, SHORTEST_PX)
        if row == len(ends):
            ends.append(0.0)
        ends[row] = left + width
        drawn.append(_bar(span, scale, row * 10.0, 9.0))
    return Lane(name, note, max(10.0 * len(ends), 10.0), Markup("".join(drawn)))


def marks(name: str, moments: Sequence[Mark], scale: Scale, note: str = "") -> Lane:
    """Moments with a flag each; where two flags would overlap, one goes lower."""
    ends: list[float] = []
    stems, flags = [], []
    for moment in moments:
        x = scale.x(moment.at)
        width = CHARACTER_PX * len(moment.text) + 10
        left = min(x, WIDTH_PX - width - 1)
        row = next((row for row, end in enumerate(ends) if end <= left), len(ends))
        if row == len(ends):
            ends.append(0.0)
        ends[row] = left + width + 2
        y = row * FLAG_PX
        look = f"mark {moment.look}"
        stems.append(tag("line", x1=x, x2=x, y1=0.0, y2=y + FLAG_PX - 2, class_=f"stem {look}"))
        flags.append(
            tag(
                "g",
                tag("title", moment.tip),
                tag("rect", x=left, y=y, width=width, height=FLAG_PX - 2, rx=2, class_="flag"),
                tag("text", moment.text, x=left + 5, y=y + 10.5),
                class_=look,
            )
        )
    # The flags lie over the stems of others.
    return Lane(name, note, FLAG_PX * max(len(ends), 1), Markup("".join([*stems, *flags])))


def plot(name: str, unit: str, changes: Changes, scale: Scale) -> Lane:
    """A reading that keeps its value until the next change; a gap where it had none."""
    values = [value for _, value in changes if value is not None]
    low, high = min(values, default=0.0), max(values, default=1.0)
    room, span = PLOT_HEIGHT_PX - 8, float(high - low) or 1.0
    bottom = PLOT_HEIGHT_PX - 3

    def y(value: float) -> float:
        return bottom - (value - low) / span * room

    limits = f"{low:.4g} .. {high:.4g} {unit}".rstrip()
    right = LABELS_PX + PLOT_PX
    content = [
        tag("line", x1=LABELS_PX, x2=right, y1=bottom, y2=bottom, class_="base"),
        *(tag("path", d=path, class_="reading") for path in _paths(changes, scale, y)),
    ]
    return Lane(name, limits, PLOT_HEIGHT_PX, Markup("".join(content)))


def _paths(changes: Changes, scale: Scale, y: Callable[[float], float]) -> Iterator[str]:
    """One path from gap to gap; of changes that fall on one pixel, the last."""
    points: list[str] = []
    drawn_x = -1.0
    for (at, value), following in zip_longest(changes, changes[1:]):
        x = round(scale.x(at), 1)
        until = round(scale.x(following[0] if following else scale.end), 1)
        if value is None:
            if points:
                yield "".join(points)
            points = []
        elif until - drawn_x >= PIXEL_PX or following is None:
            height = f"{y(value):.1f}"
            points.append(f"V{height}H{until:g}" if points else f"M{x:g} {height}H{until:g}")
            drawn_x = until
    if points:
        yield "".join(points)


def _bar(span: Span, scale: Scale, y: float, height: float = BAR_PX) -> Markup:
    left = scale.x(span.begin)
    width = max(scale.x(span.end) - left, SHORTEST_PX)
    fits = int((width - 6) / CHARACTER_PX)
    text = span.text if len(span.text) <= fits else span.text[: fits - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return tag(
        "g",
        tag("title", span.tip),
        tag("rect", x=left, y=y, width=width, height=height, rx=2),
        tag("text", text, x=left + 4, y=y + height - 5) if fits > 2 and height == BAR_PX else Markup(),
        class_=f"bar {span.look}",
    )
