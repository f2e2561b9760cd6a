"""What a person reads when a scenario does not hold."""

from __future__ import annotations

import re
from pathlib import Path

from robotd.config import load
from robotd.sim.scenario.model import Expect, InState, Scenario, Send, Step
from robotd.sim.scenario.runner import Result, run_scenario
from robotd.sim.scenario.script import Script
from robotd.sim.scenario.telling import SHOWN_MESSAGES, report
from tests.daemon.story import robot_file
from tests.sim.scenario.making import ROVER, run


def told(result: Result) -> str:
    """The report, with the file called as a person would call it."""
    return report(result, "bump.yaml").replace(result.script.file or "bump.yaml", "bump.yaml")


def test_it_names_the_step_what_was_expected_and_seen_the_messages_and_how_to_repeat_it(
    tmp_path: Path,
) -> None:
    steps = """
        - send: arm
        - send: {drive: {linear: 0.3 m/s}}
        - at: 400 ms
          send: {drive: {linear: 0.3 m/s}}
        - inject: {bump: {}}
        - within: 30 ms
          expect: {state: armed.teleop, base.linear: "> 0.1 m/s"}
        """

    assert told(run(tmp_path, steps, seed=7)) == (
        "bump.yaml:10:5: failed at 0.430 s: not so within 30 ms\n"
        '    expect: {state: armed.teleop, base.linear: "> 0.1 m/s"}\n'
        "    ^\n"
        "  expected: base.linear > 0.1 m/s\n"
        "  seen:     base.linear 0 m/s\n"
        "the last 4 messages:\n"
        "       0.000 s  arm    tcp:127.0.0.1:40001  moved  armed.teleop, ok\n"
        "       0.000 s  drive  tcp:127.0.0.1:40001  stayed  armed.teleop, ok\n"
        "       0.400 s  drive  tcp:127.0.0.1:40001  stayed  armed.teleop, ok\n"
        "       0.400 s  bump   scenario             stayed  armed.teleop, ok\n"
        "repeat: robotd test bump.yaml --seed 7"
    )


def test_a_broken_invariant_is_shown_where_it_stands(tmp_path: Path) -> None:
    result = run(tmp_path, "- send: arm\n- wait: 1 s", top="never: [estopped, armed.teleop]")

    assert told(result).splitlines()[:4] == [
        "bump.yaml:3:19: failed at 0.000 s: never: armed.teleop",
        "never: [estopped, armed.teleop]",
        "                  ^",
        "  seen:     armed.teleop true",
    ]


def test_one_of_the_robots_file_is_shown_there(tmp_path: Path) -> None:
    robot = robot_file(tmp_path, never='never: "armed.teleop"\n')

    result = run(tmp_path, "- send: arm", robot=str(robot))

    first, second, *_ = told(result).splitlines()
    assert re.fullmatch(rf"{robot}:\d+:8: failed at 0\.000 s: never: armed\.teleop", first)
    assert second == 'never: "armed.teleop"'


def test_a_scenario_that_never_was_a_file_shows_its_step() -> None:
    scenario = Scenario(
        robot="example:rover",
        title="of a campaign",
        steps=(Step(Send("arm")), Step(Expect((InState("docked"),)), within_s=0.5)),
    )

    result = run_scenario(Script.of(scenario, load(ROVER)))

    assert told(result).splitlines()[:5] == [
        "failed at 0.500 s: not so within 500 ms",
        "  - within: 500 ms",
        "    expect: {state: docked}",
        "  expected: state docked",
        "  seen:     state armed.teleop, ok",
    ]


def test_a_command_that_never_reached_the_machine_is_told_with_the_reason(tmp_path: Path) -> None:
    steps = "- send: arm\n- send: {drive: {angular: 1 rad/s}}\n- expect: {base.moving: true}"

    assert "  refused:  drive: 'linear' is missing" in told(run(tmp_path, steps)).splitlines()


def test_of_many_messages_the_last_ones_are_shown(tmp_path: Path) -> None:
    steps = (
        "- send: arm\n- send: {drive: {linear: 0.1 m/s}}\n  for: 5 s\n- wait: 4 s\n- expect: {state: docked}"
    )

    lines = told(run(tmp_path, steps)).splitlines()

    assert f"the last {SHOWN_MESSAGES} messages:" in lines
    assert len(lines) == 5 + 1 + SHOWN_MESSAGES + 1


def test_without_a_message_it_says_so(tmp_path: Path) -> None:
    assert "no message came" in told(run(tmp_path, "- expect: {state: armed}"))


def test_what_user_code_raised_is_shown_with_its_traceback(tmp_path: Path) -> None:
    handlers = """
        from robotd import Robot, handler

        @handler
        async def patrol(robot: Robot) -> None:
            await robot.sleep(0.5)
            raise KeyError("nothing")
        """
    robot = robot_file(tmp_path, handlers=handlers)
    steps = "- send: arm\n- send: patrol\n- expect: {state: armed.auto}\n  for: 1 s"

    said = told(run(tmp_path, steps, robot=str(robot)))

    assert "an error was logged at 0.500 s: handler failed action=patrol" in said
    assert 'raise KeyError("nothing")' in said


def test_a_scenario_that_holds_has_nothing_to_report(tmp_path: Path) -> None:
    assert told(run(tmp_path, "- send: arm")) == ""
