"""Results as JUnit XML, for continuous integration: a suite for each scenario, a case for each seed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple
from xml.etree import ElementTree

from robotd.sim.scenario.runner import Result

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""XML 1.0, section 2.2: the characters that may not even be escaped."""


class Timed(NamedTuple):
    """A result, the file it is of, and how much real time it took."""

    file: str
    result: Result
    took_s: float
    report: str
    """Why it does not hold, for people; empty where it does."""


def as_junit(results: Sequence[Timed]) -> str:
    """The text of the XML file."""
    root = ElementTree.Element("testsuites", {"name": "robotd test"} | _counts(results))
    for file, group in groupby(results, key=lambda timed: timed.file):
        runs = list(group)
        suite = ElementTree.SubElement(root, "testsuite", {"name": _clean(file)} | _counts(runs))
        for timed in runs:
            _add_case(suite, timed)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _add_case(suite: ElementTree.Element, timed: Timed) -> None:
    result = timed.result
    title = result.script.scenario.title
    case = ElementTree.SubElement(
        suite,
        "testcase",
        name=_clean(f"{title} [seed {result.seed}]"),
        classname=_clean(timed.file),
        time=f"{timed.took_s:.3f}",
    )
    properties = ElementTree.SubElement(case, "properties")
    for name, value in (
        ("seed", str(result.seed)),
        ("virtual_time_s", f"{result.duration_s:.3f}"),
        ("digest", result.digest),
    ):
        ElementTree.SubElement(properties, "property", name=name, value=value)
    if result.failure is not None:
        where = f"{result.failure.where}: " if result.failure.where.line else ""
        failure = ElementTree.SubElement(
            case, "failure", message=_clean(where + result.failure.sentence), type="scenario"
        )
        failure.text = _clean(timed.report)


def _counts(results: Sequence[Timed]) -> dict[str, str]:
    return {
        "tests": str(len(results)),
        "failures": str(sum(timed.result.failure is not None for timed in results)),
        "errors": "0",
        "skipped": "0",
        "time": f"{sum(timed.took_s for timed in results):.3f}",
    }


def _clean(text: str) -> str:
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)
