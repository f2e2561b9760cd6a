"""What is no expression is refused with its place and a hint, and only ever by an `ExpressionError`."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robotd.core.expression import ExpressionError, compile_expression
from robotd.core.parser import MAX_NESTING
from robotd.core.tokens import MAX_LENGTH, MAX_TOKENS
from tests.core.making import UNITS
from tests.counts import cases

STATES = ("armed", "armed.auto")


def refused(text: str, *, payload: bool = True) -> ExpressionError:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text, readings=UNITS, states=STATES, payload=payload)
    assert 0 <= caught.value.offset <= len(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("", 0),
        ("   ", 3),
        ("bumper.active and", 17),
        ("bumper.active bumper.active", 14),
        ("(bumper.active", 14),
        ("bumper.active)", 13),
        ("not", 3),
        ("< 3", 0),
        ("battery.value > ", 16),
        ("battery.value > > 3", 16),
        ("battery.value ** 2 > 3", 15),
        ("battery.value // 2 > 3", 15),
        ("battery.value = 3", 14),
        ("battery.value > 10.8 V", 21),
        ("battery.value > 30cm", 18),
        ("battery.value > 0x10", 17),
        ("battery.value > 1e999", 16),
        ("bumper.active & cliff.active", 14),
        ("bumper.active == 'yes'", 17),
        ('bumper.active == "yes"', 17),
        ("abs > 3", 4),
        ("abs() > 3", 4),
        ("abs(1, 2) > 3", 0),
        ("min(1) > 3", 0),
        ("max(1, 2", 8),
        ("and", 0),
    ],
)
def test_a_text_outside_the_grammar_is_refused_where_it_goes_wrong(text: str, offset: int) -> None:
    assert refused(text).offset == offset


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "().__class__.__bases__",
        "battery.value.__class__ == 1",
        "battery.value.real > 1",
        "true.real",
        "payload.__class__.__mro__ == 1",
        "lambda: true",
        "(x := 3) > 2",
        "f'{battery.value}'",
        "[1, 2]",
        "{}",
        "battery.value if bumper.active else 3",
        "[x for x in y]",
        "open('file')",
        "eval('1')",
        "print(1)",
        "battery.value(1) > 2",
        "bumper.active; cliff.active",
        "bumper.active # a comment",
        "`bumper.active`",
        "battery.value > 1j",
        "battery.value > 1_000",
        "battery.value @ 2 > 1",
        "~1 > 2",
        "1 << 9 > 2",
        "bumper.active\x00",
        "\\",
        "bumper .active",
        "bumper. active",
        "None",
        "...",
    ],
)
def test_the_tricks_of_other_languages_are_refused(text: str) -> None:
    refused(text)


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("ｂattery.value > 1", 0),
        ("battery.value > １", 16),
        ("battery.value ≥ 1", 14),
        ("battery.value > ²", 16),
        ("bаttery.value > 1", 1),  # the second letter is Cyrillic, which is the point
        ("bumper.active\u2028and true", 13),
        ("bumper.active\u00a0and true", 13),
        ("\ud800", 0),
        ("\N{RIGHT-TO-LEFT OVERRIDE}true", 0),
    ],
)
def test_letters_and_digits_beyond_ascii_are_no_words(text: str, offset: int) -> None:
    assert refused(text).offset == offset


def test_an_unknown_name_is_told_with_the_nearest_one() -> None:
    error = refused("bumper.active or batery.value > 3")

    assert (error.offset, error.hint) == (17, "did you mean 'battery.value'?")


def test_a_device_without_a_reading_is_told_its_readings() -> None:
    assert refused("battery > 3").hint == "name the reading too: 'battery.value'"


def test_the_words_of_python_for_true_and_false_get_a_hint() -> None:
    assert refused("bumper.active == True").hint == "did you mean 'true'?"


def test_a_number_with_a_unit_gets_a_hint() -> None:
    hint = refused("battery.value > 10.8 V").hint

    assert hint is not None
    assert "SI" in hint


def test_a_state_that_is_not_known_is_refused() -> None:
    assert refused("armed.autoo").hint == "did you mean 'armed.auto'?"


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("battery.value", 0),
        ("1", 0),
        ("-battery.value", 0),
        ("not battery.value", 4),
        ("bumper.active and battery.value", 18),
        ("bumper.active > 1", 0),
        ("battery.value > bumper.active", 16),
        ("bumper.active == 1", 17),
        ("bumper.active + 1 > 1", 0),
        ("-bumper.active", 1),
        ("abs(bumper.active) > 1", 4),
        ("armed > 1", 0),
        ("true == 1", 8),
        ("(1 < 2) < 3", 1),
    ],
)
def test_flags_and_numbers_do_not_mix(text: str, offset: int) -> None:
    assert refused(text).offset == offset


def test_one_payload_value_cannot_be_a_number_here_and_a_flag_there() -> None:
    assert refused("payload.on and payload.on > 1").offset == 15


@pytest.mark.parametrize("text", ["payload", "payload.a.b > 1"])
def test_a_payload_value_has_one_name(text: str) -> None:
    refused(text)


def test_where_there_is_no_message_there_is_no_payload() -> None:
    assert refused("payload.linear > 1", payload=False).sentence == "there is no payload here"


def test_a_text_has_a_greatest_length() -> None:
    fits = "true" + " " * (MAX_LENGTH - 4)
    compile_expression(fits, readings={})

    assert refused(fits + " ").offset == MAX_LENGTH


@pytest.mark.parametrize(
    "bracket", ["(", "abs(", "not ", "-", "min(1, ", "(not -abs(", "1 + (", "true and ("]
)
def test_deep_nesting_is_refused_before_it_hurts(bracket: str) -> None:
    assert f"more than {MAX_NESTING} deep" in refused(bracket * (MAX_NESTING + 1)).sentence


def test_nesting_up_to_the_bound_is_understood() -> None:
    text = "(" * MAX_NESTING + "true" + ")" * MAX_NESTING

    assert compile_expression(text, readings={}).test({}, {}, ()).holds


def test_a_long_chain_is_bounded_by_its_words() -> None:
    terms = MAX_TOKENS // 2
    longest = "+".join(["1"] * (terms - 1))
    assert compile_expression(f"{longest} > 1", readings={}).test({}, {}, ()).holds

    assert "words and signs" in refused("+".join(["1"] * (terms + 1))).sentence


FRAGMENTS = [
    *UNITS,
    *STATES,
    *(
        "payload.a",
        "payload.b",
        "and",
        "or",
        "not",
        "true",
        "false",
        "abs",
        "min",
        "max",
        "0",
        "1.5",
        "1e3",
        "x",
    ),
    *(
        "(",
        ")",
        ",",
        "<",
        "<=",
        ">",
        ">=",
        "==",
        "!=",
        "+",
        "-",
        "*",
        "/",
        " ",
        "\t",
        "\n",
        ".",
        "=",
        "é",
        "'",
    ),
]


@settings(max_examples=cases(10_000), deadline=None)
@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(FRAGMENTS), max_size=40).map(" ".join)))
def test_any_text_is_an_expression_that_never_raises_or_is_refused_with_a_place(text: str) -> None:
    refusal = None
    try:
        expression = compile_expression(text, readings=UNITS, states=STATES)
        expression.test(dict.fromkeys(UNITS, 1.0), {"a": 1.0, "b": True}, STATES)
    except ExpressionError as error:
        refusal = error

    assert refusal is None or (0 <= refusal.offset <= len(text) and refusal.sentence == str(refusal) != "")


@settings(max_examples=cases(1_000), deadline=None)
@given(st.text(alphabet="()-not abs,1<", min_size=200, max_size=3 * MAX_LENGTH))
def test_a_hostile_text_ends_in_a_refusal_and_not_in_a_deep_recursion(text: str) -> None:
    with contextlib.suppress(ExpressionError):
        compile_expression(text, readings={})
