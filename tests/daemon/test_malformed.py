"""Whatever bytes a client sends to an armed robot: an answer or nothing, and no motion of their own."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from robotd.config import RobotConfig, load
from robotd.core.decision import Outcome
from robotd.core.message import Command
from robotd.wire.session import Session
from tests import virtual
from tests.counts import cases
from tests.daemon.story import ROVER, Story, telling
from tests.daemon.tap import Tap
from tests.wire.scripted import MemorySocket

CONFIG: RobotConfig = load(ROVER)
MESSAGES_A_CLIENT = 10


def call(method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


def send(kind: str, **params: Any) -> dict[str, Any]:
    return call("send", type=kind, **params)


DRIVE = {"linear": 0.3, "angular": -0.25}
SOUND: list[Any] = [
    send("drive", payload=DRIVE, id="mine", valid_for_ms=200, priority="command", wait="done", version=1),
    send("drive", payload={"linear": "20 cm/s"}, traceparent=f"00-{'ab' * 16}-{'cd' * 8}-01"),
    send("look", payload={"angle": 0.5}, trace_id="0123456789abcdef" * 2, correlation_id="other"),
    send("patrol", payload={"speed": 0.1}, wait="accepted"),
    send("light", payload={"on": True}, priority="background"),
    send("disarm"),
    {"type": "drive", "payload": DRIVE, "trace_id": "ab" * 16, "id": "mine"},
    {"type": "arm"},
    call("hello", client="test", protocol=[1]),
    call("describe"),
    call("status"),
    call("cancel", id="mine"),
    call("reset", latch_id="none"),
    call("subscribe", topics=["state", "stage", "reading.*", "log"], max_hz=5),
    call("unsubscribe", topics=["stage"]),
    [send("drive", payload=DRIVE), call("status"), {"jsonrpc": "2.0", "method": "describe"}],
    call("estop", reason="test"),
    "stop",
]
NASTY = [
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"1" * 400,
    b'"\\ud800"',
    b"null",
    b"{}",
    b"[" * 40,
    b'{"a":1,"a":2}',
    b'"' + b"x" * 5000 + b'"',
    b"\xff\xfe",
    b"\x00",
    b"\n",
    b"stop",
]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A sound message with a few wounds."""
    message = bytearray(json.dumps(draw(st.sampled_from(SOUND))).encode())
    for _ in range(draw(st.integers(0, 3))):
        begin = draw(st.integers(0, max(0, len(message) - 1)))
        end = min(len(message), begin + draw(st.integers(0, 12)))
        wound = draw(st.one_of(st.binary(max_size=4), st.sampled_from(NASTY), st.just(bytes(message[:40]))))
        message[begin:end] = wound
    return bytes(message)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def misfitting(draw: st.DrawFn) -> bytes:
    """Sound JSON with values that nobody asked for."""
    message = json.loads(json.dumps(draw(st.sampled_from([one for one in SOUND if isinstance(one, dict)]))))
    place = message
    for value in list(place.values()):
        if isinstance(value, dict) and draw(st.booleans()):
            place = value
    key = draw(st.one_of(st.sampled_from([*place, "payload", "params"]), st.text(max_size=6)))
    place[key] = draw(json_values)
    return json.dumps(message).encode()


messages = st.one_of(damaged(), damaged(), misfitting(), st.binary(max_size=64), st.sampled_from(NASTY))
clients = st.lists(messages, min_size=MESSAGES_A_CLIENT, max_size=MESSAGES_A_CLIENT)


def started(story: Story, kind: str) -> list[Command]:
    """The commands of one type that were carried out."""
    return [
        decision.message
        for decision in story.decisions
        if decision.message.type == kind
        and decision.outcome is not Outcome.REFUSED
        and isinstance(decision.message, Command)
    ]


async def endure(received: list[bytes]) -> None:
    broken: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: broken.append(context))
    async with telling(CONFIG) as story:
        await story.arm()
        tap, socket = Tap(story.rig), MemorySocket()
        session = Session(story.service, "test", socket, words=True)
        for message in received:
            session.begin_read(len(message) + 1)
            session.receive(message)
            await asyncio.sleep(0.02)
            limits = story.service.limits
            assert story.engine.queue.depths()["command"] <= limits.queue_command
            assert len(story.engine.ledger) <= limits.in_flight
        await asyncio.sleep(0.5)
        session.close()

        for answer in (json.loads(line) for lines in socket.writes for line in lines):
            assert isinstance(answer, (dict, list))
        drives, patrols = started(story, "drive"), started(story, "patrol")
        assert drives or patrols or not tap.moved_since(0)
        assert started(story, "look") or not tap.servo
        for drive in drives:
            assert abs(drive.payload["linear"]) < float("inf")
        assert patrols or story.stands_still()
        assert not story.engine.crashed.done()

    assert broken == []


@given(clients)
@settings(max_examples=cases(2_000, 20), deadline=None)
def test_damaged_messages_are_answered_or_ignored_and_move_nothing(received):
    virtual.run(endure(received))


def test_sound_messages_are_carried_out_through_the_same_door():
    async def body() -> None:
        async with telling(CONFIG) as story:
            await story.arm()
            tap, socket = Tap(story.rig), MemorySocket()
            session = Session(story.service, "test", socket, words=True)
            for message in SOUND[:-1]:
                session.begin_read(1)
                session.receive(json.dumps(message).encode())
                await asyncio.sleep(0.02)
            await story.service.estop("test", "test")
            await story.settle()
            heard = socket.heard()

            assert tap.moved_since(0)
            assert tap.servo
            # Each call that has an id is answered, and nothing has failed for its form.
            reasons = [answer["error"]["data"]["reason"] for answer in heard if "error" in answer]
            assert not {"parse_error", "invalid_request", "method_not_found"} & set(reasons)
            session.close()

    virtual.run(body())
