"""Who has not said yet who it is: for how long, how many, and what becomes of them."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from robotd.core.limits import Limits
from robotd.core.role import Role
from robotd.wire.guest import LATE
from tests import virtual
from tests.access.keys import NOON
from tests.wire.gated import all_keys, house
from tests.wire.raw import UPGRADE

BOTH = pytest.mark.parametrize("transport", ["websocket", "tcp"])
ALONE = Limits(connections_per_address=64)


@BOTH
def test_a_stranger_has_two_seconds_to_say_who_it_is(transport: str):
    async def story() -> None:
        async with house() as here, here.enter(transport) as caller:
            cut_at = await caller.until_cut()

        assert 2.0 <= cut_at <= 2.6

    virtual.run(story())


@BOTH
def test_a_wrong_token_buys_no_time_and_a_right_one_after_it_does(transport: str):
    async def story() -> None:
        async with house() as here:
            token = all_keys(here)[Role.VIEWER]
            async with here.enter(transport) as late, here.enter(transport) as caller:
                await asyncio.sleep(1.5)
                assert await late.reason("hello", {"token": "x"}) == "unauthenticated"
                assert await caller.reason("hello", {"token": "x"}) == "unauthenticated"
                assert await caller.reason("hello", {"token": token}) is None
                cut_at = await late.until_cut()
                await asyncio.sleep(10)

                assert cut_at <= 2.6
                assert await caller.reason("status") is None

    virtual.run(story())


@BOTH
def test_a_stop_by_a_stranger_is_answered_even_when_its_time_is_over(transport: str):
    async def story() -> None:
        async with house() as here, here.enter(transport) as caller:
            await asyncio.sleep(1.99)
            answer = await caller.call("estop", {"reason": "too near"})

            assert answer["result"]["latch_id"] == "latch-1"
            assert here.robot.stops[0][0] == "too near"

    virtual.run(story())


def test_strangers_stop_by_every_word_there_is():
    async def story() -> None:
        async with house() as here, here.enter("tcp") as caller:
            for message in (b"stop", b'{"type": "estop"}', b'{"method": "estop"}', b'{"type": "drive"}'):
                caller.write(message)
            await caller.call("estop")
            await caller.call("send", {"type": "estop"})

        assert len(here.robot.stops) == 3
        # The real robot stops by these as well: tests/daemon.
        assert [request.type for request in here.robot.sent] == ["estop", "estop"]

    virtual.run(story())


@BOTH
def test_so_many_strangers_are_in_at_once_and_who_is_known_takes_none_of_their_places(transport: str):
    async def story() -> None:
        async with house(limits=Limits(unauthenticated=3, connections_per_address=64)) as here:
            token = all_keys(here)[Role.VIEWER]
            async with here.enter(transport) as known:
                await known.call("hello", {"token": token})
                async with here.enter(transport), here.enter(transport), here.enter(transport) as third:
                    refused = await one_more(here, transport)
                    await third.call("hello", {"token": token})
                    async with here.enter(transport) as fourth:
                        assert await fourth.reason("estop") is None
                        assert await one_more(here, transport) == "busy"
                    await asyncio.sleep(0.1)
                    async with here.enter(transport) as fifth:
                        assert await fifth.reason("estop") is None

        assert refused == "busy"

    virtual.run(story())


async def one_more(here: Any, transport: str) -> str:
    """Why one more may not come in."""
    if transport == "tcp":
        async with here.enter("tcp") as caller:
            message = await caller.hear()
            return str(message["error"]["data"]["reason"])
    status, _, _ = await here.page("GET /ws", **UPGRADE)
    return "busy" if status == 503 else str(status)


def test_who_is_known_from_the_start_has_all_the_time_there_is():
    async def story() -> None:
        async with house(asks=False) as here, here.enter("tcp") as caller:
            await asyncio.sleep(100)

            assert await caller.reason("status") is None
            assert here.robot.sessions[0][2] == "local"

    virtual.run(story())


@BOTH
def test_the_robot_hears_of_a_client_when_it_is_known_and_of_its_end(transport: str):
    async def story() -> None:
        async with house() as here:
            token = all_keys(here)[Role.OPERATOR]
            async with here.enter(transport) as caller:
                before = list(here.robot.sessions)
                await caller.call("hello", {"token": token})
                await caller.call("hello", {"token": token})
                after = list(here.robot.sessions)
                await caller.call("send", {"type": "arm"})
            await asyncio.sleep(1)

        assert before == []
        assert [(what, principal) for what, _, principal in after] == [("joined", "token:tok00002")]
        assert here.robot.sessions[-1][0] == "left"
        assert [(request.principal, request.role) for request in here.robot.sent] == [
            ("token:tok00002", Role.OPERATOR)
        ]

    virtual.run(story())


def test_a_stranger_that_leaves_or_is_sent_away_leaves_no_place_taken():
    async def story() -> None:
        async with house(limits=Limits(unauthenticated=1)) as here:
            for _ in range(3):
                async with here.enter("websocket"):
                    pass
                await asyncio.sleep(0.1)
                async with here.enter("tcp") as caller:
                    await caller.until_cut()
                await here.page("GET /ws", **UPGRADE | {"Sec-WebSocket-Version": "12"})
                await asyncio.sleep(0.1)

            assert here.admission.strangers == 0
            assert here.robot.sessions == []

    virtual.run(story())


# -- whose token counts no more -----------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("how", ["revoked", "expired", "unreadable"])
def test_the_sessions_of_a_token_that_counts_no_more_end_within_a_second_and_no_others(
    transport: str, how: str
):
    async def story() -> None:
        async with house(limits=ALONE) as here:
            loop = asyncio.get_running_loop()
            lasting = here.keys.give(Role.VIEWER)
            ending = here.keys.give(Role.OPERATOR)
            if how == "expired":
                here.keys.take(ending)
                ending = here.keys.give(Role.OPERATOR, expires=NOON + timedelta(seconds=5.2))
            here.gate.look()
            async with (
                here.enter(transport) as one,
                here.enter(transport) as two,
                here.enter(transport) as other,
            ):
                await one.call("hello", {"token": ending})
                await two.call("hello", {"token": ending})
                await other.call("hello", {"token": lasting})
                await asyncio.sleep(5.2 - loop.time())
                began = loop.time()
                if how == "revoked":
                    here.keys.take(ending)
                elif how == "unreadable":
                    here.keys.damage("it is no file")
                took = [await caller.until_cut() - began for caller in (one, two)]
                if how != "unreadable":
                    assert await other.reason("status") is None

        assert max(took) <= 1.0
        assert [what for what, *_ in here.audit].count("token.expelled") == (3 if how == "unreadable" else 2)

    virtual.run(story())


def test_who_has_left_is_not_sent_away():
    async def story() -> None:
        async with house() as here:
            token = all_keys(here)[Role.OPERATOR]
            async with here.enter("tcp") as caller:
                await caller.call("hello", {"token": token})
            await asyncio.sleep(1)
            here.keys.take(token)
            await asyncio.sleep(1)

        assert [what for what, *_ in here.audit][-1] == "tokens.changed"

    virtual.run(story())


def test_a_command_of_a_session_that_was_sent_away_is_left_to_its_own_end():
    """What it set in motion goes on as long as its lease and its freshness say: the session only closes."""

    async def story() -> None:
        async with house() as here:
            token = all_keys(here)[Role.OPERATOR]
            async with here.enter("tcp") as caller:
                await caller.call("hello", {"token": token})
                await caller.call("send", {"type": "arm"})
                here.keys.take(token)
                await caller.until_cut()

        assert len(here.robot.sent) == 1
        assert here.robot.sessions[-1][2] == "its token was revoked or changed"

    virtual.run(story())


def test_why_a_stranger_was_sent_away_is_a_sentence():
    assert LATE == "it did not say who it is"
