"""A client that was away hears what it missed and then what happens, each once; in virtual time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robotd.core.limits import Limits
from robotd.wire.resuming import MOST_PAST, MOST_WAITING
from robotd.wire.service import PastStages
from tests import virtual
from tests.counts import cases
from tests.wire.scripted import Connection, ScriptedRobot, request, story, turns, untraced

Told = dict[str, Any]


class JournalRobot(ScriptedRobot):
    """Writes the stages of commands to a journal, and tells them when they are durable, as a daemon does."""

    def __init__(self) -> None:
        super().__init__(Limits(rate_per_s=1e6, burst=10_000))
        self.rows: list[Told] = []
        """Durable, whether told or not."""
        self.gap: int | None = None
        self.looked_up: asyncio.Future[None] | None = None
        """What looking up waits for; None: it takes no time."""
        self._seq = 0
        self._at = 0.0

    def stage(self, command: str, stage: str, *, kept: bool = True) -> Told:
        """One stage; `kept`: it has a row, which is durable now."""
        self._at += 0.001
        told: Told = {"id": command, "stage": stage, "at": self._at, "state": "armed", "trace_id": "a" * 32}
        if kept:
            self._seq += 1
            told["seq"] = self._seq
            self.rows.append(told)
        return told

    def publish(self, *told: Told) -> None:
        for stage in told:
            self.hub.publish("stage", stage)

    def live(self, command: str, stage: str, *, kept: bool = True) -> None:
        """One stage that is told at once."""
        self.publish(self.stage(command, stage, kept=kept))

    async def past_stages(self, since_seq: int, most: int) -> PastStages:
        found = [row for row in self.rows if row["seq"] > since_seq]
        if self.looked_up is not None:
            await self.looked_up
        gap = found[-most]["seq"] if len(found) > most else self.gap
        return PastStages(found[-most:], self._seq, gap)


def resume(since_seq: int, **more: Any) -> Told:
    return request("subscribe", {"topics": ["stage"], "since_seq": since_seq, **more})


def stages(messages: Sequence[Told]) -> list[tuple[str, str]]:
    assert all(message["method"] == "stage" for message in messages)
    return [(message["params"]["id"], message["params"]["stage"]) for message in messages]


@story
async def test_what_was_missed_comes_first_and_then_what_happens():
    robot = JournalRobot()
    for command in ("a", "b"):
        robot.stage(command, "journaled")
    robot.stage("a", "done")
    client = Connection(robot)
    client.say(resume(1))
    await turns(4)
    robot.live("b", "done")
    await turns(4)
    answer, *news = client.socket.heard()

    assert untraced(answer["result"]) == {"topics": ["stage"], "last_seq": 3}
    assert stages(news) == [("b", "journaled"), ("a", "done"), ("b", "done")]
    assert [message["params"]["seq"] for message in news] == [2, 3, 4]


@story
async def test_what_happens_while_the_past_is_looked_up_comes_once_and_afterwards():
    robot = JournalRobot()
    robot.looked_up = asyncio.get_running_loop().create_future()
    robot.live("a", "journaled")
    client = Connection(robot)
    client.say(resume(0))
    await turns(2)
    robot.live("b", "received", kept=False)
    robot.live("b", "journaled")
    robot.live("a", "done")
    robot.looked_up.set_result(None)
    await turns(5)
    _, *news = client.socket.heard()

    assert stages(news) == [("a", "journaled"), ("b", "received"), ("b", "journaled"), ("a", "done")]


@story
async def test_what_was_looked_up_before_it_was_told_is_not_told_again():
    robot = JournalRobot()
    early = robot.stage("a", "accepted", kept=False)
    journaled = robot.stage("a", "journaled")
    started = robot.stage("a", "started", kept=False)
    done = robot.stage("a", "done")
    client = Connection(robot)
    client.say(resume(0))
    await turns(5)
    robot.publish(early, journaled, started, done)
    robot.live("b", "accepted", kept=False)
    robot.live("b", "journaled")
    await turns(3)
    _, *news = client.socket.heard()

    assert stages(news) == [("a", "journaled"), ("a", "done"), ("b", "accepted"), ("b", "journaled")]


@story
async def test_a_start_that_has_no_row_is_heard_where_it_follows_what_was_looked_up():
    robot = JournalRobot()
    robot.stage("a", "journaled")
    client = Connection(robot)
    client.say(resume(0))
    await turns(5)
    robot.live("a", "started", kept=False)
    await turns(3)

    assert stages(client.socket.heard()[1:]) == [("a", "journaled"), ("a", "started")]


@story
async def test_an_id_that_is_used_again_is_not_taken_for_its_past():
    robot = JournalRobot()
    robot.stage("a", "rejected")
    client = Connection(robot)
    client.say(resume(0))
    await turns(5)
    robot.live("a", "accepted", kept=False)
    robot.live("a", "journaled")
    await turns(3)

    assert stages(client.socket.heard()[1:]) == [("a", "rejected"), ("a", "accepted"), ("a", "journaled")]


@story
async def test_more_than_can_be_told_begins_with_a_gap_that_is_said():
    robot = JournalRobot()
    for number in range(MOST_PAST + 5):
        robot.stage(f"c{number}", "done")
    client = Connection(robot)
    client.say(resume(0))
    await turns(60)
    answer, *news = client.socket.heard()

    assert answer["result"]["gap"] == 6
    assert [message["params"]["seq"] for message in news] == list(range(6, MOST_PAST + 6))


@story
async def test_another_journal_shows_in_the_last_row_and_is_listened_to():
    robot = JournalRobot()
    robot.stage("a", "done")
    client = Connection(robot)
    client.say(resume(50_000))
    await turns(5)
    robot.live("b", "done")
    await turns(3)
    answer, *news = client.socket.heard()

    assert answer["result"]["last_seq"] == 1
    assert stages(news) == [("b", "done")]


@story
async def test_other_topics_of_the_same_call_begin_with_what_is_so_now():
    robot = JournalRobot()
    robot.stage("a", "done")
    client = Connection(robot)
    client.say(resume(0, topics=["state", "stage"]))
    robot.hub.publish("state", {"state": "armed"})
    await turns(5)
    robot.hub.publish("state", {"state": "armed"})
    await turns(3)
    answer, *news = client.socket.heard()

    assert answer["result"]["topics"] == ["state", "stage"]
    assert [message["method"] for message in news] == ["update", "stage", "update"]
    assert news[0]["params"]["data"]["state"] == "disarmed"


@story
async def test_a_rate_thins_out_the_other_topics_and_no_stage():
    robot = JournalRobot()
    for number in range(5):
        robot.stage(f"c{number}", "done")
    client = Connection(robot)
    client.say(request("subscribe", {"topics": ["stage"], "max_hz": 1}))
    client.say(resume(0, topics=["stage", "state"], max_hz=1))
    await turns(5)
    client.socket.writes.clear()
    for number in range(5, 8):
        robot.live(f"c{number}", "done")
        robot.hub.publish("state", {"state": f"s{number}"})
    await turns(3)

    assert [message["method"] for message in client.socket.heard()] == ["stage"] * 3


@story
async def test_who_listens_already_hears_no_stage_twice():
    robot = JournalRobot()
    client = Connection(robot)
    client.say(request("subscribe", {"topics": ["stage"]}))
    robot.live("a", "journaled")
    client.say(resume(1), request("subscribe", {"topics": ["stage"]}))
    await turns(5)
    robot.live("a", "done")
    await turns(3)
    news = [message for message in client.socket.heard() if "method" in message]

    assert stages(news) == [("a", "journaled"), ("a", "done")]


@story
async def test_a_second_resumption_takes_the_place_of_the_first():
    robot = JournalRobot()
    robot.stage("a", "done")
    client = Connection(robot)
    client.say(resume(0), resume(0))
    await turns(6)
    robot.live("b", "done")
    await turns(3)
    news = [message for message in client.socket.heard() if "method" in message]

    assert stages(news) == [("a", "done"), ("a", "done"), ("b", "done")]


@pytest.mark.parametrize("listened_before", [False, True])
def test_who_wants_no_more_stages_hears_none(listened_before: bool):
    @story
    async def run() -> None:
        robot = JournalRobot()
        client = Connection(robot)
        if listened_before:
            client.say(request("subscribe", {"topics": ["stage"]}))
        client.say(resume(0))
        await turns(4)
        client.say(request("unsubscribe", {"topics": ["stage"]}))
        robot.live("a", "done")
        await turns(3)

        assert not robot.hub.wanted("stage")
        assert [message for message in client.socket.heard() if "method" in message] == []

    run()


@pytest.mark.parametrize("end", ["close", "end_of_input", "shut_down"])
def test_nobody_listens_for_a_client_that_is_gone(end: str):
    @story
    async def run() -> None:
        robot = JournalRobot()
        robot.looked_up = asyncio.get_running_loop().create_future()
        waiting, listening = Connection(robot), Connection(robot)
        listening.say(resume(0))
        robot.looked_up.set_result(None)
        await turns(4)
        robot.looked_up = asyncio.get_running_loop().create_future()
        waiting.say(resume(0))
        await turns(2)
        for client in (waiting, listening):
            getattr(client.session, end)()
        robot.looked_up.cancel()
        await turns(4)

        assert not robot.hub.wanted("stage")

    run()


@story
async def test_a_client_that_sends_no_more_is_answered_and_not_subscribed():
    robot = JournalRobot()
    robot.looked_up = asyncio.get_running_loop().create_future()
    robot.stage("a", "done")
    client = Connection(robot)
    client.say(resume(0))
    client.session.end_of_input()
    await turns(2)
    robot.looked_up.set_result(None)
    await turns(4)

    assert [message.get("id") for message in client.socket.heard()] == [1]
    assert client.socket.closed
    assert not robot.hub.wanted("stage")


@story
async def test_the_past_waits_for_a_client_that_reads_slowly():
    robot = JournalRobot()
    for number in range(900):
        robot.stage(f"c{number}", "done")
    client = Connection(robot)
    client.say(resume(0))
    await turns(8)
    heard = client.socket.heard()[1:]
    client.session.pause_writing()
    robot.live("late", "done")
    await asyncio.sleep(1.0)
    assert 0 < len(heard) < 900
    assert client.socket.heard() == []

    client.session.resume_writing()
    await turns(60)
    heard += client.socket.heard()
    assert [message["params"]["seq"] for message in heard] == list(range(1, 902))
    assert not any("gap" in message["params"] for message in heard)


@story
async def test_what_a_client_does_not_read_is_left_out_and_counted():
    robot = JournalRobot()
    robot.looked_up = asyncio.get_running_loop().create_future()
    client = Connection(robot)
    client.say(resume(0))
    await turns(2)
    for number in range(MOST_WAITING + 7):
        robot.live(f"c{number}", "done")
    robot.looked_up.set_result(None)
    await turns(100)
    _, *news = client.socket.heard()

    assert len(news) == MOST_WAITING
    assert news[0]["params"]["gap"] == 7
    assert news[0]["params"]["seq"] == 8


# -- at random ---------------------------------------------------------------------------------------------


async def live_through(rng: random.Random) -> None:
    """Commands live and are told, late as after a commit, while a client goes and comes back."""
    robot = JournalRobot()
    told: list[Told] = []
    open_commands: list[str] = []
    due: list[Told] = []
    client: Connection | None = None
    newest = 0

    def live() -> None:
        if open_commands and rng.random() < 0.5:
            command = open_commands.pop(rng.randrange(len(open_commands)))
            due.append(robot.stage(command, "started", kept=False))
            due.append(robot.stage(command, "done"))
        else:
            command = f"c{robot._seq}"
            open_commands.append(command)
            robot.publish(robot.stage(command, "accepted", kept=False))
            due.append(robot.stage(command, "journaled"))

    def hear() -> None:
        nonlocal newest
        assert client is not None
        for message in client.socket.heard():
            if message.get("method") == "stage":
                told.append(message["params"])
                newest = max(newest, message["params"].get("seq", 0))

    for _ in range(rng.randrange(5, 40)):
        match rng.randrange(6):
            case 0 | 1:
                live()
            case 2:
                count = rng.randrange(len(due) + 1)
                robot.publish(*due[:count])
                del due[:count]
            case 3:
                await turns(rng.randrange(4))
            case 4 if client is not None:
                hear()
                client.session.close()
                client = None
            case 5 if client is None:
                client = Connection(robot)
                client.say(resume(newest))
    if client is None:
        client = Connection(robot)
        client.say(resume(newest))
    await turns(10)
    robot.publish(*due)
    await turns(10)
    hear()

    numbered = [stage["seq"] for stage in told if "seq" in stage]
    assert numbered == [row["seq"] for row in robot.rows]
    heard = [(stage["id"], stage["stage"]) for stage in told]
    assert len(heard) == len(set(heard))


@given(st.randoms(use_true_random=False))
@settings(max_examples=cases(3_000), deadline=None)
def test_however_often_a_client_comes_back_it_hears_every_row_once_and_in_order(rng: random.Random):
    virtual.run(live_through(rng))
