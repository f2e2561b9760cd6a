"""Whatever stands in a scenario's file, it is refused as data: no traceback, no hang."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from robotd.config import ConfigErrors
from robotd.sim.scenario.reading import read_scenario
from robotd.sim.scenario.steps import ACTIONS
from tests.config.test_fuzz import DATA, WEIRD
from tests.counts import cases
from tests.sim.scenario.making import CONFIG, robots

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXTS = [
    path.read_text().replace("../rover.yaml", "example:rover")
    for path in (CONFIG / "scenarios").glob("*.yaml")
]
TEXTS.sort()
LINES = sorted({line for text in TEXTS for line in text.splitlines() if ":" in line and "#" not in line})
KEYS = sorted({"at", "robot", "steps", *ACTIONS, *(key for beside in ACTIONS.values() for key in beside)})


def survives(folder: Path, text: str) -> None:
    path = folder / "scenario.yaml"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    errors = None
    try:
        read_scenario(path, robots())
    except ConfigErrors as refused:
        errors = refused

    assert errors is None or (errors.report() and json.dumps(errors.as_json()))


@given(st.sampled_from(TEXTS), st.data())
@settings(PATIENT, max_examples=cases(5_000, 100))
def test_a_mutant_of_a_scenario_is_refused_or_read(tmp_path: Path, text: str, data: st.DataObject) -> None:
    lines = text.splitlines()
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(lines) - 1))
        change = data.draw(st.sampled_from(["drop", "repeat", "value", "key", "indent", "steal", "cut"]))
        key, colon, _ = lines[place].partition(": ")
        match change:
            case "drop" if len(lines) > 1:
                del lines[place]
            case "repeat":
                lines.insert(place, lines[place])
            case "value":
                lines[place] = f"{key}{colon}{data.draw(st.sampled_from(WEIRD))}"
            case "key":
                lines[place] = lines[place].replace(key.strip(" -"), data.draw(st.sampled_from(KEYS)), 1)
            case "indent":
                lines[place] = " " * data.draw(st.integers(0, 8)) + lines[place].lstrip()
            case "steal":
                lines[place] = data.draw(st.sampled_from(LINES))
            case _:
                lines[place] = lines[place][: data.draw(st.integers(0, len(lines[place])))]

    survives(tmp_path, "\n".join(lines))


@given(st.sampled_from(KEYS), DATA, st.sampled_from([*ACTIONS]))
@settings(PATIENT, max_examples=cases(5_000, 100))
def test_any_key_of_a_step_may_hold_any_data(tmp_path: Path, key: str, data: object, action: str) -> None:
    step = {action: "arm", key: data}

    survives(tmp_path, json.dumps({"robot": "example:rover", "scenario": "x", "steps": [step]}))


@given(
    st.sampled_from(["state", "event", "count", "order", "stage", "answer", "world", "board", "base.linear"]),
    DATA,
)
@settings(PATIENT, max_examples=cases(5_000, 100))
def test_any_fact_may_be_any_data(tmp_path: Path, key: str, data: object) -> None:
    steps = [{"send": "arm"}, {"expect": {key: data}}]

    survives(tmp_path, json.dumps({"robot": "example:rover", "scenario": "x", "steps": steps}))


@given(st.sampled_from(["robot", "scenario", "seed", "faults", "set", "steps", "never", "always"]), DATA)
@settings(PATIENT, max_examples=cases(3_000, 100))
def test_any_section_may_hold_any_data(tmp_path: Path, key: str, data: object) -> None:
    top = {"robot": "example:rover", "scenario": "x", "steps": [{"send": "arm"}]}

    survives(tmp_path, json.dumps(top | {key: data}))


@pytest.mark.parametrize("robot", ["", ".", "\\0", "a" * 5000, "example:", "example:../rover", "/dev/null"])
def test_any_text_may_be_the_robot(tmp_path: Path, robot: str) -> None:
    survives(tmp_path, f'robot: "{robot}"\nscenario: x\nsteps: [{{send: arm}}]\n')
