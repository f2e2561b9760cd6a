"""What a random operator asks an arm for: its own joints, near its own limits."""

from __future__ import annotations

import random
from math import radians
from pathlib import Path

from robotd.config import load
from robotd.sim.campaign.values import Values

ARM = load(Path(__file__).parents[3] / "config" / "arm.yaml")
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
