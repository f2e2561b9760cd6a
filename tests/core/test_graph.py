"""The chart as a drawing."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from robotd.core.chart import Chart, Do, Region, State, Step, Timeout, Transition, Where
from robotd.core.expression import compile_expression
from robotd.core.graph import Marks, dot, mermaid

needs_graphviz = pytest.mark.skipif(
    shutil.which("dot") is None, reason="Graphviz is not installed (Debian: graphviz)"
)


def do(action: str) -> Do:
    return Do(action, (Step(action),))


def region() -> Region:
    states = (
        State("disarmed"),
        State("armed", initial="armed.teleop", history="deep"),
        State("armed.teleop"),
        State("armed.auto", do=do("patrol"), timeout=Timeout(600.0, "patrol_timeout")),
    )
    guard = compile_expression("battery.value > 10.8 and not bumper.active", readings=READINGS)
    transitions = (
        Transition(("arm",), ("disarmed",), "armed", guard),
        Transition(("patrol",), ("armed.teleop",), "armed.auto"),
        Transition(("bump", "patrol_timeout"), ("armed.auto",), "armed.teleop"),
        Transition(("bump",), ("armed",), None, None, do("base.halt")),
        Transition((), ("armed",), "disarmed", compile_expression("battery.value < 9", readings=READINGS)),
    )
    return Region("main", "disarmed", {state.path: state for state in states}, transitions)


READINGS = {"battery.value": "V", "bumper.active": "bool"}
ONE = Chart(1, (region(),))
HEALTH = Region("health", "ok", {"ok": State("ok")}, ())
TWO = Chart(1, (region(), HEALTH))
FOUND = Where("x.yaml", 7, 5)
MARKED = Chart(
    1,
    (
        Region(
            "main",
            "ok",
            {"ok": State("ok", initial="ok.so"), "ok.so": State("ok.so")},
            (
                Transition(("go",), ("ok",), "ok.so", where=FOUND),
                Transition(("stay",), ("ok",), None, where=FOUND),
            ),
        ),
        HEALTH,
    ),
)
MARKS = Marks({"ok.so": ("unreachable",)}, {FOUND: ("shadowed", "unheard")}, {"shadowed": "comes too late"})


def test_mermaid_shows_nesting_guards_and_what_stays_inside_a_state() -> None:
    expected = """\
stateDiagram-v2
    [*] --> disarmed
    state "disarmed" as disarmed
    state "armed<br/>history#58; deep<br/>bump / base.halt" as armed {
        [*] --> armed__teleop
        state "teleop" as armed__teleop
        state "auto<br/>do#58; patrol<br/>after 600 s#58; patrol_timeout" as armed__auto
    }
    disarmed --> armed : arm [battery.value #62; 10.8 and not bumper.active]
    armed__teleop --> armed__auto : patrol
    armed__auto --> armed__teleop : bump | patrol_timeout
    armed --> disarmed : always [battery.value #60; 9]
    state "estopped<br/>from every state#58; estop" as estopped
    state "down<br/>from every state#58; shutdown" as down
    estopped --> disarmed : reset"""

    assert expected == mermaid(ONE)


def test_several_regions_are_boxes_and_the_built_in_states_stand_in_the_first() -> None:
    drawn = mermaid(TWO)

    first, second = drawn.split('    state "health" {')
    assert '    state "main" {' in first
    assert "estopped" in first
    assert "estopped" not in second


def test_dot_ends_an_edge_of_a_parent_at_its_border() -> None:
    drawn = dot(ONE)

    assert '"disarmed" -> "armed.teleop" [label="arm [battery.value > 10.8 and not bumper.active]", ' in drawn
    assert 'lhead="cluster armed"];' in drawn
    assert (
        '"armed.teleop" -> "disarmed" [label="always [battery.value < 9]", ltail="cluster armed"];' in drawn
    )


def test_dot_draws_an_edge_between_a_parent_and_its_own_child_whole() -> None:
    inward = Transition(("again",), ("armed",), "armed.auto")
    chart = Chart(1, (Region("main", "disarmed", region().states, (inward,)),))

    assert '"armed.teleop" -> "armed.auto" [label="again"];' in dot(chart)


@pytest.mark.parametrize("chart", [ONE, TWO])
def test_every_brace_of_a_drawing_is_closed(chart: Chart) -> None:
    for drawn in (mermaid(chart), dot(chart)):
        assert drawn.count("{") == drawn.count("}")


def test_marks_of_the_languages_in_a_guard_do_not_break_the_drawing() -> None:
    awkward = Transition(("x;y",), ("ok",), None, None, do('say "hi"\\'))
    chart = Chart(1, (Region("main", "ok", HEALTH.states, (awkward,)),))

    assert "x#59;y / say #34;hi#34;\\" in mermaid(chart)
    assert r"x;y / say \"hi\"\\" in dot(chart)


def test_mermaid_marks_by_text_and_by_class() -> None:
    drawn = [line.strip() for line in mermaid(MARKED, MARKS).splitlines()]

    assert 'state "ok<br/>stay ⚠ shadowed unheard" as ok {' in drawn
    assert 'state "so ⚠ unreachable" as ok__so' in drawn
    assert "ok --> ok__so : go ⚠ shadowed unheard" in drawn
    assert "class ok__so marked" in drawn
    start = drawn.index("note right of estopped")
    assert drawn[start + 1 : start + 5] == [
        "⚠ shadowed#58; comes too late",
        "⚠ unheard#58; found by check",
        "⚠ unreachable#58; found by check",
        "end note",
    ]


def test_dot_marks_by_text_and_by_colour() -> None:
    drawn = dot(MARKED, MARKS)

    assert '"ok.so" [label="so ⚠ unreachable", style="rounded,dashed", color="#c2410c"];' in drawn
    assert '[label="go ⚠ shadowed unheard", style=dashed, color="#c2410c", fontcolor="#c2410c"' in drawn
    assert r"⚠ shadowed: comes too late\n⚠ unheard: found by check" in drawn


def test_dot_gives_a_final_state_a_double_border() -> None:
    chart = Chart(1, (Region("main", "ok", {"ok": State("ok", final=True)}, ()),))

    assert '"ok" [label="ok\\nfinal", peripheries=2];' in dot(chart)


@needs_graphviz
@pytest.mark.parametrize("chart", [ONE, TWO, MARKED])
def test_graphviz_draws_it_without_a_word(chart: Chart) -> None:
    drawn = subprocess.run(["dot", "-Tsvg"], input=dot(chart, MARKS), capture_output=True, text=True)

    assert (drawn.returncode, drawn.stderr) == (0, "")
