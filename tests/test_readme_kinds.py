"""The README's table of kinds is what the code has: every verb, every reading, their units."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from hal import KINDS, Actuator, split_parameter, verbs

ROOT = Path(__file__).parents[1]
ROW = re.compile(
    r"^\| `(?P<kind>\w+)` \| (?P<verbs>[^|]*) \| (?P<readings>[^|]*) \| (?P<drivers>[^|]*) \|$", re.MULTILINE
)


def rows() -> dict[str, tuple[str, str]]:
    return {
        found["kind"]: (found["verbs"].strip(), found["readings"].strip())
        for found in ROW.finditer((ROOT / "README.md").read_text())
    }


def told_verbs(kind: str) -> str:
    """As the table has them, without `halt`, which every actuator has."""
    return ", ".join(_told(name, method) for name, method in verbs(KINDS[kind]).items() if name != "halt")


def _told(name: str, method: Callable[..., object]) -> str:
    _, *parameters = inspect.signature(method).parameters.values()
    return f"`{name}({', '.join(map(_parameter, parameters))})`" if parameters else f"`{name}`"


def _parameter(parameter: inspect.Parameter) -> str:
    name, unit = split_parameter(parameter.name)
    return f"{name} {unit}" if unit else name


def told_readings(kind: str) -> str:
    return ", ".join(
        f"`{name}`{'' if unit in ('', 'bool') else f' {unit}'}" for name, unit in KINDS[kind].READINGS.items()
    )


def test_the_table_has_every_kind() -> None:
    assert list(rows()) == list(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_of_the_table_is_what_the_kind_does(kind: str) -> None:
    assert rows()[kind] == (told_verbs(kind), told_readings(kind))
    assert bool(told_verbs(kind)) is issubclass(KINDS[kind], Actuator)
