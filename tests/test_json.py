"""The strict codec, held against an independent and slower one, and against bytes that nobody thought of."""

import json
import math
from collections.abc import Callable
from typing import Any, NoReturn

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from robotd.core.limits import Limits
from robotd.errors import Refused
from robotd.json import INTEGER_LIMIT, decode, encode
from tests.counts import cases

SMALL = Limits(message_bytes=200, json_depth=3, string_bytes=8, list_items=3)

# -- a reference: the standard library and a walk, with no thought for speed --------------------------


class ReferenceRefusesError(Exception):
    pass


def reference(text: bytes, limits: Limits) -> Any:
    def no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in pairs}) != len(pairs):
            raise ReferenceRefusesError("a duplicate key")
        return dict(pairs)

    def no_constants(name: str) -> NoReturn:
        raise ReferenceRefusesError(name)

    if len(text) > limits.message_bytes:
        raise ReferenceRefusesError("the size")
    try:
        value = json.loads(text.decode(), object_pairs_hook=no_duplicates, parse_constant=no_constants)
    except (ValueError, RecursionError) as error:
        raise ReferenceRefusesError(str(error)) from None
    walk(value, limits, limits.json_depth)
    return value


def walk(value: Any, limits: Limits, depth: int) -> None:
    if isinstance(value, str):
        try:
            size = len(value.encode())
        except UnicodeEncodeError:
            raise ReferenceRefusesError("a lone surrogate") from None
        if size > limits.string_bytes:
            raise ReferenceRefusesError("a long string")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ReferenceRefusesError("an overflow")
    elif isinstance(value, int):
        if not -INTEGER_LIMIT <= value < INTEGER_LIMIT:
            raise ReferenceRefusesError("an overflow")
    elif isinstance(value, list | dict):
        if depth == 0 or len(value) > limits.list_items:
            raise ReferenceRefusesError("the shape")
        for item in value:
            walk(item, limits, depth - 1)
        for item in value.values() if isinstance(value, dict) else ():
            walk(item, limits, depth - 1)


def verdict(decoder: Callable[[bytes, Limits], Any], text: bytes, limits: Limits) -> str:
    try:
        return repr(decoder(text, limits))
    except (Refused, ReferenceRefusesError):
        return "refused"


# -- texts that are JSON, or nearly ------------------------------------------------------------------

SPACE = st.sampled_from([b"", b"", b"", b" ", b"\n\t", b"\r"])
NUMBERS = st.sampled_from(
    [
        *(b"0", b"-0", b"1", b"-1.5e3", b"1e308", b"1e309", b"-1e999", b"NaN", b"Infinity", b"-Infinity"),
        *(b"9223372036854775807", b"9223372036854775808", b"-9223372036854775808", b"-9223372036854775809"),
        *(b"1" * 30, b"1" * 150, b"01", b"1.", b".5", b"+1", b"1e", b"0x1", b"1_000"),
    ]
) | st.floats().map(repr).map(str.encode)
STRINGS = st.sampled_from(
    [
        *(b'""', b'"a"', b'"a:b"', b'"{"', b'"123456789"', b'"\xc3\xa4"', b'"\\u0061"', b'"\\u0000"', b"'a'"),
        *(b'"\\ud800"', b'"\\ud83d\\ude00"', b'"\\udc00\\ud800"', b'"\xed\xa0\x80"', b'"\xff"', b'"\x00"'),
    ]
) | st.text(max_size=10).map(json.dumps).map(str.encode)
WORDS = st.sampled_from([b"true", b"false", b"null", b"True", b"nul", b"\xef\xbb\xbf1"])


def objects(values: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    members = st.tuples(SPACE, STRINGS, SPACE, values, SPACE).map(
        lambda m: m[0] + m[1] + m[2] + b":" + b"".join(m[3:])
    )
    return st.lists(members, max_size=4).map(lambda found: b"{" + b",".join(found) + b"}")


def lists(values: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return st.lists(values, max_size=4).map(lambda found: b"[" + b",".join(found) + b"]")


TEXTS = st.recursive(NUMBERS | STRINGS | WORDS, lambda inner: objects(inner) | lists(inner), max_leaves=8)
WELL_FORMED = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=10), inner, max_size=5),
    max_leaves=10,
)


@settings(max_examples=cases(10_000), deadline=None)
@given(TEXTS)
@example(b'{"a":1,"a":1}')
@example(b'{"a:":1}')
@example(b'[{"a":1,"\\u0061":2}]')
def test_it_takes_and_refuses_what_a_slow_strict_reader_does_with_limits_large_and_small(text):
    for limits in (Limits(), SMALL):
        assert verdict(reference, text, limits) == verdict(decode, text, limits)


@settings(max_examples=cases(10_000, 100), deadline=None)
@given(st.data())
def test_a_text_with_bytes_changed_anywhere_is_read_right_or_refused(data):
    text = bytearray(data.draw(TEXTS))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(text)))
        text[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))

    assert verdict(reference, bytes(text), Limits()) == verdict(decode, bytes(text), Limits())


@settings(max_examples=cases(10_000), deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_and_raise_nothing_else(text):
    reason = ""
    try:
        decode(text)
    except Refused as refused:
        reason = refused.reason

    assert reason in {"", "parse_error", "invalid_params", "too_large"}


@settings(max_examples=cases(10_000, 100), deadline=None)
@given(WELL_FORMED)
def test_what_is_encoded_decodes_to_the_same_value(value):
    limits = Limits(json_depth=30)

    assert value == decode(encode(value), limits)
    assert value == decode(json.dumps(value).encode(), limits)


# -- the table of refusals, one by one ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "parse_error"),
        (b"{", "parse_error"),
        (b"{'a': 1}", "parse_error"),
        (b'{"a": 1} x', "parse_error"),
        (b"\xff", "parse_error"),
        (b'{"a": "\xff"}', "parse_error"),
        (b'{"a": NaN}', "invalid_params"),
        (b'{"a": -Infinity}', "invalid_params"),
        (b'{"a": 1e999}', "invalid_params"),
        (b'{"a": ' + b"9" * 30 + b"}", "invalid_params"),
        (b'{"a": ' + b"9" * 9000 + b"}", "invalid_params"),
        (b'{"a": 1, "a": 2}', "invalid_params"),
        (b'{"a": {"b": 1, "b": 1}}', "invalid_params"),
        (b'{"a": "\\ud800"}', "invalid_params"),
        (b'"\\udc00"', "invalid_params"),
        (b"[" * 17 + b"]" * 17, "too_large"),
        (b"[" * 8000 + b"]" * 8000, "too_large"),
        (b"[" * 16000, "too_large"),
        (b'"' + b"x" * 4097 + b'"', "too_large"),
        (b'{"' + b"x" * 4097 + b'": 1}', "too_large"),
        (b"[" + b"1," * 256 + b"1]", "too_large"),
        (b" " * 16384 + b"1", "too_large"),
    ],
)
def test_each_sort_of_refusal_has_its_reason(text, reason):
    with pytest.raises(Refused) as refused:
        decode(text)

    assert reason == refused.value.reason


@pytest.mark.parametrize(
    "text",
    [
        b"[" * 16 + b"]" * 16,
        b'"' + b"x" * 4096 + b'"',
        b"[" + b"1," * 255 + b"1]",
        b" " * 16383 + b"1",
        b'{"a": "' + b":" * 40 + b'"}',
        b'{"time": "12:30:45", "b": {"time": "12:30:45"}}',
    ],
)
def test_what_is_just_within_the_limits_is_taken(text):
    assert json.loads(text) == decode(text)


def test_a_result_that_is_no_json_still_makes_an_answer():
    assert encode({"a": math.nan}) == b'{"a":null}'
    assert encode({"a": msgspec}) == encode({"a": repr(msgspec)})
