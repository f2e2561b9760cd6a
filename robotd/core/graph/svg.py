"""The chart as one self-contained SVG file: no script, no font, no address, light or dark as the page is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import pairwise

from robotd.core.chart import Chart
from robotd.core.graph import labels
from robotd.core.graph.boxes import Box, Edge, Point
from robotd.core.graph.marks import NO_MARKS, Marks
from robotd.core.graph.scene import (
    ABOVE,
    CHIP_GAP,
    CHIP_INSET,
    DOT,
    INSET,
    LINE_HEIGHT,
    NAME_HEIGHT,
    PAGE_WIDTH,
    REGION_GAP,
    RULE_GAP,
    Arrow,
    RegionScene,
    Shape,
    Text,
    scenes,
)
from robotd.core.graph.style import TEXT_SIZE, stylesheet
from robotd.core.graph.text import Line, Span, width

MARGIN = 20.0
CORNER = 9.0
"""The radius of the corners of boxes, and..."""
BEND = 6.0
"""...of lines where they turn."""
HEADS = """\
<defs>
<marker id="head" viewBox="0 0 9 8" refX="8.5" refY="4" markerWidth="9" markerHeight="8" \
markerUnits="userSpaceOnUse" orient="auto"><path class="head" d="M0 0 L9 4 L0 8 L2 4 Z"/></marker>
<marker id="head-marked" viewBox="0 0 9 8" refX="8.5" refY="4" markerWidth="9" markerHeight="8" \
markerUnits="userSpaceOnUse" orient="auto"><path class="head-marked" d="M0 0 L9 4 L0 8 L2 4 Z"/></marker>
</defs>"""

_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def svg(chart: Chart, marks: Marks = NO_MARKS, *, title: str = "state machine") -> str:
    """A drawing for any browser. Sizes are CSS pixels.

    Each state and each transition is a `g` with an id, a class and a tooltip that says where in the file it
    stands. What is marked is dashed, in another colour, and carries its codes; a legend says what they mean.
    """
    regions = scenes(chart, marks)
    wide, high = _pack(regions)
    legend: list[Line] = [(Span(line, "badge"),) for line in labels.legend(marks)]
    legend_top = high + REGION_GAP
    if legend:
        wide = max([wide, *(width(line, TEXT_SIZE) for line in legend)])
        high = legend_top + LINE_HEIGHT * len(legend)
    page = Box(wide + 2 * MARGIN, high + 2 * MARGIN, x=-MARGIN, y=-MARGIN)
    size = f"{_n(page.width)} {_n(page.height)}"
    number = sum(1 for _ in chart.states)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{_n(page.x)} {_n(page.y)} {size}" '
        f'width="{_n(page.width)}" height="{_n(page.height)}" role="graphics-document document" '
        'aria-labelledby="title desc">',
        f'<title id="title">{_escaped(title)}</title>',
        f'<desc id="desc">A state machine; states: {number}, regions: {len(regions)}.</desc>',
        f"<style>\n{stylesheet()}</style>",
        HEADS,
        _rect(page, "page", 0.0),
    ]
    for region in regions:
        lines += _region(region, framed=len(regions) > 1)
    if legend:
        lines += ['<g id="legend">', *_lines(legend, 0.0, legend_top), "</g>"]
    return "\n".join([*lines, "</svg>"])


def _pack(regions: Sequence[RegionScene]) -> tuple[float, float]:
    """Move the regions side by side, small ones one above the other; how wide and how high all are."""
    tallest = max(region.box.height for region in regions)
    left = right = top = bottom = wide = high = 0.0
    for region in regions:
        box = region.box
        if bottom > top and bottom + REGION_GAP + box.height <= top + tallest:
            y = bottom + REGION_GAP
        else:
            left, y = (right + REGION_GAP if right else 0.0), top
        if left and left + box.width > PAGE_WIDTH:
            left, right, top = 0.0, 0.0, high + REGION_GAP
            y = top
        _move(region, left, y)
        right, bottom = max(right, left + box.width), y + box.height
        wide, high = max(wide, right), max(high, bottom)
    return wide, high


def _move(region: RegionScene, x: float, y: float) -> None:
    for box in [region.box, *(shape.box for shape in region.shapes), *region.dots]:
        box.x, box.y = box.x + x, box.y + y
    for edge in [*region.starts, *(arrow.edge for arrow in region.arrows)]:
        edge.x, edge.y = edge.x + x, edge.y + y
        edge.path = [(px + x, py + y) for px, py in edge.path]


def _region(region: RegionScene, *, framed: bool) -> Iterator[str]:
    yield f'<g id="region-{_escaped(region.name)}" class="region">'
    if framed:
        box = region.box
        yield _rect(box, "frame", CORNER + 3)
        yield _text((Span("region ", "quiet"), Span(region.name, "name")), box.x + INSET, box.y + ABOVE + 15)
    for shape in region.shapes:
        yield from _shape(shape)
    for dot, start in zip(region.dots, region.starts, strict=True):
        yield f'<circle class="dot" cx="{_n(dot.x + DOT / 2)}" cy="{_n(dot.y + DOT / 2)}" r="{_n(DOT / 2)}"/>'
        yield _path(start, marked=False)
    for arrow in region.arrows:
        yield from _arrow(arrow)
    yield "</g>"


def _shape(shape: Shape) -> Iterator[str]:
    box = shape.box
    classes = ["state", *shape.classes, *(["parent"] * bool(box.children)), *(["marked"] * bool(shape.codes))]
    yield f'<g id="{_escaped(shape.id)}" class="{" ".join(classes)}">'
    yield f"<title>{_escaped(shape.title)}</title>"
    yield _rect(box, "box", CORNER)
    if "final" in shape.classes:
        yield _rect(Box(box.width - 7, box.height - 7, x=box.x + 3.5, y=box.y + 3.5), "box", CORNER - 3)
    y = box.y + ABOVE + NAME_HEIGHT
    yield _text((Span(shape.name, "name"),), box.x + INSET, y - 6)
    if shape.codes:
        yield _badge(shape.codes, box.x + box.width, box.y)
    for line in shape.facts:
        y += LINE_HEIGHT
        yield _text(line, box.x + INSET, y - 4)
    if shape.internal:
        middle = y + RULE_GAP / 2
        yield f'<path class="rule" d="M{_n(box.x)} {_n(middle)} H{_n(box.x + box.width)}"/>'
        y += RULE_GAP
    for text in shape.internal:
        yield from _internal(text, box.x + INSET, y)
        y += text.height
    yield "</g>"


def _internal(text: Text, x: float, y: float) -> Iterator[str]:
    yield f'<g id="{_escaped(text.id)}" class="transition internal{" marked" * bool(text.codes)}">'
    yield f"<title>{_escaped(text.title)}</title>"
    yield from _lines(text.lines, x, y)
    yield "</g>"


def _arrow(arrow: Arrow) -> Iterator[str]:
    edge, marked = arrow.edge, bool(arrow.codes)
    middle, y = edge.x + edge.width / 2, edge.y
    titles = "\n\n".join(text.title for text in arrow.texts)
    yield f'<g class="transitions{" marked" * marked}">'
    yield f"<title>{_escaped(titles)}</title>"
    yield _path(edge, marked=marked)
    for text in arrow.texts:
        chip = Box(text.width + 2 * CHIP_INSET, text.height + CHIP_INSET, y=y)
        chip.x = middle - chip.width / 2
        yield f'<g id="{_escaped(text.id)}" class="transition{" marked" * marked}">'
        yield f"<title>{_escaped(text.title)}</title>"
        yield _rect(chip, "chip", 5)
        yield from _lines(text.lines, chip.x + CHIP_INSET, y + CHIP_INSET / 2)
        yield "</g>"
        y += chip.height + CHIP_GAP
    yield "</g>"


def _badge(codes: Sequence[str], right: float, top: float) -> str:
    """The codes on the upper right corner of a box, which keeps room for them."""
    text = " ".join(codes)
    wide = width((Span(text, "code"),), TEXT_SIZE) + 2 * CHIP_INSET
    chip = Box(wide, LINE_HEIGHT, x=right - wide - 6, y=top + 8)
    return _rect(chip, "badge", 5) + _text((Span(text, "code"),), chip.x + CHIP_INSET, chip.y + 13)


def _lines(lines: Iterable[Line], x: float, y: float) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        yield _text(line, x, y + LINE_HEIGHT * number - 4)


def _text(line: Line, x: float, y: float) -> str:
    spans = "".join(f'<tspan class="{span.role}">{_escaped(span.text)}</tspan>' for span in line)
    return f'<text x="{_n(x)}" y="{_n(y)}">{spans}</text>'


def _rect(box: Box, kind: str, corner: float) -> str:
    place = f'x="{_n(box.x)}" y="{_n(box.y)}" width="{_n(box.width)}" height="{_n(box.height)}"'
    return f'<rect class="{kind}" {place} rx="{_n(corner)}"/>'


def _path(edge: Edge, *, marked: bool) -> str:
    head = "head-marked" if marked else "head"
    return f'<path class="line" d="{_rounded(edge.path)}" marker-end="url(#{head})"/>'


def _rounded(path: Sequence[Point]) -> str:
    """The path with its corners rounded, as far as the pieces are long enough."""
    start, *corners, end = path
    words = [f"M{_n(start[0])} {_n(start[1])}"]
    before = start
    for corner, after in pairwise([*corners, end]):
        radius = min(BEND, _distance(before, corner) / 2, _distance(corner, after) / 2)
        first, last = _towards(corner, before, radius), _towards(corner, after, radius)
        words.append(
            f"L{_n(first[0])} {_n(first[1])} Q{_n(corner[0])} {_n(corner[1])} {_n(last[0])} {_n(last[1])}"
        )
        before = corner
    words.append(f"L{_n(end[0])} {_n(end[1])}")
    return " ".join(words)


def _distance(one: Point, other: Point) -> float:
    return abs(one[0] - other[0]) + abs(one[1] - other[1])


def _towards(start: Point, end: Point, distance: float) -> Point:
    """So far from `start` in the direction of `end`, which is level with it or above or below it."""
    whole = _distance(start, end) or 1.0
    return (
        start[0] + (end[0] - start[0]) * distance / whole,
        start[1] + (end[1] - start[1]) * distance / whole,
    )


def _escaped(text: str) -> str:
    """For XML, which has no way to write some characters at all: the name of a file may have them."""
    return escape(_UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", text))


def _n(number: float) -> str:
    """Pixels, to a tenth."""
    return f"{round(number, 1) + 0.0:g}"
