"""The JSON Schema of a scenario's file: editors complete and check by it.

Whether a name exists is for `read_scenario`: it depends on the robot.
"""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import models_json_schema

from robotd.config.schema import DIALECT, tidied
from robotd.sim.scenario.shape import ScenarioModel, StepModel
from robotd.sim.scenario.steps import ACTIONS


def scenario_schema() -> dict[str, Any]:
    """The schema of the whole file."""
    _, schema = models_json_schema([(ScenarioModel, "validation"), (StepModel, "validation")])
    definitions = tidied(schema["$defs"])
    root = definitions.pop(ScenarioModel.__name__)
    # A step does one thing, and that thing decides what may stand beside it.
    definitions[StepModel.__name__]["oneOf"] = [
        {
            "required": [action],
            "propertyNames": {"enum": ["at", action, *sorted(beside)]},
        }
        for action, beside in ACTIONS.items()
    ]
    return {"$schema": DIALECT, **root, "$defs": definitions}
