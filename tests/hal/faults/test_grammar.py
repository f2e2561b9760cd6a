import pytest

from hal.faults import Fault, FaultError, FaultKind, parse_fault
from hal.faults.grammar import EXAMPLES


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("corrupt 2%", Fault(FaultKind.CORRUPT, 0.02)),
        ("drop 0.5 %", Fault(FaultKind.DROP, 0.005)),
        ("delay 5..40 ms", Fault(FaultKind.DELAY, 0.005, 0.04)),
        ("delay 0 .. 1.5 s", Fault(FaultKind.DELAY, 0.0, 1.5)),
        ("split", Fault(FaultKind.SPLIT)),
        ("stall 800 ms", Fault(FaultKind.STALL, 0.8)),
        ("full 500 ms", Fault(FaultKind.FULL, 0.5)),
        ("garbage 64 B", Fault(FaultKind.GARBAGE, 64)),
        ("  unplug   5 s ", Fault(FaultKind.UNPLUG, 5.0)),
        ("unplug 5 s after 10 s", Fault(FaultKind.UNPLUG, 5.0, after_s=10.0)),
        ("garbage 8 B after 250 ms", Fault(FaultKind.GARBAGE, 8, after_s=0.25)),
    ],
)
def test_a_fault_is_read_into_si(text: str, fault: Fault):
    assert parse_fault(text) == fault


def test_every_example_of_the_grammar_is_a_fault():
    assert {parse_fault(example).kind for example in EXAMPLES.split(", ")} == set(FaultKind)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("corupt 2%", "did you mean 'corrupt'?"),
        ("", "no such fault"),
        ("explode", "no such fault"),
        ("split 3", "'split' takes nothing, so not '3'"),
        ("drop", "'' is not a number"),
        ("drop 2", "2 needs a unit"),
        ("drop 150%", "'150%' is more than all"),
        ("drop -1%", "'-1%' is less than nothing"),
        ("stall 5 m", "'5 m'"),
        ("stall 800 ms please", "please"),
        ("delay 40 ms", "'40 ms' is no span of times"),
        ("delay 40..5 ms", "'40..5 ms' ends before it begins"),
        ("garbage 1.5 B", "'1.5 B' is no whole number of bytes up to 4096"),
        ("garbage 9999 B", "no whole number of bytes up to 4096"),
        ("split after 5 s", "'split' lasts, it takes no 'after'"),
        ("unplug 5 s after lunch", "lunch"),
    ],
)
def test_a_text_that_is_no_fault_is_told_with_the_word_and_the_grammar(text: str, why: str):
    with pytest.raises(FaultError) as refusal:
        parse_fault(text)

    assert str(refusal.value).startswith(f"'{text}' is no fault: ")
    assert why in str(refusal.value)
    assert str(refusal.value).endswith(f"write one of: {EXAMPLES} (or: unplug 5 s after 10 s)")
