"""Small robots with one defect each: it is found, with its code, in its line, and its trace leads to it.

The files of `defects/` say in a comment at the end of a line which finding is due there: `# <- trap-state`.
Nothing else may be found in them, notes aside.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from robotd.check import Finding, Report, Severity, Subject, prove
from robotd.check.codes import CODES
from robotd.config import ConfigErrors, RobotConfig, load
from robotd.core.decision import Outcome
from tests.check.replaying import Replay
from tests.core.making import event

FOLDER = Path(__file__).parent / "defects"
FILES = sorted(FOLDER.glob("*.yaml"))
MARK = re.compile(r"# <- ([a-z-]+)$")
REFUSED = ("estop_", "unknown_timeout_untaken", "unknown_outcome_misspelt")
"""Files that are not valid at all: the loader refuses them, with the code."""
CHECKED = [path for path in FILES if not path.stem.startswith(REFUSED)]


def expected(path: Path) -> list[tuple[int, str]]:
    lines = path.read_text().splitlines()
    return [(number, found[1]) for number, line in enumerate(lines, 1) if (found := MARK.search(line))]


def proven(path: Path) -> tuple[RobotConfig, Report]:
    config = load(path)
    return config, prove(Subject.of(config))


def test_there_are_at_least_two_for_each_proof_and_forty_in_all():
    counts = dict.fromkeys(CODES, 0)
    for path in FILES:
        for code in {code for _, code in expected(path)}:
            counts[code] += 1

    assert {code: count for code, count in counts.items() if count < 2} == {
        "no-feedback": 0,
        "unattended": 0,
        "no-lease": 0,
    }
    assert len(FILES) >= 40


@pytest.mark.parametrize("path", CHECKED, ids=lambda path: path.stem)
def test_each_defect_is_found_in_its_line_and_nothing_else(path: Path):
    _, report = proven(path)

    found = [(one.where.line, one.code) for one in report.findings if one.severity is not Severity.NOTE]
    assert found == expected(path)


@pytest.mark.parametrize("path", CHECKED, ids=lambda path: path.stem)
def test_each_trace_does_what_it_says(path: Path):
    config, report = proven(path)

    for finding in report.findings:
        if finding.trace:
            assert all(str(where.file) == str(path) for step in finding.trace for where in step.where)
            replay = Replay(config.chart, finding.trace)
            AT_ITS_END[finding.code](config, finding, replay)
        else:
            assert finding.code in WITHOUT_A_TRACE


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.stem.startswith(REFUSED)], ids=lambda path: path.stem
)
def test_what_would_break_a_proof_at_once_is_refused_with_the_same_code(path: Path):
    with pytest.raises(ConfigErrors) as caught:
        load(path)

    assert [(error.where.line, error.code) for error in caught.value.errors] == expected(path)


# --- what must be so at the end of a trace

WITHOUT_A_TRACE = {
    *("unreachable-state", "unknown-trigger", "no-stop-value", "unused-device"),
    *("unprotected", "no-feedback", "no-guard", "unattended", "no-lease", "unproven"),
}


def in_a_trap(config: RobotConfig, finding: Finding, replay: Replay) -> None:
    """Nothing that the file knows leads out of the state, whatever the readings are."""
    (state,) = [state.path for state in config.chart.states if state.where == finding.where]
    assert state in replay.machine.active
    triggers = {
        trigger
        for region in config.chart.regions
        for transition in region.transitions
        for trigger in transition.triggers
    }
    for trigger in sorted(triggers):
        replay.machine.decide(event(trigger), {})
        assert state in replay.machine.active


def left_for_good(config: RobotConfig, finding: Finding, replay: Replay) -> None:
    """After a stop and a reset the state is still not there."""
    (state,) = [state.path for state in config.chart.states if state.where == finding.where]
    replay.machine.decide(event("estop"), {})
    replay.machine.decide(event("reset"), {})
    assert state not in replay.machine.active


def out_of_the_end(config: RobotConfig, finding: Finding, replay: Replay) -> None:
    (state,) = [state for state in config.chart.states if state.where == finding.where]
    assert state.path in [entry.state.path for entry in replay.decisions[-1].exits]


def broken(config: RobotConfig, finding: Finding, replay: Replay) -> None:
    (invariant,) = [one for one in config.invariants if one.where == finding.where]
    assert invariant.broken({}, replay.machine.active)


def where_it_is_due(config: RobotConfig, finding: Finding, replay: Replay) -> None:
    """The robot is, or was before the last step, in a source of the transition; it was not taken."""
    (transition,) = [
        one for region in config.chart.regions for one in region.transitions if one.where == finding.where
    ]
    present = set(replay.machine.active)
    for path in replay.decisions[-1].before:
        present.update([path, path.rpartition(".")[0]])
    assert present & set(transition.sources)
    assert finding.where not in finding.trace[-1].where


def in_a_circle(config: RobotConfig, finding: Finding, replay: Replay) -> None:
    assert replay.cycle is not None
    assert finding.where in finding.trace[-1].where


def where_nobody_asks(config: RobotConfig, finding: Finding, replay: Replay) -> None:
    failed = re.search(r"'(.*)'", finding.sentence)
    assert failed is not None
    decision = replay.machine.decide(event(failed[1]), {})
    assert (decision.outcome, decision.note) == (Outcome.IGNORED, "unhandled")


def where_it_may_run(config: RobotConfig, finding: Finding, replay: Replay) -> None:
    """The robot is in a state that does it, or that has a transition which does."""
    doing = {state.path for state in config.chart.states if state.do and state.do.where == finding.where}
    doing |= {
        source
        for region in config.chart.regions
        for one in region.transitions
        if one.do and one.do.where == finding.where
        for source in one.sources
    }
    assert doing & replay.machine.active


AT_ITS_END = {
    "trap-state": in_a_trap,
    "not-final": out_of_the_end,
    "no-way-back": left_for_good,
    "never-broken": broken,
    "dead-transition": where_it_is_due,
    "unknown-trigger": where_it_is_due,
    "always-cycle": in_a_circle,
    "unhandled-failure": where_nobody_asks,
    "unbounded-motion": where_it_may_run,
}
