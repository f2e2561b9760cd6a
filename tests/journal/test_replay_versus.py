"""Two machines side by side: where they part, what each does there, and where they meet again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from robotd.core.action import CommandInfo, Parameter
from robotd.core.chart import Chart, State, Timeout, Transition
from robotd.core.portable import rules_to_data
from robotd.core.rules import Rule
from robotd.journal.kinds import DECISION, READINGS
from robotd.journal.replay import Comparison, compare, versus
from robotd.journal.store import Select
from tests.core.making import AT_EASE, arrow, chart, do, region, when
from tests.core.test_machine_by_reference import Story, charts, messages, readings
from tests.counts import cases
from tests.journal.played import ROVER, Written, morning

LINEAR = Parameter("linear_m_s", "linear", float, "m/s")
MAIN = ROVER.regions[0]


def changed(
    *, states: Iterable[State] = (), transitions: Iterable[Transition] = MAIN.transitions, **more: Any
) -> Chart:
    """The rover with other states or transitions."""
    others = {**MAIN.states, **{state.path: state for state in states}}
    return replace(ROVER, regions=(replace(MAIN, states=others, transitions=tuple(transitions)),), **more)


def known(chart: Chart) -> dict[str, CommandInfo]:
    """What a client may send: `drive` has a payload."""
    return {
        name: CommandInfo(name, (LINEAR,) if name == "drive" else (), moves=False, streamed=False)
        for name in sorted(chart.commands)
    }


def against(journal: Written, other: Chart) -> Comparison:
    return compare(journal, other, known(other))


def places(found: Comparison) -> list[tuple[int, int | None]]:
    """Where they part, and where they meet again."""
    return [(parting.row.seq, parting.met and parting.met.seq) for parting in found.kept]


def guarded(trigger: str, text: str) -> list[Transition]:
    """The transitions of the rover, one with another guard."""
    return [replace(one, guard=when(text)) if trigger in one.triggers else one for one in MAIN.transitions]


def test_the_same_machine_does_the_same_at_every_row() -> None:
    journal = morning()
    found = against(journal, ROVER)

    assert (found.rows, found.decisions, found.boots) == (journal.last_seq, 25, 2)
    assert (found.different, found.partings, found.kept) == (0, 0, [])


@settings(max_examples=cases(300), deadline=None)
@given(charts(), st.lists(st.tuples(messages, readings), max_size=20))
def test_no_machine_parts_from_itself(machine: Chart, story: Story) -> None:
    journal = Written()
    journal.boot(machine)
    for message, seen in story:
        journal.decide(message, seen)
    commands = {
        name: _Anything(name, (), moves=False, streamed=False) for name in ("go", "turn", "bump", "unknown")
    }
    commands |= {
        name: _Anything(name, (), moves=False, streamed=False)
        for name in ("estop", "reset", "shutdown", "always")
    }

    assert compare(journal, machine, commands).kept == []


class _Anything(CommandInfo):
    """A command that takes any payload."""

    def bind(self, payload: Any) -> dict[str, Any]:
        return dict(payload)


def test_another_guard_parts_them_where_it_says_otherwise() -> None:
    journal = Written()
    journal.boot(ROVER)
    refused = journal.decide(journal.command("arm"), {"battery.value": 10.5, "bumper.active": False})
    seq = journal.last_seq
    journal.decide(journal.command("arm"), AT_EASE)
    found = against(journal, changed(transitions=guarded("arm", "battery.value > 10")))
    (parting,) = found.kept

    assert refused.refusal is not None
    assert places(found) == [(seq, None)]
    assert parting.journal is not None
    assert (parting.journal["outcome"], parting.other["outcome"]) == ("refused", "moved")
    assert parting.other["after"] == ["armed.teleop"]
    assert (parting.other["saw"], parting.ages_s) == ({"battery.value": 10.5}, {})
    # Armed a second time, it has no such command there.
    assert found.different == 2


def test_they_meet_again_where_both_do_the_same_in_the_same_state() -> None:
    journal = Written()
    journal.boot(ROVER)
    journal.decide(journal.command("arm"), {"battery.value": 10.5, "bumper.active": False})
    parted = journal.last_seq
    journal.decide(journal.event("estop"))
    journal.decide(journal.event("reset"))
    journal.decide(journal.command("arm"), AT_EASE)
    found = against(journal, changed(transitions=guarded("arm", "battery.value > 10")))

    # The stop is not the same: one of them leaves `armed`, the other `disarmed`.
    assert places(found) == [(parted, parted + 2)]
    assert (found.different, found.partings) == (2, 1)


def test_a_reading_of_which_the_row_says_nothing_is_the_newest_one_known() -> None:
    journal = Written()
    journal.boot(ROVER)
    journal.add(READINGS, {"values": {"range.value": 0.2, "cliff.active": None}})
    journal.now = 1.5
    journal.decide(journal.command("arm"), AT_EASE)
    near = against(journal, changed(transitions=guarded("arm", "range.value > 0.5")))
    stale = against(journal, changed(transitions=guarded("arm", "not cliff.active")))

    (parting,) = near.kept
    assert parting.other["refusal"]["values"] == {"range.value": 0.2}
    assert parting.ages_s == {"range.value": 1.5}
    (parting,) = stale.kept
    assert parting.other["refusal"]["reason"] == "guard_false"
    assert parting.other["saw"] == {"cliff.active": None}


def test_a_reading_that_nobody_ever_heard_is_stale() -> None:
    journal = Written()
    journal.boot(ROVER)
    journal.decide(journal.command("arm"), AT_EASE)
    found = against(journal, changed(transitions=guarded("arm", "range.value > 0.5")))

    (parting,) = found.kept
    assert "stale" in parting.other["refusal"]["message"]


def test_a_command_that_the_other_file_does_not_know_is_refused_there() -> None:
    journal = morning()
    other = changed(
        transitions=[one for one in MAIN.transitions if "drive" not in one.triggers],
        commands=ROVER.commands - {"drive"},
    )
    found = against(journal, other)

    assert found.kept[0].other["refusal"]["message"] == "there is no command 'drive'"
    assert [parting.other["type"] for parting in found.kept] == ["drive"] * 4


def test_a_payload_that_the_other_file_does_not_take_is_refused_there() -> None:
    journal = morning()
    commands = known(ROVER) | {"drive": CommandInfo("drive", (), moves=False, streamed=False)}
    found = compare(journal, ROVER, commands)

    assert "linear" in found.kept[0].other["refusal"]["message"]


def test_other_arguments_of_the_same_action_part_them() -> None:
    faster = replace(
        do("base.drive"), steps=(replace(do("base.drive").steps[0], arguments={"linear_m_s": 1.0}),)
    )
    journal = morning()
    other = changed(
        transitions=[replace(one, do=faster) if "drive" in one.triggers else one for one in MAIN.transitions]
    )

    assert [parting.other["type"] for parting in against(journal, other).kept] == ["drive", "drive"]


def test_another_stay_with_another_number_still_hears_how_its_action_ended() -> None:
    # One state more around all: every number is another one.
    deeper = changed(states=[State("armed.auto", "armed.auto.loop"), State("armed.auto.loop")])
    journal = morning()
    found = against(journal, deeper)

    assert [parting.row.data["type"] for parting in found.kept] == ["patrol", "patrol"]
    # `patrol.done` ends the patrol in both, though they were not in the same leaf: only that differs.
    assert found.different == 4


def test_a_time_out_that_only_the_other_file_has_comes_by_itself() -> None:
    patient = State("armed.auto", timeout=Timeout(60.0, "patrol.done"))
    hasty = State("armed.auto", timeout=Timeout(20.0, "patrol.done"))
    journal = Written()
    machine = journal.boot(changed(states=[patient]))
    journal.decide(journal.command("arm"), AT_EASE)
    journal.decide(journal.command("patrol"))
    stay = machine.entries["armed.auto"].number
    for journal.now in (10.0, 30.0, 59.0):
        journal.add(READINGS, {"values": {}})
    journal.now = 60.0
    journal.decide(journal.event("patrol.done", source="timer:armed.auto", stamp=stay))
    journal.decide(journal.command("disarm"))

    same, sooner = against(journal, changed(states=[patient])), against(journal, changed(states=[hasty]))
    never = against(journal, ROVER)
    assert same.kept == []
    (parting,) = sooner.kept
    assert (parting.row.at, parting.journal) == (30.0, None)
    assert (parting.other["type"], parting.other["at"]) == ("patrol.done", 20.0)
    assert parting.met is not None
    assert parting.met.data["type"] == "disarm"
    # The time-out of the journal's own machine means nothing to one that has none.
    assert never.kept[0].other["note"] == "outdated"


def test_what_needs_no_trigger_is_taken_when_a_sample_allows_it() -> None:
    other = changed(
        transitions=[*MAIN.transitions, arrow("", "armed", "disarmed", when("range.value < 0.1"))]
    )
    journal = Written()
    journal.boot(ROVER)
    journal.decide(journal.command("arm"), AT_EASE)
    for value in (2.0, 0.05, 0.05):
        journal.add(READINGS, {"values": {"range.value": value}})
    found = against(journal, other)

    (parting,) = found.kept
    assert (parting.journal, parting.other["type"], parting.other["after"]) == (None, "always", ["disarmed"])
    assert found.different == 1


# Events that a file has otherwise.

LOW = Rule("battery_low", when("battery.value < 10.8"), when("battery.value > 11.4"))
LOWER = Rule("battery_low", when("battery.value < 10"), when("battery.value > 11.4"))
DOCKING = changed(
    transitions=[*MAIN.transitions, arrow("battery_low", "armed", "disarmed")], commands=ROVER.commands
)


def drained() -> Written:
    """Armed, it sags to 10.4 V and 9.7 V."""
    journal = Written()
    journal.boot(DOCKING, rules=rules_to_data([LOW]))
    journal.decide(journal.command("arm"), AT_EASE)
    for journal.now, value in ((1.0, 12.0), (2.0, 10.4), (3.0, 9.7)):
        if value == 10.4:
            journal.decide(journal.event("battery_low", source="rule:battery.value"))
        journal.add(READINGS, {"values": {"battery.value": value}})
    return journal


def test_the_same_rules_fire_as_the_journal_has_it() -> None:
    assert compare(drained(), DOCKING, known(DOCKING), [LOW]).kept == []


def test_a_rule_that_is_another_one_fires_by_the_samples() -> None:
    (parting,) = compare(drained(), DOCKING, known(DOCKING), [LOWER]).kept
    (event,) = (row for row in drained().rows(Select(kinds=[DECISION])) if row.data["type"] == "battery_low")

    assert (parting.row.seq, parting.other["outcome"]) == (event.seq, "ignored")
    assert compare(drained(), DOCKING, known(DOCKING), [LOWER]).different == 2


def test_a_rule_that_the_other_file_alone_has_fires_by_the_samples() -> None:
    other = changed(transitions=[*MAIN.transitions, arrow("near", "armed", "disarmed")])
    journal = Written()
    journal.boot(ROVER, rules=[])
    journal.decide(journal.command("arm"), AT_EASE)
    journal.now = 4.0
    journal.add(READINGS, {"dense": [[3.5, "range.value", 0.2], [3.6, "range.value", 0.1]]})
    (parting,) = compare(journal, other, known(other), [Rule("near", when("range.value < 0.3"))]).kept

    assert (parting.journal, parting.other["after"]) == (None, ["disarmed"])
    assert (parting.other["source"], parting.other["at"]) == ("rule:range.value", 3.5)


def test_each_boot_begins_together() -> None:
    journal = morning()
    other = changed(transitions=guarded("arm", "battery.value > 10"))

    first, second = against(journal, other).kept
    assert first.row.boot != second.row.boot


def test_of_many_partings_only_the_first_are_kept() -> None:
    journal = Written()
    journal.boot(ROVER)
    for _ in range(versus.KEPT + 10):
        journal.decide(journal.command("arm"), {"battery.value": 10.5, "bumper.active": False})
        journal.decide(journal.command("disarm"))
        journal.decide(journal.command("disarm"))
    found = against(journal, changed(transitions=guarded("arm", "battery.value > 10")))

    assert (found.partings, len(found.kept)) == (versus.KEPT + 10, versus.KEPT)


def test_states_that_need_other_devices_are_not_the_same() -> None:
    other = changed(states=[replace(MAIN.states["armed"], active=("base",))])

    assert [parting.row.data["type"] for parting in against(morning(), other).kept] == ["arm", "arm"]


def test_a_chart_of_one_state_meets_one_of_many() -> None:
    alone = chart(region("disarmed"))

    assert against(morning(), alone).partings > 0
