"""Whatever stands in a file, it is refused as data: no traceback, no hang, whatever else it may be."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from robotd.config import ConfigErrors, load
from tests.config.robots import PATROL, ROBOT
from tests.config.test_rover import TEXT, VALUES
from tests.counts import cases

WEIRD = [
    *(
        "",
        "~",
        "true",
        "off",
        "0",
        "-1",
        "1e3",
        "1e999",
        ".nan",
        "9" * 30,
        "''",
        "' '",
        "x",
        "ä",
        "0 m",
        "%s",
    ),
    *(
        "a.b",
        "'a..b'",
        "'.'",
        "':'",
        "'a:'",
        "'{braces} {0}'",
        "&a x",
        "*a",
        "!!int 3",
        "'\\0'",
        '"\\0"',
        '"\\ud800"',
    ),
    *(
        "[]",
        "[[]]",
        "{}",
        "{x: 1}",
        "[x, x]",
        "{a: {b: {c: []}}}",
        "{mode: queued}",
        "{mast.move_to: {angle: {}}}",
    ),
    *(
        "estop",
        "estopped",
        "payload.x",
        "all",
        "mast.move_to",
        "'firmata:x'",
        "os:system",
        "'../x:y'",
        "../patrol.py",
    ),
]
NAMES = [
    "left",
    "base",
    "arduino",
    "armed",
    "estopped",
    "bump",
    "patrol",
    "kind",
    "motor",
    "drive_base",
    "states",
]
NAMES += [
    "initial",
    "do",
    "when",
    "trigger",
    "source",
    "dest",
    "main",
    "regions",
    "always",
    "timeout",
    "after",
    "mode",
]
WORDS = st.sampled_from(NAMES) | st.text(max_size=6)
DATA: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | WORDS
    | st.sampled_from(["1 m", "2 rad/s", "A1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)
SECTIONS = [
    "robot",
    "boards",
    "devices",
    "events",
    "handlers",
    "machine",
    "listen",
    "limits",
    "hosts",
    "origins",
]

PATIENT = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "patrol.py").write_text(PATROL)
    return tmp_path


def survives(folder: Path, text: str) -> None:
    path = folder / "rover.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with suppress(ConfigErrors):
        load(path)


@given(st.sampled_from(VALUES), st.sampled_from(WEIRD))
@settings(PATIENT, max_examples=cases(3_000, 30))
def test_any_value_of_the_rover_may_be_anything(folder: Path, value, weird):
    _, node = value
    end = node.end or node.start + 1

    survives(folder, f"{TEXT[: node.start]}{weird}{TEXT[end:]}")


@given(st.dictionaries(st.sampled_from(SECTIONS), DATA, min_size=1, max_size=10))
@settings(PATIENT, max_examples=cases(5_000, 30))
def test_any_section_may_hold_any_data(folder: Path, data):
    survives(folder, json.dumps(data, ensure_ascii=False))


@given(st.sampled_from([line for line in ROBOT.splitlines() if line.startswith("  ")]), DATA)
@settings(PATIENT, max_examples=cases(3_000, 30))
def test_any_entry_may_hold_any_data(folder: Path, line, data):
    key, colon, _ = line.partition(":")
    survives(folder, ROBOT.replace(line, f"{key}{colon} {json.dumps(data)}"))


@given(st.binary(max_size=300))
@settings(PATIENT, max_examples=cases(2_000, 30))
def test_any_bytes_may_be_the_file(folder: Path, data):
    path = folder / "rover.yaml"
    path.write_bytes(data)

    with pytest.raises(ConfigErrors) as caught:
        load(path)

    assert caught.value.report()
