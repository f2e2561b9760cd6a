"""Who may ask what: every role, every method, every transport."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from robotd.access.table import NEEDED
from robotd.core.role import Role
from tests import virtual
from tests.access.keys import ROLES, secret
from tests.wire.gated import Caller, House, all_keys, house
from tests.wire.raw import UPGRADE

METHODS = [name for name in NEEDED if " " not in name]
PAGES = [name for name in NEEDED if " " in name]
PARAMS: dict[str, dict[str, Any]] = {
    "cancel": {"id": "x"},
    "reset": {"latch_id": "latch-1"},
    "subscribe": {"topics": ["state"]},
    "unsubscribe": {"topics": ["state"]},
    "send": {"type": "arm"},
    "dead.bury": {"letter": 1, "how": "dropped"},
    "lease.renew": {"lease_id": "lease-1"},
    "lease.release": {"lease_id": "lease-1"},
}
"""What a call needs to be more than a mistake."""
DENIED = {"unauthenticated", "forbidden"}


def expected(role: Role, what: str) -> str | None:
    """Why it is denied; None: it is not."""
    if role >= NEEDED[what]:
        return None
    return "forbidden" if role else "unauthenticated"


async def denials(caller: Caller) -> dict[str, str | None]:
    """For each method, whether it is denied, and how."""
    found = {}
    for method in METHODS:
        reason = await caller.reason(method, PARAMS.get(method))
        found[method] = reason if reason in DENIED else None
    return found


@pytest.mark.parametrize("transport", ["websocket", "tcp"])
@pytest.mark.parametrize("role", ROLES)
def test_over_the_network_each_may_what_the_table_says(role: Role, transport: str):
    async def story() -> None:
        async with house() as here:
            token = all_keys(here)[role]
            async with here.enter(transport) as caller:
                answer = await caller.call("hello", {"token": token})
                assert answer["result"]["role"] == str(role)
                found = await denials(caller)

        assert found == {method: expected(role, method) for method in METHODS}

    virtual.run(story())


@pytest.mark.parametrize("transport", ["websocket", "tcp"])
def test_over_the_network_a_stranger_may_stop_and_nothing_else(transport: str):
    async def story() -> None:
        async with house() as here, here.enter(transport) as caller:
            found = await denials(caller)

        assert found == {
            method: expected(Role.STRANGER, method) if method != "hello" else "unauthenticated"
            for method in METHODS
        }
        assert len(here.robot.stops) == 1
        assert [*here.robot.sent, *here.robot.leases, *here.robot.buried] == []
        # Nobody is told of who never said who it is.
        assert here.robot.sessions == []

    virtual.run(story())


@pytest.mark.parametrize("transport", ["websocket", "tcp"])
def test_without_tokens_whoever_is_on_this_machine_maintains(transport: str):
    async def story() -> None:
        async with house(asks=False) as here, here.enter(transport) as caller:
            found = await denials(caller)

        assert found == {method: expected(Role.MAINTAINER, method) for method in METHODS}

    virtual.run(story())


@pytest.mark.parametrize("role", ROLES)
async def test_on_the_unix_socket_the_system_says_who_it_is_and_the_file_what_that_may(
    tmp_path: Path, role: Role
):
    async with house(unix=tmp_path / "r.sock", role_of_us=role) as here, here.enter("unix") as caller:
        found = await denials(caller)

    assert found == {method: expected(role, method) for method in METHODS}
    assert here.robot.sessions[0][2] == f"unix:{os.getuid()}"


async def test_on_the_unix_socket_who_runs_the_daemon_maintains_and_a_token_counts_as_well(tmp_path: Path):
    async with house(unix=tmp_path / "r.sock") as here:
        token = all_keys(here)[Role.VIEWER]
        async with here.enter("unix") as caller:
            roles = [
                (await caller.call("hello", {}))["result"]["role"],
                await caller.reason("hello", {"token": token + "x"}),
                await caller.reason("dead.bury", PARAMS["dead.bury"]),
                (await caller.call("hello", {"token": token}))["result"]["role"],
                await caller.reason("send", PARAMS["send"]),
            ]

    assert roles == ["maintainer", "unauthenticated", None, "viewer", "forbidden"]
    assert [what for what, *_ in here.robot.sessions] == ["joined", "left", "joined", "left"]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("role", list(Role))
def test_each_page_is_for_whom_the_table_says(role: Role, page: str):
    async def story() -> None:
        async with house() as here:
            keys = all_keys(here)
            headers = {"Authorization": f"Bearer {keys[role]}"} if role else {}
            status, told, body = await here.page(page, **headers)

        denied = expected(role, page)
        if denied is None:
            assert status == 200
        else:
            assert (status, json.loads(body)["error"]["data"]["reason"]) == (401, denied)
            assert told["WWW-Authenticate"].startswith("Bearer")

    virtual.run(story())


@pytest.mark.parametrize("page", PAGES)
def test_without_tokens_every_page_is_for_everybody_here(page: str):
    async def story() -> None:
        async with house(asks=False) as here:
            status, _, _ = await here.page(page)

        assert status == 200

    virtual.run(story())


# -- whoever is refused -------------------------------------------------------------------------------------


async def wrong_tokens(here: House) -> list[Any]:
    """One of each sort."""
    good, revoked = here.keys.give(), here.keys.give()
    here.gate.look()
    here.keys.take(revoked)
    expired = here.keys.give(expires=here.keys.tokens[0].created)
    here.gate.look()
    return [
        None,
        "",
        "x",
        7,
        [good],
        f"rbd_tok00001_{secret(99)}",
        f"rbd_nobody22_{secret(1)}",
        expired,
        revoked,
    ]


@pytest.mark.parametrize("transport", ["websocket", "tcp"])
def test_whatever_is_wrong_with_a_token_the_answer_is_the_same_to_the_byte(transport: str):
    async def story() -> None:
        answers = set()
        async with house() as here:
            for said in await wrong_tokens(here):
                async with here.enter(transport) as caller:
                    # A trace of its own, so that nothing in the answer is a matter of chance.
                    params = {} if said is None else {"token": said}
                    answer = await caller.call("hello", params)
                    del answer["error"]["data"]["trace_id"]
                    answers.add(json.dumps(answer))
                await asyncio.sleep(60)  # as long as anybody has to wait

        assert len(answers) == 1
        assert "unauthenticated" in answers.pop()

    virtual.run(story())


def test_whatever_is_wrong_with_a_token_the_page_is_the_same_to_the_byte():
    async def story() -> None:
        answers = set()
        async with house() as here:
            for said in await wrong_tokens(here):
                headers = {} if said is None else {"Authorization": f"Bearer {said}"}
                status, told, body = await here.page("GET /api/v1/status", **headers)
                del told["Date"]
                answers.add((status, tuple(told.items()), body))
                await asyncio.sleep(60)

        assert len(answers) == 1
        assert answers.pop()[0] == 401

    virtual.run(story())


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "null"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://localhost.evil.example"},
        {"Host": "evil.example"},
        {"Host": "localhost.evil.example:8080"},
    ],
)
@pytest.mark.parametrize("asks", [True, False])
def test_another_page_a_rebinding_host_and_a_null_origin_get_nothing_token_or_not(
    headers: dict[str, str], asks: bool
):
    async def story() -> None:
        found = {}
        async with house(asks=asks) as here:
            token = here.keys.give(Role.ADMIN)
            here.gate.look()
            headers["Authorization"] = f"Bearer {token}"
            for page in (*PAGES, "GET /ws"):
                more = UPGRADE if page == "GET /ws" else {}
                found[page], _, _ = await here.page(page, **headers, **more)

        assert set(found.values()) == {403}
        assert here.robot.stops == []
        assert here.gate.compared == 0

    virtual.run(story())


def test_a_token_in_a_url_is_not_looked_at():
    async def story() -> None:
        async with house() as here:
            token = all_keys(here)[Role.ADMIN]
            status, _, _ = await here.page(f"GET /api/v1/status?token={token}")

        assert status == 401
        assert here.gate.compared == 0

    virtual.run(story())


@pytest.mark.parametrize(
    "header", ["Basic YTpi", "Bearer", "bearer", "Bearer ", "Token x", "Bearer a, Bearer b"]
)
def test_what_is_no_bearer_is_no_token(header: str):
    async def story() -> None:
        async with house() as here:
            status, _, _ = await here.page("GET /metrics", Authorization=header)

        assert status == 401

    virtual.run(story())


def test_who_guesses_at_a_page_is_told_how_long_to_wait():
    async def story() -> None:
        async with house() as here:
            found = [await here.page("GET /metrics", Authorization=f"Bearer {number}") for number in range(7)]

        assert [status for status, _, _ in found] == [401] * 5 + [429] * 2
        assert found[-1][1]["Retry-After"] == "1"

    virtual.run(story())
