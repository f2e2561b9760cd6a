from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from robotd.client import (
    CannotConnect,
    ClientError,
    ConnectionLost,
    InFlight,
    RemoteError,
    RemoteRobot,
    connect,
)
from robotd.client.line import IN_FLIGHT_LIMIT
from tests.client.peer import Peer, error, listening, reaches, result, silence

Line = tuple[RemoteRobot, Peer]


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    numbers = count(1)
    async with listening(tmp_path) as (peer, url), connect(url, new_id=lambda: f"c{next(numbers)}") as robot:
        yield robot, peer


# -- connecting -------------------------------------------------------------------------------------------


async def test_nobody_there_says_where_and_what_to_look_at(tmp_path: Path):
    with pytest.raises(
        CannotConnect, match=r"cannot connect to unix://.*nobody\.sock.*is robotd running there\?"
    ):
        async with connect(f"unix://{tmp_path}/nobody.sock"):
            pass


async def test_a_server_that_is_silent_is_not_taken_for_a_robot(tmp_path: Path):
    async with listening(tmp_path) as (peer, url):
        peer.answers["hello"] = silence
        with pytest.raises(CannotConnect, match="no robotd answers"):
            async with connect(url, timeout_s=0.01):
                pass


async def test_a_server_that_speaks_something_else_is_not_taken_for_a_robot(tmp_path: Path):
    async with listening(tmp_path) as (peer, url):
        peer.answers["hello"] = lambda request: peer.say_bytes(b"SSH-2.0-OpenSSH_9.2\n")
        with pytest.raises(CannotConnect, match="not the robotd protocol"):
            async with connect(url):
                pass


async def test_a_robot_that_does_not_want_us_says_so_itself(tmp_path: Path):
    async with listening(tmp_path) as (peer, url):
        peer.answers["hello"] = error(-32002, "too many clients", reason="busy", hint="close one")
        with pytest.raises(RemoteError, match="too many clients") as refused:
            async with connect(url):
                pass
    assert refused.value.reason == "busy"


async def test_hello_is_said_first_and_its_answer_kept(line: Line):
    robot, peer = line

    assert robot.server == {"robot": "few words"}
    assert peer.requests[0]["method"] == "hello"
    assert peer.requests[0]["params"] == {"client": "robotd.client", "protocol": [1]}


async def test_the_connection_is_closed_when_the_block_fails(tmp_path: Path):
    async with listening(tmp_path) as (peer, url):
        with pytest.raises(KeyError):
            async with connect(url):
                raise KeyError("mine")
        await peer.ended.wait()


# -- calls ------------------------------------------------------------------------------------------------


async def test_a_refusal_carries_code_reason_hint_and_data(line: Line):
    robot, peer = line
    peer.answers["reset"] = error(-32005, "stopped", reason="latched", hint="send reset", latch_id="l7")

    with pytest.raises(RemoteError, match=r"stopped \(send reset\)") as refused:
        await robot.reset("l6")
    assert (refused.value.code, refused.value.reason, refused.value.hint) == (-32005, "latched", "send reset")
    assert refused.value.data["latch_id"] == "l7"


async def test_answers_find_their_callers_in_any_order(line: Line):
    robot, peer = line
    peer.answers["status"] = peer.answers["describe"] = silence
    async with asyncio.TaskGroup() as tasks:
        status = tasks.create_task(robot.status())
        describe = tasks.create_task(robot.describe())
        first, second = await peer.asked("status"), await peer.asked("describe")
        peer.say(
            {"id": second["id"], "result": {"is": "description"}},
            {"id": first["id"], "result": {"is": "status"}},
        )

    assert (status.result(), describe.result()) == ({"is": "status"}, {"is": "description"})


async def test_an_answer_that_is_too_late_disturbs_nobody(line: Line):
    robot, peer = line
    peer.answers["status"] = silence
    with pytest.raises(TimeoutError):
        await robot.call("status", timeout_s=0.001)
    late = await peer.asked("status")
    peer.answers["status"] = result({"is": "new"})
    peer.say({"id": late["id"], "result": {"is": "old"}}, {"id": 10**9, "result": "never asked"})

    assert await robot.status() == {"is": "new"}


async def test_numbers_that_json_has_not_are_never_sent(line: Line):
    robot, peer = line
    sent = len(peer.requests)

    with pytest.raises(ValueError, match="JSON"):
        await robot.call("status", {"x": float("nan")})
    assert len(peer.requests) == sent


async def test_requests_without_an_answer_are_bounded(line: Line):
    robot, peer = line
    peer.answers["status"] = silence
    waiting = [asyncio.create_task(robot.status()) for _ in range(IN_FLIGHT_LIMIT)]
    await asyncio.sleep(0)

    with pytest.raises(ClientError, match="wait for an answer"):
        await robot.status()
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


# -- commands ---------------------------------------------------------------------------------------------


async def test_only_what_was_given_is_sent(line: Line):
    robot, peer = line
    peer.answers["send"] = reaches("started")
    await robot.send("arm")
    plain = (await peer.asked("send"))["params"]
    await robot.send("drive", {"linear": 0.2}, wait="done", command_id="mine", valid_for_s=0.4, version=3)

    assert plain == {"type": "arm", "id": "c1"}
    assert (await peer.asked("send"))["params"] == {
        "type": "drive",
        "payload": {"linear": 0.2},
        "id": "mine",
        "valid_for_ms": 400,
        "version": 3,
        "wait": "done",
    }


async def test_a_command_is_followed_from_its_first_stage_to_its_last(line: Line):
    robot, peer = line

    def answer(request: dict[str, object]) -> None:
        for stage in ("received", "accepted", "started"):
            peer.stage("c1", stage)
        answered = reaches("started")(request)
        peer.say(answered)
        peer.stage("c1", "done", result=1.57)

    peer.answers["send"] = answer
    command = await robot.send("turn")
    stages = [stage async for stage in command]

    assert [stage.stage for stage in stages] == ["received", "accepted", "started", "done"]
    assert stages[-1].result == command.result == 1.57
    assert [stage async for stage in command] == stages
    assert command.trace_id == "a" * 32


async def test_stages_are_asked_for_once_before_the_first_command(line: Line):
    robot, peer = line
    peer.answers["send"] = reaches("done")
    await asyncio.gather(*(robot.send("arm") for _ in range(3)))

    assert [request["method"] for request in peer.requests] == ["hello", "subscribe", "send", "send", "send"]


async def test_a_failed_command_does_not_raise_and_a_rejected_one_does(line: Line):
    robot, peer = line
    peer.answers["send"] = reaches("failed", reason="device_gone")
    failed = await robot.send("turn", wait="done")
    peer.answers["send"] = error(-32004, "not now", reason="guard_false", expression="not bumper.active")

    assert (failed.stage, failed.latest.reason) == ("failed", "device_gone")
    with pytest.raises(RemoteError) as refused:
        await robot.send("drive")
    assert refused.value.data["expression"] == "not bumper.active"


async def test_a_command_waits_for_its_end_alone(line: Line):
    robot, peer = line
    peer.answers["send"] = reaches("started")
    first, second = await robot.send("turn"), await robot.send("turn")
    peer.stage(second.id, "preempted")
    peer.stage(first.id, "done")

    assert (await second.wait()).stage == "preempted"
    assert (await first.wait()).stage == "done"


async def test_a_command_nobody_keeps_costs_nothing(line: Line):
    robot, peer = line
    peer.answers["send"] = reaches("started")
    await robot.send("turn")
    gc.collect()

    assert len(robot._commands) == 0


async def test_a_trace_goes_out_with_a_command_and_comes_back(line: Line):
    robot, peer = line
    parent = f"00-{'a' * 32}-{'b' * 16}-01"
    peer.answers["send"] = reaches("started", traceparent=f"00-{'a' * 32}-{'c' * 16}-01", seq=812)
    command = await robot.send("turn", traceparent=parent)

    assert (await peer.asked("send"))["params"]["traceparent"] == parent
    assert (command.trace_id, command.traceparent) == ("a" * 32, f"00-{'a' * 32}-{'c' * 16}-01")


async def test_the_newest_row_heard_of_is_known(line: Line):
    robot, peer = line
    peer.answers["send"] = reaches("journaled", seq=812)
    command = await robot.send("turn", wait="journaled")
    peer.stage("other", "journaled", seq=811)
    peer.stage("c1", "journaled", seq=812)
    peer.stage("c1", "started")
    peer.stage("c1", "done", seq=815)
    await command.wait()

    assert [stage.seq for stage in command.stages] == [812, None, 815]
    assert robot.last_seq == 815


async def test_an_answer_may_be_ahead_of_stages_that_a_slow_reader_has_not_been_told(line: Line):
    robot, peer = line
    peer.answers["send"] = reaches("done", seq=815)
    command = await robot.send("turn")

    assert command.latest.seq == 815
    assert robot.last_seq == 0


# -- the journal ------------------------------------------------------------------------------------------


async def test_the_journal_is_read_page_after_page_to_its_newest_row(line: Line):
    robot, peer = line

    def page(request: dict[str, Any]) -> dict[str, Any]:
        since = request["params"]["since_seq"]
        seqs = range(since + 1, min(since + 4, 10))
        told = {"records": [{"seq": seq} for seq in seqs], "next_seq": seqs[-1], "last_seq": 9}
        return {"id": request["id"], "result": told}

    peer.answers["journal.read"] = page
    records = [record["seq"] async for record in robot.journal(2, kinds=["stop"])]

    assert records == [3, 4, 5, 6, 7, 8, 9]
    assert [request["params"]["since_seq"] for request in peer.requests[1:]] == [2, 5, 8]
    assert peer.requests[1]["params"]["kinds"] == ["stop"]


async def test_the_journal_is_read_up_to_the_row_that_is_wanted(line: Line):
    robot, peer = line
    peer.answers["journal.read"] = result({"records": [{"seq": 3}], "next_seq": 4, "last_seq": 9})

    assert [record["seq"] async for record in robot.journal(2, until_seq=4)] == [3]


async def test_a_journal_that_was_read_already_has_no_more(line: Line):
    robot, peer = line
    peer.answers["journal.read"] = result({"records": [], "next_seq": 50, "last_seq": 9})

    assert [record async for record in robot.journal(50)] == []


async def test_why_is_asked_of_a_command_a_row_or_now(line: Line):
    robot, peer = line
    peer.answers["why"] = result({"chain": []})
    for about in ("c1", 812, None):
        await robot.why(about)

    assert [request["params"] for request in peer.requests[1:]] == [{"id": "c1"}, {"seq": 812}, {}]


# -- losing the connection --------------------------------------------------------------------------------


async def test_a_loss_tells_every_caller_what_was_in_flight(line: Line):
    robot, peer = line
    peer.answers["status"] = peer.answers["send"] = silence
    async with asyncio.TaskGroup() as tasks:
        calls = [tasks.create_task(outcome(robot)) for outcome in (lost_status, lost_send)]
        await peer.asked("status")
        await peer.asked("send")
        peer.cut()

    for call in calls:
        loss = call.result()
        assert set(loss.in_flight) == {InFlight("status", None), InFlight("send", "mine")}
        assert "send mine" in str(loss)


async def lost_status(robot: RemoteRobot) -> ConnectionLost:
    with pytest.raises(ConnectionLost) as lost:
        await robot.status()
    return lost.value


async def lost_send(robot: RemoteRobot) -> ConnectionLost:
    with pytest.raises(ConnectionLost) as lost:
        await robot.send("drive", command_id="mine")
    return lost.value


async def test_a_loss_ends_the_wait_for_a_command_and_what_was_heard_is_kept(line: Line):
    robot, peer = line
    peer.answers["send"] = reaches("started")
    command = await robot.send("turn")
    peer.cut()

    with pytest.raises(ConnectionLost):
        await command.wait()
    assert command.stage == "started"


async def test_after_a_loss_every_call_says_so_at_once(line: Line):
    robot, peer = line
    peer.cut()
    with pytest.raises(ConnectionLost):
        async for _ in robot.subscribe("state"):
            pass

    for call in (robot.status(), robot.send("arm"), robot.estop()):
        with pytest.raises(ConnectionLost):
            await call


@pytest.mark.parametrize(
    "noise",
    [
        b"{\n",
        b"[]\n",
        b"1\n",
        b'{"id": []}\n',
        b'{"method": "stage"}\n',
        b'{"id": 1, "result": NaN}\n',
        b"\xff\n",
        b"[" * 100_000 + b"\n",
        b'{"method": "update", "params": {"topic": 1}}\n',
    ],
)
async def test_what_is_not_the_protocol_ends_the_connection_with_a_reason(line: Line, noise: bytes):
    robot, peer = line
    peer.answers["status"] = lambda request: peer.say_bytes(noise)

    with pytest.raises(ConnectionLost, match="not the robotd protocol"):
        await robot.status()


async def test_an_answer_without_end_ends_the_connection(line: Line, monkeypatch: pytest.MonkeyPatch):
    robot, peer = line
    peer.answers["status"] = lambda request: peer.say_bytes(b"x" * (4 * 1024 * 1024 + 65_536))

    with pytest.raises(ConnectionLost, match="longer than 4194304 bytes"):
        await robot.status()


async def test_the_shorthands_ask_what_they_say(line: Line):
    robot, peer = line
    for method in ("cancel", "estop", "reset"):
        peer.answers[method] = result({"asked": method})

    assert await robot.cancel("c7") == {"asked": "cancel"}
    assert await robot.estop("a child in the way") == {"asked": "estop"}
    assert await robot.reset("l7", traceparent="00-...") == {"asked": "reset"}
    assert [request["params"] for request in peer.requests[1:]] == [
        {"id": "c7"},
        {"reason": "a child in the way"},
        {"latch_id": "l7", "traceparent": "00-..."},
    ]


async def test_the_same_lines_go_over_tcp():
    peer = Peer()
    async with await asyncio.start_server(peer.serve, "127.0.0.1", 0) as server:
        async with connect(f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}") as robot:
            assert robot.server == {"robot": "few words"}
        await peer.ended.wait()


async def test_a_host_that_refuses_is_told_in_the_words_of_the_system():
    async with await asyncio.start_server(Peer().serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]

    with pytest.raises(
        CannotConnect, match=rf"tcp://127\.0\.0\.1:{port}: Connection refused; is robotd running"
    ):
        async with connect(f"tcp://127.0.0.1:{port}"):
            pass
