"""Findings in charts that no file can say, or that need more than a file of `defects/` to show."""

from __future__ import annotations

import pytest

from hal import BoardSpec, DeviceSpec, DigitalOutputSpec, MotorSpec
from robotd.check import Finding, Severity, Subject, TraceStep, prove
from robotd.core.action import ActionInfo, CommandInfo, Parameter, Signature
from robotd.core.chart import NOWHERE, Chart, State, Timeout, Transition, Where
from robotd.core.invariant import Kind, compile_invariant
from tests.check.replaying import Replay
from tests.core.making import UNITS, arrow, chart, do, region, when

CYCLE = [arrow("go", "idle", "busy"), arrow("rest", "busy", "idle")]
TWO = chart(region("idle", "busy", transitions=CYCLE))


def found(subject: Subject) -> list[Finding]:
    return list(prove(subject).findings)


def only(subject: Subject) -> Finding:
    (finding,) = found(subject)
    return finding


# --- invariants


def watched(kind: Kind, text: str) -> Subject:
    states = [state.path for state in TWO.states]
    invariant = compile_invariant(text, kind, NOWHERE, readings=UNITS, states=states)
    return Subject(chart=TWO, readings=UNITS, invariants=(invariant,))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("never", "busy and bumper.active"),
        ("always", "idle or battery.value > 10"),
        ("never", "battery.value < 9"),
    ],
)
def test_what_depends_on_readings_is_noted_as_watched(kind: Kind, text: str) -> None:
    finding = only(watched(kind, text))

    assert (finding.code, finding.severity, finding.trace) == ("never-broken", Severity.NOTE, ())
    assert "watched in simulation" in finding.sentence


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("never", "idle and busy"),
        ("never", "idle and busy and bumper.active"),
        ("never", "bumper.active and not bumper.active"),
        ("always", "idle or busy or estopped"),
        ("always", "idle or busy or estopped or bumper.active"),
        ("never", "down"),
    ],
)
def test_what_is_proven_is_not_told(kind: Kind, text: str) -> None:
    assert found(watched(kind, text)) == []


def test_what_is_broken_has_the_shortest_way_there() -> None:
    assert [step.trigger for step in only(watched("never", "busy")).trace] == ["start", "go"]
    assert [step.trigger for step in only(watched("always", "not estopped")).trace] == ["start", "estop"]


# --- traces


def test_a_command_carries_what_its_guard_asks_for_and_what_it_must_have() -> None:
    guard = when("payload.speed > 0.3 and payload.sure")
    machine = chart(region("idle", "busy", transitions=[arrow("go", "idle", "busy", guard)]))
    parameters = (
        Parameter("speed_m_s", "speed", float, "m/s"),
        Parameter("sure", "sure", bool),
        Parameter("rounds", "rounds", int),
        Parameter("name", "name", str),
        Parameter("joints_rad", "joints", dict, "rad"),
        Parameter("left", "left", bool, required=False, default=True),
    )
    info = CommandInfo("go", parameters, moves=True, streamed=False)

    trap = only(Subject(chart=machine, commands={"go": info}, readings=UNITS))

    assert trap.trace[-1].payload == {"speed": 0.4, "sure": True, "rounds": 0, "name": "", "joints": {}}
    assert info.bind(trap.trace[-1].payload)["left"] is True
    Replay(machine, trap.trace)


def test_readings_on_the_way_leave_in_peace_what_is_not_meant() -> None:
    """A battery of 11 V lets `go` through, and neither rule of the file nor an `always` comes between."""
    machine = chart(
        region(
            "idle",
            "busy",
            "low",
            transitions=[
                arrow("go", "idle", "busy", when("battery.value > 10 and battery.value < 15")),
                Transition((), ("idle",), "low", when("battery.value < 10.5")),
                Transition((), ("idle",), "low", when("battery.value > 11.5")),
                arrow("rest", "low", "idle"),
            ],
        )
    )

    (trap,) = found(Subject(chart=machine, readings=UNITS))

    value = trap.trace[-1].readings["battery.value"]
    assert isinstance(value, float)
    assert 10.5 <= value <= 11.5


def test_a_time_out_says_where_and_when_it_comes() -> None:
    slow = State("slow", timeout=Timeout(90.0, "late"))
    machine = chart(
        region(
            "idle", slow, "gone", transitions=[arrow("go", "idle", "slow"), arrow("late", "slow", "gone")]
        ),
        events=("late",),
    )

    step = only(Subject(chart=machine)).trace[-1]

    assert (step.trigger, step.origin.value, step.detail) == ("late", "timeout", "after 90 s in slow")


# --- transitions


def test_a_transition_from_where_it_never_rests_is_dead() -> None:
    machine = chart(
        region(
            "idle",
            "hub",
            "left",
            "right",
            transitions=[
                arrow("go", "idle", "hub"),
                arrow("go", "hub", "left"),
                arrow("rest", "left right", "idle"),
                Transition((), ("hub",), "left", when("bumper.active")),
                Transition((), ("hub",), "right", when("true")),
            ],
        )
    )

    finding = only(Subject(chart=machine, readings=UNITS))

    assert finding.code == "dead-transition"
    assert finding.sentence.endswith("the robot never comes to rest in hub")


def test_an_always_transition_behind_one_that_always_holds_is_dead() -> None:
    machine = chart(
        region(
            "idle",
            "hub",
            "left",
            transitions=[
                arrow("go", "idle", "hub"),
                arrow("rest", "left", "idle"),
                Transition((), ("hub",), "left", when("true"), where=Where("f", 1, 1)),
                Transition((), ("hub",), "idle", when("bumper.active"), where=Where("f", 2, 1)),
            ],
        )
    )

    finding = only(Subject(chart=machine, readings=UNITS))

    assert (finding.code, finding.where.line) == ("dead-transition", 2)


def test_of_several_sources_those_that_are_dead_are_named() -> None:
    machine = chart(
        region(
            "idle",
            "busy",
            transitions=[arrow("go", "idle", "busy"), arrow("go rest", "idle busy", "idle")],
        )
    )

    finding = only(Subject(chart=machine))

    assert finding.sentence.startswith("'go' from idle is never taken")


def test_a_command_cannot_come_while_a_stop_is_latched() -> None:
    machine = chart(
        region("idle", "busy", transitions=CYCLE),
        region(
            "dark",
            "red",
            name="lamp",
            transitions=[
                Transition((), ("dark",), "red", when("estopped", ("estopped",))),
                Transition((), ("red",), "dark", when("not estopped", ("estopped",))),
                arrow("ack", "red"),
            ],
        ),
    )

    finding = only(Subject(chart=machine))

    assert (finding.code, finding.hint) == (
        "unknown-trigger",
        "while a stop is latched, commands are refused",
    )


def test_a_time_out_that_nothing_takes_is_told_in_a_chart_that_came_from_no_file() -> None:
    machine = chart(region(State("idle", timeout=Timeout(1.0, "late")), "busy", transitions=CYCLE))

    assert only(Subject(chart=machine)).sentence == "no transition takes 'late'"


# --- what runs

PATROL = {"patrol": ActionInfo(Signature(()), moves=True)}


def patrolling(*more: Transition, states: tuple[State | str, ...] = ()) -> Chart:
    return chart(
        region("idle", *states, transitions=more),
        events=("patrol.failed", "patrol.done", "late"),
    )


def test_what_runs_on_a_way_through_belongs_to_where_it_rests() -> None:
    """`go` starts a patrol and is led on to a state without a time-out: the patrol goes on there."""
    machine = patrolling(
        arrow("go", "idle", "hub", action="patrol"),
        Transition((), ("hub",), "busy", when("true")),
        arrow("rest patrol.failed", "busy", "idle"),
        states=("hub", "busy"),
    )

    finding = only(Subject(chart=machine, actions=PATROL))

    assert finding.code == "unbounded-motion"
    assert "busy has no time-out" in finding.sentence


def test_a_failure_that_another_region_takes_everywhere_is_handled() -> None:
    auto = State("auto", do=do("patrol"), timeout=Timeout(1.0, "late"))
    machine = chart(
        region("idle", auto, transitions=[arrow("go", "idle", "auto"), arrow("late", "auto", "idle")]),
        region("dark", name="lamp", transitions=[arrow("patrol.failed", "dark")]),
        events=("patrol.failed", "late"),
    )

    assert found(Subject(chart=machine, actions=PATROL)) == []


# --- states


def test_a_region_with_nowhere_else_to_be_is_no_trap() -> None:
    assert found(Subject(chart=chart(region("idle")))) == []


def test_a_state_around_a_final_one_is_no_trap() -> None:
    machine = chart(
        region(
            "idle",
            State("job", initial="job.run"),
            "job.run",
            State("job.done", final=True),
            transitions=[arrow("go", "idle", "job"), arrow("end", "job.run", "job.done")],
        )
    )

    assert found(Subject(chart=machine)) == []


def test_a_long_list_is_cut_short() -> None:
    paths = [f"s{number}" for number in range(9)]
    side = region(
        *paths,
        "gone",
        "back",
        name="side",
        transitions=[
            *(arrow("next", one, other) for one, other in zip(paths, [*paths[1:], "gone"], strict=True)),
            arrow("to", "gone", "back"),
            arrow("fro", "back", "gone"),
        ],
    )

    finding = only(Subject(chart=chart(region("idle", "busy", transitions=CYCLE), side)))

    assert finding.code == "no-way-back"
    assert "s0, s1, s2, s3, s4 and 4 more can never be again" in finding.sentence


def test_a_trace_step_is_plain_data() -> None:
    step = only(watched("never", "busy")).trace[-1]

    assert isinstance(step, TraceStep)
    assert step.as_json()["after"] == ["busy"]


# --- hardware


class ReportingMotorSpec(MotorSpec, frozen=True):
    """A driver's, that hears how fast its motor turns."""

    FEEDBACK = "motion"


def test_actuators_are_noted_of_which_nobody_hears_what_they_do() -> None:
    devices: dict[str, DeviceSpec] = {
        "left": MotorSpec(board="uno"),
        "right": MotorSpec(board="uno"),
        "lift": ReportingMotorSpec(board="uno"),
        "lamp": DigitalOutputSpec(board="uno"),
    }
    boards = {"uno": BoardSpec(driver="any", port="any")}

    notes = [
        one for one in found(Subject(chart=TWO, boards=boards, devices=devices)) if one.code == "no-feedback"
    ]

    assert [(one.severity, one.sentence) for one in notes] == [
        (Severity.NOTE, "left, right: nothing comes back, so no limit is held by feedback")
    ]
