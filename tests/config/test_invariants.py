"""The sections `never` and `always`."""

import pytest

from tests.config.robots import Bench

INVARIANTS = """\
never: "armed.auto and docked"
always:
  - not (estopped and base.moving)
  - battery.value > 9 or docked
"""


@pytest.fixture
def watched(bench: Bench) -> Bench:
    bench.text += INVARIANTS
    return bench


def test_one_text_or_a_list_of_them_each_with_its_place(watched: Bench):
    found = watched.load().invariants
    first = watched.text.splitlines().index('never: "armed.auto and docked"') + 1

    assert [(one.kind, one.text, one.where.line) for one in found] == [
        ("never", "armed.auto and docked", first),
        ("always", "not (estopped and base.moving)", first + 2),
        ("always", "battery.value > 9 or docked", first + 3),
    ]
    assert found[0].expression.states == {"armed.auto", "docked"}


def test_a_robot_need_not_have_any(bench: Bench):
    assert bench.load().invariants == ()


def test_a_name_that_is_not_there_is_told_with_the_one_that_was_meant(watched: Bench):
    watched.change("estopped and base.moving", "estoped and base.moving")

    assert watched.pointed() == (
        "there is no reading or state 'estoped'",
        "estoped and base.moving)",
        "did you mean 'estopped'?",
    )


@pytest.mark.parametrize("text", ["7", "{a: b}", "[]", "[7]", "[[docked]]"])
def test_what_is_no_text_is_refused(watched: Bench, text: str):
    fault = watched.change('"armed.auto and docked"', text).fault()

    assert fault.where.line == watched.text[: watched.text.index("never: ")].count("\n") + 1


def test_a_payload_has_no_place_in_it(watched: Bench):
    fault = watched.change("base.moving", "payload.linear > 0").fault()

    assert fault.sentence == "there is no payload here"


def test_a_device_that_is_wrong_itself_is_reported_once(watched: Bench):
    watched.change("base: {kind: drive_base", "base: {kind: drive_bass")

    assert [fault.sentence for fault in watched.faults() if "moving" in fault.sentence] == []


def test_faults_that_would_break_a_proof_carry_its_code(bench: Bench):
    bench.change("patrol.done, ", "patrol.dome, ")

    assert bench.fault().code == "unknown-trigger"
    assert bench.fault().as_json()["code"] == "unknown-trigger"
    assert bench.shown()[0].startswith("rover.yaml:30:34: error[unknown-trigger]: nothing ever says")
