"""Each kind of step and each kind of expectation: it holds where it should, and fails where it should."""

from __future__ import annotations

from pathlib import Path

import pytest

from robotd.core.machine import StateMachine
from robotd.sim.scenario.runner import run_scenario
from tests.daemon.story import robot_file
from tests.sim.scenario.making import failure, run, script

ARM = "- send: arm\n"
DRIVE = ARM + "- send: {drive: {linear: 0.3 m/s}}\n"

HOLDS = {
    "send": ARM + "- expect: {state: armed.teleop}",
    "send with its payload": DRIVE + "- expect: {base.target_linear: 0.3 m/s}",
    "send with the payload beside it": ARM
    + "- send: drive\n  payload: {linear: 0.2}\n- expect: {base.target_linear: 0.2 m/s}",
    "send under a name": DRIVE + "- send: arm\n  as: again\n- expect: {stage: {again: rejected}}",
    "send valid for": "- lease: acquire\n"
    + DRIVE.rstrip()
    + "\n  valid_for: 1 s\n- expect: {base.moving: true}\n  for: 990 ms",
    "send for": DRIVE.rstrip() + "\n  for: 1 s\n- expect: {base.moving: true}\n  for: 1 s\n"
    "- within: 10 ms\n  expect: {base.moving: false, stage: cancelled}",
    "send many times": ARM
    + "- send: drive\n  payload: {linear: 0.1}\n  times: 5\n- expect: {count: {drive: 5}}",
    "send twice with one id": ARM
    + "- send: {light: {on: true}}\n  id: lamp\n- wait: 100 ms\n- send: {light: {on: true}}\n  id: lamp\n"
    "- expect: {count: {light: 1}, stage: done}",
    "send with a version": "- send: arm\n  version: 7\n- expect: {stage: rejected invalid_params}",
    "send in the background": "- send: arm\n  priority: background\n- expect: {stage: done}",
    "stop": DRIVE + "- stop: enough\n- expect: {state: estopped, stage: cancelled stopped}",
    "reset": "- stop: enough\n- wait: 600 ms\n- reset: latest\n- expect: {state: disarmed}",
    "reset with the wrong latch": "- stop: enough\n- wait: 600 ms\n- reset: garbage\n"
    "- expect: {state: estopped, answer: {error: {data: {reason: latched}}}}",
    "reset without a stop": "- reset: latest\n"
    "- expect: {answer: {error: {data: {reason: not_in_this_state}}}}",
    "lease": "- connect: visitor\n- lease: acquire\n  from: visitor\n"
    + DRIVE
    + "- expect: {stage: rejected no_lease}\n- lease: steal\n- expect: {answer: {error: {data: {reason: "
    "no_lease}}}}\n- lease: release\n  from: visitor\n- lease: acquire\n"
    + DRIVE
    + "- expect: {stage: {drive: started}}",
    "lease for": "- lease: acquire\n  for: 3 s\n- expect: {no_event: operator_lost}\n  for: 6.8 s\n"
    "- within: 200 ms\n  expect: {event: operator_lost}",
    "cancel": DRIVE + "- cancel: drive\n- expect: {stage: cancelled, base.target_linear: 0 m/s}",
    "set": "- set: {battery: 10.2 V}\n- within: 60 ms\n  expect: {battery.value: 10.1..10.3 V}",
    "set free": "- set: {battery: 10.2 V}\n- wait: 100 ms\n- set: {battery: free}\n"
    "- within: 60 ms\n  expect: {battery.value: '> 12 V'}",
    "set a switch": "- set: {bumper: pressed}\n"
    "- within: 30 ms\n  expect: {bumper.active: pressed, event: bump}",
    "fault": "- fault: {arduino: unplug 1 s}\n- within: 50 ms\n"
    "  expect: {event: arduino.lost, board: {arduino: lost, gps: online}}",
    "mend": "- fault: {arduino: stall 1 h}\n- wait: 500 ms\n- expect: {battery.value: stale}\n"
    "- mend: arduino\n- within: 3 s\n  expect: {battery.value: '> 12 V'}",
    "mend all": "- fault: {arduino: drop 100%}\n- wait: 500 ms\n- mend: all\n"
    "- within: 9 s\n  expect: {battery.value: '> 12 V'}",
    "inject": ARM + "- inject: battery_low\n- expect: {state: docked, event: battery_low}",
    "inject with its payload": "- inject: {bump: {hard: true}}\n- expect: {event: bump}",
    "wait": "- wait: 3 s\n- at: 3 s\n  send: arm",
    "a second client": "- connect: visitor\n- send: arm\n  from: visitor\n- expect: {state: armed}",
    "a client that hangs up": "- connect: visitor\n- disconnect: visitor\n- connect: visitor\n"
    "- stop: here again\n  from: visitor\n- expect: {state: estopped}",
    "a client in a browser": "- connect: phone\n  over: websocket\n- send: arm\n  from: phone\n"
    "- expect: {stage: done, state: armed}",
    "a gap in the network": "- gap: 1 s\n- send: arm\n- expect: {state: disarmed}\n  for: 1 s\n"
    "- within: 1 ms\n  expect: {state: armed, stage: done}",
    "write": "- write: nonsense\n- expect: {answer: {error: {code: -32700, data: {reason: parse_error}}}}",
    "write a word": "- write: stop\n- expect: {state: estopped}",
    "expect states of parents": ARM + "- expect: {state: [armed, armed.teleop]}",
    "expect within": "- within: 5.5 s\n  expect: {world: {bumper: false}}",
    "expect no event": ARM + "- expect: {no_event: bump}",
    "expect an order": ARM + "- send: disarm\n- inject: bump\n- expect: {order: [arm, bump]}",
    "expect a count": "- inject: bump\n- inject: bump\n- expect: {count: {bump: 2, battery_low: 0}}",
    "expect a device": ARM + "- expect: {device: {base: active}}",
    "expect the world": DRIVE.rstrip() + "\n  for: 2 s\n- within: 2 s\n  expect: {world: {x: '>= 0.3'}}",
    "expect an answer": ARM + "- expect: {answer: {result: {stage: done, state: armed.teleop}}}",
    "an event at the moment of the last expectation": DRIVE.rstrip()
    + "\n  for: 9 s\n- within: 9 s\n  expect: {world: {bumper: true}}\n"
    + "- within: 30 ms\n  expect: {event: bump}",
}


@pytest.mark.parametrize("steps", HOLDS.values(), ids=HOLDS)
def test_it_holds(tmp_path: Path, steps: str) -> None:
    result = run(tmp_path, steps)

    assert result.failure is None


FAILS = {
    "a state": (ARM + "- expect: {state: docked}", "state docked", "state armed.teleop, ok"),
    "a reading": (
        "- expect: {base.linear: > 1 m/s}".replace("> 1 m/s", "'> 1 m/s'"),
        "base.linear > 1 m/s",
        "base.linear 0 m/s",
    ),
    "a flag": ("- expect: {base.moving: true}", "base.moving true", "base.moving false"),
    "a span": ("- expect: {battery.value: 1..2 V}", "battery.value 1..2 V", "battery.value 12.5757 V"),
    "staleness": ("- expect: {battery.value: stale}", "battery.value stale", "battery.value 12.5757 V"),
    "a stale reading": (
        "- fault: {arduino: unplug 9 s}\n- wait: 100 ms\n- expect: {battery.value: '> 0 V'}",
        "battery.value > 0 V",
        "battery.value stale",
    ),
    "the world": ("- expect: {world: {x: 1}}", "world x 1", "world x 0"),
    "a board": (
        "- expect: {board: {arduino: lost}}",
        "board arduino lost",
        "board arduino online (StandardFirmata 2.5)",
    ),
    "a device": ("- expect: {device: {base: active}}", "device base active", "device base inactive"),
    "an event": (ARM + "- expect: {event: bump}", "event bump", "arm since the last expectation was met"),
    "an event that was used": (
        "- inject: bump\n- expect: {event: bump}\n- expect: {event: bump}",
        "event bump",
        "nothing since the last expectation was met",
    ),
    "no event": (
        "- inject: bump\n- expect: {no_event: bump}",
        "no event bump",
        "bump since the last expectation was met",
    ),
    "a count": ("- inject: bump\n- expect: {count: {bump: 2}}", "bump 2 times", "bump 1 times"),
    "an order": (
        "- inject: bump\n- send: arm\n- expect: {order: [arm, bump]}",
        "events in this order: arm, bump",
        "bump, arm",
    ),
    "a stage": (
        DRIVE + "- expect: {stage: done}",
        "the last command done",
        "drive received accepted journaled started",
    ),
    "a stage of a name": (
        DRIVE + "- expect: {stage: {arm: rejected}}",
        "arm rejected",
        "arm received accepted journaled done",
    ),
    "a reason": (
        "- send: arm\n- send: arm\n- expect: {stage: rejected latched}",
        "the last command rejected (latched)",
        "arm received accepted journaled rejected (not_in_this_state)",
    ),
    "an answer": (
        "- write: nonsense\n- expect: {answer: {error: {code: 1}}}",
        "answer {error: {code: 1}}",
        None,
    ),
    "no answer": ("- expect: {answer: {result: {}}}", "answer {result: {}}", "answer null"),
}


@pytest.mark.parametrize(("steps", "expected", "seen"), FAILS.values(), ids=FAILS)
def test_it_fails_and_says_what_is_so(tmp_path: Path, steps: str, expected: str, seen: str | None) -> None:
    found = failure(tmp_path, steps)

    assert found.sentence == "not so"
    assert found.details[0] == ("expected", expected)
    assert seen is None or found.details[1] == ("seen", seen)


def test_every_fact_that_is_not_so_is_told_and_no_other(tmp_path: Path) -> None:
    found = failure(tmp_path, ARM + "- expect: {state: armed, base.moving: true, event: bump}")

    assert [text for word, text in found.details if word == "expected"] == ["base.moving true", "event bump"]


def test_a_window_is_exact(tmp_path: Path) -> None:
    lapse = ARM + "- send: {drive: {linear: 0.3 m/s}}\n- within: %s\n  expect: {stage: done freshness}"

    assert run(tmp_path, lapse % "400 ms").failure is None
    assert failure(tmp_path, lapse % "399.9 ms").sentence == "not so within 399.9 ms"


def test_what_has_to_last_is_watched_to_the_end_and_not_beyond(tmp_path: Path) -> None:
    moving = ARM + "- send: {drive: {linear: 0.3 m/s}}\n- expect: {base.moving: true}\n  for: %s"

    assert run(tmp_path, moving % "400 ms").failure is None
    assert failure(tmp_path, moving % "401 ms").sentence == "so for 400 ms, not for 401 ms"


def test_what_must_become_so_and_then_last(tmp_path: Path) -> None:
    steps = "- set: {battery: 11 V}\n- within: 60 ms\n  for: 1 s\n  expect: {battery.value: 10.9..11.1 V}"

    assert run(tmp_path, steps).failure is None
    assert run(tmp_path, steps + "\n- at: 2 s\n  expect: {state: disarmed}").duration_s == pytest.approx(2)


def test_a_reading_that_goes_stale_does_not_last(tmp_path: Path) -> None:
    steps = "- fault: {arduino: stall 1 s}\n- expect: {battery.value: '> 1 V'}\n  for: 500 ms"
    found = failure(tmp_path, steps)

    assert found.details == (("expected", "battery.value > 1 V"), ("seen", "battery.value stale"))
    assert found.at == pytest.approx(0.15, abs=0.06)


def test_a_step_that_comes_too_late_says_so(tmp_path: Path) -> None:
    silent = "- fault: {arduino: stall 1 s}\n- within: 1 s\n  expect: {event: arduino.silent}\n"

    found = failure(tmp_path, silent + "- at: 100 ms\n  send: arm")

    assert (found.sentence, found.step) == ("it was due at 100 ms; the steps before took longer", 2)
    assert run(tmp_path, silent + "- at: 300 ms\n  send: arm").failure is None


def test_a_step_that_cannot_be_done_says_why(tmp_path: Path) -> None:
    steps = "".join(f"- connect: phone{number}\n  over: websocket\n" for number in range(8))

    found = failure(tmp_path, steps)

    assert found.sentence.startswith("this cannot be done: ")
    assert found.step == 7


def test_a_bug_that_nobody_caught_is_a_failure(tmp_path: Path) -> None:
    handlers = """
        import asyncio
        from robotd import Robot, handler

        @handler
        async def patrol(robot: Robot) -> None:
            asyncio.get_running_loop().call_soon(lambda: 1 / 0)
        """
    robot = robot_file(tmp_path, handlers=handlers)

    found = failure(tmp_path, ARM + "- send: patrol\n- wait: 1 s", robot=str(robot))

    assert found.sentence == "nobody caught: ZeroDivisionError('division by zero')"


def test_the_world_may_be_held_from_the_start(tmp_path: Path) -> None:
    steps = ARM + "- expect: {battery.value: 10.5..10.6 V, stage: rejected guard_false}"

    assert run(tmp_path, steps, top="set: {battery: 10.55 V}").failure is None


def test_faults_may_be_there_from_the_start(tmp_path: Path) -> None:
    steps = "- expect: {board: {arduino: lost}}\n- within: 4 s\n  expect: {event: arduino.back}"

    assert run(tmp_path, steps, top="faults: {arduino: [unplug 2 s after 100 ms, split]}").failure is None


@pytest.mark.parametrize(
    ("top", "word"),
    [("never: base.moving", "never: base.moving"), ("always: not base.moving", "always: not base.moving")],
)
def test_an_invariant_ends_the_scenario_where_it_breaks(tmp_path: Path, top: str, word: str) -> None:
    found = failure(tmp_path, ARM + "- at: 1 s\n  send: {drive: {linear: 0.3 m/s}}\n- wait: 9 s", top=top)

    assert found.sentence == word
    assert found.at == pytest.approx(1.0, abs=0.05)
    assert found.details == (("seen", "base.moving true"),)
    assert found.where.line == 3


def test_the_invariants_of_the_robots_file_are_watched_too(tmp_path: Path) -> None:
    robot = robot_file(tmp_path, never='never: "armed and base.moving"\n')
    found = failure(tmp_path, DRIVE + "- wait: 1 s", robot=str(robot))

    assert found.sentence == "never: armed and base.moving"
    assert found.where.file == str(robot)


def test_the_same_seed_is_the_same_run_and_another_is_another(tmp_path: Path) -> None:
    first, again, other = (run(tmp_path, DRIVE + "- wait: 1 s", seed=seed) for seed in (3, 3, 4))

    assert first.digest == again.digest
    assert first.digest != other.digest


def test_a_scenario_has_a_seed_of_its_own(tmp_path: Path) -> None:
    assert run_scenario(script(tmp_path, ARM, top="seed: 7")).seed == 7


def test_a_daemon_that_falls_is_a_failure_with_its_traceback(tmp_path: Path) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug of ours")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StateMachine, "decide", broken)
        found = failure(tmp_path, ARM)

    assert found.sentence.startswith("the daemon fell: ")
    assert "ZeroDivisionError: a bug of ours" in dict(found.details)["traceback"]
