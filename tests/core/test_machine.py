"""Each line of the chart's semantics, by name. `test_machine_by_reference` tries them all together."""

from __future__ import annotations

import contextlib
import logging
import time
import tracemalloc

import pytest

from robotd.core.chart import ALWAYS, Region, State, Timeout
from robotd.core.decision import Decision, Outcome
from robotd.core.machine import MAX_ALWAYS, ChartCycle, StateMachine
from robotd.core.message import Message
from tests.core.making import AT_EASE, arrow, chart, command, do, event, region, started, when

BUMPED = {**AT_EASE, "bumper.active": True}
STALE = {**AT_EASE, "bumper.active": None}


def entered(decision: Decision) -> list[str]:
    return [entry.state.path for entry in decision.entries]


def left(decision: Decision) -> list[str]:
    return [entry.state.path for entry in decision.exits]


def starts(decision: Decision) -> list[tuple[str, str]]:
    """What is run, and which state owns it."""
    return [(start.do.name, start.entry.state.path) for start in decision.starts]


def tell(machine: StateMachine, *kinds: str) -> Decision:
    """Send commands one after the other; the decision about the last."""
    decision = None
    for kind in kinds:
        decision = machine.decide(command(kind), AT_EASE)
    if decision is None:
        raise ValueError("no command")
    return decision


def happen(machine: StateMachine, kind: str) -> Decision:
    return machine.decide(event(kind), AT_EASE)


def rover() -> Region:
    return region(
        "disarmed",
        State("armed", initial="armed.teleop", active="all"),
        "armed.teleop",
        State("armed.auto", do=do("patrol"), timeout=Timeout(600, "patrol_timeout")),
        State("docked", active=("mast",), do=do("mast.move_to")),
        transitions=[
            arrow("arm", "disarmed", "armed", when("battery.value > 10.8 and not bumper.active")),
            arrow(
                "drive", "armed.teleop", None, when("not bumper.active or payload.linear <= 0"), "base.drive"
            ),
            arrow("patrol", "armed.teleop", "armed.auto"),
            arrow("bump", "armed", None, None, "base.halt"),
            arrow("bump patrol_timeout patrol.done patrol.failed", "armed.auto", "armed.teleop"),
            arrow("battery_low", "armed", "docked"),
            arrow("disarm", "armed docked", "disarmed"),
        ],
    )


ROVER_EVENTS = ("bump", "patrol_timeout", "patrol.done", "patrol.failed", "battery_low")


def the_rover() -> StateMachine:
    return started(rover(), events=ROVER_EVENTS)


# Nesting, entry and exit.


def test_the_start_enters_the_initial_states_from_outside_in() -> None:
    machine = StateMachine(
        chart(region(State("a", initial="a.b", do=do("one")), State("a.b", initial="a.b.c"), "a.b.c"))
    )
    decision = machine.start(event("start"), AT_EASE)

    assert entered(decision) == ["a", "a.b", "a.b.c"]
    assert (decision.outcome, decision.before, decision.after) == (Outcome.MOVED, ("",), ("a.b.c",))
    assert starts(decision) == [("one", "a")]


def test_entry_is_from_outside_in_and_exit_from_inside_out() -> None:
    machine = started(
        region(
            State("a", initial="a.b"),
            "a.b",
            State("c", initial="c.d"),
            State("c.d", initial="c.d.e"),
            "c.d.e",
            transitions=[arrow("go", "a", "c")],
        )
    )
    decision = tell(machine, "go")

    assert left(decision) == ["a.b", "a"]
    assert entered(decision) == ["c", "c.d", "c.d.e"]
    assert (decision.before, decision.after) == (("a.b",), ("c.d.e",))


def test_the_innermost_state_that_handles_a_trigger_wins() -> None:
    machine = the_rover()
    tell(machine, "arm", "patrol")
    decision = happen(machine, "bump")

    assert decision.after == ("armed.teleop",)
    assert starts(decision) == []


def test_a_state_without_a_transition_of_its_own_uses_that_of_the_state_around_it() -> None:
    machine = the_rover()
    tell(machine, "arm")
    decision = happen(machine, "bump")

    assert decision.outcome is Outcome.STAYED
    assert starts(decision) == [("base.halt", "armed")]


def test_the_order_of_the_file_breaks_ties() -> None:
    machine = started(region("a", "b", "c", transitions=[arrow("go", "a", "b"), arrow("go", "a", "c")]))

    assert tell(machine, "go").after == ("b",)


def test_guards_are_tried_in_order() -> None:
    machine = started(
        region(
            "a",
            "b",
            "c",
            "d",
            transitions=[
                arrow("go", "a", "b", when("battery.value > 99")),
                arrow("go", "a", "c", when("battery.value > 10")),
                arrow("go", "a", "d"),
            ],
        )
    )

    assert tell(machine, "go").after == ("c",)


def test_where_the_inner_guards_fail_the_outer_state_has_its_turn() -> None:
    machine = started(
        region(
            State("a", initial="a.b"),
            "a.b",
            "c",
            transitions=[arrow("go", "a", "c"), arrow("go", "a.b", "a.b", when("bumper.active"))],
        )
    )

    assert tell(machine, "go").after == ("c",)


def test_a_dest_equal_to_the_present_state_leaves_and_re_enters_it() -> None:
    machine = started(region(State("a", do=do("work")), transitions=[arrow("again", "a", "a")]))
    first = machine.entries["a"]
    decision = tell(machine, "again")

    assert (decision.outcome, left(decision), entered(decision)) == (Outcome.MOVED, ["a"], ["a"])
    assert decision.exits == (first,)
    assert decision.entries[0].number > first.number
    assert starts(decision) == [("work", "a")]


def test_a_dest_around_the_present_state_leaves_and_re_enters_it_too() -> None:
    machine = started(
        region(
            State("a", initial="a.b"),
            "a.b",
            "a.c",
            transitions=[arrow("next", "a.b", "a.c"), arrow("home", "a", "a")],
        )
    )
    tell(machine, "next")
    decision = tell(machine, "home")

    assert left(decision) == ["a.c", "a"]
    assert entered(decision) == ["a", "a.b"]


def test_between_siblings_the_state_around_them_is_not_left() -> None:
    machine = the_rover()
    tell(machine, "arm")
    stay = machine.entries["armed"]
    decision = tell(machine, "patrol")

    assert (left(decision), entered(decision)) == (["armed.teleop"], ["armed.auto"])
    assert machine.entries["armed"] is stay


def test_a_transition_of_the_outer_state_to_one_of_its_own_does_not_leave_it() -> None:
    machine = started(region(State("a", initial="a.b"), "a.b", "a.c", transitions=[arrow("go", "a", "a.c")]))
    decision = tell(machine, "go")

    assert (left(decision), entered(decision)) == (["a.b"], ["a.c"])


def test_without_a_dest_no_state_is_left() -> None:
    machine = the_rover()
    tell(machine, "arm")
    stays = dict(machine.entries)
    decision = machine.decide(command("drive", {"linear": 0.3}), AT_EASE)

    assert decision.outcome is Outcome.STAYED
    assert (decision.exits, decision.entries) == ((), ())
    assert machine.entries == stays


def test_a_transition_into_the_depth_enters_what_is_around_it_first() -> None:
    machine = started(
        region("x", State("a", initial="a.b"), "a.b", "a.c", transitions=[arrow("go", "x", "a.c")])
    )

    assert entered(tell(machine, "go")) == ["a", "a.c"]


def test_the_number_of_a_stay_is_never_used_again() -> None:
    machine = started(region("a", "b", transitions=[arrow("flip", "a", "b"), arrow("flip", "b", "a")]))
    numbers = [machine.entries["a"].number]
    for _ in range(20):
        numbers += [entry.number for entry in tell(machine, "flip").entries]

    assert len(set(numbers)) == 21


# What is run, and who owns it.


def test_transitions_act_first_and_then_states_from_outside_in() -> None:
    machine = started(
        region(
            "x",
            State("a", initial="a.b", do=do("outer")),
            State("a.b", do=do("inner")),
            transitions=[arrow("go", "x", "a", None, "on the way")],
        )
    )

    assert starts(tell(machine, "go")) == [("on the way", "a"), ("outer", "a"), ("inner", "a.b")]


def test_what_a_transition_does_belongs_to_its_dest_as_written() -> None:
    machine = started(
        region("x", State("a", initial="a.b"), "a.b", transitions=[arrow("go", "x", "a", None, "lamp.on")])
    )
    decision = tell(machine, "go")

    assert decision.starts[0].entry is machine.entries["a"]


def test_what_an_internal_transition_does_belongs_to_its_source_as_written() -> None:
    machine = the_rover()
    tell(machine, "arm")

    assert happen(machine, "bump").starts[0].entry is machine.entries["armed"]


# History.


def remembering(history: str) -> StateMachine:
    """`job` with two halves of two steps each; `park` leaves it, `resume` enters it."""
    return started(
        region(
            State("job", initial="job.first", history=history),  # type: ignore[arg-type]  # a test's shorthand
            State("job.first", initial="job.first.a"),
            "job.first.a",
            "job.first.b",
            State("job.second", initial="job.second.a"),
            "job.second.a",
            "job.second.b",
            "parked",
            transitions=[
                arrow("far", "job", "job.second.b"),
                arrow("park", "job", "parked"),
                arrow("resume", "parked", "job"),
                arrow("restart", "parked", "job.first"),
            ],
        )
    )


def test_shallow_history_goes_back_to_the_child_and_to_its_initial_state() -> None:
    assert tell(remembering("shallow"), "far", "park", "resume").after == ("job.second.a",)


def test_deep_history_goes_back_to_the_very_leaf() -> None:
    decision = tell(remembering("deep"), "far", "park", "resume")

    assert decision.after == ("job.second.b",)
    assert entered(decision) == ["job", "job.second", "job.second.b"]


@pytest.mark.parametrize("history", ["shallow", "deep"])
def test_the_first_entry_and_a_dest_inside_do_not_ask_the_history(history: str) -> None:
    machine = remembering(history)
    assert machine.leaves == ("job.first.a",)

    assert tell(machine, "far", "park", "restart").after == ("job.first.a",)


def test_history_also_holds_where_the_state_is_entered_as_the_initial_one_of_another() -> None:
    machine = started(
        region(
            State("all", initial="all.job"),
            State("all.job", initial="all.job.a", history="deep"),
            "all.job.a",
            "all.job.b",
            "off",
            transitions=[
                arrow("next", "all.job", "all.job.b"),
                arrow("off", "all", "off"),
                arrow("on", "off", "all"),
            ],
        )
    )

    assert tell(machine, "next", "off", "on").after == ("all.job.b",)


def test_reset_leads_to_the_initial_state_whatever_the_history_says() -> None:
    machine = remembering("deep")
    tell(machine, "far")
    happen(machine, "estop")

    assert happen(machine, "reset").after == ("job.first.a",)


def test_reset_forgets_all_history() -> None:
    machine = started(
        region(
            "home",
            State("job", initial="job.a", history="deep"),
            "job.a",
            "job.b",
            transitions=[
                arrow("work", "home", "job"),
                arrow("next", "job", "job.b"),
                arrow("park", "job", "home"),
            ],
        )
    )
    tell(machine, "work", "next", "park")
    happen(machine, "estop")
    happen(machine, "reset")

    assert tell(machine, "work").after == ("job.a",)


# `always`.


def test_an_always_transition_is_taken_as_soon_as_its_state_is_entered() -> None:
    machine = started(
        region(
            "a",
            "b",
            "c",
            transitions=[arrow("go", "a", "b"), arrow("", "b", "c", when("battery.value > 10"))],
        )
    )

    assert tell(machine, "go").after == ("c",)


def test_an_always_transition_waits_for_its_guard_and_is_looked_at_when_a_reading_changes() -> None:
    machine = started(region("a", "b", transitions=[arrow("", "a", "b", when("bumper.active"))]))
    assert machine.leaves == ("a",)
    assert machine.always_readings == {"bumper.active"}

    assert machine.decide(event(ALWAYS), AT_EASE).outcome is Outcome.IGNORED
    assert machine.decide(event(ALWAYS), BUMPED).after == ("b",)


def test_always_transitions_are_taken_at_the_start_too() -> None:
    machine = StateMachine(chart(region("a", "b", transitions=[arrow("", "a", "b")])))

    assert machine.start(event("start"), AT_EASE).after == ("b",)


def test_always_transitions_follow_an_internal_transition_too() -> None:
    machine = started(
        region("a", "b", transitions=[arrow("poke", "a"), arrow("", "a", "b", when("bumper.active"))])
    )

    assert machine.decide(command("poke"), BUMPED).after == ("b",)


def test_an_always_transition_sees_no_payload() -> None:
    machine = started(
        region("a", "b", "c", transitions=[arrow("go", "a", "b"), arrow("", "b", "c", when("payload.x > 0"))])
    )

    assert machine.decide(command("go", {"x": 1}), AT_EASE).after == ("b",)


def test_a_state_that_is_only_passed_through_starts_nothing_and_ends_nothing() -> None:
    machine = started(
        region("a", State("b", do=do("never")), "c", transitions=[arrow("go", "a", "b"), arrow("", "b", "c")])
    )
    decision = tell(machine, "go")

    assert (left(decision), entered(decision), starts(decision)) == (["a"], ["c"], [])


def test_what_led_to_a_state_that_is_passed_through_belongs_to_where_it_ends() -> None:
    machine = started(
        region("a", "b", "c", transitions=[arrow("go", "a", "b", None, "base.halt"), arrow("", "b", "c")])
    )

    assert starts(tell(machine, "go")) == [("base.halt", "c")]


def test_a_move_of_one_region_lets_the_always_transition_of_another_go() -> None:
    machine = started(
        region("idle", "busy", transitions=[arrow("work", "idle", "busy")]),
        region("dark", "lit", name="lamp", transitions=[arrow("", "dark", "lit", when("busy", ("busy",)))]),
    )

    assert tell(machine, "work").after == ("busy", "lit")


@pytest.mark.parametrize(("length", "rests"), [(MAX_ALWAYS, True), (MAX_ALWAYS + 1, False)])
def test_a_chain_of_always_transitions_has_a_longest_length(length: int, rests: bool) -> None:
    chain = [arrow("", f"s{number}", f"s{number + 1}") for number in range(length)]
    machine = StateMachine(chart(region(*(f"s{number}" for number in range(length + 1)), transitions=chain)))

    with contextlib.nullcontext() if rests else pytest.raises(ChartCycle):
        machine.start(event("start"), AT_EASE)
    assert machine.leaves == (f"s{length}",) if rests else ("s0",)


def test_always_transitions_in_a_circle_are_an_error_that_names_the_states() -> None:
    machine = started(
        region(
            "a",
            "b",
            "c",
            "d",
            transitions=[
                arrow("go", "a", "b"),
                arrow("", "b", "c"),
                arrow("", "c", "d"),
                arrow("", "d", "c"),
            ],
        )
    )
    with pytest.raises(ChartCycle, match="never come to rest") as caught:
        tell(machine, "go")

    assert set(caught.value.states) == {"c", "d"}


def test_a_circle_is_undone_as_far_as_the_message_itself() -> None:
    machine = started(
        region(
            State("a", do=do("work")),
            State("b", initial="b.x", history="deep"),
            "b.x",
            "b.y",
            transitions=[arrow("go", "a", "b"), arrow("", "b.x", "b.y"), arrow("", "b.y", "b.x")],
        )
    )
    with pytest.raises(ChartCycle) as caught:
        tell(machine, "go")
    decision = caught.value.decision

    assert (decision.before, decision.after, left(decision)) == (("a",), ("b.x",), ["a"])
    assert tuple(machine.entries.values()) == decision.entries
    assert (machine.leaves, set(machine.active)) == (("b.x",), {"b", "b.x"})


def test_a_circle_does_not_keep_a_stop_from_happening() -> None:
    machine = started(
        region("a"),
        region(
            "x",
            "y",
            name="side",
            transitions=[
                arrow("", "x", "y", when("estopped", ("estopped",))),
                arrow("", "y", "x", when("estopped", ("estopped",))),
            ],
        ),
    )
    with pytest.raises(ChartCycle) as caught:
        happen(machine, "estop")

    assert caught.value.decision.after == machine.leaves == ("estopped", "x")
    assert machine.blocked


# Regions.


def two_regions() -> StateMachine:
    return started(
        region("idle", "busy", transitions=[arrow("work", "idle", "busy"), arrow("both", "idle", "busy")]),
        region(
            "ok",
            "low",
            name="health",
            transitions=[
                arrow("drain", "ok", "low"),
                arrow("both", "ok", "low", when("not bumper.active")),
                arrow("charge", "low", "ok", when("battery.value > 99")),
            ],
        ),
    )


def test_one_message_may_move_several_regions() -> None:
    decision = tell(two_regions(), "both")

    assert (decision.before, decision.after) == (("idle", "ok"), ("busy", "low"))
    assert (left(decision), entered(decision)) == (["idle", "ok"], ["busy", "low"])


def test_a_message_of_one_region_leaves_the_stays_of_the_others_alone() -> None:
    machine = two_regions()
    stay = machine.entries["ok"]
    tell(machine, "work")

    assert machine.entries["ok"] is stay


def test_a_command_is_accepted_where_one_region_takes_it() -> None:
    assert two_regions().decide(command("both"), BUMPED).after == ("busy", "ok")


def test_a_guard_of_one_region_sees_the_states_of_another() -> None:
    machine = started(
        region("idle", "busy", transitions=[arrow("work", "idle", "busy", when("ok", ("ok",)))]),
        region("ok", "low", name="health", transitions=[arrow("drain", "ok", "low")]),
    )

    assert tell(machine, "drain", "work").outcome is Outcome.REFUSED
    assert tell(machine, "work").refusal.data["values"] == {"ok": False}  # type: ignore[union-attr]  # refused


def test_all_regions_choose_by_the_states_as_they_are_when_the_message_comes() -> None:
    swap = [arrow("swap", "a", "b", when("d", ("d",))), arrow("swap", "b", "a")]
    also = [arrow("swap", "c", "d"), arrow("swap", "d", "c", when("a", ("a",)))]
    machine = started(region("a", "b", transitions=swap), region("c", "d", name="two", transitions=also))

    assert tell(machine, "swap").after == ("a", "d")
    assert tell(machine, "swap").after == ("b", "c")


def test_two_regions_cannot_have_a_state_of_the_same_path() -> None:
    with pytest.raises(ValueError, match="'a'"):
        StateMachine(chart(region("a"), region("a", name="other")))


# Refusals and events that mean nothing.


def test_a_command_that_means_nothing_here_is_told_what_would() -> None:
    refused = tell(the_rover(), "drive")

    assert refused.outcome is Outcome.REFUSED
    assert refused.refusal is not None
    assert refused.refusal.reason == "not_in_this_state"
    assert refused.refusal.data == {
        "hint": "possible here: arm",
        "state": ["disarmed"],
        "possible": ["arm"],
    }


def test_where_no_command_is_possible_the_refusal_says_so() -> None:
    refused = tell(started(region("idle")), "dance")

    assert refused.refusal is not None
    assert refused.refusal.data == {"hint": "no command is possible here", "state": ["idle"], "possible": []}


def test_a_command_that_nobody_knows_is_refused_likewise() -> None:
    refused = tell(two_regions(), "dance")

    assert refused.refusal is not None
    assert refused.refusal.data == {
        "hint": "possible here: work, both, drain",
        "state": ["idle", "ok"],
        "possible": ["work", "both", "drain"],
    }


def test_a_guard_that_is_false_is_told_with_the_values_it_saw() -> None:
    machine = the_rover()
    tell(machine, "arm")
    refused = machine.decide(command("drive", {"linear": 0.3}), BUMPED)

    assert refused.refusal is not None
    assert refused.refusal.reason == "guard_false"
    assert refused.refusal.data == {
        "hint": "it needs not bumper.active or payload.linear <= 0; "
        "now bumper.active is true, payload.linear is 0.3",
        "expression": "not bumper.active or payload.linear <= 0",
        "values": {"bumper.active": True, "payload.linear": 0.3},
        "why": "false",
    }


@pytest.mark.parametrize(
    ("readings", "payload", "why"), [(STALE, {"linear": 0.0}, "stale"), (AT_EASE, {}, "missing")]
)
def test_a_guard_that_cannot_be_told_is_refused_with_why(
    readings: dict[str, float | bool | None], payload: dict[str, float], why: str
) -> None:
    machine = the_rover()
    tell(machine, "arm")
    refused = machine.decide(command("drive", payload), readings)

    assert refused.refusal is not None
    assert (refused.refusal.reason, refused.refusal.data["why"]) == ("guard_false", why)


def test_a_false_guard_of_one_region_says_more_than_that_another_does_not_know_the_command() -> None:
    machine = two_regions()
    tell(machine, "work", "drain")
    refused = tell(machine, "charge")

    assert refused.refusal is not None
    assert refused.refusal.reason == "guard_false"


def test_an_event_that_means_nothing_here_is_ignored() -> None:
    decision = happen(the_rover(), "battery_low")

    assert (decision.outcome, decision.note, decision.refusal) == (Outcome.IGNORED, "unhandled", None)
    assert decision.before == decision.after == ("disarmed",)


@pytest.mark.parametrize(("readings", "note"), [(STALE, "stale"), (AT_EASE, "guard_false")])
def test_an_event_whose_guard_does_not_hold_is_ignored_with_a_note(
    readings: dict[str, float | bool | None], note: str
) -> None:
    machine = started(region("a", "b", transitions=[arrow("bump", "a", "b", when("bumper.active"))]))
    decision = machine.decide(event("bump"), readings)

    assert (decision.outcome, decision.note) == (Outcome.IGNORED, note)


# Stamps.


def test_an_outcome_of_the_present_stay_acts() -> None:
    machine = the_rover()
    stay = tell(machine, "arm", "patrol").entries[-1]

    assert machine.decide(event("patrol.done", stamp=stay.number), AT_EASE).after == ("armed.teleop",)


def test_a_late_outcome_of_an_earlier_stay_is_dropped() -> None:
    machine = the_rover()
    earlier = tell(machine, "arm", "patrol").entries[-1]
    happen(machine, "bump")
    tell(machine, "patrol")
    decision = machine.decide(event("patrol.failed", stamp=earlier.number), AT_EASE)

    assert (decision.outcome, decision.note) == (Outcome.IGNORED, "outdated")
    assert machine.leaves == ("armed.auto",)


def test_a_stamp_of_a_state_that_was_only_passed_through_is_outdated() -> None:
    machine = started(
        region("a", "b", "c", transitions=[arrow("go", "a", "b"), arrow("", "b", "c"), arrow("x", "c", "a")])
    )
    first = machine.entries["a"].number
    last = tell(machine, "go").entries[-1].number

    for stamp in range(first, last):
        assert machine.decide(event("x", stamp=stamp), AT_EASE).note == "outdated"


def test_the_stamp_of_a_state_around_the_present_one_is_alive() -> None:
    machine = the_rover()
    around = tell(machine, "arm").entries[0]
    tell(machine, "patrol")

    assert machine.decide(event("patrol.done", stamp=around.number), AT_EASE).outcome is Outcome.MOVED


# Built in.


@pytest.mark.parametrize("way", [(), ("arm",), ("arm", "patrol")])
def test_estop_leads_to_estopped_from_every_state(way: tuple[str, ...]) -> None:
    machine = the_rover()
    for kind in way:
        tell(machine, kind)
    present = list(machine.entries.values())[::-1]
    decision = happen(machine, "estop")

    assert decision.after == ("estopped",)
    assert list(decision.exits) == present
    assert entered(decision) == ["estopped"]
    assert machine.blocked
    assert machine.possible() == ()


def test_a_second_estop_stays_and_leaves_nothing() -> None:
    machine = the_rover()
    happen(machine, "estop")
    decision = happen(machine, "estop")

    assert (decision.outcome, decision.exits, decision.entries) == (Outcome.STAYED, (), ())


def test_a_file_cannot_shadow_the_built_in_triggers() -> None:
    machine = started(
        region(
            "a",
            "b",
            transitions=[
                arrow("estop", "a", "b", when("true")),
                arrow("estop", "a", None, None, "ignore it"),
                arrow("shutdown reset", "a", "b"),
                arrow("shutdown reset", "a"),
            ],
        )
    )

    assert happen(machine, "reset").outcome is Outcome.IGNORED
    assert happen(machine, "estop").after == ("estopped",)
    assert happen(machine, "reset").after == ("a",)
    assert happen(machine, "shutdown").after == ("down",)


def test_nothing_of_the_file_leads_out_of_estopped() -> None:
    machine = started(
        region("a", "b", transitions=[arrow("go estop", "a estopped", "b"), arrow("", "estopped", "b")])
    )
    happen(machine, "estop")

    assert tell(machine, "go").outcome is Outcome.REFUSED
    assert machine.decide(event(ALWAYS), AT_EASE).outcome is Outcome.IGNORED
    assert machine.leaves == ("estopped",)


def test_reset_does_nothing_elsewhere() -> None:
    decision = happen(the_rover(), "reset")

    assert (decision.outcome, decision.note) == (Outcome.IGNORED, "unhandled")


def test_reset_enters_the_initial_state_anew() -> None:
    machine = the_rover()
    first = machine.entries["disarmed"].number
    happen(machine, "estop")
    decision = happen(machine, "reset")

    assert (left(decision), entered(decision)) == (["estopped"], ["disarmed"])
    assert machine.entries["disarmed"].number > first
    assert not machine.blocked


@pytest.mark.parametrize("before", [(), ("estop",)])
def test_shutdown_leads_down_from_everywhere_and_nothing_leads_out(before: tuple[str, ...]) -> None:
    machine = the_rover()
    for kind in before:
        happen(machine, kind)
    assert happen(machine, "shutdown").after == ("down",)

    assert happen(machine, "estop").outcome is Outcome.IGNORED
    assert happen(machine, "reset").outcome is Outcome.IGNORED
    assert happen(machine, "shutdown").outcome is Outcome.STAYED
    assert tell(machine, "arm").outcome is Outcome.REFUSED
    assert machine.blocked


def test_a_client_cannot_send_a_built_in_trigger_as_a_command() -> None:
    machine = the_rover()
    happen(machine, "estop")

    for kind in ("reset", "shutdown", "estop", ALWAYS):
        assert tell(machine, kind).outcome is Outcome.REFUSED
    assert machine.leaves == ("estopped",)


def test_the_other_regions_go_on_deciding_while_the_first_is_stopped() -> None:
    machine = two_regions()
    happen(machine, "estop")

    assert tell(machine, "drain").after == ("estopped", "low")
    assert machine.possible() == ("charge",)


def test_another_region_may_follow_a_stop_in_its_own_way() -> None:
    machine = started(
        region("a"), region("calm", "alarm", name="lamp", transitions=[arrow("estop", "calm", "alarm")])
    )

    assert happen(machine, "estop").after == ("estopped", "alarm")
    assert happen(machine, "reset").after == ("a", "alarm")


# What others ask of it.


def test_possible_names_the_commands_of_all_present_states_and_no_events() -> None:
    machine = the_rover()
    tell(machine, "arm")

    assert machine.possible() == ("drive", "patrol", "disarm")


def test_the_needed_devices_are_those_of_all_present_states() -> None:
    machine = started(
        region(
            State("a", initial="a.b", active=("base",)),
            State("a.b", active=("mast",)),
            "off",
            transitions=[arrow("off", "a", "off")],
        ),
        region(
            State("dark", active=("lamp",)),
            State("lit", active="all"),
            name="light",
            transitions=[arrow("lit", "dark", "lit")],
        ),
    )
    devices = ("base", "mast", "lamp", "arm")

    assert machine.needed_devices(devices) == {"base", "mast", "lamp"}
    tell(machine, "off")
    assert machine.needed_devices(devices) == {"lamp"}
    tell(machine, "lit")
    assert machine.needed_devices(devices) == set(devices)


def test_active_is_a_live_view_of_all_present_states() -> None:
    machine = the_rover()
    active = machine.active
    tell(machine, "arm")

    assert set(active) == {"armed", "armed.teleop"}


def test_before_the_start_every_message_is_declined() -> None:
    machine = StateMachine(chart(rover()))

    assert machine.decide(command("arm"), AT_EASE).outcome is Outcome.REFUSED
    assert machine.decide(event("estop"), AT_EASE).outcome is Outcome.IGNORED


@pytest.mark.parametrize(
    "name", ["state", "trigger", "model", "machine", "to_b", "is_a", "may_go", "name", "on_enter_b"]
)
def test_a_trigger_may_have_any_name(name: str) -> None:
    machine = started(region("a", "b", transitions=[arrow(name, "a", "b")]))

    assert tell(machine, name).after == ("b",)


def test_the_table_writes_no_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        machine = the_rover()
        for message in (command("arm"), command("patrol"), event("bump"), event("estop")):
            machine.decide(message, AT_EASE)

    assert caplog.records == []


def test_a_decision_carries_the_message_it_answers() -> None:
    machine = the_rover()
    messages: list[Message] = [command("arm"), command("dance"), event("bump"), event("nothing")]

    assert [machine.decide(message, AT_EASE).message for message in messages] == messages


def test_a_thousand_states_load_in_two_seconds_and_a_hundred_mib() -> None:
    """Measured: 0.1 s and 7 MiB. The library's own automatic transitions take 6.5 s and 502 MiB."""
    leaves = [f"all.group{number // 10}.s{number}" for number in range(1000)]
    groups = {leaf.rpartition(".")[0]: State(leaf.rpartition(".")[0], initial=leaf) for leaf in leaves[::-1]}
    ways = [arrow(f"to {number % 50}", leaf, leaves[number * 7 % 1000]) for number, leaf in enumerate(leaves)]
    outer = [arrow(f"home{number}", "all", leaves[number]) for number in range(10)]
    large = chart(
        region(State("all", initial="all.group0"), *groups.values(), *leaves, transitions=[*ways, *outer])
    )

    begun = time.thread_time()
    tracemalloc.start()
    try:
        StateMachine(large)
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert time.thread_time() - begun < 2
    assert size < 100 * 2**20
