"""The drawing of a chart for a browser: what is in it, and that nothing in it hides anything else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from itertools import combinations, pairwise
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings

from robotd.config import load
from robotd.core.chart import Chart, State, Timeout, Transition, Where
from robotd.core.graph import Marks, svg
from robotd.core.graph.style import DARK, LIGHT
from tests.core.making import arrow, chart, do, region, when
from tests.core.test_machine_by_reference import charts
from tests.counts import cases

ROVER = Path(__file__).parents[2] / "config" / "rover.yaml"
SVG = "{http://www.w3.org/2000/svg}"
ROUNDING = 0.2
"""Everything in a drawing is a whole number of tenths of a pixel."""
Points = list[tuple[float, float]]


class Rect(NamedTuple):
    """A rectangle of the drawing."""

    left: float
    top: float
    right: float
    bottom: float

    def holds(self, other: Rect) -> bool:
        return (
            self.left < other.left
            and self.top < other.top
            and other.right < self.right
            and other.bottom < self.bottom
        )

    def meets(self, other: Rect) -> bool:
        return (
            self.left + ROUNDING < other.right
            and other.left + ROUNDING < self.right
            and self.top + ROUNDING < other.bottom
            and other.top + ROUNDING < self.bottom
        )


class Drawing:
    """An SVG as a reader sees it."""

    def __init__(self, text: str) -> None:
        self.root = ElementTree.fromstring(text)
        groups = {group.get("id"): group for group in self.root.iter(f"{SVG}g") if group.get("id")}
        self.groups: Mapping[str | None, ElementTree.Element] = groups
        self.boxes = {
            str(name): rect(box)
            for name, group in groups.items()
            if (box := group.find(f"{SVG}rect[@class='box']")) is not None
        }
        self.labels = {
            str(name): rect(chip)
            for name, group in groups.items()
            if (chip := group.find(f"{SVG}rect[@class='chip']")) is not None
        }
        self.lines = [points(path) for path in self.root.iter(f"{SVG}path") if path.get("class") == "line"]

    @property
    def frame(self) -> Rect:
        return rect(self.root.find(f"{SVG}rect[@class='page']"))

    def titles(self) -> list[str]:
        return [title.text or "" for title in self.root.iter(f"{SVG}title")]

    def text_of(self, name: str) -> str:
        return "\n".join("".join(text.itertext()) for text in self.groups[name].findall(f"{SVG}text"))

    def classes(self, name: str) -> list[str]:
        return (self.groups[name].get("class") or "").split()


def rect(element: ElementTree.Element | None) -> Rect:
    assert element is not None
    x, y, width, height = (float(element.get(name) or 0) for name in ("x", "y", "width", "height"))
    return Rect(x, y, x + width, y + height)


def points(path: ElementTree.Element) -> Points:
    numbers = [float(number) for number in re.findall(r"-?[\d.]+", path.get("d") or "")]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def pieces(line: Points) -> Iterator[Rect]:
    for (ax, ay), (bx, by) in pairwise(line):
        yield Rect(min(ax, bx), min(ay, by), max(ax, bx), max(ay, by))


def assert_nothing_hides_anything(drawn: Drawing, within: Mapping[str, str | None]) -> None:
    """`within`: the id of every state, and that of the state around it."""
    boxes, labels = drawn.boxes, drawn.labels
    for name, around in within.items():
        assert (boxes[around] if around else drawn.frame).holds(boxes[name]), name
    for one, other in combinations(within, 2):
        if within[one] == within[other]:
            assert not boxes[one].meets(boxes[other]), (one, other)
    for label, place in labels.items():
        assert drawn.frame.holds(place), label
        for name, box in boxes.items():
            assert box.holds(place) or not box.meets(place), (label, name)
    for one, other in combinations(labels, 2):
        assert not labels[one].meets(labels[other]), (one, other)
    parents = set(within.values())
    for line in drawn.lines:
        for piece in pieces(line):
            for name in boxes.keys() - parents:
                assert not boxes[name].meets(piece), (name, line)


def nesting(chart: Chart) -> dict[str, str | None]:
    """The id of every state and that of its parent; the built-in states stand in the first region."""
    within: dict[str, str | None] = {}
    for region_ in chart.regions:
        for path, state in region_.states.items():
            parent = state.parent and f"state-{region_.name}-{state.parent}"
            within[f"state-{region_.name}-{path}"] = parent
    first = chart.regions[0].name
    return within | {f"state-{first}-estopped": None, f"state-{first}-down": None}


def flat(number: int) -> Chart:
    """So many states, each with a way on, and ways back and ahead."""
    names = [f"s{place}" for place in range(number)]
    ways = [arrow(f"on{place}", names[place], names[place + 1]) for place in range(number - 1)]
    ways += [
        arrow(f"far{place}", names[place], names[place * 7 % number], when("battery.value > 11"))
        for place in range(0, number, 2)
    ]
    return chart(region(*names, transitions=ways))


def deep() -> Chart:
    """Four levels, and lines between all of them."""
    states = (
        "off",
        State("on", initial="on.work", history="deep", active="all"),
        State("on.work", initial="on.work.job"),
        State("on.work.job", initial="on.work.job.pick"),
        State("on.work.job.pick", do=do("pick"), timeout=Timeout(2.5, "late"), unattended=True),
        State("on.work.job.place", active=("arm", "gripper")),
        "on.idle",
        State("scrap", final=True),
    )
    ways = (
        arrow("wake", "off", "on.work.job.place"),
        arrow("panic late", "on.work.job.pick", "off", None, "base.halt"),
        arrow("pick.done", "on.work.job.pick", "on.work.job.place"),
        arrow(
            "more", "on.work.job.place", "on.work.job.pick", when("range.value > 0.1 and battery.value > 11")
        ),
        arrow("rest", "on", "on.idle"),
        arrow("up", "on.work.job.place", "on"),
        arrow("again", "on.work", "on.work"),
        arrow("retry", "on.work.job.pick", "on.work.job.pick"),
        arrow("shift", "on.idle on.work.job.pick", "on.work.job"),
        arrow("die", "on off", "scrap"),
        arrow("look", "on", None, when("range.value < 1"), "mast.move_to"),
    )
    return chart(region(*states, transitions=ways))


def cell() -> Chart:
    """Three regions."""
    belt = region(
        "stopped",
        State("running", do=do("run")),
        "jam",
        transitions=(
            arrow("start", "stopped", "running", when("not bumper.active")),
            arrow("stop", "running", "stopped"),
            arrow("jammed", "running stopped", "jam", None, "halt"),
            arrow("cleared", "jam", "stopped"),
        ),
        name="belt",
    )
    sorter = region("left", "right", transitions=(arrow("sort", "left", "right"),), name="sorter")
    safety = region("clear", "curtain", transitions=(arrow("seen", "clear", "curtain"),), name="safety")
    return chart(belt, sorter, safety)


@pytest.mark.parametrize(
    "drawn", [load(ROVER).chart, deep(), cell(), flat(1), flat(40), flat(60)], ids=lambda _: ""
)
def test_boxes_nest_and_no_label_or_line_lies_on_a_box(drawn: Chart) -> None:
    assert_nothing_hides_anything(Drawing(svg(drawn)), nesting(drawn))


@settings(max_examples=cases(1000, 30), deadline=None)
@given(charts())
def test_random_charts_are_as_tidy(drawn: Chart) -> None:
    drawing = Drawing(svg(drawn))

    assert_nothing_hides_anything(drawing, nesting(drawn))
    for region_ in drawn.regions:
        for number, transition in enumerate(region_.transitions, 1):
            for source in transition.sources:
                assert f"transition-{region_.name}-{number}-{source}" in drawing.groups


def test_a_state_says_what_it_is_and_does() -> None:
    drawing = Drawing(svg(deep()))

    assert drawing.text_of("state-main-on.work.job.pick") == "pick\ndo: pick\nafter 2.5 s: late\nunattended"
    assert drawing.text_of("state-main-on.work.job.place") == "place\nactive: arm, gripper"
    assert drawing.text_of("state-main-on") == "on\nhistory: deep\nactive: all"
    assert drawing.text_of("state-main-scrap") == "scrap\nfinal"


def test_a_final_state_has_a_double_border() -> None:
    group = Drawing(svg(deep())).groups["state-main-scrap"]

    assert len(group.findall(f"{SVG}rect")) == 2


def test_an_internal_transition_is_a_line_in_its_state() -> None:
    drawing = Drawing(svg(deep()))

    name = "transition-main-11-on"
    assert drawing.text_of(name) == "look [range.value < 1] / mast.move_to"
    assert name not in drawing.labels


def test_the_built_in_states_are_drawn_once() -> None:
    drawing = Drawing(svg(cell()))

    assert drawing.text_of("state-belt-estopped") == "estopped\nfrom every state: estop"
    assert drawing.text_of("state-belt-down") == "down\nfrom every state: shutdown"
    assert drawing.text_of("transition-belt-reset") == "reset"
    assert not [name for name in drawing.groups if "estopped" in str(name) and "belt" not in str(name)]


def test_regions_stand_side_by_side_in_frames_with_their_names() -> None:
    drawing = Drawing(svg(cell()))
    frames = [rect(frame) for frame in drawing.root.iter(f"{SVG}rect") if frame.get("class") == "frame"]

    assert [drawing.text_of(f"region-{name}") for name in ("belt", "sorter", "safety")] == [
        "region belt",
        "region sorter",
        "region safety",
    ]
    assert not any(one.meets(other) for one, other in combinations(frames, 2))


def test_where_it_stands_in_the_file_is_in_the_tooltip() -> None:
    config = load(ROVER)

    titles = Drawing(svg(config.chart)).titles()
    for transition in config.chart.regions[0].transitions:
        place = f"{transition.where.file}:{transition.where.line}"
        assert any(title.endswith(place) for title in titles)
        if transition.guard:
            assert any(f"[{transition.guard.text}]" in title for title in titles)


def test_a_long_guard_is_cut_and_whole_in_the_tooltip() -> None:
    guard = when(" and ".join(f"battery.value > {volts}" for volts in range(30)))
    drawing = Drawing(svg(chart(region("a", "b", transitions=[arrow("go", "a", "b", guard)]))))

    shown = drawing.text_of("transition-main-1-a")
    assert shown.endswith("\N{HORIZONTAL ELLIPSIS}")
    assert max(len(line) for line in shown.splitlines()) <= 31
    assert f"go [{guard.text}]\na to b" in drawing.titles()


def test_what_means_something_to_xml_is_escaped() -> None:
    name = '<&">'
    guard = when("battery.value < 9")
    drawn = chart(region("a", "b", transitions=[arrow(f"go{name}", "a", "b", guard, f"act{name}")]))

    drawing = Drawing(svg(drawn, title=name))

    assert drawing.titles()[0] == name
    assert drawing.text_of("transition-main-1-a") == f"go{name} [battery.value < 9]\n/ act{name}"


def test_the_name_of_a_file_may_be_anything() -> None:
    odd = Transition(("go",), ("a",), "b", where=Where("\x01\udcff.yaml", 7, 5))

    titles = Drawing(svg(chart(region("a", "b", transitions=[odd])))).titles()

    assert "go\na to b\n\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}.yaml:7" in titles


def test_marks_are_drawn_and_explained() -> None:
    placed = [
        Transition(("go",), ("a",), "b", where=Where("x.yaml", 7, 5)),
        Transition(("stay",), ("b",), None, where=Where("x.yaml", 8, 5)),
        Transition(("back",), ("b",), "a", where=Where("x.yaml", 9, 5)),
    ]
    marks = Marks(
        {"b": ("unreachable",)},
        {placed[0].where: ("shadowed", "unheard"), placed[1].where: ("unheard",)},
        {"shadowed": "another transition comes first"},
    )

    drawing = Drawing(svg(chart(region("a", "b", transitions=placed)), marks))

    marked = [name for name in drawing.groups if "marked" in drawing.classes(str(name))]
    assert marked == ["state-main-b", "transition-main-2-b", "transition-main-1-a"]
    assert drawing.text_of("state-main-b").startswith("b\nunreachable")
    assert drawing.text_of("transition-main-1-a") == "go\n⚠ shadowed unheard"
    assert drawing.text_of("legend").splitlines() == [
        "⚠ shadowed: another transition comes first",
        "⚠ unheard: found by check",
        "⚠ unreachable: found by check",
    ]


def test_it_is_one_file_that_asks_for_nothing() -> None:
    text = svg(deep())

    assert re.findall(r"https?:[^\"]*", text) == ["http://www.w3.org/2000/svg"]
    assert "<script" not in text
    assert "@media (prefers-color-scheme: dark)" in text


def test_the_same_chart_is_drawn_the_same_whatever_the_hashes_are() -> None:
    script = (
        "from tests.core.test_graph_svg import cell, deep, flat; from robotd.core.graph import svg\n"
        "print(svg(cell()), svg(deep()), svg(flat(25)))"
    )

    drawn = {
        subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }

    assert len(drawn) == 1


def luminance(colour: str) -> float:
    """How bright `#rrggbb` is, from 0 to 1 (WCAG 2.2, "relative luminance")."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("ink", ["ink", "quiet", "action", "stop", "mark"])
@pytest.mark.parametrize("ground", ["page", "card"])
def test_every_text_can_be_read(colours: Mapping[str, str], ink: str, ground: str) -> None:
    darker, brighter = sorted(luminance(colours[name]) for name in (ink, ground))

    assert (brighter + 0.05) / (darker + 0.05) >= 4.5  # WCAG 2.2, 1.4.3
