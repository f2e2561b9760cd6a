from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robotd.core.message import Lane
from robotd.core.stage import STAGES, TERMINAL
from robotd.errors import Refused
from robotd.wire.params import (
    check_names,
    number,
    read_send,
    read_topics,
    required_text,
    stop_reason,
)
from robotd.wire.service import SendRequest
from tests.counts import cases

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"


def read(**params: Any) -> SendRequest:
    return read_with_wait(**params)[0]


def read_with_wait(**params: Any) -> tuple[SendRequest, frozenset[str]]:
    numbers = count(1)
    return read_send({"type": "drive", **params}, 7.0, lambda: f"made-{next(numbers)}", lambda: "f" * 32)


def test_the_shortest_send_gets_an_id_a_trace_id_and_the_defaults():
    request = read()

    assert (request.type, request.payload, request.id, request.trace_id) == ("drive", {}, "made-1", "f" * 32)
    assert (request.at, request.priority, request.valid_for_s) == (7.0, Lane.COMMAND, None)
    assert (request.correlation_id, request.version) == (None, None)


def test_everything_that_a_client_may_say_arrives():
    request = read(
        payload={"linear": 0.3},
        id="c1",
        trace_id=TRACE_ID,
        correlation_id="c0",
        priority="background",
        valid_for_ms=250,
        version=3,
    )

    assert (request.payload, request.id, request.trace_id) == ({"linear": 0.3}, "c1", TRACE_ID)
    assert (request.correlation_id, request.priority) == ("c0", Lane.BACKGROUND)
    assert (request.valid_for_s, request.version) == (0.25, 3)


@pytest.mark.parametrize(
    ("wait", "stages"),
    [
        ("accepted", TERMINAL | {"accepted", "journaled", "started"}),
        ("journaled", TERMINAL | {"journaled", "started"}),
        ("started", TERMINAL | {"started"}),
        ("done", TERMINAL),
    ],
)
def test_a_send_is_answered_by_the_stage_it_waits_for_or_any_later_one(wait, stages):
    assert read_with_wait(wait=wait)[1] == stages
    assert stages <= set(STAGES)


def test_without_a_wait_the_answer_comes_with_the_start_or_the_end():
    assert read_with_wait()[1] == read_with_wait(id="c1")[1] == TERMINAL | {"started"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("type", None),
        ("type", ""),
        ("type", 7),
        ("type", ["drive"]),
        ("type", "x" * 65),
        ("payload", None),
        ("payload", [1]),
        ("id", ""),
        ("id", 12),
        ("id", None),
        ("id", "x" * 65),
        ("trace_id", "abc"),
        ("trace_id", "0" * 32),
        ("trace_id", 1),
        ("correlation_id", ["c0"]),
        ("priority", "safety"),
        ("priority", 0),
        ("priority", ["command"]),
        ("valid_for_ms", 0),
        ("valid_for_ms", -1),
        ("valid_for_ms", "400"),
        ("valid_for_ms", True),
        ("valid_for_ms", 1e12),
        ("valid_for_ms", None),
        ("version", 1.0),
        ("version", True),
        ("wait", "received"),
        ("wait", {}),
    ],
)
def test_a_wrong_parameter_is_refused_by_its_name(name, value):
    with pytest.raises(Refused) as refused:
        read(**{name: value})

    assert (refused.value.reason, refused.value.data) == ("invalid_params", {"parameter": name})


def test_a_misspelt_parameter_is_refused_with_the_right_name():
    with pytest.raises(Refused) as refused:
        read(valid_for=400)

    assert refused.value.hint == "did you mean 'valid_for_ms'?"


@pytest.mark.parametrize("params", [None, [], "drive", 7])
def test_params_are_an_object(params):
    with pytest.raises(Refused, match="an object"):
        check_names(params, {"id"})


@pytest.mark.parametrize("given_id", [TRACE_ID, TRACE_ID.upper(), "4bf92f35-77b3-4da6-a3ce-929d0e0e4736"])
def test_a_trace_id_may_be_written_as_a_uuid(given_id):
    assert read(trace_id=given_id).trace_id == TRACE_ID


@pytest.mark.parametrize(
    ("traceparent", "trace_id"),
    [
        (f"00-{TRACE_ID}-00f067aa0ba902b7-01", TRACE_ID),
        (f"cc-{TRACE_ID}-00f067aa0ba902b7-01-what-the-future-will-be-like", TRACE_ID),
        (f"ff-{TRACE_ID}-00f067aa0ba902b7-01", "f" * 32),
        (f"00-{'0' * 32}-00f067aa0ba902b7-01", "f" * 32),
        (f"00-{TRACE_ID}-{'0' * 16}-01", "f" * 32),
        (f"00-{TRACE_ID.upper()}-00f067aa0ba902b7-01", "f" * 32),
        ("", "f" * 32),
        (7, "f" * 32),
    ],
)
def test_a_traceparent_gives_its_trace_id_and_a_bad_one_begins_a_new_trace(traceparent, trace_id):
    assert read(traceparent=traceparent).trace_id == trace_id


def test_a_trace_id_of_its_own_goes_before_a_traceparent():
    request = read(trace_id="a" * 32, traceparent=f"00-{TRACE_ID}-00f067aa0ba902b7-01")

    assert request.trace_id == "a" * 32


@pytest.mark.parametrize("params", [{}, None, [1], {"reason": 7}, {"reason": None}, "no"])
def test_a_stop_has_a_reason_or_none_but_nothing_keeps_it_from_being_one(params):
    assert stop_reason(params) == ""


def test_the_reason_of_a_stop_is_bounded():
    assert stop_reason({"reason": "x" * 1000}) == "x" * 256


@pytest.mark.parametrize("topics", [None, [], "state", [1], [["state"]]])
def test_topics_are_a_list_of_names(topics):
    with pytest.raises(Refused, match="topics"):
        read_topics({"topics": topics})


def test_a_number_is_finite_and_a_text_is_there():
    assert number({"max_hz": 5}, "max_hz", 1000.0) == 5.0
    with pytest.raises(Refused, match="max_hz"):
        number({"max_hz": float("nan")}, "max_hz", 1000.0)
    with pytest.raises(Refused, match="'id' must be a string"):
        required_text({}, "id")


@settings(max_examples=cases(10_000), deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["type", "payload", "id", "trace_id", "traceparent", "priority"])
        | st.sampled_from(["valid_for_ms", "version", "wait", "correlation_id", "other"]),
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(max_size=70)
        | st.sampled_from([[], {}, ["drive"], "drive", "done", "command", TRACE_ID, {"linear": 1}]),
    )
)
def test_any_params_make_a_well_formed_request_or_a_refusal(params):
    try:
        request, stages = read_send(params, 7.0, lambda: "made", lambda: "f" * 32)
    except Refused:
        return

    assert 0 < len(request.type) <= 64
    assert 0 < len(request.id) <= 64
    assert len(bytes.fromhex(request.trace_id)) == 16
    assert request.priority in (Lane.COMMAND, Lane.BACKGROUND)
    assert request.valid_for_s is None or 0 < request.valid_for_s <= 3600
    assert stages >= TERMINAL
