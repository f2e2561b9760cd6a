"""Plain data against a pydantic model, with faults in the words of the file. It knows no places in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from robotd.config.document import Step, Steps, describe
from robotd.config.errors import nearest

T = TypeVar("T")

_DUE = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
"""What pydantic's type errors ask for."""
_WORDS_FOR_FLAGS = {"on": "true", "yes": "true", "y": "true", "off": "false", "no": "false", "n": "false"}


class Flaw(NamedTuple):
    """What is wrong, at the value (or the key) at `steps` of the data."""

    steps: Steps
    sentence: str
    hint: str | None = None
    at_key: bool = False


def validate(value: Any, due: type[T]) -> tuple[T | None, list[Flaw]]:
    """`value` as `due` (a model or any type that pydantic knows), strictly; or what is wrong with it."""
    kind: Any = due  # a type is hashable, but mypy does not see it
    try:
        # As JSON: strict means there that a list may become a tuple, a text an enumeration, and no more.
        valid: T = _adapter(kind).validate_json(json.dumps(value), strict=True)
        return valid, []
    except ValidationError as error:
        return None, list(_flaws(error.errors(include_url=False), value, due))


def _flaws(details: list[ErrorDetails], value: Any, due: Any) -> Iterator[Flaw]:
    fields = [field.alias or name for name, field in getattr(due, "model_fields", {}).items()]
    meant: set[Step] = set()
    """Keys that were misspelled: they are unknown as they stand, and nothing else is missing."""
    said: set[tuple[Steps, bool]] = set()
    """Of a union each branch has its own complaint; the first is the one for people."""
    for detail in sorted(details, key=lambda detail: detail["type"] == "missing"):
        steps, found = _follow(value, detail["loc"])
        if detail["type"] == "extra_forbidden":
            flaw = _unknown(steps, fields if len(steps) == 1 else [])
            meant |= {field for field in fields if flaw.hint == f"did you mean '{field}'?"}
        elif detail["type"] == "missing":
            flaw = Flaw(steps, f"'{detail['loc'][-1]}' is missing", at_key=True)
            if detail["loc"][-1] in meant:
                continue
        else:
            flaw = Flaw(steps, *_explain(detail, found))
        if detail["type"] == "missing" or (flaw.steps, flaw.at_key) not in said:
            said.add((flaw.steps, flaw.at_key))
            yield flaw


def _unknown(steps: Steps, fields: list[str]) -> Flaw:
    key = str(steps[-1])
    return Flaw(steps, f"unknown key '{key}'", nearest(key, fields, what="keys"), at_key=True)


def _explain(detail: ErrorDetails, found: Any) -> tuple[str, str | None]:
    """A sentence and a hint for a value that is there and does not fit."""
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in _DUE:
        word = _WORDS_FOR_FLAGS.get(found.lower()) if isinstance(found, str) else None
        hint = f"write {word}" if word and kind.startswith("bool") else None
        return f"{_DUE[kind]} is due here, not {describe(found)}", hint
    if kind in {"literal_error", "enum"}:
        options = re.findall(r"'([^']*)'", str(context["expected"]))
        return f"{describe(found)} may not stand here", nearest(str(found), options, what="choices")
    if kind == "string_pattern_mismatch":
        return (
            f"{describe(found)} does not have the form that is due here",
            f"the pattern is {context['pattern']}",
        )
    sentence = context.get("sentence") or detail["msg"].replace("Input should", "this should")
    return str(sentence), context.get("hint")


def _follow(value: Any, loc: tuple[Step, ...]) -> tuple[Steps, Any]:
    """As far as the data goes along a pydantic location, which also names branches of unions."""
    steps: Steps = ()
    for step in loc:
        known = (
            value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
        )
        if step in known:
            value = value[step]
            steps = (*steps, step)
    return steps, value


@cache
def _adapter(due: Any) -> TypeAdapter[Any]:
    return TypeAdapter(due)
