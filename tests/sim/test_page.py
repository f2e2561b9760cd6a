"""The page about scenarios: whole, self-contained, and everything in it escaped."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from robotd.sim.page import Shown, page
from robotd.sim.scenario.runner import bare
from robotd.sim.scenario.telling import report
from tests.markup import Markup
from tests.sim.scenario.making import run

LONG = """
    - send: arm
    - send: {drive: {linear: 0.3 m/s}}
      for: 3 s
    - at: 1 s
      set: {battery: 11 V}
    - at: 2 s
      fault: {arduino: unplug 1 s}
    - at: 4 s
      stop: enough
    - within: 1 s
      expect: {event: arduino.back}
    - wait: 1 s
    """


def shown(folder: Path, steps: str) -> Shown:
    result = run(folder, steps)
    held = result.failure is None
    return Shown("a.yaml", result, report(result, "a.yaml"), [(0, held), (1, True)])


@pytest.fixture
def text(tmp_path: Path) -> str:
    return page([shown(tmp_path, LONG), shown(tmp_path, "- send: arm\n- expect: {state: docked}")])


def test_it_is_well_formed_and_says_how_many_hold(text: str) -> None:
    assert Markup(text).texts["title"][0] == "2 scenarios: 1 failed"


def test_it_needs_nothing_from_outside_and_runs_nothing(text: str) -> None:
    read = Markup(text)

    assert {tag for tag, _ in read.elements} & {"script", "link", "img", "iframe", "object", "form"} == set()
    assert all(not name.startswith("on") for _, attributes in read.elements for name in attributes)
    assert not re.search(r"https?:|//[a-z]|url\(|@import", text)
    assert {attributes["href"] for tag, attributes in read.elements if tag == "a"} == {"#s0", "#s1"}


def test_it_is_light_and_dark(text: str) -> None:
    assert "color-scheme: light dark" in text
    assert "prefers-color-scheme: dark" in text


def test_the_time_line_has_a_lane_for_all_that_happened(text: str) -> None:
    words = Markup(text).texts["text"]

    lanes = [
        "steps",
        "main",
        "health",
        "arduino",
        "gps",
        "done to it",
        "events",
        "arm",
        "drive",
        "base.linear",
        "base.moving",
    ]
    assert [lane for lane in lanes if lane not in words] == []
    assert "armed.teleop" in words
    assert "estopped" in words
    assert "fault arduino: unplug 1 s" in words
    assert "set battery 11 V" in words
    assert "arduino.back" in words


def test_what_lies_under_the_pointer_is_told(text: str) -> None:
    tips = "\n".join(Markup(text).texts["title"])

    assert "arduino lost, 2.000 s to" in tips
    assert "started" in tips
    assert "preempted newer" in tips
    assert "send: {drive: {linear: 0.3 m/s}}" in tips


def test_a_failure_is_marked_and_told(text: str) -> None:
    read = Markup(text)

    assert ("g", {"class": "failure"}) in read.elements
    assert any("a.yaml" in told and "expected: state docked" in told for told in read.texts["pre"])
    assert ("span", {"title": "seed 0: failed", "class": "bad"}) in read.elements


def test_all_messages_are_listed_and_folded_away(text: str) -> None:
    read = Markup(text)

    assert read.texts["summary"].count("the scenario") == 2
    assert any(summary.startswith("all ") and "messages" in summary for summary in read.texts["summary"])
    assert "arduino.lost" in read.texts["td"]


def test_everything_is_escaped(tmp_path: Path) -> None:
    nasty = "</text><script>alert(1)</script>\"'&"
    steps = f"- stop: {nasty!r}\n- write: {nasty!r}\n- expect: {{state: armed}}".replace("\\'", "''")
    drawn = shown(tmp_path, steps)

    text = page([drawn._replace(file=nasty)])

    assert "<script" not in text
    assert "script" not in {tag for tag, _ in Markup(text).elements}


def test_a_run_without_its_history_is_told_all_the_same(tmp_path: Path) -> None:
    drawn = shown(tmp_path, "- send: arm")

    text = page([drawn._replace(result=bare(drawn.result))])

    assert "svg" not in {tag for tag, _ in Markup(text).elements}
    assert Markup(text).texts["title"][0] == "1 scenario: ok"


def test_a_scenario_in_which_no_time_passes_is_drawn(tmp_path: Path) -> None:
    assert "svg" in {tag for tag, _ in Markup(page([shown(tmp_path, "- send: arm")])).elements}


@pytest.mark.no_cover
def test_a_long_run_stays_a_page_that_a_browser_opens(tmp_path: Path) -> None:
    steps = "- send: arm\n- send: {drive: {angular: 1 rad/s}}\n  for: 10 min\n- wait: 10 min"

    assert len(page([shown(tmp_path, steps)])) < 2_000_000
