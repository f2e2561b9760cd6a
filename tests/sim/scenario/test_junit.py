"""JUnit XML, read back as continuous integration reads it."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from robotd.sim.scenario.junit import Timed, as_junit
from robotd.sim.scenario.telling import report
from tests.sim.scenario.making import run, scenario_file


def results(folder: Path) -> list[Timed]:
    good = [run(folder, "- send: arm\n- wait: 2 s", seed=seed) for seed in (3, 4)]
    bad = run(folder, "- send: arm\n- expect: {state: docked}", seed=5)
    return [
        *(Timed("good.yaml", result, 0.25, "") for result in good),
        Timed("bad.yaml", bad, 0.5, report(bad, "bad.yaml")),
    ]


def test_each_scenario_is_a_suite_and_each_seed_a_case(tmp_path: Path) -> None:
    root = ElementTree.fromstring(as_junit(results(tmp_path)))

    assert root.tag == "testsuites"
    assert (root.attrib["tests"], root.attrib["failures"], root.attrib["time"]) == ("3", "1", "1.000")
    good, bad = root
    assert good.attrib == {
        "name": "good.yaml",
        "tests": "2",
        "failures": "0",
        "errors": "0",
        "skipped": "0",
        "time": "0.500",
    }
    assert [case.attrib["name"] for case in good] == ["a test [seed 3]", "a test [seed 4]"]
    assert {case.attrib["classname"] for case in bad} == {"bad.yaml"}


def test_a_case_tells_its_seed_its_virtual_time_and_its_digest(tmp_path: Path) -> None:
    told = results(tmp_path)
    case = ElementTree.fromstring(as_junit(told))[0][0]

    properties = {entry.attrib["name"]: entry.attrib["value"] for entry in case.iter("property")}

    assert properties == {"seed": "3", "virtual_time_s": "2.000", "digest": told[0].result.digest}


def test_a_failure_has_its_place_and_the_whole_report(tmp_path: Path) -> None:
    told = results(tmp_path)
    (failure,) = ElementTree.fromstring(as_junit(told)).iter("failure")

    assert failure.attrib["message"] == f"{tmp_path}/scenario.yaml:5:5: not so"
    assert failure.text == told[-1].report


def test_what_xml_cannot_hold_is_replaced(tmp_path: Path) -> None:
    path = scenario_file(tmp_path, "- expect: {state: armed}")
    result = run(path.parent, "- expect: {state: armed}")

    root = ElementTree.fromstring(as_junit([Timed('a\x00<&>".yaml', result, 0.0, "\x1b[31m ]]> \ud800")]))

    assert root[0].attrib["name"] == 'a\ufffd<&>".yaml'
    (failure,) = root.iter("failure")
    assert failure.text == "\ufffd[31m ]]> \ufffd"


def test_no_result_is_an_empty_report() -> None:
    assert ElementTree.fromstring(as_junit([])).attrib["tests"] == "0"
