"""A trace that a caller sent goes through: in at any method, out in its answer with a span of our own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from robotd.errors import Refused
from robotd.wire.http import Access, Answer, Pages, Request
from robotd.wire.tracing import Trace, read_traceparent
from tests.wire import raw
from tests.wire.scripted import Connection, ScriptedRobot, request, story, turns
from tests.wire.still_robot import StillRobot

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"


async def answered(robot: ScriptedRobot, message: Any) -> dict[str, Any]:
    """What `message` is answered: its result or its error's data."""
    client = Connection(robot)
    client.say(message)
    await turns(4)
    [answer] = client.socket.heard()
    if "error" in answer and "stage" not in answer:
        data: dict[str, Any] = answer["error"]["data"]
        return data
    result: dict[str, Any] = answer.get("result", answer)
    return result


@story
async def test_an_answer_names_the_trace_that_was_made_for_its_call():
    robot = ScriptedRobot()

    told = await answered(robot, request("estop"))
    assert told["trace_id"] == robot.traces[0]
    assert "traceparent" not in told


@story
async def test_a_stop_and_a_reset_belong_to_the_trace_of_who_asked_for_them():
    robot = ScriptedRobot()
    await answered(robot, request("estop", {"traceparent": PARENT}))
    told = await answered(robot, request("reset", {"latch_id": "latch-1", "traceparent": PARENT}))

    assert robot.traces == [TRACE_ID, TRACE_ID]
    assert read_traceparent(told["traceparent"]) == Trace(TRACE_ID, 1)


@story
async def test_nothing_about_a_traceparent_keeps_a_stop_from_being_one():
    robot = ScriptedRobot()
    for parent in (None, 7, {"not": "text"}, "00-nonsense", PARENT + "-more"):
        await answered(robot, request("estop", {"traceparent": parent}))

    assert len(robot.stops) == 5
    assert all(trace_id and trace_id != TRACE_ID for trace_id in robot.traces)


@story
async def test_two_calls_of_one_trace_are_two_spans():
    robot = ScriptedRobot()
    first = await answered(robot, request("status", {"traceparent": PARENT}))
    second = await answered(robot, request("status", {"traceparent": PARENT}))

    assert first["traceparent"] != second["traceparent"]


@story
async def test_a_malformed_traceparent_begins_a_new_trace():
    told = await answered(ScriptedRobot(), request("status", {"traceparent": "00-abc"}))

    assert told["trace_id"] != TRACE_ID
    assert "traceparent" not in told


@pytest.mark.parametrize("stage", ["started", "failed", "rejected"])
def test_a_command_goes_on_in_the_trace_of_its_sender(stage: str):
    @story
    async def run() -> None:
        robot = ScriptedRobot()
        client = Connection(robot)
        client.say(request("send", {"type": "arm", "id": "c1", "traceparent": PARENT}))
        error = Refused("busy", "later").as_error() if stage != "started" else None
        robot.tell(robot.sent[0], stage, error=error)
        await turns(2)
        [answer] = client.socket.heard()
        told = answer["error"]["data"] if "error" in answer else answer["result"]

        assert robot.sent[0].trace_id == told["trace_id"] == TRACE_ID
        assert told["traceparent"] == Trace(TRACE_ID, 1).traceparent("c1")

    run()


@pytest.mark.parametrize("stage", ["started", "rejected"])
def test_the_short_form_carries_a_trace_too(stage: str):
    @story
    async def run() -> None:
        robot = ScriptedRobot()
        client = Connection(robot)
        client.say({"type": "arm", "id": "c1", "traceparent": PARENT})
        error = None if stage == "started" else Refused("busy", "later").as_error()
        robot.tell(robot.sent[0], stage, error=error)
        await turns(2)
        [told] = client.socket.heard()

        assert (told["trace_id"], told["traceparent"]) == (TRACE_ID, Trace(TRACE_ID, 1).traceparent("c1"))

    run()


@story
async def test_a_command_that_is_repeated_in_another_trace_is_answered_in_its_first():
    robot = ScriptedRobot()
    client = Connection(robot)
    client.say(request("send", {"type": "arm", "id": "c1", "traceparent": PARENT}))
    robot.sent[0].trace_id = "ab" * 16
    robot.tell(robot.sent[0], "started")
    await turns(2)
    [answer] = client.socket.heard()

    assert answer["result"]["trace_id"] == "ab" * 16
    assert "traceparent" not in answer["result"]


@story
async def test_a_trace_id_and_the_traceparent_that_names_it_go_together():
    robot = ScriptedRobot()
    client = Connection(robot)
    client.say(request("send", {"type": "arm", "trace_id": TRACE_ID, "traceparent": PARENT}))
    robot.tell(robot.sent[0], "done")
    await turns(2)
    [answer] = client.socket.heard()

    assert read_traceparent(answer["result"]["traceparent"]) == Trace(TRACE_ID, 1)


@pytest.mark.parametrize(
    ("message", "trace_id"),
    [
        (request("send", {"type": "arm", "nonsense": 1, "traceparent": PARENT}), TRACE_ID),
        (request("send", {"type": "arm", "nonsense": 1, "trace_id": TRACE_ID}), TRACE_ID),
        (request("send", {"type": "arm", "trace_id": 7}), None),
        (request("send", 7), None),
        (request("status", {"nonsense": 1, "traceparent": PARENT}), TRACE_ID),
        (request("nothing", {"traceparent": PARENT}), TRACE_ID),
        (request("cancel", {"id": "c9", "traceparent": PARENT}), TRACE_ID),
        (request("status", {"trace_id": TRACE_ID}), None),
        ({"jsonrpc": "1.0", "id": 1, "method": "status", "params": {"traceparent": PARENT}}, TRACE_ID),
        (b"{", None),
        (b"[]", None),
    ],
)
def test_a_refusal_says_which_trace_it_belongs_to(message: Any, trace_id: str | None):
    @story
    async def run() -> None:
        told = await answered(ScriptedRobot(), message)

        assert told["reason"]
        assert len(told["trace_id"]) == 32
        assert (told["trace_id"] == TRACE_ID) == (trace_id is not None)

    run()


# -- HTTP -----------------------------------------------------------------------------------------------


def page(method: str, path: str, traceparent: str | None) -> Request:
    return Request(method, path, "localhost", None, "http:127.0.0.1:40112", traceparent)


async def fetched(robot: StillRobot, asked: Request) -> Answer:
    answer = Pages(robot, Access()).answer(asked)
    assert answer is not None
    return answer if isinstance(answer, Answer) else await answer


@pytest.mark.parametrize(("method", "path"), [("GET", "/api/v1/status"), ("POST", "/api/v1/estop")])
async def test_a_page_carries_the_trace_of_its_header_on(method: str, path: str):
    robot = StillRobot()
    answer = await fetched(robot, page(method, path, PARENT))
    header = dict(answer.headers)["traceparent"]

    assert read_traceparent(header) == Trace(TRACE_ID, 1)
    assert "00f067aa0ba902b7" not in header
    assert json.loads(answer.body)["trace_id"] == TRACE_ID
    assert robot.traces in ([], [TRACE_ID])


@pytest.mark.parametrize("parent", [None, "", "nonsense", f"{PARENT}, {PARENT}"])
async def test_a_page_without_a_trace_that_can_be_read_begins_one(parent: str | None):
    robot = StillRobot()
    answer = await fetched(robot, page("POST", "/api/v1/estop", parent))
    told = read_traceparent(dict(answer.headers)["traceparent"])

    assert told is not None
    assert [told.id] == robot.traces
    assert told.id != TRACE_ID


@pytest.mark.parametrize("name", ["traceparent", "Traceparent", "TRACEPARENT"])
async def test_the_header_may_be_written_in_any_case(name: str):
    robot = StillRobot()
    async with raw.served(robot) as port, raw.plugged_in(port) as client:
        client.send(raw.request("POST", "/api/v1/estop", {name: PARENT}))
        head = await client.head()

    assert f"traceparent: 00-{TRACE_ID}-" in head
    assert robot.traces == [TRACE_ID]


async def test_a_header_that_came_twice_is_ignored():
    robot = StillRobot()
    async with raw.served(robot) as port, raw.plugged_in(port) as client:
        once = raw.request("POST", "/api/v1/estop", {"traceparent": PARENT})
        client.send(once.replace(b"\r\n\r\n", f"\r\nTraceparent: {PARENT}\r\n\r\n".encode()))
        head = await client.head()

    assert head.startswith("HTTP/1.1 200 ")
    assert robot.traces != [TRACE_ID]
