"""The JSON Schema of the file: complete in itself, and of one mind with the reader about keys and units."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from robotd.config import json_schema
from robotd.config.document import parse

SCHEMA = json_schema()
ROVER = Path(__file__).parents[2] / "config" / "rover.yaml"


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """`schema` with the references at its top followed."""
    for part in [schema, *schema.get("allOf", [])]:
        if "$ref" in part:
            return resolved(SCHEMA["$defs"][part["$ref"].rpartition("/")[2]])
    return schema


def everything(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
    for inner in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from everything(inner)


def problems(value: Any, schema: dict[str, Any], place: str = "") -> list[str]:
    """What the parts of JSON Schema that we use say against `value`."""
    found: list[str] = []
    for part in schema.get("allOf", []):
        if "if" not in part:
            found += problems(value, part, place)
        elif not problems(value, part["if"], place):
            found += problems(value, part["then"], place)
    if "$ref" in schema:
        found += problems(value, SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]], place)
    branches = schema.get("anyOf", [])
    if branches and all(problems(value, branch, place) for branch in branches):
        found.append(f"{place}: fits no branch")
    if "const" in schema and value != schema["const"]:
        found.append(f"{place}: is not {schema['const']}")
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{place}: is none of {schema['enum']}")
    types = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
    types |= {"integer": int, "number": int | float}  # type: ignore[dict-item]  # good enough for isinstance
    wanted = schema.get("type", [])
    wanted = [wanted] if isinstance(wanted, str) else wanted
    if wanted and not any(isinstance(value, types[name]) for name in wanted):
        return [*found, f"{place}: is no {wanted}"]
    if isinstance(value, str) and "pattern" in schema and not re.search(schema["pattern"], value):
        found.append(f"{place}: has not the pattern {schema['pattern']}")
    if isinstance(value, dict):
        properties, more = schema.get("properties", {}), schema.get("additionalProperties", True)
        found += [f"{place}: lacks {key}" for key in schema.get("required", []) if key not in value]
        found += [f"{place}: {key} is unknown" for key in value if key not in properties and more is False]
        for key, item in value.items():
            inner = properties.get(key, more if isinstance(more, dict) else {})
            found += problems(item, inner, f"{place}/{key}")
    if isinstance(value, list) and "items" in schema:
        found += [problem for item in value for problem in problems(item, schema["items"], place)]
    return found


def test_every_reference_leads_somewhere():
    for part in everything(SCHEMA):
        if "$ref" in part:
            assert part["$ref"].rpartition("/")[2] in SCHEMA["$defs"]


def test_it_knows_every_section_of_the_file():
    assert set(SCHEMA["properties"]) == {
        *(
            "robot",
            "boards",
            "devices",
            "events",
            "handlers",
            "machine",
            "never",
            "always",
            "listen",
            "limits",
            "journal",
            "guard",
            "lease",
            "access",
            "hosts",
            "origins",
        )
    }
    assert SCHEMA["required"] == ["robot", "machine"]
    assert SCHEMA["additionalProperties"] is False


def test_it_accepts_the_rover():
    assert problems(parse(ROVER.read_text(), "rover.yaml").root.value, SCHEMA) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("robot: rover", "robt: rover"),
        ("robot: rover", "robot: 3"),
        ("max_speed: 0.8 m/s", "max_speed: 0.8"),
        ("max_speed: 0.8 m/s", "max_speed: 0.8 V"),
        ("max_speed: 0.8 m/s", "max_sped: 0.8 m/s"),
        ("pwm_pin: 5", "pwm_pin: five"),
        ("pin: 9, ", ""),
        ("kind: servo, ", ""),
        ("lane: safety", "lane: urgent"),
        ("unattended: true", "unattended: yes"),
        ("after: 10 min", "after: 10"),
        ("docked: {active: [mast, position]", "docked: {active: mst"),
        ("handlers: [patrol.py]", "handlers: patrol.py"),
        ("trigger: arm, ", ""),
        ("baud: 57600", "baud: '57600'"),
    ],
)
def test_it_refuses_what_the_reader_refuses(old, new):
    text = ROVER.read_text()
    assert old in text

    assert problems(parse(text.replace(old, new), "rover.yaml").root.value, SCHEMA) != []


def test_quantities_say_their_unit_and_an_example():
    speed = resolved(SCHEMA["$defs"]["DriveBaseSpec"])["properties"]["max_speed"]

    assert speed["x-unit"] == "m/s"
    assert re.match(speed["pattern"], speed["examples"][0])


def test_defaults_are_written_as_a_file_would_write_them():
    for part in everything(SCHEMA):
        if "x-unit" in part and "default" in part:
            assert re.match(part["pattern"], part["default"]), part


def test_every_kind_of_device_is_there():
    kinds = SCHEMA["$defs"]["Device"]["properties"]["kind"]["examples"]

    assert {"motor", "drive_base", "servo", "digital_input", "digital_output", "analog_input"} <= set(kinds)


def test_limits_are_in_it_with_their_defaults():
    limits = resolved(SCHEMA["properties"]["limits"])["properties"]

    assert limits["connections"]["default"] == 64
    assert limits["ping"]["default"] == "1 s"
