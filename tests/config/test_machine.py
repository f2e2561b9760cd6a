"""The section `machine`: what becomes of nested states, regions, steps and commands, and what cannot be."""

import time

import pytest

from robotd.core.chart import Do, Mode
from tests.config.robots import PATROL, Bench

HEALTH = """\
robot: rover
boards:
  arduino: {driver: firmata, port: /dev/ttyACM0}
devices:
  battery: {kind: analog_input, board: arduino, pin: A1, scale: 0.0157 V}
  lamp: {kind: digital_output, board: arduino, pin: 13}
machine:
  version: 3
  regions:
    main:
      initial: idle
      states:
        idle: {}
        busy: {active: all}
      transitions:
        - {trigger: go, source: idle, dest: busy, when: not critical}
    health:
      initial: fine
      states:
        fine: {}
        critical: {}
      transitions:
        - {trigger: mend, source: critical, dest: fine}
      always:
        - {source: fine, dest: critical, when: battery.value < 10 and not estopped}
"""


@pytest.fixture
def health(bench: Bench) -> Bench:
    bench.text = HEALTH
    return bench


# --- regions


def test_regions_stand_side_by_side_in_the_order_of_the_file(health: Bench):
    chart = health.change(" and not estopped", "").load().chart

    assert [(region.name, region.initial) for region in chart.regions] == [
        ("main", "idle"),
        ("health", "fine"),
    ]
    assert chart.version == 3
    assert chart.commands == {"go", "mend"}


def test_a_guard_may_name_the_state_of_another_region(health: Bench):
    chart = health.change(" and not estopped", "").load().chart

    guard = chart.regions[0].transitions[0].guard
    assert guard is not None
    assert guard.states == {"critical"}


def test_an_always_transition_has_no_trigger(health: Bench):
    always = health.change(" and not estopped", "").load().chart.regions[1].transitions[-1]

    assert always.triggers == ()
    assert always.dest == "critical"


def test_a_guard_may_name_a_built_in_state(health: Bench):
    guard = health.load().chart.regions[1].transitions[-1].guard

    assert guard is not None
    assert guard.states == {"estopped"}


def test_a_machine_without_regions_is_one_called_main(bench: Bench):
    assert [region.name for region in bench.load().chart.regions] == ["main"]


@pytest.mark.parametrize("key", ["initial", "states", "transitions", "always"])
def test_nothing_of_a_machine_stands_beside_regions(health: Bench, key):
    fault = health.change("  version: 3\n", f"  {key}: x\n").fault()

    assert fault.sentence == f"'{key}' may not stand beside 'regions'"
    assert fault.where.line == 8


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("    health:\n", "    battery:\n", "the name 'battery' is already taken in line 5"),
        ("        busy: {", "        lamp: {", "the name 'lamp' is already taken in line 6"),
        ("        critical: {}", "        busy: {}", "the name 'busy' is already taken in line 14"),
        ("        critical: {}", "        main: {}", "the name 'main' is already taken in line 10"),
        ("source: critical, dest: fine", "source: critical, dest: idle", "there is no state 'idle'"),
        ("      initial: fine\n", "", "'initial' is missing"),
    ],
)
def test_names_of_regions_states_and_devices_are_disjoint(health: Bench, old, new, sentence):
    assert sentence in [fault.sentence for fault in health.change(old, new).faults()]


def test_a_machine_needs_a_region_with_a_state(health: Bench):
    health.text = HEALTH[: HEALTH.index("    main:")] + "    main: {initial: a, states: {}}\n"

    assert health.fault().sentence == "there is no state in it"


@pytest.mark.parametrize(
    "machine", ["{}", "{regions: {}}", "[]", "text", "{initial: a, states: []}", "{states: 3}"]
)
def test_a_machine_that_is_none_is_refused(bench: Bench, machine):
    bench.text = f"robot: rover\nmachine: {machine}\n"

    assert bench.faults()


# --- nesting


def test_history_stands_beside_initial(bench: Bench):
    chart = bench.change("initial: teleop", "initial: teleop\n      history: deep").load().chart

    assert chart.regions[0].states["armed"].history == "deep"


@pytest.mark.parametrize("key", ["initial: teleop", "history: deep"])
def test_only_a_state_with_states_inside_has_an_initial_or_a_history(bench: Bench, key):
    fault = bench.change("disarmed: {}", f"disarmed: {{{key}}}").fault()

    assert fault.sentence == f"'{key.split(':')[0]}' needs states inside this one"


def test_nested_states_of_two_parents_may_share_a_name(bench: Bench):
    bench.change("docked: {", "docked: {initial: teleop, states: {teleop: {}}, ")

    assert "docked.teleop" in bench.load().chart.regions[0].states


def test_states_may_nest_deeply(bench: Bench):
    nested = "{}"
    for depth in range(20):
        nested = f"{{initial: s{depth}, states: {{s{depth}: {nested}}}}}"
    bench.change("disarmed: {}", f"disarmed: {nested}")

    assert len(bench.load().chart.regions[0].states) == 25


# --- what is done


def do(bench: Bench, text: str) -> Do:
    """What `auto` does, written as `text`."""
    bench.change("{do: patrol, ", f"{{do: {text}, ").change("patrol.done, ", "")
    found = bench.load().chart.regions[0].states["armed.auto"].do

    assert found is not None
    return found


def test_an_action_alone_gives_its_name_to_its_outcome(bench: Bench):
    found = do(bench, "patrol")

    assert (found.name, [step.action for step in found.steps]) == ("patrol", ["patrol"])


def test_arguments_are_bound_by_python_name_in_si(bench: Bench):
    found = do(bench, "{patrol: {speed: 36 km/h, rounds: 2}, mode: queued}")

    assert found.name == "patrol"
    assert found.steps[0].arguments == {"speed_m_s": 10.0, "rounds": 2}
    assert found.steps[0].mode is Mode.QUEUED


def test_a_list_of_steps_carries_the_name_of_its_state(bench: Bench):
    found = do(bench, "[base.halt, {mast.move_to: {angle: 1 rad}}, patrol]")

    assert (found.name, [step.action for step in found.steps]) == (
        "armed.auto",
        ["base.halt", "mast.move_to", "patrol"],
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{patrol: {rounds: 1.5}}", "patrol: 'rounds' must be a whole number"),
        ("{patrol: {speed: 3 V}}", "patrol: 'speed': '3 V' is a voltage, but a speed is due here"),
        ("{patrol: {speed: fast}}", "patrol: 'speed': 'fast' is not a number with a unit"),
        ("{patrol: {speeed: 1}}", "patrol: there is no parameter 'speeed'"),
        ("{patrol: {speed_m_s: 1}}", "patrol: there is no parameter 'speed_m_s'"),
        ("{patrol: [1]}", "the arguments are due here, each under its name"),
        ("{patrol: {}, mode: twice}", "the text 'twice' may not stand here"),
        ("{patrol: {}, base.halt: {}}", "a step is one action, not patrol, base.halt"),
        ("{mode: queued}", "a step is one action, and there is none"),
        ("[[patrol]]", "an action is due here, not a list"),
        ("7", "an action is due here, not the number 7"),
    ],
)
def test_steps_and_arguments_that_do_not_fit_are_refused(bench: Bench, text, sentence):
    bench.change("{do: patrol, ", f"{{do: {text}, ").change("patrol.done, ", "")

    assert bench.fault().sentence == sentence


def test_an_argument_that_does_not_fit_is_pointed_at(bench: Bench):
    sentence, pointed, hint = bench.change("{angle: 0 deg}", "{angle: 0 V}").pointed()

    assert "'angle'" in sentence
    assert pointed == "0 V}}}"
    assert hint is not None


def test_an_unknown_argument_is_pointed_at(bench: Bench):
    sentence, pointed, hint = bench.change("{angle: 0 deg}", "{angel: 0 deg}").pointed()

    assert sentence == "mast.move_to: there is no parameter 'angel'"
    assert pointed == "angel: 0 deg}}}"
    assert hint == "did you mean 'angle'?"


def test_a_state_that_an_event_enters_needs_all_its_arguments_in_the_file(bench: Bench):
    bench.change("do: {mast.move_to: {angle: 0 deg}}", "do: mast.move_to")

    fault = bench.fault()
    assert fault.sentence == "mast.move_to needs 'angle', and not every way into docked brings it"
    assert fault.hint == "write {mast.move_to: {angle: ...}}"


def test_a_state_that_history_may_enter_needs_all_its_arguments_in_the_file(bench: Bench):
    bench.change("initial: teleop", "initial: teleop\n      history: shallow")
    bench.change("{do: patrol, ", "{do: mast.move_to, ").change("patrol.done, ", "")

    assert bench.fault().sentence == "mast.move_to needs 'angle', and not every way into armed.auto brings it"


def test_an_event_cannot_bring_an_argument(bench: Bench):
    bench.change("dest: docked}", "dest: docked, do: mast.move_to}")

    assert bench.fault().sentence == "mast.move_to needs 'angle', and no command brings it here"


def test_a_state_that_only_commands_enter_gets_its_arguments_from_them(bench: Bench):
    bench.change("      states:\n", "      states:\n        looking: {do: mast.move_to}\n")
    bench.text += "    - {trigger: look, source: armed.teleop, dest: armed.looking}\n"

    look = bench.load().commands["look"]

    assert [(parameter.wire_name, parameter.required) for parameter in look.parameters] == [("angle", True)]


# --- commands


def test_a_command_takes_what_its_action_takes(bench: Bench):
    commands = bench.load().commands

    assert commands["drive"].bind({"linear": "36 km/h"}) == {"linear": 10.0, "angular": 0.0}
    assert (commands["drive"].moves, commands["drive"].streamed, commands["drive"].valid_for_s) == (
        True,
        True,
        0.4,
    )
    assert (commands["patrol"].moves, commands["patrol"].valid_for_s) == (True, 30.0)
    assert (commands["arm"].parameters, commands["arm"].valid_for_s) == ((), 30.0)


def test_what_the_file_says_is_the_default_of_a_command(bench: Bench):
    bench.change("{do: patrol, ", "{do: {patrol: {rounds: 9}}, ")

    assert bench.load().commands["patrol"].bind({}) == {"speed": 0.2, "rounds": 9}


def test_each_of_several_steps_has_what_the_file_says_for_its_own_default(bench: Bench):
    steps = "{do: [{base.forward: {distance: 1 m, speed: 0.2 m/s}}, {mast.move_to: {angle: 1 rad}}], "
    bench.change("{do: patrol, ", steps).change(", patrol.done", "")

    assert bench.load().commands["patrol"].bind({}) == {"distance": 1.0, "speed": 0.2, "angle": 1.0}


def test_events_outcomes_losses_and_timeouts_are_no_commands(bench: Bench):
    assert set(bench.load().commands) == {"arm", "drive", "patrol", "disarm"}


def test_a_command_without_an_action_takes_what_its_guards_look_at(bench: Bench):
    bench.text += (
        "    - {trigger: level, source: docked, dest: disarmed, when: payload.height > 1 and payload.sure}\n"
    )

    level = bench.load().commands["level"]

    assert level.bind({"height": 2, "sure": True}) == {"height": 2.0, "sure": True}


def test_a_command_cannot_take_one_name_in_two_meanings(bench: Bench):
    (bench.folder / "patrol.py").write_text(PATROL.replace("rounds: int", "angle: int"))
    bench.text += "    - {trigger: patrol, source: docked, do: mast.move_to}\n"

    assert bench.fault().sentence.startswith("the command 'patrol' fits nobody: 'angle' is a whole number")


def test_only_what_the_machine_runs_is_an_action(bench: Bench):
    assert set(bench.load().actions) == {"patrol", "base.drive", "mast.move_to"}


# --- size


def test_a_thousand_states_load_in_time(bench: Bench):
    states = "".join(
        f"    s{number}: {{timeout: {{after: 1 s, trigger: t{number}}}}}\n" for number in range(1000)
    )
    transitions = "".join(
        f"    - {{trigger: [t{number}, c{number}], source: s{number}, dest: s{(number + 1) % 1000}, "
        f"when: battery.value > {number}}}\n"
        for number in range(1000)
    )
    bench.text = HEALTH[: HEALTH.index("machine:")] + (
        f"machine:\n  initial: s0\n  states:\n{states}  transitions:\n{transitions}"
    )
    begun = time.process_time()

    chart = bench.load().chart

    assert len(chart.regions[0].states) == 1000
    assert len(chart.commands) == 1000
    assert time.process_time() - begun < 2
