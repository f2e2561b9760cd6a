"""The schemas that lie beside the examples, for editors, are those that the code would print."""

from __future__ import annotations

import json
from pathlib import Path

from robotd.config import json_schema
from robotd.sim.scenario.schema import scenario_schema

CONFIG = Path(__file__).parents[2] / "config"
RENEW = "robotd schema > config/robotd.schema.json; robotd schema --scenario > config/scenario.schema.json"


def test_the_schema_of_a_robot_is_up_to_date():
    assert json.loads((CONFIG / "robotd.schema.json").read_text()) == json_schema(), RENEW


def test_the_schema_of_a_scenario_is_up_to_date():
    assert json.loads((CONFIG / "scenario.schema.json").read_text()) == scenario_schema(), RENEW


def test_every_example_names_the_schema_that_lies_beside_it():
    for file in (*CONFIG.glob("*.yaml"), *CONFIG.glob("scenarios/*.yaml")):
        first = file.read_text().splitlines()[0]
        assert (file.parent / first.rpartition("$schema=")[2]).is_file(), file
