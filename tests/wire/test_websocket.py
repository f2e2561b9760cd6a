from __future__ import annotations

import asyncio
import json
import logging
import tracemalloc
from typing import Any

import pytest

from robotd.client import connect
from robotd.core.limits import Limits
from robotd.wire.admission import Admission
from robotd.wire.heartbeat import CONTROL_FRAMES_LIMIT
from robotd.wire.http import Access
from robotd.wire.websocket import serve_websocket
from tests import virtual
from tests.wire.raw import (
    BINARY,
    CLOSE,
    CONT,
    PING,
    PONG,
    TEXT,
    UPGRADE,
    call,
    frame,
    plugged_in,
    request,
    served,
    text,
    upgraded,
)
from tests.wire.still_robot import StillRobot


@pytest.fixture
def robot() -> StillRobot:
    return StillRobot()


# -- the handshake ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [({}, None), ({"robotd.v1"}, "robotd.v1"), ({"mqtt", "robotd.v1"}, "robotd.v1"), ({"mqtt"}, None)],
)
async def test_the_subprotocol_is_ours_or_none(robot: StillRobot, offered: set[str], chosen: str | None):
    headers = {"Sec-WebSocket-Protocol": ", ".join(sorted(offered))} if offered else {}
    async with served(robot) as port, plugged_in(port) as client:
        client.send(request("GET", "/ws", UPGRADE | headers))
        head = await client.head()

    assert head.startswith("HTTP/1.1 101 ")
    assert (f"Sec-WebSocket-Protocol: {chosen}" in head) == (chosen is not None)
    assert ("Sec-WebSocket-Protocol" in head) == (chosen is not None)


async def test_nothing_is_compressed_even_where_a_client_would(robot: StillRobot):
    async with served(robot) as port, plugged_in(port) as client:
        client.send(request("GET", "/ws", UPGRADE | {"Sec-WebSocket-Extensions": "permessage-deflate"}))

        assert "Sec-WebSocket-Extensions" not in await client.head()


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/ws", {"Host": "evil.example"}, 403),
        ("/ws", {"Origin": "http://evil.example"}, 403),
        ("/ws", {"Origin": ""}, 403),
        ("/other", {}, 404),
        ("/", {}, 200),
        ("/ws", {"Sec-WebSocket-Version": "12"}, 400),
        ("/ws", {"Upgrade": "h2c"}, 426),
    ],
)
async def test_a_handshake_that_is_not_for_us_is_answered_and_closed(
    robot: StillRobot, path: str, headers: dict[str, str], status: int
):
    async with served(robot) as port, plugged_in(port) as client:
        client.send(request("GET", path, UPGRADE | headers))
        head = await client.head()
        await client.reader.read()

    assert head.startswith(f"HTTP/1.1 {status} ")


async def test_two_origins_are_one_too_many(robot: StillRobot):
    double = request("GET", "/ws", UPGRADE | {"Origin": "http://localhost"})
    double = double.replace(b"\r\n\r\n", b"\r\nOrigin: http://localhost\r\n\r\n")
    async with served(robot) as port, plugged_in(port) as client:
        client.send(double)

        assert (await client.head()).startswith("HTTP/1.1 403 ")


async def test_frames_before_the_answer_to_the_handshake_cut_the_connection(robot: StillRobot):
    async with served(robot) as port, plugged_in(port) as client:
        client.send(request("GET", "/ws", UPGRADE), call("status"))

        assert await client.is_cut()


# -- pages ------------------------------------------------------------------------------------------------


async def page(port: int, asked: bytes) -> tuple[str, bytes]:
    async with plugged_in(port) as client:
        client.send(asked)
        answer = await client.reader.read()
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.decode(), body


async def test_the_page_is_on_the_same_port(robot: StillRobot):
    async with served(robot) as port:
        head, body = await page(port, request("GET", "/"))

    assert head.startswith("HTTP/1.1 200 ")
    assert "Content-Security-Policy: default-src 'none'" in head
    assert f"Content-Length: {len(body)}" in head
    assert body.startswith(b"<!doctype html>")


@pytest.mark.parametrize("headers", [{}, {"Content-Length": "0"}, {"Origin": "http://localhost"}])
async def test_a_post_without_a_body_stops_the_robot(robot: StillRobot, headers: dict[str, str]):
    async with served(robot) as port:
        head, body = await page(port, request("POST", "/api/v1/estop", headers))

    assert head.startswith("HTTP/1.1 200 ")
    assert json.loads(body)["latch_id"] == "latch-1"
    assert len(robot.stops) == 1
    assert robot.stops[0][1].startswith("http:127.0.0.1:")


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Host": "evil.example"}])
async def test_a_page_from_elsewhere_cannot_post_a_stop(robot: StillRobot, headers: dict[str, str]):
    async with served(robot) as port:
        head, _ = await page(port, request("POST", "/api/v1/estop", headers))

    assert head.startswith("HTTP/1.1 403 ")
    assert robot.stops == []


@pytest.mark.parametrize(
    "asked",
    [
        request("POST", "/api/v1/estop", {"Content-Length": "2"}, b"{}"),
        request("POST", "/api/v1/estop", {"Transfer-Encoding": "chunked"}, b"0\r\n\r\n"),
        b"stop\r\n",
        b"\x00\x01\x02\r\n\r\n",
        b"GET / HTTP/2.0\r\n\r\n",
    ],
)
async def test_what_is_no_request_without_a_body_is_told_so(robot: StillRobot, asked: bytes):
    async with served(robot) as port:
        head, body = await page(port, asked)

    assert head.startswith("HTTP/1.1 400 ")
    assert "no body" in json.loads(body)["error"]["data"]["hint"]


# -- messages -----------------------------------------------------------------------------------------------


async def test_the_client_of_this_project_speaks_through_it(robot: StillRobot):
    async with served(robot) as port, connect(f"ws://127.0.0.1:{port}/ws") as remote:
        command = await remote.send("arm", wait="done")
        stages = [stage.stage async for stage in command]
        evidence = await remote.estop("test")

    assert remote.server["robot"] == "still"
    assert stages == ["received", "accepted", "started", "done"]
    assert evidence["latch_id"] == "latch-1"


async def test_the_answers_of_one_turn_leave_together_and_in_order(robot: StillRobot):
    async with served(robot) as port, upgraded(port) as client:
        client.send(*(call("send", {"type": "arm"}, number) for number in range(10)))
        first = await client.message()
        waiting = bytes(client.reader._buffer)  # type: ignore[attr-defined]  # what the same read brought

        assert first["id"] == 0
        assert waiting.count(b'"stage":"started"') == 9
        assert [(await client.message())["id"] for _ in range(9)] == list(range(1, 10))


async def test_a_message_may_come_in_parts_with_a_ping_between_them(robot: StillRobot):
    whole = json.dumps({"jsonrpc": "2.0", "id": 7, "method": "status"}).encode()
    async with served(robot) as port, upgraded(port) as client:
        client.send(
            frame(TEXT, whole[:10], fin=False),
            frame(PING, b"are you there"),
            frame(CONT, whole[10:20], fin=False),
            frame(CONT, whole[20:]),
        )
        pong = await client.frame()
        answer = await client.message()

    assert pong == (PONG, b"are you there")
    assert answer["id"] == 7


async def test_bytes_may_come_one_at_a_time(robot: StillRobot):
    async with served(robot) as port, plugged_in(port) as client:
        for byte in request("GET", "/ws", UPGRADE):
            client.send(bytes((byte,)))
            await asyncio.sleep(0)
        await client.head()
        for byte in call("status", number=3):
            client.send(bytes((byte,)))
            await asyncio.sleep(0)

        assert (await client.message())["id"] == 3


@pytest.mark.parametrize("fin", [True, False])
async def test_a_binary_frame_is_refused_and_the_next_text_is_taken(robot: StillRobot, fin: bool):
    rest = b"" if fin else frame(CONT, b"more")
    async with served(robot) as port, upgraded(port) as client:
        client.send(frame(BINARY, b"{}", fin=fin), rest, call("status", number=2))
        refused, answered = await client.message(), await client.message()

    assert refused["error"]["data"]["hint"] == "send JSON in text frames"
    assert answered["id"] == 2


@pytest.mark.parametrize("message", [b"{", b"[]", b"1", b"\xff\xfe", b"", b"NaN", b'{"method": 5}'])
async def test_a_message_that_is_no_call_is_answered_with_an_error(robot: StillRobot, message: bytes):
    async with served(robot) as port, upgraded(port) as client:
        client.send(frame(TEXT, message), call("status", number=2))

        assert "error" in await client.message()
        assert (await client.message())["id"] == 2


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (frame(TEXT, b"{}", masked=False), 1002),
        (frame(0x3, b"{}"), 1002),
        (frame(TEXT | 0x40, b"{}"), 1002),
        (frame(CONT, b"{}"), 1002),
        (frame(PING, b"x" * 126), 1002),
        (frame(PING, b"x", fin=False), 1002),
        (frame(TEXT, b"x" * 16_385), 1009),
        (frame(TEXT, b"x" * 9_000, fin=False) + frame(CONT, b"x" * 9_000), 1009),
        (frame(CLOSE, b"\x03"), 1002),
        (frame(CLOSE, b"\x03\xe8"), 1000),
    ],
)
async def test_a_malformed_frame_closes_the_connection_and_is_not_worth_a_line_of_log(
    robot: StillRobot, caplog: pytest.LogCaptureFixture, bad: bytes, code: int
):
    caplog.set_level(logging.INFO)
    async with served(robot) as port, upgraded(port) as client:
        client.send(bad)
        closed_with = await client.close_code()
        await client.reader.read()

    assert closed_with == code
    assert [record for record in caplog.records if record.name != "asyncio"] == []


async def test_a_stop_is_acted_upon_before_the_flood_in_front_of_it_is_answered(robot: StillRobot):
    flood = b"".join(call("send", {"type": "arm"}, number) for number in range(90))
    answered_before: list[int] = []
    real_estop = robot.estop

    def note(reason: str, by: str, trace_id: str | None = None) -> Any:
        answered_before.append(len(robot.sent))
        return real_estop(reason, by, trace_id)

    robot.estop = note  # type: ignore[method-assign]  # to look at the moment of the stop
    async with served(robot) as port, upgraded(port) as client:
        client.send(flood + call("estop", number=99))
        while (await client.message())["id"] != 99:
            pass

    assert answered_before[0] <= robot.limits.burst


# -- limits -------------------------------------------------------------------------------------------------


async def test_one_client_too_many_is_told_busy_and_can_still_stop_the_robot():
    robot = StillRobot(Limits(connections_per_address=2))
    async with served(robot) as port, upgraded(port), upgraded(port) as second:
        refused, body = await page(port, request("GET", "/ws", UPGRADE))
        stopped, _ = await page(port, request("POST", "/api/v1/estop"))
        await second.leave()
        async with upgraded(port):
            pass

    assert refused.startswith("HTTP/1.1 503 ")
    assert json.loads(body)["error"]["data"]["reason"] == "busy"
    assert stopped.startswith("HTTP/1.1 200 ")


async def test_clients_that_come_and_go_leave_no_place_taken():
    robot = StillRobot(Limits(connections_per_address=1))
    async with served(robot) as port:
        for _ in range(20):
            async with upgraded(port) as client:
                await client.leave()
            await page(port, request("GET", "/ws", UPGRADE | {"Sec-WebSocket-Version": "12"}))


async def test_handshakes_that_are_not_made_are_bounded():
    robot = StillRobot(Limits(connections=2))
    async with served(robot) as port, plugged_in(port), plugged_in(port), plugged_in(port) as third:
        third.send(request("GET", "/healthz"))

        assert await third.is_cut()


async def test_pings_without_end_are_cut_off(robot: StillRobot):
    async with served(robot) as port, upgraded(port) as client:
        client.send(frame(PING) * (CONTROL_FRAMES_LIMIT + 1))

        assert await client.is_cut()


async def test_empty_parts_without_end_are_cut_off(robot: StillRobot):
    async with served(robot) as port, upgraded(port) as client:
        client.send(frame(TEXT, b"{", fin=False), frame(CONT, fin=False) * (CONTROL_FRAMES_LIMIT + 1))

        assert await client.is_cut()


# -- silence, slowness, the end -----------------------------------------------------------------------------


def test_a_peer_that_is_gone_without_a_word_is_noticed_after_a_ping_and_its_time():
    async def story() -> float:
        robot, loop = StillRobot(), asyncio.get_running_loop()
        async with served(robot) as port, upgraded(port) as client:
            await client.frame()  # the ping, which nobody answers
            await client.reader.read()
            return loop.time()

    assert virtual.run(story()) == pytest.approx(2.0, abs=0.01)


def test_a_client_that_answers_pings_or_says_anything_stays():
    async def story() -> float:
        robot, loop = StillRobot(), asyncio.get_running_loop()
        async with served(robot) as port, upgraded(port) as client:
            for number in range(6):
                opcode, payload = await client.frame()
                assert opcode == PING
                client.send(frame(PONG, payload) if number % 2 else call("status"))
                if not number % 2:
                    await client.message()
            return loop.time()

    assert virtual.run(story()) == pytest.approx(6.0, abs=0.01)


def test_a_client_that_waits_for_its_tokens_is_not_taken_for_a_dead_one():
    async def story() -> int:
        robot = StillRobot(Limits(rate_per_s=20.0, burst=10))
        async with served(robot) as port, upgraded(port) as client:
            client.send(*(call("status", number=number) for number in range(150)))
            answers = 0
            while answers < 150:
                opcode, payload = await client.frame()
                if opcode == PING:
                    client.send(frame(PONG, payload))  # behind all that is not yet read
                answers += opcode == TEXT
            return answers

    assert virtual.run(story()) == 150


def test_a_handshake_that_is_not_finished_ends_after_its_time():
    async def story() -> float:
        loop = asyncio.get_running_loop()
        async with served(StillRobot()) as port, plugged_in(port) as client:
            client.send(b"GET /ws HTTP/1.1\r\nHost: local")
            assert await client.is_cut()
            return loop.time()

    assert virtual.run(story()) == pytest.approx(3.0, abs=0.01)


def test_a_reader_that_does_not_read_is_cut_off_and_costs_little_until_then():
    async def story() -> tuple[float, int]:
        robot, loop = StillRobot(), asyncio.get_running_loop()
        admission = Admission(robot.limits)
        async with served(robot, admission) as port, upgraded(port) as client:
            client.send(call("subscribe", {"topics": ["state"]}))
            await client.message()
            client.writer.transport.pause_reading()  # type: ignore[attr-defined]  # one that can read, too
            tracemalloc.start()
            while len(admission):
                robot.hub.publish("state", {"state": "x" * 4000, "regions": {}, "latch": None})
                await asyncio.sleep(0.001)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            return loop.time(), peak

    ended, peak = virtual.run(story())

    assert 5.0 < ended < 8.0
    assert peak < 1_000_000


def test_the_end_of_the_server_says_goodbye_and_waits_for_nobody():
    async def story() -> tuple[int, float]:
        loop = asyncio.get_running_loop()
        async with plugged_in_later() as enter:
            async with served(StillRobot()) as port:
                client = await enter(port)
                client.send(request("GET", "/ws", UPGRADE))
                await client.head()
                silent = await enter(port)
                silent.send(b"GET / HT")
                await asyncio.sleep(0.1)
                before = loop.time()
            took = loop.time() - before
            return await client.close_code(), took

    code, took = virtual.run(story())

    assert code == 1001
    assert took <= 0.5


def plugged_in_later() -> Any:
    """A stack of connections that outlives the server."""
    from contextlib import AsyncExitStack, asynccontextmanager

    @asynccontextmanager
    async def stack() -> Any:
        async with AsyncExitStack() as clients:
            yield lambda port: clients.enter_async_context(plugged_in(port))

    return stack()


async def test_a_port_that_is_taken_is_an_error_of_the_system(robot: StillRobot):
    admission = Admission(robot.limits)
    async with served(robot) as port:
        with pytest.raises(OSError, match="in use"):
            async with serve_websocket(robot, "127.0.0.1", port, access=Access(), admission=admission):
                pass


async def test_a_short_form_is_answered_in_the_same_form(robot: StillRobot):
    async with served(robot) as port, upgraded(port) as client:
        client.send(text({"type": "arm", "id": "mine"}))
        answer = await client.message()

    assert (answer["type"], answer["id"], answer["stage"]) == ("arm", "mine", "started")
