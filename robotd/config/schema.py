"""The JSON Schema of a robot's file: editors complete and check by it (`# yaml-language-server: $schema=`).

It says what keys there are and what their values look like, units included. Whether names exist and things
fit together is for `load`: a schema cannot say it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from hal import COMPOSITES, Driver, DriverNotFound, driver_names, find_driver
from robotd.config.journal import JournalModel
from robotd.config.listen import LimitsModel
from robotd.config.models import (
    AlwaysModel,
    EventModel,
    FileModel,
    ListenModel,
    MachineModel,
    RegionModel,
    StateModel,
    TimeoutModel,
    TransitionModel,
)
from robotd.config.safety import AccessModel, GuardInputModel, GuardModel, LeaseModel

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_MODELS = (
    FileModel,
    MachineModel,
    RegionModel,
    StateModel,
    TimeoutModel,
    TransitionModel,
    AlwaysModel,
    EventModel,
    ListenModel,
    LimitsModel,
    JournalModel,
    GuardModel,
    GuardInputModel,
    LeaseModel,
    AccessModel,
)
_ACTION = {"type": "string", "description": "a handler, or a verb of a device: base.drive"}
_STEP = {
    "anyOf": [
        _ACTION,
        {
            "type": "object",
            "description": "one action with its arguments, and what a second call of it does",
            "properties": {
                "mode": {"enum": ["restart", "queued", "parallel", "single"], "default": "restart"}
            },
            "additionalProperties": {"type": ["object", "null"]},
            "minProperties": 1,
            "maxProperties": 2,
        },
    ]
}


def json_schema(left_out: Callable[[str], None] | None = None) -> dict[str, Any]:
    """The schema of the whole file, with the kinds of every driver, those of installed packages too.

    A driver that cannot be imported is left out, and `left_out` told why: what it allows nobody knows.
    """
    drivers = [*_drivers(left_out)]
    boards = {driver.name: driver.board_spec for driver in drivers}
    devices: dict[str, list[type[BaseModel]]] = {kind: [spec] for kind, spec in COMPOSITES.items()}
    for driver in drivers:
        for kind, spec in driver.device_specs.items():
            devices.setdefault(kind, []).append(spec)
    specs = [*boards.values(), *(spec for of_kind in devices.values() for spec in of_kind)]
    models: dict[type[BaseModel], None] = dict.fromkeys([*_MODELS, *specs])
    refs, schema = models_json_schema([(model, "validation") for model in models])
    definitions: dict[str, Any] = schema["$defs"]

    def ref(model: type[BaseModel]) -> dict[str, Any]:
        return dict(refs[(model, "validation")])

    definitions["Step"] = _STEP
    definitions["Board"] = _choice("driver", ((name, [ref(spec)]) for name, spec in boards.items()))
    definitions["Device"] = _choice(
        "kind", ((kind, [ref(one) for one in of_kind]) for kind, of_kind in devices.items())
    )
    root = definitions.pop(ref(FileModel)["$ref"].rpartition("/")[2])
    return {"$schema": DIALECT, **tidied(root), "$defs": tidied(definitions)}


def _drivers(left_out: Callable[[str], None] | None) -> Iterator[Driver]:
    for name in driver_names():
        try:
            yield find_driver(name)
        except DriverNotFound as error:
            why = str(error)
        except Exception as error:  # raised by the driver's own module: its author's turn
            why = f"the driver '{name}' cannot be imported: {type(error).__name__}: {error}"
        else:
            continue
        if left_out is not None:
            left_out(why)


def tidied(schema: Any) -> Any:
    """Without the titles and nulls that pydantic makes up, and with defaults as a file would write them."""
    if isinstance(schema, list):
        return [tidied(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    unit, default = schema.get("x-unit"), schema.get("default")
    made_up = {"title"} if isinstance(schema.get("title"), str) else set()
    made_up |= {"default"} if "default" in schema and default is None else set()
    tidy = {key: tidied(value) for key, value in schema.items() if key not in made_up}
    return tidy | {"default": f"{default:g} {unit}"} if unit and isinstance(default, float) else tidy


def _choice(key: str, cases: Iterable[tuple[str, list[dict[str, Any]]]]) -> dict[str, Any]:
    """A mapping whose `key` says which schema holds for the rest of it."""
    branches = list(cases)
    return {
        "type": "object",
        "required": [key],
        "properties": {key: {"type": "string", "examples": [name for name, _ in branches]}},
        "allOf": [
            {
                "if": {"properties": {key: {"const": name}}, "required": [key]},
                "then": schemas[0] if len(schemas) == 1 else {"anyOf": schemas},
            }
            for name, schemas in branches
        ],
    }
