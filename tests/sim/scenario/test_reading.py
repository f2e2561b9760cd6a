"""A scenario's file: what it says, and every fault of it with its place and a hint."""

from __future__ import annotations

from pathlib import Path

import pytest

from robotd.config import ConfigErrors
from robotd.core.chart import Where
from robotd.sim.scenario.model import (
    Amount,
    Bound,
    Expect,
    Fault,
    InState,
    ReadingIs,
    Scenario,
    Send,
    SetWorld,
    StageIs,
    Step,
    Told,
    Wait,
    WorldIs,
)
from robotd.sim.scenario.reading import read_scenario
from tests.sim.scenario.making import CONFIG, faults, robots, scenario_file, script


def test_a_file_reads_as_what_it_says(tmp_path: Path) -> None:
    steps = """
        - at: 1 s
          send: {drive: {linear: 0.3 m/s}}
          as: first
          valid_for: 200 ms
        - set: {battery: 10200 mV, bumper: pressed, range: free}
        - fault: {arduino: unplug 5 s}
        - wait: 2 min
        - within: 30 ms
          expect: {state: armed, base.linear: "> 0.1 m/s", stage: {first: rejected latched}, world: {x: 1..2}}
        - expect: {no_event: [bump, arduino.lost], base.angular: stale, base.moving: true}
          for: 1 s
        """
    top = "seed: 7\nfaults: {arduino: drop 1%}\nset: {battery: 11 V}\nnever: base.moving and estopped"

    read = script(tmp_path, steps, top=top)

    assert read.scenario == Scenario(
        robot="example:rover",
        title="a test",
        seed=7,
        faults={"arduino": ("drop 1%",)},
        world={"battery": Amount(11.0, "V")},
        steps=(
            Step(Send("drive", {"linear": "0.3 m/s"}, name="first", valid_for_s=0.2), at_s=1.0),
            Step(SetWorld({"battery": Amount(10.2, "V"), "bumper": True, "range": None})),
            Step(Fault("arduino", "unplug 5 s")),
            Step(Wait(120.0)),
            Step(
                Expect(
                    (
                        InState("armed"),
                        ReadingIs("base.linear", Bound(">", 0.1, "m/s")),
                        StageIs("rejected", "first", "latched"),
                        WorldIs("x", Bound("..", 1.0, "", 2.0)),
                    )
                ),
                within_s=0.03,
            ),
            Step(
                Expect(
                    (
                        Told("bump", happened=False),
                        Told("arduino.lost", happened=False),
                        ReadingIs("base.angular", None),
                        ReadingIs("base.moving", True),
                    )
                ),
                for_s=1.0,
            ),
        ),
        never=("base.moving and estopped",),
    )
    assert read.scenario.steps[0].where == Where(read.file, 9, 5)


def test_the_robot_is_found_from_the_folder_of_the_scenario(tmp_path: Path) -> None:
    path = scenario_file(tmp_path, "- send: arm", robot=str(CONFIG / "rover.yaml"))

    assert read_scenario(path, robots()).config.robot == "rover"


FAULTS = {
    "- send: drve": ("there is no command 'drve'", "did you mean 'drive'?"),
    "- send: bump": ("'bump' is no command", "write inject: bump"),
    "- send: estop": ("'estop' is built in", "there are the steps 'stop' and 'reset'"),
    "- send: 3": ("the name of one command is due here, not the number 3", None),
    "- send: {drive: {linar: 0.3 m/s}}": ("drive has no parameter 'linar'", "did you mean 'linear'?"),
    "- send: {drive: 3}": ("a payload is a mapping, not the number 3", None),
    "- send: {drive: {linear: 1}}\n  payload: {linear: 1}": (
        "the payload is here twice",
        "leave one of the two out",
    ),
    "- send: {arm: {}, drive: {}}": (
        "one command and its payload is due here",
        "for example: send: {drive: {linear: 0.3 m/s}}",
    ),
    "- send: arm\n  as: the first": (
        "'the first' cannot be the name of a command",
        "letters, digits and underscores, a letter first",
    ),
    "- send: arm\n  for: 2 s": ("'arm' is no setpoint that could be renewed", None),
    "- send: arm\n  from: visitor": ("no client 'visitor' has come", "first: connect: visitor"),
    "- disconnect: operator\n- send: arm\n  from: operator": (
        "'operator' has hung up",
        "first: connect: operator",
    ),
    "- disconnect: operator\n- send: arm": ("'operator' has hung up", "first: connect: operator"),
    "- connect: operator": ("'operator' is there already", "choose another name"),
    "- disconnect: visitor": ("there is no client 'visitor'", "there is only 'operator'"),
    "- cancel: arm": ("there is no sent command 'arm'", None),
    "- send: arm\n  expect: {state: armed}": (
        "one step does one thing: 'send' or 'expect'",
        "make two steps of it",
    ),
    "- send: arm\n  within: 2 s": ("'within' means nothing beside 'send'", "it stands beside expect"),
    "- at: 1 s": (
        "this step does nothing",
        "it needs one of send, stop, reset, lease, cancel, write, connect, disconnect, gap, set, fault, "
        "mend, inject, wait, expect",
    ),
    "- arm": ("a step is a mapping, not the text 'arm'", "for example: send: arm"),
    "- snd: arm": ("unknown key 'snd'", "did you mean 'send'?"),
    "- wait: 5": (
        "5 needs a unit, for example '200 ms'",
        "a duration is written in s, ms, us, min, h, for example '200 ms'",
    ),
    "- wait: 3 s\n- at: 2 s\n  send: arm": (
        "this is before 3 s, where the steps above end",
        "steps stand in the order of their time",
    ),
    "- set: {batery: 10 V}": ("'batery' is no quantity of its world", "did you mean 'battery'?"),
    "- set: {x: 10}": ("'x' cannot be set", None),
    "- set: {battery: 10}": ("10 needs a unit", "a voltage is written in V, mV, for example '10.8 V'"),
    "- set: {battery: pressed}": ("'pressed' is not a number with a unit", None),
    "- set: {bumper: 3}": (
        "true or false is due here, not the number 3",
        "or one of pressed, on, released, off",
    ),
    "- set: {}": ("there is nothing in it", None),
    "- fault: {arduno: split}": ("there is no board 'arduno'", "did you mean 'arduino'?"),
    "- fault: {arduino: [split, split]}": ("one step is one fault", "make several steps of it"),
    "- fault: {arduino: 3}": ("a fault is due here, not the number 3", "for example: unplug 5 s"),
    "- fault: unplug 5 s": (
        "the name of a board and its fault are due here",
        "for example: fault: {arduino: unplug 5 s}",
    ),
    "- mend: arduno": ("there is no board 'arduno'", "did you mean 'arduino'?"),
    "- inject: bumpp": ("there is no event 'bumpp'", "did you mean 'bump'?"),
    "- inject: drive": ("'drive' is no event", "write send: drive"),
    "- expect: {}": ("what is expected stands here, each under its name", "for example: {state: armed}"),
    "- expect: {state: armd}": ("there is no state 'armd'", "did you mean 'armed'?"),
    "- expect: {stat: armed}": ("there is no reading 'stat'", "did you mean 'state'?"),
    "- expect: {base.linar: 1 m/s}": ("there is no reading 'base.linar'", "did you mean 'base.linear'?"),
    "- expect: {base.linear: 1}": (
        "1 needs a unit",
        "a speed is written in m/s, mm/s, km/h, for example '0.8 m/s'",
    ),
    "- expect: {base.linear: 1..2}": ("1 needs a unit", None),
    "- expect: {base.linear: 2..1 m/s}": ("'2..1 m/s' ends before it begins", None),
    "- expect: {base.linear: '> 1..2 m/s'}": ("a span has two ends already", "leave '>' out"),
    "- expect: {base.linear: [1]}": ("a number is due here, not a list", None),
    "- expect: {left.duty: half}": ("a plain number is due here, not the text 'half'", None),
    "- expect: {event: bmp}": ("there is no event 'bmp'", "did you mean 'bump'?"),
    "- expect: {count: {bump: -1}}": ("less than never is not possible", None),
    "- expect: {count: {bmp: 1}}": ("there is no event 'bmp'", "did you mean 'bump'?"),
    "- expect: {order: [bump]}": ("an order is of two or more", "for example: [bump, patrol.done]"),
    "- expect: {stage: done}": ("nothing was sent yet", None),
    "- send: arm\n- expect: {stage: finished}": ("there is no stage 'finished'", None),
    "- send: arm\n- expect: {stage: 3}": (
        "a stage is due here, not the number 3",
        "for example: rejected latched",
    ),
    "- send: arm\n- expect: {stage: {look: done}}": (
        "no command 'look' was sent",
        "there is only 'arm'",
    ),
    "- expect: {answer: 3}": (
        "an answer is a mapping, not the number 3",
        "for example: {error: {data: {reason: busy}}}",
    ),
    "- expect: {board: {arduino: on}}": (
        "there is no board state 'on'",
        "the board states are closed, connecting, online, lost, silent, refused",
    ),
    "- expect: {device: {bse: active}}": ("there is no device 'bse'", "did you mean 'base'?"),
    "- expect: {world: {z: 1}}": ("there is no quantity 'z'", None),
    "[]": ("there is no step in it", None),
}


@pytest.mark.parametrize("steps", FAULTS, ids=[*FAULTS])
def test_a_fault_is_refused_with_a_hint(tmp_path: Path, steps: str) -> None:
    sentence, hint = FAULTS[steps]

    found = faults(tmp_path, steps)

    assert (sentence, hint) in [(said, told if hint else None) for _, said, told in found]
    assert len(found) == 1


@pytest.mark.parametrize(
    ("top", "sentence", "hint"),
    [
        ("sede: 3", "unknown key 'sede'", "did you mean 'seed'?"),
        ("seed: -1", "this should be greater than or equal to 0", None),
        ("faults: {arduno: split}", "there is no board 'arduno'", "did you mean 'arduino'?"),
        ("set: {battery: 3 m}", "'3 m' is a length, but a voltage is due here", None),
        ("never: base.movin", "there is no reading or state 'base.movin'", "did you mean 'base.moving'?"),
        ("always: 3", "an expression is due here, not the number 3", "for example: armed and docked"),
    ],
)
def test_a_fault_at_the_top_is_refused_too(tmp_path: Path, top: str, sentence: str, hint: str | None) -> None:
    found = faults(tmp_path, "- send: arm", top=top)

    assert [(line, said) for line, said, _ in found] == [(3, sentence)]
    assert hint is None or found[0][2] == hint


def test_a_fault_needs_no_name_where_there_is_just_one_board(tmp_path: Path) -> None:
    one_board = str(CONFIG.parent / "tests" / "check" / "clean" / "hysteresis.yaml")

    read = script(tmp_path, "- fault: unplug 5 s", robot=one_board)

    assert read.scenario.steps == (Step(Fault("uno", "unplug 5 s")),)


def test_a_fault_that_this_board_cannot_have_is_refused(tmp_path: Path) -> None:
    ((_, sentence, _),) = faults(tmp_path, "- fault: {arduino: freeze moon}")

    assert "the simulated world has no 'moon'" in sentence


def test_all_faults_are_told_at_once_each_at_its_place(tmp_path: Path) -> None:
    path = scenario_file(tmp_path, "- send: drve\n- within: 3\n  expect: {state: armd}\n- {}", top="sede: 3")

    with pytest.raises(ConfigErrors) as caught:
        read_scenario(path, robots())

    places = [(error.where.line, error.where.column) for error in caught.value.errors]
    assert places == [(3, 1), (5, 11), (6, 13), (7, 21), (8, 5)]
    assert caught.value.report().splitlines()[5:9] == [
        f"{path}:5:11: error: there is no command 'drve'",
        "  - send: drve",
        "          ^",
        "hint: did you mean 'drive'?",
    ]


@pytest.mark.parametrize(
    ("text", "sentence", "hint"),
    [
        ("", "the file is empty", "it begins with 'robot: <path of the robot's file>'"),
        (
            "- send: arm",
            "a mapping is due here, not a list",
            "it begins with 'robot: <path of the robot's file>'",
        ),
        ("scenario: x\nsteps: [{send: arm}]", "'robot' is missing", None),
        (
            "robot: nowhere.yaml\nscenario: x\nsteps: [{send: arm}]",
            None,
            "a path from the folder of this file, or example:rover",
        ),
    ],
)
def test_what_is_no_scenario_at_all_is_refused(
    tmp_path: Path, text: str, sentence: str | None, hint: str | None
) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(text)

    with pytest.raises(ConfigErrors) as caught:
        read_scenario(path, robots())

    (error,) = caught.value.errors
    assert (error.sentence, error.hint) == (sentence or f"there is no file {tmp_path}/nowhere.yaml", hint)


def test_an_invalid_robot_is_told_by_its_own_faults(tmp_path: Path) -> None:
    (tmp_path / "robot.yaml").write_text("robot: rover\nbords: {}\n")
    path = scenario_file(tmp_path, "- send: arm", robot="robot.yaml")

    with pytest.raises(ConfigErrors) as caught:
        read_scenario(path, robots())

    assert {error.where.file for error in caught.value.errors} == {str(tmp_path / "robot.yaml")}
