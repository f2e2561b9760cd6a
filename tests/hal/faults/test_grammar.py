from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.faults import KINDS, Fault, FaultError, FaultKind, parse_fault
from hal.faults.grammar import EXAMPLES, GARBAGE_LIMIT_BYTES


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("corrupt 2%", Fault(FaultKind.CORRUPT, 2)),
        ("drop 0.5 %", Fault(FaultKind.DROP, 0.5)),
        ("delay 5..40 ms", Fault(FaultKind.DELAY, 0.005, 0.04)),
        ("delay 0 .. 1.5 s", Fault(FaultKind.DELAY, 0.0, 1.5)),
        ("split", Fault(FaultKind.SPLIT)),
        ("stall 800 ms", Fault(FaultKind.STALL, 0.8)),
        ("full 500 ms", Fault(FaultKind.FULL, 0.5)),
        ("garbage 64 B", Fault(FaultKind.GARBAGE, 64)),
        ("  unplug   5 s ", Fault(FaultKind.UNPLUG, 5.0)),
        ("unplug 5 s after 10 s", Fault(FaultKind.UNPLUG, 5.0, after_s=10.0)),
        ("garbage 8 B after 250 ms", Fault(FaultKind.GARBAGE, 8, after_s=0.25)),
        ("reboot", Fault(FaultKind.REBOOT)),
        ("reboot garbage 400 B", Fault(FaultKind.REBOOT, 400)),
        ("freeze battery", Fault(FaultKind.FREEZE, name="battery")),
        ("freeze battery for 3 s", Fault(FaultKind.FREEZE, name="battery", for_s=3.0)),
        ("stuck bumper after 2 min", Fault(FaultKind.STUCK, name="bumper", after_s=120.0)),
        ("runaway left for 2 s", Fault(FaultKind.RUNAWAY, name="left", for_s=2.0)),
        ("nak", Fault(FaultKind.NAK)),
        ("deaf for 1 s", Fault(FaultKind.DEAF, for_s=1.0)),
        ("slow clock", Fault(FaultKind.SLOW_CLOCK, 50)),
        ("slow clock 20%", Fault(FaultKind.SLOW_CLOCK, 20)),
        ("corrupt 2% for 10 s after 1 h", Fault(FaultKind.CORRUPT, 2, for_s=10.0, after_s=3600.0)),
        ("split after 1 s for 500 ms", Fault(FaultKind.SPLIT, for_s=0.5, after_s=1.0)),
    ],
)
def test_a_fault_is_read_into_si(text: str, fault: Fault):
    assert parse_fault(text) == fault


def test_every_kind_has_an_example_that_is_read_as_it():
    assert {parse_fault(info.example).kind: kind for kind, info in KINDS.items()} == {k: k for k in FaultKind}
    assert [parse_fault(example).kind for example in EXAMPLES.split(", ")] == list(KINDS)


TIMES = st.floats(0, 1e9)
SPANS = st.tuples(TIMES, TIMES).map(sorted)
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z_0-9]{0,20}", fullmatch=True)
AMOUNTS: dict[FaultKind, st.SearchStrategy[Any]] = {
    FaultKind.CORRUPT: st.builds(dict, amount=st.floats(0, 100)),
    FaultKind.DROP: st.builds(dict, amount=st.floats(0, 100)),
    FaultKind.DELAY: SPANS.map(lambda span: {"amount": span[0], "longest_s": span[1]}),
    FaultKind.STALL: st.builds(dict, amount=TIMES),
    FaultKind.FULL: st.builds(dict, amount=TIMES),
    FaultKind.GARBAGE: st.builds(dict, amount=st.integers(0, GARBAGE_LIMIT_BYTES)),
    FaultKind.UNPLUG: st.builds(dict, amount=TIMES),
    FaultKind.REBOOT: st.builds(dict, amount=st.integers(0, GARBAGE_LIMIT_BYTES)),
    FaultKind.FREEZE: st.builds(dict, name=NAMES),
    FaultKind.STUCK: st.builds(dict, name=NAMES),
    FaultKind.RUNAWAY: st.builds(dict, name=NAMES),
    FaultKind.SLOW_CLOCK: st.builds(dict, amount=st.floats(0, 99, exclude_min=True)),
}


@st.composite
def faults(draw: st.DrawFn) -> Fault:
    kind = draw(st.sampled_from(FaultKind))
    amount: dict[str, Any] = draw(AMOUNTS.get(kind, st.just({})))
    for_s = draw(st.none() | TIMES) if KINDS[kind].lasts else None
    return Fault(kind, **amount, for_s=for_s, after_s=draw(TIMES))


@given(faults())
def test_every_fault_is_written_so_that_it_is_read_as_the_same(fault: Fault):
    assert parse_fault(str(fault)) == fault


@pytest.mark.parametrize(
    "text",
    [
        "delay 5..40 ms",
        "slow clock 20%",
        "reboot garbage 400 B",
        "corrupt 2% for 10 s after 250 ms",
        "stuck b",
    ],
)
def test_a_fault_is_written_as_people_write_it(text: str):
    assert str(parse_fault(text)) == text


@given(
    st.text() | st.lists(st.sampled_from([*FaultKind, "for", "after", "2%", "5 s", "1 B", "x"])).map(" ".join)
)
def test_any_text_is_a_fault_or_told_to_be_none(text: str):
    try:
        fault = parse_fault(text)
    except FaultError:
        return

    assert parse_fault(str(fault)) == fault


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("corupt 2%", "did you mean 'corrupt'?"),
        ("slow clok 2%", "did you mean 'slow clock'?"),
        ("slow", "did you mean 'slow clock'?"),
        ("", "there is no such kind"),
        ("explode", "there is no such kind"),
        ("after 5 s", "there is no such kind"),
        ("split 3", "it takes nothing, so not '3'"),
        ("drop", "'' is not a number"),
        ("drop 2", "2 needs a unit"),
        ("drop 150%", "'150%' is more than all"),
        ("drop -1%", "'-1%' is less than nothing"),
        ("stall 5 m", "'5 m'"),
        ("stall 800 ms please", "please"),
        ("stall 800 ms for 3 s", "'stall' happens once, it takes no 'for'"),
        ("delay 40 ms", "'40 ms' is no span of times"),
        ("delay 40..5 ms", "'40..5 ms' ends before it begins"),
        ("garbage 1.5 B", "'1.5 B' is no whole number of bytes up to 4096"),
        ("garbage 9999 B", "no whole number of bytes up to 4096"),
        ("reboot 400 B", "it may take 'garbage', so not '400 B'"),
        ("freeze", "it needs the name of what it happens to"),
        ("runaway", "it needs the name of what it happens to"),
        ("stuck the bumper", "'the bumper' is no name"),
        ("slow clock 100%", "at most 99 % slower"),
        ("unplug 5 s after lunch", "lunch"),
        ("split for", "'' is not a number"),
        ("deaf for 1 s for 2 s", "'for' stands twice"),
    ],
)
def test_a_text_that_is_no_fault_is_told_with_the_word_and_what_to_write(text: str, why: str):
    with pytest.raises(FaultError) as refusal:
        parse_fault(text)

    sentence, _, examples = str(refusal.value).rpartition("; write ")
    assert sentence.startswith(f"'{text}' is no fault: ")
    assert why in sentence
    if "did you mean" in why or "no such kind" in why:
        assert EXAMPLES in examples
    else:
        assert len(examples) < 40
