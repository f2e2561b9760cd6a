"""A chart that went through JSON decides as before, and the digest tells where a machine is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robotd.config import load
from robotd.core.chart import Chart, Do, Mode, Region, State, Step, Timeout
from robotd.core.decision import Decision
from robotd.core.machine import ChartCycle, StateMachine
from robotd.core.message import Lane, Message
from robotd.core.portable import from_data, rules_to_data, to_data
from robotd.core.rules import Rule
from robotd.json import encode, parse
from tests.core.making import AT_EASE, arrow, chart, command, event, region, started, when
from tests.core.test_machine_by_reference import (
    WAYS,
    Story,
    answer,
    charts,
    messages,
    readings,
    roaming_charts,
)
from tests.counts import cases

ROVER = Path(__file__).parents[2] / "config" / "rover.yaml"

actions = st.sampled_from(["patrol", "base.drive", "mast.move_to"])
values = st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(), st.booleans(), st.text())
steps = st.builds(
    Step,
    actions,
    st.dictionaries(st.sampled_from(["speed_m_s", "name"]), values),
    st.sampled_from(Mode),
)
states = st.builds(
    State,
    st.just("a"),
    active=st.one_of(
        st.none(), st.just("all"), st.lists(st.sampled_from(["base", "mast"]), unique=True).map(tuple)
    ),
    do=st.one_of(st.none(), st.builds(Do, actions, st.lists(steps, min_size=1).map(tuple))),
    timeout=st.one_of(st.none(), st.builds(Timeout, st.floats(0.001, 1e6), st.sampled_from(["late", "go"]))),
    unattended=st.booleans(),
    final=st.booleans(),
)


def through_json(chart: Chart) -> Chart:
    return from_data(parse(encode(to_data(chart))))


def guardless(chart: Chart) -> Chart:
    """Without its guards: two expressions of the same text are not equal."""
    regions = (
        replace(region, transitions=tuple(replace(one, guard=None) for one in region.transitions))
        for region in chart.regions
    )
    return replace(chart, regions=tuple(regions))


def tell(machine: StateMachine, message: Message, seen: Any, *, first: bool = False) -> Any:
    try:
        return answer((machine.start if first else machine.decide)(message, seen)), machine.digest()
    except ChartCycle as cycle:
        return answer(cycle.decision), cycle.states, machine.digest()


@settings(max_examples=cases(500), deadline=None)
@given(charts(), st.lists(st.tuples(messages, readings), max_size=30))
def test_a_chart_that_went_through_json_decides_the_same(chart: Chart, story: Story) -> None:
    again = through_json(chart)
    machine, other = StateMachine(chart), StateMachine(again)

    assert to_data(again) == to_data(chart)
    assert guardless(again) == guardless(chart)
    assert tell(machine, event("start"), AT_EASE, first=True) == tell(
        other, event("start"), AT_EASE, first=True
    )
    for message, seen in story:
        assert tell(machine, message, seen) == tell(other, message, seen)


@settings(max_examples=cases(1_000), deadline=None)
@given(states)
def test_everything_that_a_state_may_say_goes_through_json(state: State) -> None:
    one = Chart(3, (Region("main", "a", {"a": state}, ()),), frozenset({"go", "b", "c"}))

    assert through_json(one) == one


def test_the_chart_of_a_robots_file_goes_through_json() -> None:
    of_the_file = load(ROVER).chart

    assert to_data(through_json(of_the_file)) == to_data(of_the_file)


def test_rules_that_say_the_same_have_the_same_data() -> None:
    low, again = (
        Rule("low", when("battery.value < 10.8"), when("battery.value > 11.4"), Lane.SAFETY) for _ in range(2)
    )
    others = [
        replace(low, name="flat"),
        replace(low, when=when("battery.value < 10")),
        replace(low, clear=None),
        replace(low, lane=Lane.EVENT),
    ]

    assert parse(encode(rules_to_data([low]))) == rules_to_data([again])
    assert all(rules_to_data([other]) != rules_to_data([low]) for other in others)


def test_a_guard_keeps_the_kinds_of_what_it_mentions() -> None:
    guard = when("not bumper.active or payload.linear <= battery.value and other", states=("other",))
    transitions = through_json(chart(region("here", "other", transitions=[arrow("go", "here", None, guard)])))
    again = transitions.regions[0].transitions[0].guard

    assert again is not None
    assert again.units == {"bumper.active": "bool", "battery.value": "V"}
    assert (again.payload, again.payload_flags) == (frozenset({"linear"}), frozenset())
    assert again.states == frozenset({"other"})


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"version": 1, "regions": [{"name": "main"}], "commands": []},
        {"version": 1, "regions": None, "commands": []},
        {"version": 1, "regions": ["main"], "commands": []},
    ],
)
def test_what_no_chart_was_written_as_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no chart"):
        from_data(data)


# Where the machine is.


def test_the_digest_is_the_same_in_every_process() -> None:
    machine = started(
        region(State("a", "a.b", "deep"), "a.b", "a.c", "z", transitions=[arrow("go", "a", "z")]),
        region("quiet", name="other"),
    )
    at_first = machine.digest()
    machine.decide(command("go"), AT_EASE)

    # Written down once: the texts of another process hash otherwise.
    assert (at_first, machine.digest()) == ("c8c2cb9cb34d61a5", "ad127af5f3b461e4")


def test_another_stay_in_the_same_state_has_another_digest() -> None:
    machine = started(region("a", transitions=[arrow("again", "a", "a")]))
    before = machine.digest()
    machine.decide(command("again"), AT_EASE)

    assert machine.digest() != before


def test_what_does_not_move_leaves_the_digest() -> None:
    machine = started(region("a", transitions=[arrow("look", "a")]))
    before = machine.digest()
    machine.decide(command("look"), AT_EASE)
    machine.decide(command("nothing"), AT_EASE)

    assert machine.digest() == before


def test_what_is_remembered_of_a_state_that_was_left_counts_too() -> None:
    ways = [arrow(f"to.{path}", "a z", path) for path in ("a.b", "a.c", "z")]
    one, other = (
        started(region(State("a", "a.b", "deep"), "a.b", "a.c", "z", transitions=ways)) for _ in range(2)
    )
    for machine, inside in ((one, "a.b"), (other, "a.c")):
        machine.decide(command(f"to.{inside}"), AT_EASE)
        machine.decide(command("to.z"), AT_EASE)

    assert (one.leaves, list(one.entries.values())) == (other.leaves, list(other.entries.values()))
    assert one.digest() != other.digest()


@settings(max_examples=cases(300), deadline=None)
@given(roaming_charts(), st.lists(st.sampled_from(WAYS), max_size=15), st.lists(st.sampled_from(WAYS)))
def test_a_copy_goes_on_as_the_machine_would_and_leaves_it_alone(
    chart: Chart, way: list[str], further: list[str]
) -> None:
    machine = StateMachine(chart)
    machine.start(event("start"), AT_EASE)
    for kind in way:
        machine.decide(event(kind), AT_EASE)
    before, copy = machine.digest(), machine.copy()
    went = [_without_numbers(copy.decide(event(kind), AT_EASE)) for kind in further]

    assert machine.digest() == before
    assert went == [_without_numbers(machine.decide(event(kind), AT_EASE)) for kind in further]


def _without_numbers(decision: Decision) -> tuple[object, ...]:
    moved = [[entry.state.path for entry in entries] for entries in (decision.exits, decision.entries)]
    return decision.outcome, decision.before, decision.after, moved, decision.note
