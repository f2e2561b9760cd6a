"""The lease that a program has: taken with its block, renewed in the background, given back or lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from robotd.client import RemoteError, RemoteRobot, connect
from tests.client.peer import Peer, error, listening, result, silence

Line = tuple[RemoteRobot, Peer]
GRANTED = {"lease_id": "lease-1", "window_ms": 200, "renew_ms": 5}


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    async with listening(tmp_path) as (peer, url), connect(url) as robot:
        peer.answers |= {"lease.acquire": result(GRANTED), "lease.renew": result(GRANTED)}
        peer.answers["lease.release"] = result({"lease_id": "lease-1", "released": True})
        yield robot, peer


def asked(peer: Peer, method: str) -> list[Any]:
    return [request["params"] for request in peer.requests if request["method"] == method]


async def test_it_is_taken_renewed_and_given_back(line: Line):
    robot, peer = line
    async with robot.lease(0.2, steal=True) as lease:
        await peer.asked("lease.renew")
        assert (lease.lease_id, lease.window_s) == ("lease-1", 0.2)

    assert asked(peer, "lease.acquire") == [{"steal": True, "window_ms": 200.0}]
    assert asked(peer, "lease.renew")[0] == {"lease_id": "lease-1"}
    assert asked(peer, "lease.release") == [{"lease_id": "lease-1"}]
    assert not lease.lost.is_set()


async def test_while_somebody_has_it_the_block_is_not_entered(line: Line):
    robot, peer = line
    holder = {"source": "tcp:1", "principal": "ann", "role": "operator"}
    peer.answers["lease.acquire"] = error(-32006, "ann has it", reason="no_lease", holder=holder)
    with pytest.raises(RemoteError) as refused:
        async with robot.lease():
            raise AssertionError("entered")

    assert refused.value.data["holder"] == holder
    assert asked(peer, "lease.release") == []


async def test_it_is_told_to_be_lost(line: Line):
    robot, peer = line
    async with robot.lease() as lease:
        for lease_id, why in (("another", "lapsed"), ("lease-1", "stolen")):
            params = {"lease_id": lease_id, "why": why}
            peer.say({"jsonrpc": "2.0", "method": "lease.lost", "params": params})
        await lease.lost.wait()

    assert lease.why == "stolen"
    assert asked(peer, "lease.release") == []


async def test_a_renewal_that_is_refused_says_so_too(line: Line):
    robot, peer = line
    peer.answers["lease.renew"] = error(-32006, "you lost it", reason="no_lease")
    async with robot.lease() as lease:
        await lease.lost.wait()

    assert lease.why == "you lost it"


async def test_one_that_is_not_answered_is_sent_again(line: Line):
    robot, peer = line
    peer.answers["lease.acquire"] = result({**GRANTED, "window_ms": 10})
    peer.answers["lease.renew"] = silence
    async with robot.lease() as lease:
        await peer.asked("lease.renew")
        peer.answers["lease.renew"] = result(GRANTED)
        while len(asked(peer, "lease.renew")) < 3:
            peer.came.clear()
            await peer.came.wait()

        assert not lease.lost.is_set()


async def test_with_the_connection_it_is_lost(line: Line):
    robot, peer = line
    async with robot.lease() as lease:
        peer.cut()
        await lease.lost.wait()

    assert "connection" in lease.why
