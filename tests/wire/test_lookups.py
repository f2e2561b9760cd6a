"""What a client asks of the journal, in virtual time: the robot finds it when the test says so."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robotd.core.limits import Limits
from robotd.errors import Refused
from robotd.wire.lookups import WAITING
from robotd.wire.params import DEFAULT_ROWS
from robotd.wire.service import JournalQuery, PastStages
from tests import virtual
from tests.counts import cases
from tests.wire.scripted import Connection, ScriptedRobot, request, story, turns, untraced

FREE = Limits(rate_per_s=1e6, burst=10_000)
EMPTY: dict[str, Any] = {"records": [], "next_seq": 0, "last_seq": 0}


class Asked(NamedTuple):
    """A question that the robot looks up."""

    about: Any
    found: asyncio.Future[Any]


class LookingRobot(ScriptedRobot):
    """Looks things up for as long as the test likes."""

    def __init__(self, limits: Limits | None = None) -> None:
        super().__init__(limits)
        self.asked: list[Asked] = []

    def look_up(self, about: Any) -> asyncio.Future[Any]:
        found: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.asked.append(Asked(about, found))
        return found

    def read_journal(self, query: JournalQuery) -> asyncio.Future[Any]:  # type: ignore[override]  # an awaitable
        return self.look_up(query)

    def why(self, about: str | int | None) -> asyncio.Future[Any]:  # type: ignore[override]  # an awaitable
        return self.look_up(about)

    def past_stages(self, since_seq: int, most: int) -> asyncio.Future[Any]:  # type: ignore[override]  # likewise
        return self.look_up(("stages", since_seq))


@story
async def test_a_page_of_the_journal_is_answered_when_it_is_found_and_nothing_waits_for_it():
    robot = LookingRobot()
    client = Connection(robot)
    client.say(request("journal.read", {"since_seq": 7}, "j"), request("status", call_id="s"))
    await turns(3)
    [status] = client.socket.heard()
    robot.asked[0].found.set_result({"records": [{"seq": 8}], "next_seq": 8, "last_seq": 9})
    await turns(3)
    [page] = client.socket.heard()

    assert (status["id"], page["id"]) == ("s", "j")
    assert untraced(page["result"]) == {"records": [{"seq": 8}], "next_seq": 8, "last_seq": 9}


@story
async def test_a_query_says_what_is_wanted_and_how_much_an_answer_holds():
    robot = LookingRobot(Limits(rate_per_s=1e6, burst=100, outbox_bytes=100_000))
    client = Connection(robot)
    trace_id = "4BF92F35-77B3-4DA6-A3CE-929D0E0E4736"
    client.say(
        request("journal.read"),
        request(
            "journal.read",
            {"since_seq": 1, "until_seq": 9, "limit": 5, "newest_first": True, "kinds": ["stop"]}
            | {"id": "c1", "trace_id": trace_id, "device": "base"},
        ),
    )
    robot.asked[0].found.set_result(EMPTY)
    await turns(3)

    assert robot.asked[0].about == JournalQuery(limit=DEFAULT_ROWS, most_bytes=50_000)
    assert robot.asked[1].about == JournalQuery(
        since_seq=1,
        until_seq=9,
        limit=5,
        newest_first=True,
        kinds=("stop",),
        id="c1",
        trace_id=trace_id.replace("-", "").lower(),
        device="base",
        most_bytes=50_000,
    )


@pytest.mark.parametrize(
    ("params", "about"), [({}, None), ({"id": "c1"}, "c1"), ({"seq": 812}, 812), ({"id": "812"}, "812")]
)
def test_why_asks_about_a_command_a_row_or_now(params: dict[str, Any], about: object):
    @story
    async def run() -> None:
        robot = LookingRobot()
        client = Connection(robot)
        client.say(request("why", params))
        robot.asked[0].found.set_result({"chain": []})
        await turns(3)

        assert robot.asked[0].about == about
        assert untraced(client.socket.heard()[0]["result"]) == {"chain": []}

    run()


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("journal.read", {"since_seq": -1}),
        ("journal.read", {"since_seq": "7"}),
        ("journal.read", {"since_seq": True}),
        ("journal.read", {"until_seq": 1.5}),
        ("journal.read", {"limit": 0}),
        ("journal.read", {"limit": 501}),
        ("journal.read", {"kinds": "stop"}),
        ("journal.read", {"kinds": [7]}),
        ("journal.read", {"newest_first": 1}),
        ("journal.read", {"trace_id": "abc"}),
        ("journal.read", {"id": ""}),
        ("journal.read", {"device": 7}),
        ("journal.read", {"since": 7}),
        ("why", {"id": "c1", "seq": 1}),
        ("why", {"seq": 0}),
        ("why", {"id": 7}),
        ("why", []),
        ("dead.bury", {}),
        ("dead.bury", {"letter": 3}),
        ("dead.bury", {"letter": 0, "how": "dropped"}),
        ("dead.bury", {"letter": "3", "how": "dropped"}),
        ("dead.bury", {"letter": 3, "how": "burnt"}),
        ("dead.bury", {"letter": 3, "how": ["dropped"]}),
        ("subscribe", {"topics": ["state"], "since_seq": 7}),
        ("subscribe", {"topics": ["stage"], "since_seq": -1}),
        ("subscribe", {"topics": ["stage", "weather"], "since_seq": 7}),
    ],
)
def test_wrong_params_are_refused_and_nothing_is_looked_up(method: str, params: Any):
    @story
    async def run() -> None:
        robot = LookingRobot()
        client = Connection(robot)
        client.say(request(method, params))
        await turns(2)

        assert client.socket.heard()[0]["error"]["data"]["reason"] == "invalid_params"
        assert robot.asked == []
        assert robot.buried == []

    run()


@story
async def test_a_dead_letter_is_buried_by_who_says_so():
    robot = LookingRobot()
    client = Connection(robot)
    client.say(request("dead.bury", {"letter": 812, "how": "resent"}))
    await turns(4)

    assert robot.buried == [(812, "resent", "memory")]
    assert client.socket.heard()[0]["result"]["letter"] == 812


@story
async def test_one_client_has_one_thing_looked_up_at_a_time_and_others_do_not_wait_for_it():
    robot = LookingRobot(FREE)
    one, other = Connection(robot), Connection(robot)
    one.say(request("why", call_id=1), request("why", call_id=2))
    other.say(request("why", call_id=3))
    assert len(robot.asked) == 2

    robot.asked[0].found.set_result({})
    await turns(3)
    assert len(robot.asked) == 3
    assert [answer["id"] for answer in one.socket.heard()] == [1]


@story
async def test_a_question_is_refused_when_too_many_wait():
    robot = LookingRobot(FREE)
    client = Connection(robot)
    client.say(*(request("why", call_id=number) for number in range(WAITING + 2)))
    await turns(20)
    [refused] = client.socket.heard()

    assert refused["id"] == WAITING + 1
    assert refused["error"]["data"]["reason"] == "busy"


@story
async def test_who_does_not_read_has_nothing_looked_up_until_it_reads():
    robot = LookingRobot(FREE)
    client = Connection(robot)
    client.session.pause_writing()
    client.say(request("why"), request("why"))
    await turns(3)
    assert robot.asked == []

    client.session.resume_writing()
    assert len(robot.asked) == 1


@story
async def test_a_client_that_reads_is_never_cut_off_for_asking_much():
    robot = LookingRobot(FREE)
    client = Connection(robot)
    client.say(*(request("journal.read", call_id=number) for number in range(WAITING)))
    for _ in range(WAITING):
        # Each answer fills the socket, and the client takes its time with it.
        client.session.pause_writing()
        most = robot.asked[-1].about.most_bytes
        robot.asked[-1].found.set_result(EMPTY | {"records": ["x" * (most - 10)]})
        await asyncio.sleep(1.0)
        client.session.resume_writing()
        await turns(2)

    assert client.socket.aborted is None
    assert [answer["id"] for answer in client.socket.heard()] == list(range(WAITING))


@story
async def test_a_refusal_of_what_is_looked_up_is_answered_and_the_next_is_asked():
    robot = LookingRobot(FREE)
    client = Connection(robot)
    client.say(request("journal.read", call_id=1), request("why", call_id=2))
    robot.asked[0].found.set_exception(Refused("journal_unavailable", "the disk does not answer"))
    await turns(3)
    [refused] = client.socket.heard()

    assert (refused["id"], refused["error"]["data"]["reason"]) == (1, "journal_unavailable")
    assert len(robot.asked) == 2


@story
async def test_a_refusal_at_once_is_answered_and_the_next_is_asked():
    class FullRobot(LookingRobot):
        def why(self, about: str | int | None) -> asyncio.Future[Any]:  # type: ignore[override]  # an awaitable
            raise Refused("journal_unavailable", "there is none")

    robot = FullRobot(FREE)
    client = Connection(robot)
    client.say(request("why", call_id=1), request("journal.read", call_id=2))
    await turns(2)

    assert [answer["id"] for answer in client.socket.heard()] == [1]
    assert len(robot.asked) == 1


@story
async def test_what_fails_for_another_reason_is_answered_and_told_to_the_loop():
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["exception"]))
    robot = LookingRobot(FREE)
    client = Connection(robot)
    client.say(request("why", call_id=1), request("why", call_id=2))
    bug = ZeroDivisionError()
    robot.asked[0].found.set_exception(bug)
    await turns(3)
    [answer] = client.socket.heard()

    assert answer["error"]["data"]["reason"] == "internal"
    assert told == [bug]
    assert len(robot.asked) == 2


@story
async def test_a_client_that_is_gone_hears_nothing_and_nobody_looks_on():
    robot = LookingRobot(FREE)
    client = Connection(robot)
    client.say(request("why"), request("why"))
    client.session.close()
    await turns(3)

    assert robot.asked[0].found.cancelled()
    assert len(robot.asked) == 1
    assert client.socket.heard() == []


@story
async def test_what_was_found_when_the_client_has_just_gone_is_for_nobody():
    robot = LookingRobot(FREE)
    client = Connection(robot)
    client.say(request("why"))
    robot.asked[0].found.set_result({})
    client.session.close()
    await turns(3)

    assert client.socket.heard() == []


@story
async def test_a_client_that_sends_no_more_gets_what_it_asked_for_and_is_closed_then():
    robot = LookingRobot(FREE)
    client = Connection(robot)
    client.say(request("why", call_id=1), request("why", call_id=2))
    client.session.end_of_input()
    for asked in (0, 1):
        assert not client.socket.closed
        robot.asked[asked].found.set_result({})
        await turns(3)

    assert [answer["id"] for answer in client.socket.heard()] == [1, 2]
    assert client.socket.closed


@story
async def test_at_the_end_of_the_daemon_what_is_not_found_is_refused_and_the_client_closed():
    robot = LookingRobot(FREE)
    client = Connection(robot)
    client.say(request("why", call_id=1), request("journal.read", call_id=2))
    client.session.shut_down()
    await turns(2)
    answers = client.socket.heard()

    assert [(answer["id"], answer["error"]["data"]["reason"]) for answer in answers] == [
        (1, "shutting_down"),
        (2, "shutting_down"),
    ]
    assert robot.asked[0].found.cancelled()
    assert client.socket.closed


@story
async def test_what_was_not_even_begun_at_the_end_of_the_daemon_is_refused_in_its_turn():
    robot = LookingRobot(Limits(rate_per_s=10, burst=10))
    client = Connection(robot)
    client.say(*(request("why", call_id=number) for number in range(3)))
    await turns(2)
    client.session.shut_down()
    await asyncio.sleep(5.0)

    assert [answer["error"]["data"]["reason"] for answer in client.socket.heard()] == ["shutting_down"] * 3
    assert len(robot.asked) == 1
    assert client.socket.closed


@story
async def test_a_question_that_the_daemon_gives_up_is_answered():
    robot = LookingRobot(FREE)
    client = Connection(robot)
    client.say(request("why"))
    robot.asked[0].found.cancel()
    await turns(3)

    assert client.socket.heard()[0]["error"]["data"]["reason"] == "shutting_down"


@story
async def test_reading_the_journal_is_dear():
    robot = LookingRobot(Limits(rate_per_s=100, burst=50))
    client = Connection(robot)
    client.say(*(request("journal.read", call_id=number) for number in range(11)))
    for _ in range(10):
        robot.asked[-1].found.set_result(EMPTY)
        await turns(3)
    assert len(client.socket.heard()) == 10

    await asyncio.sleep(0.011)
    await turns(3)
    assert len(robot.asked) == 11


@story
async def test_a_resumption_that_fails_leaves_everything_as_it_was():
    robot = LookingRobot(FREE)
    client = Connection(robot)
    client.say(request("subscribe", {"topics": ["stage"], "since_seq": 7}))
    await turns(2)
    robot.asked[0].found.set_exception(Refused("journal_unavailable", "no disk"))
    await turns(3)
    [refused] = client.socket.heard()

    assert refused["error"]["data"]["reason"] == "journal_unavailable"
    assert not robot.hub.wanted("stage")


@story
async def test_past_stages_are_found_after_a_question_that_came_before():
    robot = LookingRobot(FREE)
    client = Connection(robot)
    client.say(request("why"), request("subscribe", {"topics": ["stage"], "since_seq": 7}))
    robot.asked[0].found.set_result({})
    await turns(4)
    robot.asked[1].found.set_result(PastStages((), 7))
    await turns(4)

    assert len(client.socket.heard()) == 2
    assert robot.hub.wanted("stage")


# -- at random ---------------------------------------------------------------------------------------------

VALUES = st.sampled_from([None, True, -1, 0, 1, 7, 600, 0.5, "", "c1", "x" * 65, [], ["stop"], [7], {"a": 1}])
NAMES = st.sampled_from(
    [
        *("since_seq", "until_seq", "limit", "newest_first", "kinds", "id", "trace_id", "device", "seq"),
        *("letter", "how", "topics", "max_hz", "traceparent", "latch_id", "reason"),
    ]
)
TOPICS = st.just(["stage", "state"]) | st.just(["stage"])
PARAMS = st.dictionaries(NAMES, VALUES, max_size=4) | st.fixed_dictionaries(
    {}, optional={"topics": TOPICS, "since_seq": st.integers(0, 9), "id": st.just("c1")}
)
METHODS = st.sampled_from(
    ["journal.read", "why", "dead.bury", "subscribe", "unsubscribe", "cancel", "estop", "reset", "status"]
)


async def ask_anything(calls: list[tuple[str, Any]]) -> None:
    """Each call is answered once, whatever it says, and nothing breaks."""
    broken: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: broken.append(context))
    robot = LookingRobot(FREE)
    client = Connection(robot)
    client.say(*(request(method, params, number) for number, (method, params) in enumerate(calls)))
    for _ in range(3 * len(calls) + 3):
        await turns(3)
        for asked in robot.asked:
            if not asked.found.done():
                stages = type(asked.about) is tuple
                asked.found.set_result(PastStages((), 9) if stages else EMPTY)
    answered = [message["id"] for message in client.socket.heard() if "id" in message]
    client.session.close()

    assert sorted(answered) == list(range(len(calls)))
    assert broken == []


@given(st.lists(st.tuples(METHODS, PARAMS), min_size=1, max_size=6))
@settings(max_examples=cases(2_000), deadline=None)
def test_whatever_is_asked_is_answered_once(calls: list[tuple[str, Any]]):
    virtual.run(ask_anything(calls))
