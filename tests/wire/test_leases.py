"""What a session says of the lease to the robot, and of a lost one to its client."""

from __future__ import annotations

from typing import Any

import pytest

from tests.wire.scripted import Connection, ScriptedRobot, request, story, turns


async def answer(client: Connection) -> Any:
    await turns(2)
    [said] = client.socket.heard()
    return said


@story
async def test_each_method_names_who_asks_and_what_is_renewed_counts_from_when_it_came():
    robot = ScriptedRobot()
    client = Connection(robot)
    now = robot.now()
    client.say(
        request("lease.acquire", {"window_ms": 500, "steal": True}),
        request("lease.acquire"),
        request("lease.renew", {"lease_id": "lease-1"}),
        request("lease.release", {"lease_id": "lease-1"}),
    )
    await turns(2)
    who = robot.leases[0][1]

    assert who.source == "memory"
    assert robot.leases == [
        ("acquire", who, now, 0.5, True),
        ("acquire", who, now, None, False),
        ("renew", who, "lease-1", now),
        ("release", who, "lease-1"),
    ]
    assert [said["result"]["lease_id"] for said in client.socket.heard()] == ["lease-1"] * 4


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("lease.acquire", {"window_ms": 20_000}),
        ("lease.acquire", {"window_ms": "2 s"}),
        ("lease.acquire", {"steal": 1}),
        ("lease.renew", {}),
        ("lease.release", {"lease_id": 7}),
    ],
)
def test_what_makes_no_sense_is_refused(method: str, params: dict[str, Any]):
    @story
    async def run() -> None:
        robot = ScriptedRobot()
        client = Connection(robot)
        client.say(request(method, params))

        assert (await answer(client))["error"]["data"]["reason"] == "invalid_params"
        assert robot.leases == []

    run()


@story
async def test_a_client_is_told_of_its_own_lease_without_having_asked_for_news():
    robot = ScriptedRobot()
    client, other = Connection(robot), Connection(robot)
    robot.hub.enter("memory", client.session)
    robot.hub.tell("memory", "lease.lost", {"lease_id": "lease-1", "why": "lapsed"})
    robot.hub.tell("somebody else", "lease.lost", {"lease_id": "lease-2", "why": "lapsed"})

    params = {"lease_id": "lease-1", "why": "lapsed"}
    assert await answer(client) == {"jsonrpc": "2.0", "method": "lease.lost", "params": params}
    assert other.socket.heard() == []
    client.session.close()
    robot.hub.tell("memory", "lease.lost", params)


@story
async def test_who_sends_nothing_more_is_not_heard_any_more():
    robot = ScriptedRobot()
    client = Connection(robot)
    client.session.end_of_input()

    assert robot.muted == ["memory"]
