from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from robotd.client import ConnectionLost, RemoteError, RemoteRobot, Subscription, Update, connect
from robotd.client.subscription import BUFFER_UPDATES
from tests.client.peer import Peer, error, listening, result

Line = tuple[RemoteRobot, Peer]


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    async with listening(tmp_path) as (peer, url), connect(url) as robot:
        peer.answers["status"] = result({})
        yield robot, peer


def loose(*topics: str) -> Subscription:
    async def begin(subscription: Subscription) -> dict[str, Any]:
        return {}

    async def end(subscription: Subscription) -> None:
        pass

    return Subscription(topics, begin, end)


async def take(subscription: Subscription) -> list[Update]:
    """Everything that waits."""
    await subscription.close()
    return [update async for update in subscription]


async def test_subscribing_begins_with_the_first_iteration_and_says_the_rate(line: Line):
    robot, peer = line
    subscription = robot.subscribe("state", "reading.*", max_hz=10)
    before = [request["method"] for request in peer.requests]
    async with subscription:
        peer.update("state", {"state": "armed"})
        peer.update("reading.battery", {"value": 12.0}, gap=2)
        updates = [await anext(subscription), await anext(subscription)]

    assert before == ["hello"]
    assert (await peer.asked("subscribe"))["params"] == {"topics": ["state", "reading.*"], "max_hz": 10}
    assert updates == [
        Update("state", {"state": "armed"}),
        Update("reading.battery", {"value": 12.0}, gap=2),
    ]


def test_an_update_says_its_trace_where_it_has_one():
    assert Update("state", {"state": "armed", "trace_id": "a" * 32}).trace_id == "a" * 32
    assert Update("state", {"state": "armed"}).trace_id == ""


async def test_a_client_that_was_away_asks_for_what_it_missed_and_hears_how_much_of_it_there_is(line: Line):
    robot, peer = line
    peer.answers["subscribe"] = result({"topics": ["stage"], "last_seq": 912, "gap": 850})
    async with robot.subscribe("stage", since_seq=812) as updates:
        peer.stage("c1", "journaled", seq=851)
        peer.stage("c1", "done", seq=852)
        heard = [await anext(updates), await anext(updates)]

    assert (await peer.asked("subscribe"))["params"] == {"topics": ["stage"], "since_seq": 812}
    assert (updates.begun["gap"], updates.begun["last_seq"]) == (850, 912)
    assert [update.data["seq"] for update in heard] == [851, 852]
    assert robot.last_seq == 852


async def test_each_subscription_hears_its_own_topics_alone(line: Line):
    robot, peer = line
    async with robot.subscribe("state") as states, robot.subscribe("reading.*") as readings:
        peer.update("reading.battery", {})
        peer.update("state", {})
        await robot.status()

        assert [update.topic for update in await take(states)] == ["state"]
        assert [update.topic for update in await take(readings)] == ["reading.battery"]


async def test_the_robot_is_told_when_nobody_here_listens_any_more(line: Line):
    robot, peer = line
    first, second = robot.subscribe("state", "log"), robot.subscribe("state")
    async with second:
        async with first:
            pass
        after_first = (await peer.asked("unsubscribe"))["params"]

    assert after_first == {"topics": ["log"]}
    assert (await peer.asked("unsubscribe"))["params"] == {"topics": ["state"]}


async def test_a_pattern_is_not_taken_away_from_who_listens_to_one_of_its_topics(line: Line):
    robot, peer = line
    async with robot.subscribe("reading.battery"), robot.subscribe("reading.*"):
        pass

    told = [request["params"]["topics"] for request in peer.requests if request["method"] == "unsubscribe"]
    assert told == [["reading.battery"]]


async def test_stages_that_commands_need_stay_subscribed(line: Line):
    robot, peer = line
    peer.answers["send"] = lambda request: {
        "id": request["id"],
        "result": {"id": request["params"]["id"], "stage": "done", "state": ""},
    }
    await robot.send("arm")
    async with robot.subscribe("stage") as stages:
        peer.stage("other", "started")
        assert (await anext(stages)).data["id"] == "other"

    assert "unsubscribe" not in [request["method"] for request in peer.requests]


async def test_a_refused_subscription_raises_and_leaves_nothing(line: Line):
    robot, peer = line
    peer.answers["subscribe"] = error(-32602, "there is no topic 'x'", reason="invalid_params")

    with pytest.raises(RemoteError, match="no topic"):
        async for _ in robot.subscribe("x"):
            pass
    assert robot._subscriptions == []


async def test_what_was_heard_before_a_loss_can_still_be_taken(line: Line):
    robot, peer = line
    async with robot.subscribe("state") as states:
        peer.update("state", {"state": "armed"})
        await robot.status()
        peer.cut()

        assert (await anext(states)).data == {"state": "armed"}
        with pytest.raises(ConnectionLost):
            await anext(states)


async def test_closing_ends_an_iteration_that_waits(line: Line):
    robot, _ = line
    subscription = robot.subscribe("state")

    async def count() -> int:
        return len([update async for update in subscription])

    async with asyncio.TaskGroup() as tasks:
        counting = tasks.create_task(count())
        await robot.status()
        await subscription.close()
        await subscription.close()

    assert counting.result() == 0


async def test_a_slow_reader_gets_the_newest_of_each_topic_and_the_number_of_those_it_missed():
    subscription = loose("state", "reading.*")
    for value in range(5):
        subscription.heard(Update("reading.battery", {"value": value}))
    subscription.heard(Update("state", {}))

    assert await take(subscription) == [Update("reading.battery", {"value": 4}, gap=4), Update("state", {})]


async def test_stages_are_kept_one_by_one_up_to_a_bound():
    subscription = loose("stage")
    for number in range(BUFFER_UPDATES + 3):
        subscription.heard(Update("stage", {"number": number}))
    updates = await take(subscription)

    assert len(updates) == BUFFER_UPDATES
    assert updates[0].data == {"number": 3}
    assert sum(update.gap for update in updates) + subscription._dropped == 3


@pytest.mark.parametrize(
    ("pattern", "topic", "wanted"),
    [
        ("reading.*", "reading.battery", True),
        ("reading.battery", "reading.battery", True),
        ("reading.battery", "reading.battery2", False),
        ("state", "stage", False),
        ("*", "reading.battery", True),
    ],
)
async def test_a_pattern_stands_for_topics(pattern: str, topic: str, wanted: bool):
    assert loose(pattern).wants(topic) is wanted
