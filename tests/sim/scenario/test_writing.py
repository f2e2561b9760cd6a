"""A scenario as text: what is written reads as the same again."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotd.config.document import parse
from robotd.sim.scenario.model import (
    Amount,
    Answered,
    BoardIs,
    Bound,
    Cancel,
    Connect,
    Counted,
    DeviceIs,
    Disconnect,
    Expect,
    Fault,
    Gap,
    Inject,
    InOrder,
    InState,
    Mend,
    ReadingIs,
    Reset,
    Scenario,
    Send,
    SetWorld,
    StageIs,
    Step,
    Stop,
    Told,
    Wait,
    WorldIs,
    Write,
)
from robotd.sim.scenario.reading import read_scenario
from robotd.sim.scenario.writing import flow, seconds, to_yaml
from tests.sim.scenario.making import CONFIG, robots

EVERYTHING = Scenario(
    robot=str(CONFIG / "rover.yaml"),
    title="everything: once",
    seed=7,
    faults={"arduino": ("corrupt 2%", "unplug 5 s after 10 s")},
    world={"battery": Amount(11.5, "V"), "bumper": False},
    steps=(
        Step(Send("arm"), at_s=0.0),
        Step(Connect("visitor")),
        Step(Connect("phone", "websocket")),
        Step(Gap(0.5)),
        Step(
            Send("drive", {"linear": "0.3 m/s", "angular": -0.5}, name="first", valid_for_s=0.25), for_s=2.0
        ),
        Step(Send("drive", id="x y", priority="background", version=1, times=3, client="visitor")),
        Step(Cancel("first", "visitor")),
        Step(Disconnect("visitor")),
        Step(SetWorld({"battery": Amount(10.2, "V"), "bumper": True, "range": None}), at_s=2.5),
        Step(Fault("arduino", "freeze battery for 2 s")),
        Step(Mend()),
        Step(Mend("arduino")),
        Step(Inject("bump")),
        Step(Inject("bump", {"hard": True})),
        Step(Wait(0.03)),
        Step(Write('{"type": "drive", "payload": {"linear": NaN}} # \\ \'')),
        Step(
            Expect(
                (
                    InState("armed"),
                    InState("armed.teleop"),
                    Told("bump"),
                    Told("battery_low", happened=False),
                    InOrder(("arm", "bump")),
                    Answered({"error": {"data": {"reason": "busy", "list": [1, 2.5, None, "a: b"]}}}),
                    ReadingIs("base.linear", Bound(">=", 0.1, "m/s")),
                    ReadingIs("left.duty", Bound("=", 0.25)),
                    ReadingIs("base.moving", True),
                    ReadingIs("range.value", None),
                    StageIs("done", "first", "freshness"),
                    StageIs("preempted", "drive"),
                    Counted("bump", 2),
                    WorldIs("x", Bound("..", -0.5, "", 1e-07)),
                    WorldIs("lamp", False),
                    BoardIs("arduino", "online"),
                    DeviceIs("base", "active"),
                )
            ),
            within_s=0.005,
            for_s=60.0,
        ),
        Step(Expect((StageIs("done"),))),
        Step(Stop("a child: runs")),
        Step(Reset()),
        Step(Reset("not the latch")),
    ),
    never=("base.moving and estopped", "armed and docked"),
    always=("battery.value > 3",),
)


def test_every_step_and_every_fact_reads_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(to_yaml(EVERYTHING))

    assert read_scenario(path, robots()).scenario == EVERYTHING


def test_it_is_written_as_a_person_would() -> None:
    scenario = Scenario(
        robot="../rover.yaml",
        title="a bump stops the wheels",
        steps=(
            Step(Send("drive", {"linear": "0.3 m/s"}), at_s=1.0, for_s=2.0),
            Step(Expect((Told("bump"), ReadingIs("base.linear", Bound("=", 0.0, "m/s")))), within_s=0.03),
        ),
        never=("base.moving and estopped",),
    )

    assert to_yaml(scenario) == (
        "# yaml-language-server: $schema=scenario.schema.json\n"
        "robot: ../rover.yaml\n"
        "scenario: a bump stops the wheels\n"
        "steps:\n"
        "  - at: 1 s\n"
        "    send: {drive: {linear: 0.3 m/s}}\n"
        "    for: 2 s\n"
        "  - within: 30 ms\n"
        "    expect: {event: bump, base.linear: 0 m/s}\n"
        "never:\n"
        "  - base.moving and estopped\n"
    )


@pytest.mark.parametrize("path", sorted((CONFIG / "scenarios").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_scenarios_read_as_they_are_written_again(tmp_path: Path, path: Path) -> None:
    scenario = read_scenario(path, robots()).scenario
    again = tmp_path / "scenarios" / path.name
    again.parent.mkdir()
    for beside in CONFIG.iterdir():
        if beside.name != "scenarios":
            (tmp_path / beside.name).symlink_to(beside)
    again.write_text(to_yaml(scenario))

    assert read_scenario(again, robots()).scenario == scenario


PRINTABLE = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co"]), max_size=20)
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.floats(allow_nan=False, allow_infinity=False)
    | PRINTABLE,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(PRINTABLE.filter(lambda key: key != "<<"), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(PLAIN)
def test_any_data_on_one_line_reads_as_the_same(data: object) -> None:
    document = parse(f"key: {flow(data)}\n", "file")

    assert not document.errors
    assert document.root.value["key"] == data


@given(st.floats(1e-6, 1e6))
def test_a_time_reads_as_the_same(time_s: float) -> None:
    number, unit = seconds(time_s).split()

    assert math.isclose(float(number) / {"s": 1, "ms": 1000}[unit], time_s, rel_tol=1e-15)
