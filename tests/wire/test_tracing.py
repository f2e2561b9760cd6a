from __future__ import annotations

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotd.wire.tracing import Trace, read_trace_id, read_traceparent

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
"""Of the examples of the specification (section 3.2.2.3)."""
PARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"


def test_a_traceparent_names_a_trace_and_its_flags():
    assert read_traceparent(PARENT) == Trace(TRACE_ID, 1)
    assert read_traceparent(PARENT[:-2] + "00") == Trace(TRACE_ID, 0)


def test_flags_that_nobody_knows_are_not_carried_on():
    assert read_traceparent(PARENT[:-2] + "ff") == Trace(TRACE_ID, 0b11)


def test_a_later_version_is_read_as_far_as_it_is_known():
    assert read_traceparent(f"cc{PARENT[2:]}") == Trace(TRACE_ID, 1)
    assert read_traceparent(f"cc{PARENT[2:]}-what-the-future-will-be") == Trace(TRACE_ID, 1)


@pytest.mark.parametrize(
    "malformed",
    [
        None,
        7,
        "",
        "00",
        f"ff{PARENT[2:]}",
        f"{PARENT}-more",
        f"{PARENT} ",
        f"cc{PARENT[2:]}.more",
        PARENT.upper(),
        PARENT.replace("-", ""),
        PARENT.replace(TRACE_ID, "0" * 32),
        PARENT.replace("00f067aa0ba902b7", "0" * 16),
        PARENT[:-1],
        f"{PARENT}, {PARENT}",
        f"{PARENT}\n",
    ],
)
def test_a_malformed_traceparent_names_nothing(malformed: object):
    assert read_traceparent(malformed) is None


@given(st.text(st.sampled_from("0123456789abcdef-\nF"), max_size=70) | st.from_regex(r"00-[0-9a-f\-]{40,60}"))
def test_whatever_is_taken_can_be_carried_on(text: str):
    trace = read_traceparent(text)
    if trace is not None:
        carried = read_traceparent(trace.traceparent("c1"))

        assert carried == trace


def test_what_goes_on_has_the_same_trace_and_flags_and_a_span_of_its_own():
    version, trace_id, span, flags = Trace(TRACE_ID, 1).traceparent("c1").split("-")

    assert (version, trace_id, flags) == ("00", TRACE_ID, "01")
    assert len(span) == 16
    assert span != "00f067aa0ba902b7"


def test_a_span_is_named_after_what_it_is_of():
    trace = Trace(TRACE_ID, 1)

    assert trace.traceparent("c1") == trace.traceparent("c1") != trace.traceparent("c2")


def test_only_who_sent_a_traceparent_is_told_one():
    numbers = count(1)

    def new_id() -> str:
        return f"id-{next(numbers)}"

    assert Trace(TRACE_ID).told(new_id) == {"trace_id": TRACE_ID}
    assert next(numbers) == 1
    assert Trace(TRACE_ID, 0).told(new_id) == {
        "trace_id": TRACE_ID,
        "traceparent": Trace(TRACE_ID, 0).traceparent("id-2"),
    }


@pytest.mark.parametrize("text", [TRACE_ID, TRACE_ID.upper(), "4bf92f35-77b3-4da6-a3ce-929d0e0e4736"])
def test_a_trace_id_may_be_a_uuid_and_in_capitals(text: str):
    assert read_trace_id(text) == TRACE_ID


@pytest.mark.parametrize("text", [None, 1, "", "0" * 32, TRACE_ID[:-1], TRACE_ID + "0", "x" * 32])
def test_anything_else_is_no_trace_id(text: object):
    assert read_trace_id(text) is None
