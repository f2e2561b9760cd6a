"""Random charts, random messages: the flat machine against an interpreter that is plain to read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Literal

from hypothesis import event as note_case
from hypothesis import given, settings
from hypothesis import strategies as st

from robotd.core.chart import Chart, Region, State, Transition
from robotd.core.decision import Decision
from robotd.core.expression import Expression, compile_expression
from robotd.core.machine import ChartCycle, StateMachine
from robotd.core.message import Message
from tests.core.making import AT_EASE, UNITS, command, do, event
from tests.core.reference import Answer, Endless, Interpreter
from tests.counts import cases

TRIGGERS = ("go", "turn", "bump")
HISTORIES: st.SearchStrategy[Literal["shallow", "deep"] | None] = st.sampled_from([None, "shallow", "deep"])
Story = list[tuple[Message, Mapping[str, float | bool | None]]]
BUILT_IN = ("estop", "reset", "shutdown")
GUARDS = (
    "bumper.active",
    "not bumper.active",
    "battery.value > 11",
    "payload.x > 0",
    "bumper.active and payload.x > 0",
)


@cache
def compiled(text: str, states: tuple[str, ...]) -> Expression:
    return compile_expression(text, readings=UNITS, states=states)


@st.composite
def trees(draw: st.DrawFn, name: str) -> dict[str, State]:
    """Some states under random parents, by path, parents first."""
    paths = [name]
    for number in range(draw(st.integers(1, 8))):
        above = draw(st.sampled_from(["", *paths]))
        paths.append(f"{above}.{name}{number}" if above else f"{name}{number}")
    paths.sort()
    states = {}
    for path in paths:
        children = [other for other in paths if other.rpartition(".")[0] == path]
        states[path] = State(
            path,
            initial=draw(st.sampled_from(children)) if children else None,
            history=draw(HISTORIES) if children else None,
            do=do(f"in {path}") if draw(st.booleans()) else None,
        )
    return states


@st.composite
def charts(draw: st.DrawFn) -> Chart:
    names = "ab"[: draw(st.integers(1, 2))]
    forest = {name: draw(trees(name)) for name in names}
    everything = [path for states in forest.values() for path in states] + ["estopped", "down"]
    number = iter(range(1000))

    texts = st.one_of(
        st.sampled_from(GUARDS), st.sampled_from([*everything, *(f"not {path}" for path in everything)])
    )
    guards = texts.map(lambda text: compiled(text, tuple(everything)))

    def transitions(states: dict[str, State], is_first: bool) -> Iterator[Transition]:
        known = (*TRIGGERS, *BUILT_IN) if not is_first or draw(st.booleans()) else TRIGGERS
        paths = st.sampled_from(list(states))
        # Entering a state with others inside, where initial states and histories count, is the harder half.
        composites = st.sampled_from(
            [path for path, state in states.items() if state.initial] or list(states)
        )
        dests = st.one_of(composites, paths)
        for _ in range(draw(st.integers(1, 10))):
            # One in eight needs no trigger; such a one has a guard and a dest, or it would be a circle.
            always = draw(st.integers(0, 7)) == 0
            triggers = () if always else tuple(draw(st.lists(st.sampled_from(known), min_size=1, max_size=2)))
            yield Transition(
                triggers,
                tuple(draw(st.lists(paths, min_size=1, max_size=3))),
                draw(dests if always else st.one_of(dests, dests, st.none())),
                draw(guards if always else st.one_of(st.none(), st.none(), guards)),
                do(f"on {next(number)}") if draw(st.booleans()) else None,
            )

    regions = []
    for place, (name, states) in enumerate(forest.items()):
        tops = [path for path in states if "." not in path]
        regions.append(
            Region(name, draw(st.sampled_from(tops)), states, tuple(transitions(states, place == 0)))
        )
    return Chart(1, tuple(regions), frozenset(TRIGGERS))


TREE = [
    "".join(path)
    for top in "xy"
    for path in [
        (top,),
        *((top, f".{top}{a}", *rest) for a in "12" for rest in [(), (f".{top}{a}l",), (f".{top}{a}r",)]),
    ]
]
"""Two states with two inside each with two inside each: deep enough for every sort of history to differ."""


@st.composite
def roaming_charts(draw: st.DrawFn) -> Chart:
    """The tree with random histories, a trigger to each of its states, and one that would leave a stop."""
    states = {}
    for path in TREE:
        children = [other for other in TREE if other.rpartition(".")[0] == path]
        initial = draw(st.sampled_from(children)) if children else None
        states[path] = State(path, initial, draw(HISTORIES) if children else None)
    ways = [Transition((f"to {path}",), ("x", "y"), path) for path in TREE]
    escape = Transition((f"to {TREE[-1]}", "estop"), ("estopped",), "x", None, do("never"))
    return Chart(1, (Region("a", "x", states, (*ways, escape)),))


readings = st.fixed_dictionaries(
    {
        "bumper.active": st.sampled_from([True, False, True, False, None]),
        "battery.value": st.sampled_from([10.0, 12.0, 10.0, 12.0, None]),
    }
)
kinds = st.sampled_from([*TRIGGERS * 8, *["always"] * 3, *["estop", "reset", "reset"], "shutdown", "unknown"])
payloads = st.sampled_from([{}, {"x": 1.0}, {"x": -1.0}])
messages = st.one_of(
    st.builds(command, kinds, payloads),
    st.builds(event, kinds),
    st.builds(lambda kind, stamp: event(kind, stamp=stamp), kinds, st.integers(1, 30)),
)


def answer(decision: Decision) -> Answer:
    return Answer(
        decision.outcome.value,
        decision.before,
        decision.after,
        [(entry.number, entry.state.path) for entry in decision.exits],
        [(entry.number, entry.state.path) for entry in decision.entries],
        [(start.do.name, start.entry.number, start.entry.state.path) for start in decision.starts],
        "" if decision.refusal is None else decision.refusal.reason,
        decision.note,
    )


def check_what_always_holds(machine: StateMachine, decision: Decision, chart: Chart) -> None:
    present = machine.entries
    numbers = {entry.number for entry in present.values()}
    for start in decision.starts:
        assert present[start.entry.state.path] is start.entry
    assert all(entry.number not in numbers for entry in decision.exits)
    assert all(present[entry.state.path] is entry for entry in decision.entries)
    assert machine.active == set(present)
    assert machine.leaves == decision.after
    for leaf in machine.leaves:
        assert all(around in present for around in chart.regions[0].lineage(leaf))
    assert machine.blocked == (machine.leaves[0] in ("estopped", "down"))


WAYS = [*(f"to {path}" for path in TREE), *["to x", "to y"] * 4, "estop", "reset"]


def check(chart: Chart, story: Story) -> None:
    """Tell the machine and the judge the same story, and compare every answer."""
    machine, judge = StateMachine(chart), Interpreter(chart)
    for message, seen in [(None, AT_EASE), *story]:
        was = dict(judge.memory)
        is_circle = judge_found_one = False
        try:
            decision = (
                machine.start(event("start"), seen) if message is None else machine.decide(message, seen)
            )
        except ChartCycle as cycle:
            decision, is_circle = cycle.decision, True
        try:
            expected = judge.start(seen) if message is None else judge.tell(message, seen)
        except Endless as endless:
            expected, judge_found_one = endless.answer, True

        assert answer(decision) == expected
        assert is_circle == judge_found_one
        assert machine.active == judge.present()
        check_what_always_holds(machine, decision, chart)
        note_case("a circle" if is_circle else decision.outcome.value)
        if judge.memory != was:
            note_case("something remembered")


@settings(max_examples=cases(5_000, 30), deadline=None)
@given(charts(), st.lists(st.tuples(messages, readings), max_size=30))
def test_the_flat_machine_does_what_the_plain_interpreter_does(chart: Chart, story: Story) -> None:
    check(chart, story)


@settings(max_examples=cases(5_000, 30), deadline=None)
@given(roaming_charts(), st.lists(st.sampled_from(WAYS), min_size=30, max_size=60))
def test_any_way_through_a_tree_is_entered_left_and_remembered_alike(chart: Chart, way: list[str]) -> None:
    check(chart, [(event(kind), AT_EASE) for kind in way])


@settings(max_examples=cases(1_000), deadline=None)
@given(charts(), st.lists(st.tuples(messages, readings), max_size=30))
def test_a_stamp_of_a_dead_stay_never_acts(chart: Chart, story: Story) -> None:
    machine = StateMachine(chart)
    ever: set[int] = set()
    try:
        machine.start(event("start"), {})
        for message, seen in story:
            ever |= {entry.number for entry in machine.entries.values()}
            machine.decide(message, seen)
            alive = {entry.number for entry in machine.entries.values()}
            before = dict(machine.entries)
            for stamp in ever - alive:
                late = machine.decide(event("go", stamp=stamp), seen)
                assert (late.note, late.starts) == ("outdated", ())
            assert machine.entries == before
    except ChartCycle:
        note_case("a circle")
