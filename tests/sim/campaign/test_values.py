"""What a random operator asks an arm for: its own joints, near its own limits."""

from __future__ import annotations

import random
from collections import Counter
from math import radians
from pathlib import Path

from robotd.config import load
from robotd.sim.campaign.values import Values

CONFIG = Path(__file__).parents[3] / "config"
ARM = load(CONFIG / "arm.yaml")
JOINTS = {"base", "shoulder", "elbow", "wrist", "roll"}


def test_numbers_by_name_are_those_of_the_parts_near_their_limits() -> None:
    values = Values(ARM, random.Random(0))
    parameters = ARM.commands["move_to"].parameters

    drawn = [values.payload("move_to", parameters)["joints"] for _ in range(300)]

    named = {name for joints in drawn for name in joints}
    numbers = [number for joints in drawn for number in joints.values() if isinstance(number, float)]
    usual = [number for number in numbers if abs(number) < radians(150)]
    assert named == JOINTS
    assert {len(joints) for joints in drawn} == {0, 1, 2, 3, 4, 5}
    assert len(usual) > len(numbers) / 2


def test_a_file_is_mostly_one_that_is_there_or_was_recorded_before() -> None:
    gantry = Values(load(CONFIG / "gantry.yaml"), random.Random(0))
    parameters = load(CONFIG / "gantry.yaml").commands["run_job"].parameters

    drawn = Counter(gantry.payload("run_job", parameters)["file"] for _ in range(600))

    jobs = {path.relative_to(CONFIG).as_posix() for path in (CONFIG / "jobs").iterdir()}
    assert {"shown.csv", *jobs} < set(drawn)
    assert sum(drawn[job] for job in jobs) > 300


def test_a_command_is_often_given_nothing_that_need_not_be_said() -> None:
    values = Values(load(CONFIG / "gantry.yaml"), random.Random(0))
    parameters = load(CONFIG / "gantry.yaml").commands["pick_and_place"].parameters

    drawn = [len(values.payload("pick_and_place", parameters)) for _ in range(600)]

    assert 200 < drawn.count(0) < 300
    assert drawn.count(len(parameters)) > 50


def test_the_temperature_of_a_joint_comes_near_that_with_which_its_arm_is_compared() -> None:
    values = Values(ARM, random.Random(0))

    drawn = [values.threshold("elbow_temperature", 25.0) for _ in range(300)]

    assert min(drawn) < 60.0
    assert max(drawn) > 70.0
