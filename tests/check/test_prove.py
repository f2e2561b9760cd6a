"""The report as a whole: what it says when there is too much to look at, and that it is always the same."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from robotd.check import Finding, Report, Severity, Subject, local, prove, states
from robotd.check.codes import CODES
from robotd.check.context import Context
from robotd.core.chart import ALWAYS, NOWHERE, Chart, State, Transition, Where
from robotd.core.machine import MAX_ALWAYS
from tests.check.replaying import Replay
from tests.check.test_defects import FILES
from tests.core.making import UNITS, arrow, chart, region, when


def ring(name: str, size: int) -> Chart:
    paths = [f"{name}{number}" for number in range(size)]
    steps = [arrow(f"next_{name}", path, paths[number - 1]) for number, path in enumerate(paths)]
    return chart(region(*paths, transitions=steps, name=name))


def side_by_side(*charts: Chart) -> Subject:
    return Subject(chart=chart(*(one for each in charts for one in each.regions)), readings=UNITS)


def test_every_configuration_is_counted_with_the_stop():
    report = prove(side_by_side(ring("a", 4), ring("b", 5)))

    assert report.findings == ()
    assert report.configurations == (4 + 1) * 5


def test_beyond_its_bound_it_says_that_not_all_was_looked_at():
    report = prove(side_by_side(ring("a", 20), ring("b", 20)), at_most=100)

    (finding,) = report.findings
    assert (finding.code, finding.severity) == ("unproven", Severity.WARNING)
    assert "more than 100 configurations" in finding.sentence
    assert report.configurations == 100
    assert report.failed(strict=True)
    assert not report.failed()


def test_a_region_that_remembers_too_much_is_not_proven(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(local, "NODES_AT_MOST", 3)

    (finding,) = prove(side_by_side(ring("a", 4))).findings

    assert finding.code == "unproven"
    assert "the region a has more than 3 places to be" in finding.sentence


def test_what_was_found_before_the_bound_is_told():
    subject = Subject(
        chart=chart(
            region("a", "b", "c", transitions=[arrow("go", "a", "b"), arrow("go", "a", "c")]),
            *ring("r", 20).regions,
        )
    )

    codes = [finding.code for finding in prove(subject, at_most=30).findings]

    assert codes == ["unproven"]
    assert "dead-transition" in [finding.code for finding in prove(subject).findings]


def test_a_stop_that_led_elsewhere_would_be_told():
    context = Context(side_by_side(ring("a", 3)))
    assert list(states.stops(context)) == []

    region_a = context.space.regions[0]
    region_a.options[[node.leaf for node in region_a.nodes].index("a2")] = {}

    (finding,) = states.stops(context)
    assert (finding.code, finding.severity) == ("estop", Severity.ERROR)
    assert finding.sentence == "'estop' does not lead from a2 to estopped"


def test_a_chain_without_a_trigger_may_be_as_long_as_the_machine_allows():
    def chain(length: int) -> Subject:
        paths = [f"s{number}" for number in range(length + 1)]
        links = [Transition((), (one,), other, when("bumper.active")) for one, other in pairwise(paths)]
        home = arrow("home", paths[-1], "s0")
        return Subject(chart=chart(region(*paths, transitions=[*links, home])), readings=UNITS)

    assert [one.code for one in prove(chain(MAX_ALWAYS)).findings] == []
    found = [one for one in prove(chain(MAX_ALWAYS + 1)).findings if one.code == "always-cycle"]
    assert len(found) == 1
    assert Replay(chain(MAX_ALWAYS + 1).chart, found[0].trace).cycle is not None


def test_a_stale_reading_on_the_way_is_said():
    subject = Subject(
        chart=chart(
            region(
                State("seeing"),
                State("blind"),
                transitions=[
                    arrow("go", "seeing", None, when("bumper.active")),
                    arrow("go", "seeing", None, when("not bumper.active")),
                    arrow("go", "seeing", "blind"),
                ],
            )
        ),
        readings=UNITS,
    )

    (trap,) = [finding for finding in prove(subject).findings if finding.code == "trap-state"]

    assert trap.trace[-1].readings == {"bumper.active": None}
    assert trap.trace[-1].as_json()["readings"] == {"bumper.active": None}


def test_all_findings_come_in_the_order_of_the_file_and_once():
    first = Finding("trap-state", Severity.ERROR, Where("f", 3, 1), "b")
    second = Finding("trap-state", Severity.ERROR, Where("f", 3, 7), "a")
    nowhere = Finding("unproven", Severity.WARNING, NOWHERE, "c")

    report = Report.of([nowhere, second, first, first], 1)

    assert report.findings == (first, second, nowhere)
    assert report.count(Severity.ERROR) == 2
    assert report.codes_at(Where("f", 3, 7)) == ("trap-state",)


def test_every_code_that_is_found_is_explained():
    sources = Path(states.__file__).parent.glob("*.py")
    said = "".join(path.read_text() for path in sources if path.name != "codes.py")

    assert [code for code in CODES if f'"{code}"' not in said] == []


TELL = """
import sys
from pathlib import Path
from robotd.check import Subject, prove
from robotd.config import load
for name in sys.argv[1:]:
    print([finding.as_json() for finding in prove(Subject.of(load(Path(name)))).findings])
"""


def test_every_run_says_the_same_whatever_the_seed_of_hashes_is():
    names = [str(path) for path in FILES if not path.stem.startswith(("estop", "unknown_"))][::3]

    said = {
        subprocess.run(
            [sys.executable, "-c", TELL, *names],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in "12"
    }

    assert len(said) == 1


def test_a_trigger_called_always_is_nothing_special_in_a_trace():
    """`always` stands in a trace for a change of readings, with the values that make the difference."""
    subject = Subject(
        chart=chart(region("a", "b", transitions=[Transition((), ("a",), "b", when("battery.value < 10"))])),
        readings=UNITS,
    )

    (trap,) = prove(subject).findings

    assert [step.trigger for step in trap.trace] in (["start"], ["start", ALWAYS])
    assert trap.trace[-1].readings["battery.value"] == 9.0
