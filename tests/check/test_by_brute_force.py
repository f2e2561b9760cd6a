"""Random charts: what is proven, against every message with every sort of readings from everywhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from typing import Any

from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import event as note_case
from hypothesis import strategies as st

from robotd.check import prove
from robotd.check.backward import lost
from robotd.check.context import Context
from robotd.check.explore import Exploration
from robotd.check.states import ways_out
from robotd.check.subject import Subject
from robotd.check.transitions import cases_of
from robotd.core.chart import Chart, Region, State, Timeout, Transition
from robotd.core.expression import Expression, compile_expression
from robotd.core.message import Message
from robotd.core.rules import Rule
from tests.check.replaying import Replay
from tests.core.making import UNITS, command, event
from tests.core.reference import Endless, Interpreter, Stay
from tests.core.test_machine_by_reference import trees
from tests.counts import cases

GUARDS = (
    "bumper.active",
    "not bumper.active",
    "battery.value > 11",
    "battery.value < 10",
    "battery.value > 10 or bumper.active",
    "battery.value < range.value",
)
PAYLOAD_GUARDS = ("payload.x > 0", "payload.x > 0 and battery.value > 11", "not (payload.x > 0)")
COMMANDS, EVENTS = ("go", "turn"), ("bump",)
LATE = "late"
MOST = 40
"""Configurations in which everything can be tried in reasonable time."""
VALUES: list[Mapping[str, float | bool | None]] = [
    {"bumper.active": bumper, "battery.value": battery, "range.value": far}
    for bumper, battery, far in product(
        (True, False, None), (9.0, 10.0, 10.5, 11.0, 12.0, None), (8.0, 13.0, None)
    )
]


@cache
def compiled(text: str, states: tuple[str, ...]) -> Expression:
    return compile_expression(text, readings=UNITS, states=states)


UNHURRIED = settings(
    max_examples=cases(150, 30),
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # shrinking would take minutes
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)


@st.composite
def charts(draw: st.DrawFn) -> Chart:
    """One or two regions of few states, so that everything that can happen can be tried."""
    names = "ab"[: draw(st.integers(1, 2))]
    forest = {name: dict(list(draw(trees(name)).items())) for name in names}
    everything = (*(path for states in forest.values() for path in states), "estopped")

    def transitions(name: str) -> Iterator[Transition]:
        paths = st.sampled_from(list(forest[name]))
        for _ in range(draw(st.integers(1, 6))):
            always = draw(st.integers(0, 5)) == 0
            triggers = draw(
                st.lists(st.sampled_from((*COMMANDS, *EVENTS, LATE)), min_size=1, max_size=2, unique=True)
            )
            texts = [
                *GUARDS,
                *(() if always else PAYLOAD_GUARDS),
                *everything,
                *(f"not {one}" for one in everything),
            ]
            guarded = always or draw(st.booleans())
            yield Transition(
                () if always else tuple(triggers),
                tuple(draw(st.lists(paths, min_size=1, max_size=2, unique=True))),
                draw(paths if always else st.one_of(paths, paths, st.none())),
                compiled(draw(st.sampled_from(texts)), everything) if guarded else None,
            )

    regions = []
    for name, states in forest.items():
        slow = draw(st.sampled_from(list(states)))
        old = states[slow]
        states[slow] = State(slow, old.initial, old.history, timeout=Timeout(1.0, LATE))
        tops = [path for path in states if "." not in path]
        regions.append(Region(name, draw(st.sampled_from(tops)), states, tuple(transitions(name))))
    return Chart(1, tuple(regions), frozenset(COMMANDS))


@dataclass
class Tried:
    """Everything that came about when everything was tried."""

    configurations: set[Any] = field(default_factory=set)
    ways: dict[Any, set[Any]] = field(default_factory=dict)
    """From each configuration to those that one message leads to."""
    present: set[str] = field(default_factory=set)
    """Every state that was ever present, if only on the way through."""
    left: set[str] = field(default_factory=set)
    """Every state that a transition of the chart led out of, if only on the way through."""
    abandoned: set[str] = field(default_factory=set)
    """Every state that was present at rest before a message of the chart, and not after it."""
    taken: set[tuple[int, str, str]] = field(default_factory=set)
    """By identity: each transition of the chart that was taken, from where and on what."""
    circles: bool = False

    def returns(self) -> bool:
        """Whether every leaf there ever was can be again, whatever happened."""
        leaves = {leaf for here, _ in self.configurations for leaf in here}
        for start in self.configurations:
            found = {start}
            queue = [start]
            for here in queue:
                new = self.ways.get(here, set()) - found
                found |= new
                queue += sorted(new)
            if {leaf for here, _ in found for leaf in here} != leaves:
                return False
        return True


class Recorder(Interpreter):
    """Notes which transitions are taken."""

    def __init__(self, chart: Chart, tried: Tried) -> None:
        super().__init__(chart)
        self.tried = tried
        self.trigger = "start"

    def choose(self, trigger: str, readings: Any, payload: Any) -> Any:
        self.trigger = trigger
        return super().choose(trigger, readings, payload)

    def take(self, choices: Any, log: Any, actions: Any) -> bool:
        tried, before = self.tried, self.present()
        moved = super().take(choices, log, actions)
        tried.present |= before | self.present()
        if self.trigger not in ("estop", "reset"):
            tried.taken |= {(id(one), source, self.trigger) for source, one in choices.values()}
            tried.left |= before - self.present()
        return moved


def key(judge: Interpreter) -> Any:
    """Where it is, and what its history will make of it."""
    remembered = []
    for region in judge.chart.regions:
        for path, inner in judge.memory.items():
            state = region.states.get(path)
            if state is not None and state.history is not None:
                remembered.append((path, inner[-1] if state.history == "deep" else inner[0]))
    return judge.leaves(), tuple(sorted(remembered))


def copied(judge: Recorder) -> Recorder:
    copy = Recorder(judge.chart, judge.tried)
    copy.stays = [[Stay(stay.number, stay.path) for stay in stays] for stays in judge.stays]
    copy.memory = {path: list(inner) for path, inner in judge.memory.items()}
    copy.last_number = judge.last_number
    return copy


def messages(judge: Interpreter) -> Iterator[Message]:
    for name in COMMANDS if judge.leaves()[0] != "estopped" else ():
        for payload in ({}, {"x": 1.0}, {"x": -1.0}):
            yield command(name, payload)
    for name in (*EVENTS, "estop", "always", "reset"):
        yield event(name)
    present = judge.present()
    if any(state.timeout and state.path in present for state in judge.chart.states):
        yield event(LATE)


def try_everything(chart: Chart) -> Tried:
    tried = Tried()
    queue = []

    def meet(judge: Recorder) -> None:
        if key(judge) not in tried.configurations:
            tried.configurations.add(key(judge))
            tried.present |= judge.present()
            queue.append(judge)

    for readings in VALUES:
        judge = Recorder(chart, tried)
        try:
            judge.start(readings)
        except Endless:
            tried.circles = True
        meet(judge)
    for here in queue:
        for message in messages(here):
            guarded = any(
                transition.guard and transition.guard.readings
                for region in chart.regions
                for transition in region.transitions
                if message.type in transition.triggers or not transition.triggers
            )
            for readings in VALUES if guarded else VALUES[:1]:
                judge = copied(here)
                try:
                    judge.tell(message, readings)
                except Endless:
                    tried.circles = True
                meet(judge)
                tried.ways.setdefault(key(here), set()).add(key(judge))
                if message.type not in ("estop", "reset"):
                    tried.abandoned |= here.present() - judge.present()
    return tried


def remembered(exploration: Exploration, configuration: int) -> Any:
    space = exploration.space
    nodes = [
        region.nodes[node] for region, node in zip(space.regions, space.decode(configuration), strict=True)
    ]
    return tuple(node.leaf for node in nodes), tuple(sorted(pair for node in nodes for pair in node.memory))


def taken(context: Context) -> set[tuple[int, str, str]]:
    return {
        (id(case.transition), case.source, case.trigger)
        for number, region in context.regions()
        for case in cases_of(context, number, region)
        if case.taken
    }


def subject_of(chart: Chart) -> Subject:
    return Subject(chart=chart, readings=UNITS, rules=(Rule("bump", compiled("bumper.active", ())),))


@settings(UNHURRIED)
@given(charts())
def test_what_can_be_reached_and_taken_is_what_is_found_by_trying_everything(chart: Chart) -> None:
    context = Context(subject_of(chart))
    exploration = context.exploration
    assume(len(exploration) <= MOST)

    tried = try_everything(chart)

    assert {remembered(exploration, one) for one in exploration.order} == tried.configurations
    assert bool(exploration.cycles) == tried.circles
    assert taken(context) == tried.taken
    assert {*context.reached, *context.passed} - {"estopped"} == tried.present - {"estopped"}
    left = {path for number, _ in context.regions() for path in ways_out(context, number)}
    assert tried.abandoned <= left <= tried.left
    assert (next(lost(exploration), None) is None) == tried.returns()
    note_case("a circle" if tried.circles else f"{len(exploration) // 10 * 10} configurations or more")


@settings(UNHURRIED)
@given(charts())
def test_every_trace_is_what_the_machine_does(chart: Chart) -> None:
    context = Context(subject_of(chart))

    for place in range(min(len(context.exploration), 40)):
        Replay(chart, context.tracer.to(place))
    for place, step in context.exploration.cycles.values():
        assert Replay(chart, context.tracer.round(place, step)).cycle is not None


@settings(UNHURRIED)
@given(charts())
def test_whatever_is_found_its_trace_is_what_the_machine_does(chart: Chart) -> None:
    for finding in prove(subject_of(chart)).findings:
        replay = Replay(chart, finding.trace)
        assert (replay.cycle is not None) or finding.code != "always-cycle"
        note_case(finding.code)
