"""The line transport over real loopback sockets: framing, floods, slow readers, ends."""

import asyncio
import contextlib
import json

import pytest

from robotd.core.limits import Limits
from robotd.wire.lines import LineConnection
from tests.wire.lines import PATIENCE_S, connected, served
from tests.wire.scripted import ScriptedRobot, request
from tests.wire.still_robot import StillRobot

STATUS = json.dumps(request("status")).encode()


# -- framing ------------------------------------------------------------------------------------------


async def test_a_conversation_as_a_person_has_it_with_nc():
    robot = StillRobot()
    async with served(robot) as address, connected(address) as person:
        person.writer.write(
            b'{"type":"arm"}\r\n\r\n  \n{"type":"drive","payload":{"linear":0.3}}\nstatus\nstop'
        )
        person.writer.write_eof()
        arm, drive, status, stop = await person.hear_out()

    assert [(arm["type"], arm["stage"]), (drive["type"], drive["stage"])] == [
        ("arm", "started"),
        ("drive", "started"),
    ]
    assert status["robot"] == "still"
    assert stop["latch_id"] == "latch-1"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
async def test_lines_may_be_cut_anywhere(size):
    text = b"".join(json.dumps(request("status", call_id=number)).encode() + b"\n" for number in range(4))
    async with served(StillRobot()) as address, connected(address) as client:
        for start in range(0, len(text), size):
            client.writer.write(text[start : start + size])
            await asyncio.sleep(0)
        answers = [await client.hear() for _ in range(4)]

    assert [answer["id"] for answer in answers] == [0, 1, 2, 3]


async def test_a_line_without_end_is_refused_once_and_skipped_and_the_next_one_counts():
    async with served(StillRobot(Limits(message_bytes=5000))) as address, connected(address) as client:
        client.say(b"x" * 100_000, request("status", call_id="after"))
        refused, answer = await client.hear(), await client.hear()

    assert refused["error"]["data"]["reason"] == "too_large"
    assert answer["id"] == "after"


async def test_a_line_a_little_too_long_is_refused_and_the_next_one_counts():
    async with served(StillRobot(Limits(message_bytes=5000))) as address, connected(address) as client:
        client.say(b"x" * 5001, request("status", call_id="after"))
        refused, answer = await client.hear(), await client.hear()

    assert refused["error"]["data"]["reason"] == "too_large"
    assert answer["id"] == "after"


async def test_what_a_web_page_makes_a_browser_post_is_no_command():
    robot = StillRobot()
    async with served(robot) as address, connected(address) as browser:
        browser.writer.write(
            b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\n\r\n"
            b'{"type":"arm"}\n{"type":"drive","payload":{"linear":0.8}}\n'
        )
        [refused] = await browser.hear_out()

    assert refused["error"]["data"]["reason"] == "invalid_request"
    assert robot.sent == []


async def test_bytes_of_any_kind_are_answered_or_skipped():
    async with served(StillRobot()) as address, connected(address) as client:
        client.say(bytes(range(256)), b"\xff" * 10, b"\x00", b"[", request("status", call_id="after"))
        answers = [await client.hear() for _ in range(6)]

    assert [answer.get("error", {}).get("code") for answer in answers] == [-32700] * 5 + [None]
    assert answers[-1]["id"] == "after"


# -- limits -------------------------------------------------------------------------------------------


async def test_one_client_too_many_is_told_so_and_sent_away_and_room_is_made_by_leaving():
    robot = StillRobot(Limits(connections_per_address=2))
    async with served(robot) as address, connected(address) as first, contextlib.AsyncExitStack() as stack:
        async with connected(address) as second:
            for client in (first, second):
                client.say(request("status"))
                await client.hear()
            async with connected(address) as third:
                [refused] = await third.hear_out()
                assert refused["error"]["data"]["reason"] == "busy"
            second.writer.write_eof()
            assert await second.hear_out() == []
        fourth = await stack.enter_async_context(connected(address))
        fourth.say(request("status"))
        assert "result" in await fourth.hear()


async def test_flooders_are_held_to_their_rate_while_others_are_served_at_once():
    robot = ScriptedRobot(Limits(rate_per_s=0.001, burst=10, connections_per_address=64, in_flight=1000))
    async with served(robot) as address, contextlib.AsyncExitStack() as stack:
        flooders = [await stack.enter_async_context(connected(address)) for _ in range(20)]
        for flooder in flooders:
            flooder.say(*([{"type": "arm"}] * 5000))
        async with connected(address) as operator:
            operator.say(b"stop")
            assert (await operator.hear())["latch_id"] == "latch-1"
            operator.say(request("status"))
            assert "result" in await operator.hear()

    assert len(robot.sent) <= 20 * 10
    assert [by.startswith("tcp:127.0.0.1:") for _, by in robot.stops] == [True]


async def test_a_stop_does_not_wait_for_the_end_of_a_flood_that_is_within_its_rate():
    class CountingRobot(ScriptedRobot):
        sent_before_the_stop = -1

        def estop(self, reason, by, trace_id=None):
            self.sent_before_the_stop = len(self.sent)
            return super().estop(reason, by, trace_id)

    each, flooding = 5000, 4
    free = Limits(rate_per_s=1e9, burst=10**9, in_flight=10**9)
    robot = CountingRobot(free)
    silent_arm = {"jsonrpc": "2.0", "method": "send", "params": {"type": "arm"}}
    async with served(robot) as address, contextlib.AsyncExitStack() as stack:
        flooders = [await stack.enter_async_context(connected(address)) for _ in range(flooding)]
        operator = await stack.enter_async_context(connected(address))
        for flooder in flooders:
            flooder.say(*([silent_arm] * each))
        operator.say(b"stop")
        await operator.hear()
        for flooder in flooders:
            flooder.writer.write_eof()
            assert await flooder.hear_out() == []

    assert len(robot.sent) == flooding * each
    assert robot.sent_before_the_stop < flooding * each / 4


# -- slow readers -------------------------------------------------------------------------------------


async def test_a_reader_that_does_not_read_is_cut_off_and_did_not_make_memory_grow():
    robot = StillRobot(Limits(slow_reader_s=0.05, rate_per_s=1e9, burst=10**9, outbox_bytes=50_000))
    async with served(robot) as address, connected(address, buffer_bytes=4096) as client:
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a stream's transport reads
        client.say(*([STATUS] * 20_000))
        gone = asyncio.get_running_loop().create_future()
        original = LineConnection.connection_lost

        def lost(connection, exc):
            original(connection, exc)
            gone.set_result(None)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(LineConnection, "connection_lost", lost)
            await asyncio.wait_for(gone, PATIENCE_S)


async def test_a_reader_that_was_away_gets_every_answer_when_it_comes_back():
    robot = StillRobot(Limits(rate_per_s=1e9, burst=10**9))
    async with served(robot) as address, connected(address, buffer_bytes=4096) as client:
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a stream's transport reads
        client.say(*(request("status", call_id=number) for number in range(2000)))
        async with connected(address) as other:
            other.say(*([STATUS] * 200))
            for _ in range(200):
                await other.hear()
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]  # a stream's transport reads
        answers = [(await client.hear())["id"] for _ in range(2000)]

    assert answers == list(range(2000))


async def test_a_dead_reader_delays_nobody():
    robot = StillRobot(Limits(rate_per_s=1e9, burst=10**9))
    async with served(robot) as address, connected(address, buffer_bytes=4096) as dead:
        dead.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a stream's transport reads
        dead.say(request("subscribe", {"topics": ["state"]}), *([STATUS] * 5000))
        async with connected(address) as alive:
            alive.say(request("subscribe", {"topics": ["state"]}))
            await alive.hear()
            await alive.hear()
            for number in range(200):
                robot.hub.publish("state", {"n": number})
                assert (await alive.hear())["params"]["data"]["n"] == number


# -- the end ------------------------------------------------------------------------------------------


async def test_a_server_that_ends_lets_the_last_answers_out():
    robot = ScriptedRobot()
    server = contextlib.AsyncExitStack()
    address = await server.enter_async_context(served(robot))
    async with connected(address) as client:
        client.say(request("send", {"type": "arm"}), request("status", call_id=2))
        assert (await client.hear())["id"] == 2
        robot.tell(robot.sent[0], "cancelled", reason="shutting_down")
        await server.aclose()
        [last] = await client.hear_out()

    assert last["result"]["reason"] == "shutting_down"


async def test_a_server_that_ends_waits_for_nobody_who_waits_in_vain(caplog):
    robot = ScriptedRobot()
    server = contextlib.AsyncExitStack()
    address = await server.enter_async_context(served(robot))
    async with connected(address) as client:
        client.say(request("send", {"type": "arm", "wait": "done"}), b"status")
        await client.hear()
        await server.aclose()
        assert await client.is_cut_off()

    assert "the daemon ends" in caplog.text
