"""A whole daemon whose file asks for tokens: who comes in, who goes, and what is written down of it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from robotd import log
from robotd.access.audit import verify
from robotd.access.tokens import TokenFile, make
from robotd.config import Address, Listen, load
from robotd.core.role import Role
from robotd.daemon import CannotStart, Daemon, Surroundings
from robotd.daemon.engine import Engine
from robotd.journal.memory import MemoryStore
from robotd.journal.row import Row
from robotd.journal.store import Select
from robotd.sim.simulation import Disk
from robotd.wire.listen import listen_tcp
from tests import virtual
from tests.access.keys import NOON, secret
from tests.daemon.story import robot_file
from tests.virtual import SimulationLoop
from tests.wire.gated import Caller, OnLines

FORWARD = {"linear": 0.3, "angular": 0.0}
LISTEN = "listen: {websocket: 127.0.0.1:8080, tcp: 127.0.0.1:8081, unix: off}\n"


class Robot:
    """The rover with a file of tokens beside its own."""

    def __init__(self, folder: Path) -> None:
        self.file = robot_file(folder, listen=LISTEN, access="access: {tokens: tokens.json}\n")
        self.tokens = TokenFile(folder / "tokens.json")
        self.disk = Disk(MemoryStore(), 0.0)
        self.said: list[tuple[str, str, Mapping[str, Any]]] = []
        self.engine: Engine
        self._callers: list[OnLines] = []

    def give(self, role: Role, number: int = 1) -> str:
        """A token of this role, written to the file."""
        token, said = make(f"tok{number:05d}", secret(number), name=f"holder{number}", role=role, now=NOON)
        known = list(self.tokens.read()) if self.tokens.path.exists() else []
        self.tokens.write([*known, token])
        return said

    async def connect(self, token: str | None = None) -> Caller:
        """A client over TCP; with a token it has said it."""
        caller = OnLines(*await asyncio.open_connection("127.0.0.1", 8081))
        self._callers.append(caller)
        if token is not None:
            assert "result" in await caller.call("hello", {"token": token})
        return caller

    def audit(self) -> list[Row]:
        return list(self.disk.store.rows(Select(kinds=("audit",))))

    def audited(self) -> list[tuple[str, str]]:
        """What was done, and who did it."""
        return [(row.data["what"], row.data["who"]) for row in self.audit()]

    def run(self, body: Callable[[], Awaitable[None]]) -> None:
        """Run `body` beside its daemon, from the start to the end, in virtual time."""
        virtual.run(self._whole(body))

    async def _whole(self, body: Callable[[], Awaitable[None]]) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimulationLoop)

        def watch(engine: Engine) -> None:
            self.engine = engine

        surroundings = Surroundings(
            rng=random.Random(7),
            wall_clock=lambda: NOON + timedelta(seconds=loop.time()),
            listen=loop.network.listen,
            log=log.telling(lambda level, event, rest: self.said.append((level, event, rest))),
            journal=self.disk.open,
            watch=watch,
        )
        config = load(self.file)
        daemon = Daemon(config, simulated=config.boards, surroundings=surroundings)
        ready, stop = asyncio.Event(), asyncio.Event()
        running = loop.create_task(daemon.run(lambda _: ready.set(), stop))
        waiting = loop.create_task(ready.wait())
        await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
        try:
            if not running.done():
                await asyncio.sleep(0.2)
                await body()
        finally:
            while self._callers:
                self._callers.pop().close()
            stop.set()
            waiting.cancel()
            await running


@pytest.fixture
def robot(tmp_path: Path) -> Robot:
    return Robot(tmp_path)


def test_an_operator_drives_a_viewer_looks_and_a_stranger_stops(robot: Robot):
    operator, viewer = robot.give(Role.OPERATOR, 1), robot.give(Role.VIEWER, 2)

    async def story() -> None:
        alice, bob, eve = await robot.connect(operator), await robot.connect(viewer), await robot.connect()
        found = [
            await alice.reason("send", {"type": "arm"}),
            await alice.reason("send", {"type": "drive", "payload": FORWARD}),
            await bob.reason("status"),
            await bob.reason("send", {"type": "disarm"}),
            await eve.reason("status"),
            await eve.reason("send", {"type": "disarm"}),
        ]
        assert robot.engine.state() == "armed.teleop"
        stopped = await eve.call("send", {"type": "estop"})
        status = (await bob.call("status"))["result"]

        assert status["access"] == {"tokens": 2, "trouble": None}
        assert found == [None, None, None, "forbidden", "unauthenticated", "unauthenticated"]
        assert stopped["result"]["stage"] == "done"
        assert robot.engine.state() == "estopped"

    robot.run(story)
    assert ("stop", "nobody") in robot.audited()


def test_what_somebody_may_have_to_answer_for_is_in_the_audit_and_the_chain_goes_on_over_restarts(
    robot: Robot,
):
    operator, viewer = robot.give(Role.OPERATOR, 1), robot.give(Role.VIEWER, 2)

    async def story() -> None:
        alice, bob = await robot.connect(operator), await robot.connect(viewer)
        await bob.reason("reset", {"latch_id": "x"})
        latch_id = (await alice.call("estop"))["result"]["latch_id"]
        await (await robot.connect()).reason("hello", {"token": "x"})
        await asyncio.sleep(1)
        assert await alice.reason("reset", {"latch_id": latch_id}) is None
        robot.tokens.write([token for token in robot.tokens.read() if token.id == "tok00001"])
        await asyncio.sleep(1)

    robot.run(story)
    first = robot.audited()
    robot.run(story_without_words)

    assert first == [
        ("started", "daemon"),
        ("tokens.read", "daemon"),
        ("token.accepted", "token:tok00001"),
        ("token.accepted", "token:tok00002"),
        ("forbidden", "token:tok00002"),
        ("stop", "token:tok00001"),
        ("token.refused", "nobody"),
        ("reset", "token:tok00001"),
        ("tokens.changed", "daemon"),
        ("token.expelled", "token:tok00002"),
    ]
    assert [row.data["n"] for row in robot.audit()] == list(range(1, len(robot.audit()) + 1))
    assert verify(robot.audit()) == []


async def story_without_words() -> None:
    await asyncio.sleep(1)


def test_a_lease_that_is_stolen_is_in_the_audit_with_both(robot: Robot):
    operator, maintainer = robot.give(Role.OPERATOR, 1), robot.give(Role.MAINTAINER, 2)

    async def story() -> None:
        alice, bob = await robot.connect(operator), await robot.connect(maintainer)
        assert await alice.reason("lease.acquire") is None
        assert await bob.reason("lease.acquire", {"steal": True}) is None

    robot.run(story)
    [stolen] = [row.data for row in robot.audit() if row.data["what"] == "lease.stolen"]
    assert (stolen["who"], stolen["holder"]["principal"]) == ("token:tok00002", "token:tok00001")


def test_the_session_of_a_revoked_token_ends_within_a_second_and_its_motion_with_it(robot: Robot):
    token = robot.give(Role.OPERATOR)

    async def story() -> None:
        loop = asyncio.get_running_loop()
        alice = await robot.connect(token)
        await alice.call("send", {"type": "arm"})
        driving = asyncio.ensure_future(drive_on(alice))
        await asyncio.sleep(1.0)
        assert robot.engine.table.get("base.linear") == 0.3

        revoked_at = loop.time()
        robot.tokens.write([])
        await asyncio.wait({driving})
        cut_s = loop.time() - revoked_at
        # So long the last setpoint was fresh.
        await asyncio.sleep(0.45)

        assert cut_s <= 1.0
        assert robot.engine.table.get("base.linear") == 0.0
        assert robot.engine.rig.world()["left_duty"] == 0

    robot.run(story)


async def drive_on(caller: Caller) -> None:
    """Send setpoints until the connection ends."""
    with suppress(EOFError, ConnectionError):
        while True:
            await caller.call("send", {"type": "drive", "payload": FORWARD})
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("content", [None, b"", b"{", b'{"version": 1, "tokens": []}'])
def test_a_file_of_tokens_that_is_missing_broken_or_empty_lets_nobody_in(robot: Robot, content: bytes | None):
    if content is not None:
        robot.tokens.path.write_bytes(content)

    async def story() -> None:
        eve = await robot.connect()
        assert await eve.reason("status") == "unauthenticated"
        assert await eve.reason("estop") is None

    robot.run(story)
    if content is None or len(content) < 5:
        errors = [event for level, event, _ in robot.said if level == "error"]
        assert errors[0].startswith("nobody comes in by a token: ")
        assert str(robot.tokens.path) in errors[0]
        assert ("tokens.unreadable", "daemon") in robot.audited()


def test_a_token_that_is_added_while_the_robot_runs_counts_within_a_second(robot: Robot):
    robot.tokens.write([])

    async def story() -> None:
        token = robot.give(Role.VIEWER)
        await asyncio.sleep(0.6)
        caller = await robot.connect(token)

        assert await caller.reason("status") is None

    robot.run(story)


def test_two_that_choose_the_same_id_have_one_each(robot: Robot):
    """Neither gets the other's outcome, and nothing runs twice."""
    tokens = [robot.give(Role.OPERATOR, number) for number in (1, 2)]

    async def story() -> None:
        alice, bob = [await robot.connect(token) for token in tokens]
        arm, disarm = {"type": "arm", "id": "mine"}, {"type": "disarm", "id": "mine"}
        said = [await alice.reason("send", arm), await bob.reason("send", disarm)]
        assert said == [None, None]
        again = [await alice.call("send", arm), await bob.call("send", disarm)]
        assert [answer["result"]["stage"] for answer in again] == ["done", "done"]
        assert robot.engine.state() == "disarmed"

        assert await alice.reason("send", disarm) == "id_conflict"

    robot.run(story)


def test_an_id_stands_for_one_command_as_long_as_that_is_under_way(robot: Robot):
    tokens = [robot.give(Role.OPERATOR, number) for number in (1, 2)]

    async def story() -> None:
        alice, bob = [await robot.connect(token) for token in tokens]
        await alice.call("send", {"type": "arm"})
        look = {"type": "look", "payload": {"angle": 0.5}, "id": "mine"}
        assert await alice.reason("send", look) is None

        assert await bob.reason("send", {"type": "disarm", "id": "mine"}) == "id_conflict"

    robot.run(story)


def test_the_secrets_are_in_no_row_and_no_line_of_the_log(robot: Robot):
    token = robot.give(Role.ADMIN)

    async def story() -> None:
        await robot.connect(token)
        for said in (token + "x", token.replace("tok00001", "tok00002"), {"a": token}):
            await (await robot.connect()).reason("hello", {"token": said})

    robot.run(story)
    rows = b"".join(row.body for row in robot.disk.store.rows())

    assert secret(1).encode() not in rows
    assert secret(1) not in repr(robot.said)


def test_nothing_listens_beyond_this_machine_without_tokens_and_tls(robot: Robot):
    robot.file.write_text(robot.file.read_text().replace("access: {tokens: tokens.json}", ""))

    async def story() -> None:
        config = load(robot.file)
        open_to_all = replace(config, listen=Listen(None, Address("0.0.0.0", 0), None))
        daemon = Daemon(open_to_all, simulated=config.boards, surroundings=Surroundings(listen=listen_tcp))
        with pytest.raises(CannotStart, match="can be reached from other machines"):
            await daemon.run(lambda _: None, asyncio.Event())

    virtual.run(story())
