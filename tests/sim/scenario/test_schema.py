"""The JSON Schema of a scenario's file knows the keys that the reader knows."""

from __future__ import annotations

from robotd.sim.scenario.schema import scenario_schema
from robotd.sim.scenario.shape import FACTS, ScenarioModel
from robotd.sim.scenario.steps import ACTIONS

SCHEMA = scenario_schema()
STEP = SCHEMA["$defs"]["StepModel"]


def test_it_has_every_section_and_its_description() -> None:
    keys = [field.alias or name for name, field in ScenarioModel.model_fields.items()]

    assert list(SCHEMA["properties"]) == keys
    assert SCHEMA["required"] == ["robot", "scenario", "steps"]
    assert all("description" in entry for key, entry in SCHEMA["properties"].items() if key != "steps")


def test_a_step_has_one_action_and_what_may_stand_beside_it() -> None:
    assert {*STEP["properties"]} == {"at", *ACTIONS, *(key for beside in ACTIONS.values() for key in beside)}
    assert [branch["required"] for branch in STEP["oneOf"]] == [[action] for action in ACTIONS]


def test_an_expectation_has_every_fact_and_readings_beside_them() -> None:
    expect = STEP["properties"]["expect"]

    assert tuple(expect["properties"]) == FACTS
    assert "stale" in expect["additionalProperties"]["examples"]


def test_every_reference_leads_somewhere() -> None:
    assert SCHEMA["properties"]["steps"]["items"] == {"allOf": [{"$ref": "#/$defs/StepModel"}]}
    assert [*SCHEMA["$defs"]] == ["StepModel"]
