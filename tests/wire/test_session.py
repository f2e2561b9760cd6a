"""Stories of one client in virtual time, with a scripted robot behind it and a socket of memory before it."""

import asyncio
import json
from typing import Any

import pytest

from robotd.core.limits import Limits
from robotd.errors import Refused
from robotd.wire.session import BACKLOG_MESSAGES, MESSAGES_PER_TURN
from robotd.wire.transport import READ_BYTES
from tests.wire.scripted import Connection, ScriptedRobot, request, story, turns, untraced

FREE = Limits(rate_per_s=1e6, setpoint_rate_per_s=1e6, burst=10_000, in_flight=10_000)
"""For stories in which the rate plays no part."""


def send(command: str = "arm", call_id: Any = 1, **params: Any) -> dict[str, Any]:
    return request("send", {"type": command, **params}, call_id)


# -- methods ------------------------------------------------------------------------------------------


@story
async def test_hello_tells_who_is_there_and_who_the_client_is():
    client = Connection(ScriptedRobot())
    client.say(request("hello", {"client": "test", "protocol": [1]}))
    await turns(2)
    [answer] = client.socket.heard()

    assert answer["result"]["robot"] == "still"
    assert (answer["result"]["protocol"], answer["result"]["role"]) == (1, "maintainer")
    assert answer["result"]["session"]


@story
async def test_hello_refuses_a_client_of_another_protocol():
    client = Connection(ScriptedRobot())
    client.say(request("hello", {"protocol": [2]}), request("hello", {"protocol": 1}))
    await turns(2)

    assert [answer["error"]["data"]["reason"] for answer in client.socket.heard()] == ["invalid_params"] * 2


@story
async def test_describe_and_status_answer_what_the_robot_says():
    robot = ScriptedRobot()
    client = Connection(robot)
    client.say(request("describe", call_id="d"), request("status", call_id="s"), b"status")
    await turns(2)
    describe, status, word = client.socket.heard()

    assert describe["id"] == "d"
    assert untraced(describe["result"]) == robot.describe()
    assert untraced(status["result"]) == untraced(word) == robot.status()


@pytest.mark.parametrize("method", ["lease", "journal", "config.reload", "Status", "", "_send"])
def test_what_is_not_there_yet_is_no_method(method):
    @story
    async def run():
        client = Connection(ScriptedRobot())
        client.say(request(method))
        await turns(2)
        [answer] = client.socket.heard()
        assert answer["error"]["code"] == -32601

    run()


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("status", {"verbose": True}),
        ("describe", [1]),
        ("cancel", {}),
        ("cancel", {"id": 7}),
        ("reset", {"latch": "latch-1"}),
        ("subscribe", {"topics": "state"}),
        ("subscribe", {"topics": ["state"], "max_hz": 0}),
        ("subscribe", {"topics": ["weather"]}),
        ("unsubscribe", {}),
        ("send", {"payload": {}}),
        ("hello", {"name": "x"}),
    ],
)
def test_wrong_params_are_refused_as_such(method, params):
    @story
    async def run():
        client = Connection(ScriptedRobot())
        client.say(request(method, params))
        await turns(2)
        [answer] = client.socket.heard()
        assert answer["error"]["data"]["reason"] == "invalid_params"

    run()


@story
async def test_cancel_and_reset_answer_what_the_robot_says_and_what_it_refuses():
    client = Connection(ScriptedRobot())
    client.say(send(id="c1"), request("cancel", {"id": "c1"}), request("cancel", {"id": "c2"}))
    client.say(request("reset", {"latch_id": "latch-1"}))
    await turns(2)
    cancelled, unknown, latched = client.socket.heard()

    assert untraced(cancelled["result"]) == {"id": "c1", "was": "running"}
    assert unknown["error"]["data"]["reason"] == "invalid_params"
    assert latched["error"]["data"]["reason"] == "latched"


# -- commands and their stages ------------------------------------------------------------------------


@story
async def test_a_send_is_answered_when_it_starts():
    robot = ScriptedRobot()
    client = Connection(robot)
    client.say(send(payload={"a": 1}))
    await turns(3)
    assert client.socket.heard() == []

    robot.tell(robot.sent[0], "started")
    robot.tell(robot.sent[0], "done")
    await turns(2)
    [answer] = client.socket.heard()
    assert (answer["id"], answer["result"]["stage"]) == (1, "started")
    assert answer["result"]["id"] == robot.sent[0].id


@pytest.mark.parametrize(
    ("wait", "stages", "answered"),
    [
        ("accepted", ["journaled", "started", "done"], "accepted"),
        ("journaled", ["journaled", "started", "done"], "journaled"),
        ("journaled", ["started", "done"], "started"),
        ("journaled", ["expired"], "expired"),
        ("started", ["journaled", "started", "done"], "started"),
        ("started", ["started", "done"], "started"),
        ("done", ["started", "done"], "done"),
        ("done", ["started", "failed"], "failed"),
        ("started", ["expired"], "expired"),
        ("started", ["cancelled"], "cancelled"),
        ("done", ["preempted"], "preempted"),
    ],
)
def test_the_stage_waited_for_or_any_end_is_the_one_answer(wait, stages, answered):
    @story
    async def run():
        robot = ScriptedRobot()
        client = Connection(robot)
        client.say(send(wait=wait))
        for stage in stages:
            robot.tell(robot.sent[0], stage)
        await turns(2)
        assert [answer["result"]["stage"] for answer in client.socket.heard()] == [answered]

    run()


@story
async def test_a_rejected_send_is_an_error_and_in_short_form_a_stage():
    robot = ScriptedRobot()
    robot.refusal = Refused(
        "guard_false", "the bumper is pressed", hint="drive back", expression="not bumper"
    )
    client = Connection(robot)
    client.say(send(), {"type": "drive", "id": "c9"})
    await turns(2)
    error, short = client.socket.heard()

    assert untraced(error["error"]["data"]) == {
        "reason": "guard_false",
        "hint": "drive back",
        "expression": "not bumper",
    }
    assert (short["id"], short["stage"], short["error"]["code"]) == ("c9", "rejected", -32004)


@story
async def test_a_notification_is_carried_out_and_not_answered():
    robot = ScriptedRobot()
    client = Connection(robot)
    silent_arm = {"jsonrpc": "2.0", "method": "send", "params": {"type": "arm"}}
    client.say(silent_arm, [silent_arm], {"jsonrpc": "2.0", "method": "status"})
    robot.tell(robot.sent[0], "started")
    await turns(2)

    assert len(robot.sent) == 2
    assert client.socket.writes == []


@story
async def test_nobody_waits_for_the_answer_to_a_notification():
    robot = ScriptedRobot()
    client = Connection(robot)
    silent_arm = {"jsonrpc": "2.0", "method": "send", "params": {"type": "arm"}}
    client.say([silent_arm, request("status")], silent_arm)
    client.session.end_of_input()
    await turns(2)

    assert len(client.socket.writes) == 1
    assert client.socket.closed


@story
async def test_a_batch_is_answered_as_one_when_its_last_command_has_started():
    robot = ScriptedRobot()
    client = Connection(robot)
    client.say([send(call_id="a"), request("status", call_id="b"), send(call_id="c")])
    await turns(2)
    robot.tell(robot.sent[1], "started")
    await turns(2)
    assert client.socket.writes == []

    robot.tell(robot.sent[0], "started")
    await turns(2)
    [[message]] = client.socket.writes
    assert [answer["id"] for answer in json.loads(message)] == ["b", "c", "a"]


@story
async def test_no_client_has_more_than_its_share_of_commands_in_flight():
    robot = ScriptedRobot(Limits(in_flight=3))
    client = Connection(robot)
    client.say(*(send(call_id=number) for number in range(4)))
    await turns(2)
    [busy] = client.socket.heard()
    assert (busy["id"], busy["error"]["data"]["reason"]) == (3, "busy")
    assert busy["error"]["data"]["retry_after_ms"] > 0

    robot.tell(robot.sent[0], "done")
    client.say(send(call_id=5))
    assert len(robot.sent) == 4


# -- turns, rates and the backlog ---------------------------------------------------------------------


@story
async def test_the_answers_of_one_turn_go_out_together():
    client = Connection(ScriptedRobot(FREE))
    client.say(*(request("hello", call_id=number) for number in range(10)))
    assert client.socket.writes == []
    await turns(1)

    assert [len(messages) for messages in client.socket.writes] == [10]


@story
async def test_in_one_turn_a_client_gets_a_bounded_share_and_the_rest_in_order_later():
    robot = ScriptedRobot(FREE)
    most = 2 * MESSAGES_PER_TURN + 8
    client = Connection(robot)
    client.say(*(send(id=str(number)) for number in range(most)))
    handled = [len(robot.sent)]
    while len(robot.sent) < most:
        await turns(1)
        handled.append(len(robot.sent))

    assert handled == [MESSAGES_PER_TURN, 2 * MESSAGES_PER_TURN, most]
    assert [request.id for request in robot.sent] == [str(number) for number in range(most)]


@story
async def test_a_flooder_is_read_at_its_rate_and_loses_nothing():
    robot = ScriptedRobot(Limits(in_flight=10_000))
    client = Connection(robot)
    client.say(*(send(id=str(number)) for number in range(110)))
    await turns(20)
    assert len(robot.sent) == 50
    assert not client.socket.reading

    await asyncio.sleep(0.1005)
    assert len(robot.sent) == 60
    await asyncio.sleep(0.5)
    assert len(robot.sent) == 110
    assert client.socket.reading
    assert [request.id for request in robot.sent] == [str(number) for number in range(110)]


@story
async def test_a_full_backlog_pauses_reading_and_an_emptier_one_resumes_it():
    client = Connection(ScriptedRobot(Limits(burst=1, rate_per_s=1000.0)))
    client.say(*(request("hello") for _ in range(BACKLOG_MESSAGES)))
    assert client.socket.reading
    client.say(request("hello"))
    assert not client.socket.reading

    await asyncio.sleep(0.030)
    assert not client.socket.reading
    await asyncio.sleep(0.005)
    assert client.socket.reading


@story
async def test_a_few_huge_messages_fill_the_backlog_as_many_small_ones_do():
    client = Connection(ScriptedRobot(Limits(burst=1, rate_per_s=1.0)))
    huge = {"jsonrpc": "2.0", "id": 1, "method": "status", "params": {str(n): "x" * 3000 for n in range(5)}}
    client.say(huge, huge, huge, huge, huge, huge)
    assert client.socket.reading
    client.say(huge)

    assert not client.socket.reading


@story
async def test_a_batch_costs_as_many_tokens_as_it_has_calls():
    robot = ScriptedRobot(Limits(burst=10, rate_per_s=10.0))
    client = Connection(robot)
    client.say([send(id=str(number)) for number in range(20)])
    client.say(send(id="after"))
    await turns(2)
    assert len(robot.sent) == 10

    await asyncio.sleep(1.05)
    assert len(robot.sent) == 20
    await asyncio.sleep(0.1)
    assert len(robot.sent) == 21


@story
async def test_a_batch_waits_for_its_turn_like_any_message():
    robot = ScriptedRobot(Limits(burst=1, rate_per_s=10.0))
    client = Connection(robot)
    client.say(send(id="before"), [send(id="a"), send(id="b")])
    assert len(robot.sent) == 1

    await asyncio.sleep(0.205)
    assert [request.id for request in robot.sent] == ["before", "a", "b"]


@story
async def test_a_batch_makes_nothing_cheaper():
    """A description is dear: 64 at once would hold up a stop for 30 ms."""
    client = Connection(ScriptedRobot(Limits(burst=50, rate_per_s=100.0)))
    client.say([request("describe", call_id=number) for number in range(20)])
    await asyncio.sleep(1.0)
    assert client.socket.heard() == []

    await asyncio.sleep(1.0)
    [answers] = client.socket.heard()
    assert [answer["id"] for answer in answers] == list(range(20))


@story
async def test_unreadable_messages_cost_tokens_like_any_other():
    client = Connection(ScriptedRobot(Limits(burst=5, rate_per_s=1.0)))
    client.say(*([b"{"] * 8))
    await turns(3)

    assert len(client.socket.heard()) == 5


# -- streamed setpoints -------------------------------------------------------------------------------


@story
async def test_of_setpoints_beyond_their_rate_the_newest_wins_and_each_has_an_end():
    robot = ScriptedRobot(Limits(burst=3, setpoint_rate_per_s=100.0, rate_per_s=100.0))
    client = Connection(robot)
    client.say(*(send("drive", id=str(number)) for number in range(6)))
    await turns(2)

    assert [request.id for request in robot.sent] == ["0", "1", "2"]
    ends = [(answer["result"]["id"], answer["result"]["stage"]) for answer in client.socket.heard()]
    assert ends == [("3", "preempted"), ("4", "preempted")]

    await asyncio.sleep(0.011)
    assert [request.id for request in robot.sent] == ["0", "1", "2", "5"]


@story
async def test_a_newer_setpoint_never_runs_before_an_older_one_that_waits():
    robot = ScriptedRobot(Limits(burst=1, setpoint_rate_per_s=100.0, rate_per_s=1000.0))
    client = Connection(robot)
    client.say(send("drive", id="0"), send("drive", id="1"))
    await asyncio.sleep(0.0099)
    client.say(send("drive", id="2"))
    await asyncio.sleep(0.05)

    assert [request.id for request in robot.sent] == ["0", "2"]


@story
async def test_a_flood_of_setpoints_runs_at_its_rate_and_reading_slows():
    robot = ScriptedRobot(Limits(burst=1, setpoint_rate_per_s=20.0, rate_per_s=10.0, in_flight=1000))
    client = Connection(robot)
    client.say(*(send("drive", id=str(number)) for number in range(100)))
    assert not client.socket.reading
    await asyncio.sleep(1.01)

    assert len(robot.sent) == 1 + 20
    preempted = len(client.socket.heard())
    assert len(robot.sent) + preempted <= 1 + 20 + 10


@story
async def test_setpoints_have_a_rate_of_their_own():
    robot = ScriptedRobot(Limits(burst=2, rate_per_s=1.0))
    client = Connection(robot)
    client.say(send("drive", id="d1"), send(id="a1"), send("drive", id="d2"), send(id="a2"))

    assert [request.id for request in robot.sent] == ["d1", "a1", "d2", "a2"]


@story
async def test_a_malformed_setpoint_in_the_place_of_a_waiting_one_is_refused():
    robot = ScriptedRobot(Limits(burst=1, setpoint_rate_per_s=100.0, rate_per_s=1000.0))
    client = Connection(robot)
    client.say(send("drive", id="0"), send("drive", id="1"))
    await asyncio.sleep(0.002)
    client.say(send("drive", "bad", id="2", payload=7))
    await asyncio.sleep(0.05)

    preempted, refused = client.socket.heard()
    assert (refused["id"], refused["error"]["data"]["reason"]) == ("bad", "invalid_params")
    assert (preempted["result"]["id"], preempted["result"]["stage"]) == ("1", "preempted")
    assert [request.id for request in robot.sent] == ["0"]


# -- how old a message is -----------------------------------------------------------------------------


@story
async def test_freshness_counts_from_arrival_however_long_a_message_waited_here():
    robot = ScriptedRobot(Limits(burst=1, rate_per_s=10.0))
    client = Connection(robot)
    await asyncio.sleep(5.0)
    client.say(send(), send(), send())
    await asyncio.sleep(1.0)

    assert [request.at for request in robot.sent] == [5.0, 5.0, 5.0]


@story
async def test_what_may_have_lain_in_an_unread_socket_is_as_old_as_the_pause():
    robot = ScriptedRobot(Limits(burst=1, rate_per_s=100.0, in_flight=10_000))
    client = Connection(robot)
    client.say(*(send() for _ in range(BACKLOG_MESSAGES + 1)))
    assert not client.socket.reading
    await asyncio.sleep(0.5)
    assert client.socket.reading

    client.session.begin_read(READ_BYTES)
    client.session.receive(json.dumps(send(id="old")).encode())
    client.session.begin_read(100)
    client.session.receive(json.dumps(send(id="last of the old")).encode())
    client.session.begin_read(100)
    client.session.receive(json.dumps(send(id="new")).encode())
    await asyncio.sleep(1.0)

    arrived = {request.id: request.at for request in robot.sent}
    assert (arrived["old"], arrived["last of the old"]) == (0.0, 0.0)
    assert arrived["new"] == 0.5


# -- stops --------------------------------------------------------------------------------------------


@story
async def test_a_stop_is_acted_upon_before_receive_returns_and_answered_with_evidence():
    robot = ScriptedRobot()
    client = Connection(robot)
    client.say(request("estop", {"reason": "smoke"}, "s"))
    assert robot.stops == [("smoke", "memory")]
    assert client.socket.writes == []

    await turns(5)
    [answer] = client.socket.heard()
    assert (answer["id"], answer["result"]["latch_id"]) == ("s", "latch-1")


@pytest.mark.parametrize(
    "stop",
    [
        b"stop",
        b"STOP\r",
        b'{"jsonrpc":"2.0","id":1,"method":"estop"}',
        b'{"method":"estop"}',
        b'{"jsonrpc":"2.0","id":1,"method":"estop","params":[{}],"x":1}',
        b'[{"jsonrpc":"2.0","id":1,"method":"status"},{"jsonrpc":"2.0","id":2,"method":"estop"}]',
    ],
)
def test_a_stop_overtakes_the_backlog_of_its_own_client(stop):
    @story
    async def run():
        robot = ScriptedRobot(Limits(burst=1, rate_per_s=0.001))
        client = Connection(robot)
        client.say(*(send() for _ in range(30)), stop)
        assert len(robot.sent) == 1
        assert len(robot.stops) == 1

    run()


@pytest.mark.parametrize("params", [{"type": "estop"}, {"type": "estop", "payload": 7, "unknown": 1}])
def test_whoever_sends_estop_as_a_command_is_understood(params):
    @story
    async def run():
        robot = ScriptedRobot(Limits(burst=1, rate_per_s=0.001, in_flight=1))
        client = Connection(robot)
        client.say(send("drive"), send("drive"), request("send", params))
        assert [request.type for request in robot.sent] == ["drive", "estop"]

    run()


@story
async def test_a_reader_that_does_not_read_still_stops_the_robot():
    robot = ScriptedRobot()
    client = Connection(robot)
    client.session.pause_writing()
    for _ in range(50):
        client.say(request("status"), request("estop"))

    assert len(robot.stops) == 50


@pytest.mark.parametrize(
    "stops",
    [
        [b"stop"] * 100,
        [b"[" + b",".join([b'{"jsonrpc":"2.0","id":1,"method":"estop"}'] * 50) + b"]"] * 2,
    ],
)
def test_of_a_hundred_stops_in_one_read_the_first_acts_at_once_and_all_are_answered(stops):
    """Each stop costs as much as many commands: those of one client must not hold up another's."""

    @story
    async def run():
        robot = ScriptedRobot()
        client = Connection(robot)
        client.say(*stops)
        assert 1 <= len(robot.stops) <= 1 + MESSAGES_PER_TURN
        await asyncio.sleep(2.0)

        answers = client.socket.heard()
        assert sum(len(answer) if isinstance(answer, list) else 1 for answer in answers) == 100
        client.say(b"stop")
        assert len(robot.stops) == 101

    run()


@story
async def test_a_stop_of_which_the_client_heard_nothing_more_has_stopped_all_the_same():
    robot = ScriptedRobot()
    client = Connection(robot)
    client.say(request("estop"))
    client.session.close()
    await turns(5)

    assert len(robot.stops) == 1
    assert client.socket.writes == []


@story
async def test_evidence_that_never_comes_is_said_to_the_client():
    class EndingRobot(ScriptedRobot):
        def estop(self, reason: str, by: str, trace_id: str | None = None) -> asyncio.Future[dict[str, Any]]:
            self.evidence: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
            return self.evidence

    robot = EndingRobot()
    client = Connection(robot)
    client.say(request("estop"))
    robot.evidence.cancel()
    await turns(3)

    assert [answer["error"]["data"]["reason"] for answer in client.socket.heard()] == ["shutting_down"]


# -- telemetry ----------------------------------------------------------------------------------------


@story
async def test_a_subscriber_hears_the_answer_then_how_things_are_then_changes():
    robot = ScriptedRobot()
    client = Connection(robot)
    client.say(request("subscribe", {"topics": ["state", "reading.*"]}))
    robot.hub.publish("state", {"state": "armed"})
    await turns(2)
    answer, *updates = client.socket.heard()

    assert untraced(answer["result"]) == {"topics": ["state", "reading.battery"]}
    topics = [(update["params"]["topic"], update["params"]["data"].get("state")) for update in updates]
    assert topics == [("state", "disarmed"), ("reading.battery", None), ("state", "armed")]


@story
async def test_the_stages_of_all_commands_are_told_to_who_wants_them():
    robot = ScriptedRobot()
    client = Connection(robot)
    client.say(request("subscribe", {"topics": ["stage"]}))
    robot.hub.publish("stage", {"id": "c1", "stage": "started"})
    await turns(2)
    _, stage = client.socket.heard()

    assert stage == {"jsonrpc": "2.0", "method": "stage", "params": {"id": "c1", "stage": "started"}}


@story
async def test_a_rate_asked_for_is_kept_and_the_last_value_still_comes():
    robot = ScriptedRobot()
    client = Connection(robot)
    client.say(request("subscribe", {"topics": ["state"], "max_hz": 10}))
    await turns(2)
    client.socket.heard()
    for number in range(10):
        robot.hub.publish("state", {"n": number})
        await asyncio.sleep(0.03)
    await asyncio.sleep(1.0)

    assert [update["params"]["data"]["n"] for update in client.socket.heard()] == [3, 6, 9]


@story
async def test_who_unsubscribes_or_leaves_hears_nothing_more():
    robot = ScriptedRobot()
    client, other = Connection(robot), Connection(robot)
    for connection in (client, other):
        connection.say(request("subscribe", {"topics": ["state"]}))
    client.say(request("unsubscribe", {"topics": ["state"]}))
    other.session.close()

    assert not robot.hub.wanted("state")


@story
async def test_a_slow_reader_gets_the_newest_state_and_a_gap():
    robot = ScriptedRobot()
    client = Connection(robot)
    client.say(request("subscribe", {"topics": ["state"]}))
    await turns(2)
    client.socket.heard()
    client.session.pause_writing()
    for number in range(1000):
        robot.hub.publish("state", {"n": number})
        await turns(1)
    assert client.socket.writes == []
    client.session.resume_writing()
    await turns(2)
    [update] = client.socket.heard()

    assert (update["params"]["data"]["n"], update["params"]["gap"]) == (999, 999)


# -- slow and half-closed clients ---------------------------------------------------------------------


@story
async def test_a_reader_five_seconds_behind_is_cut_off():
    client = Connection(ScriptedRobot())
    client.session.pause_writing()
    await asyncio.sleep(4.9)
    assert client.socket.aborted is None

    await asyncio.sleep(0.2)
    assert client.socket.aborted == "it does not read"


@story
async def test_a_reader_that_catches_up_in_time_stays():
    client = Connection(ScriptedRobot())
    for _ in range(5):
        client.session.pause_writing()
        await asyncio.sleep(4.0)
        client.session.resume_writing()
        await asyncio.sleep(0.1)

    assert client.socket.aborted is None


@story
async def test_who_does_not_read_is_not_asked_more_but_waits_in_the_backlog():
    robot = ScriptedRobot(FREE)
    client = Connection(robot)
    client.session.pause_writing()
    for number in range(300):
        client.say(request("hello", call_id=number))
        await turns(1)
    assert client.socket.aborted is None
    assert not client.socket.reading
    client.session.resume_writing()
    await turns(30)

    assert [answer["id"] for answer in client.socket.heard()] == list(range(300))
    assert client.socket.reading


@story
async def test_who_stops_without_end_and_reads_nothing_is_cut_off():
    robot = ScriptedRobot(Limits(outbox_messages=10))
    client = Connection(robot)
    client.session.pause_writing()
    for _ in range(30):
        client.say(b"stop")
        await turns(3)

    assert client.socket.aborted == "it does not read"
    assert len(robot.stops) >= 10
    assert not robot.hub.wanted("state")


@story
async def test_a_client_that_half_closes_still_gets_its_answers():
    robot = ScriptedRobot(Limits(burst=1, rate_per_s=10.0))
    client = Connection(robot)
    client.say(send(call_id="first"), send(call_id="second"))
    client.session.end_of_input()
    await asyncio.sleep(0.15)
    assert not client.socket.closed

    for sent in robot.sent:
        robot.tell(sent, "started")
    await turns(2)
    assert [answer["id"] for answer in client.socket.heard()] == ["first", "second"]
    assert client.socket.closed


@story
async def test_a_client_that_half_closes_and_waits_for_nothing_is_closed_at_once():
    robot = ScriptedRobot()
    client = Connection(robot)
    client.say(request("subscribe", {"topics": ["state"]}))
    client.session.end_of_input()
    await turns(2)

    assert client.socket.closed
    assert not robot.hub.wanted("state")


@story
async def test_a_client_that_is_gone_leaves_nothing_behind():
    robot = ScriptedRobot(Limits(burst=1, rate_per_s=10.0, setpoint_rate_per_s=10.0))
    client = Connection(robot)
    client.say(request("subscribe", {"topics": ["state"]}), send(), send("drive"), send("drive"))
    client.session.pause_writing()
    client.session.close()
    await asyncio.sleep(60.0)
    robot.tell(robot.sent[0], "started") if robot.sent else None
    client.say(send())

    assert len(robot.sent) <= 1
    assert client.socket.writes == []
    assert client.socket.aborted is None
