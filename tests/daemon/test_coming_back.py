"""A client that loses its connection comes back and has missed nothing; the daemon notes who was there."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import pytest

from robotd.config import load
from robotd.core.stage import JOURNALED, TERMINAL
from robotd.journal.kinds import COMMAND, SESSION
from robotd.journal.kinds import TERMINAL as TERMINAL_ROWS
from robotd.journal.memory import MemoryStore
from robotd.journal.store import Select
from robotd.json import encode, parse
from robotd.sim.browser import Browser
from robotd.sim.client import HOST, TCP_PORT
from robotd.sim.simulation import Simulation, simulate
from tests.counts import cases
from tests.daemon.story import ROVER

DISKS_S = (0.02, 0.3)
"""How long a commit takes, so that what is accepted, what is durable and what is told are far apart."""


class Listener(asyncio.Protocol):
    """A client that follows stages from a row on, and may be cut off in the middle of anything."""

    def __init__(self, since_seq: int, heard: list[Mapping[str, Any]]) -> None:
        self.answer: Mapping[str, Any] | None = None
        self._since_seq = since_seq
        self._heard = heard
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        params = {"topics": ["stage"], "since_seq": self._since_seq}
        self.transport.write(
            encode({"jsonrpc": "2.0", "id": 1, "method": "subscribe", "params": params}) + b"\n"
        )

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for message in map(parse, lines):
            if "method" in message:
                self._heard.append(message["params"])
            else:
                self.answer = message


@pytest.mark.parametrize("disk_s", DISKS_S)
@pytest.mark.parametrize("seed", range(cases(50)))
def test_a_client_that_comes_back_again_and_again_hears_every_row_once(seed: int, disk_s: float) -> None:
    async def story(sim: Simulation) -> None:
        heard: list[Mapping[str, Any]] = []
        # Nobody else follows the stages, as in the field: not even the simulation, and not Ann.
        sim.engine.ledger.observers.remove(sim.recording.stage)
        operator = await sim.connect("ann")
        operator.call("unsubscribe", {"topics": ["stage"]})
        operator.send("arm")

        async def operate() -> None:
            for number in range(120):
                await sim.sleep(sim.rng.uniform(0.0, 0.03))
                operator.send("light", {"on": number % 2 == 0})
                if sim.rng.random() < 0.3:
                    operator.send("drive", {"linear": 0.1, "angular": 0.0})
                if sim.rng.random() < 0.1:
                    operator.send("drive", {"linear": 99.0, "angular": 0.0})

        async def listen() -> Listener:
            newest = max((stage.get("seq", 0) for stage in heard), default=0)
            loop = asyncio.get_running_loop()
            _, listener = await loop.create_connection(lambda: Listener(newest, heard), HOST, TCP_PORT)
            return listener

        operating = asyncio.ensure_future(operate())
        while not operating.done():
            listener = await listen()
            await sim.sleep(sim.rng.uniform(0.0, 0.3))
            listener.transport.abort()
            await sim.sleep(sim.rng.uniform(0.0, 0.1))
        await listen()
        await sim.sleep(2.0)

        rows = sim.disk.store.rows(Select(kinds=(COMMAND, *sorted(TERMINAL_ROWS))))
        assert [stage["seq"] for stage in heard if "seq" in stage] == [row.seq for row in rows]
        for stage in heard:
            assert ("seq" in stage) == (stage["stage"] in {JOURNALED, *TERMINAL})

    simulate(load(ROVER), story, seed=seed, disk_s=disk_s)


def test_the_journal_says_who_came_and_why_each_one_went() -> None:
    async def story(sim: Simulation) -> None:
        console = await sim.connect("ann")
        await sim.sleep(1.0)
        console.close()
        await sim.sleep(0.1)

        opened, closed = [row.data for row in sim.disk.store.rows(Select(kinds=(SESSION,)))]
        assert (opened["what"], closed["what"]) == ("opened", "closed")
        assert (opened["principal"], closed["why"]) == ("local", "closed by the client")
        assert closed["last_at"] == pytest.approx(sim.began, abs=0.1)

    simulate(load(ROVER), story)


def test_who_is_there_at_the_end_goes_with_the_daemon() -> None:
    async def story(sim: Simulation) -> None:
        await sim.connect("ann")
        await Browser.connect("bob")
        await sim.sleep(0.1)

    store = MemoryStore(10_000)
    simulate(load(ROVER), story, store=store)
    closed = [row.data for row in store.rows(Select(kinds=(SESSION,))) if row.data["what"] == "closed"]

    assert [session["why"] for session in closed] == ["the daemon ended"] * 2


def test_the_journal_is_read_by_a_client_page_after_page() -> None:
    async def story(sim: Simulation) -> None:
        console = await sim.connect("ann")
        console.send("arm")
        await sim.sleep(0.5)
        last = sim.engine.journal.durable_seq
        read: list[int] = []
        while not read or read[-1] < last:
            page = console.call("journal.read", {"since_seq": read[-1] if read else 0, "limit": 3})
            await sim.sleep(0.1)
            assert page.answer is not None
            read += [record["seq"] for record in page.answer["result"]["records"]]

        assert read[:last] == list(range(1, last + 1))

    simulate(load(ROVER), story)


def test_why_is_answered_over_the_wire() -> None:
    async def story(sim: Simulation) -> None:
        console = await sim.connect("ann")
        console.send("arm")
        await sim.sleep(0.5)
        asked = console.call("why", {})
        unknown = console.call("why", {"id": "nobody"})
        await sim.sleep(0.1)

        assert asked.answer is not None
        assert unknown.answer is not None
        assert asked.answer["result"]["summary"]
        assert unknown.answer["error"]["data"]["reason"] == "invalid_params"

    simulate(load(ROVER), story)


def test_the_stop_is_in_the_trace_of_who_asked_for_it() -> None:
    async def story(sim: Simulation) -> None:
        console = await sim.connect("ann")
        trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
        stopped = console.call("estop", {"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"})
        await sim.sleep(0.5)

        assert stopped.answer is not None
        assert stopped.answer["result"]["trace_id"] == trace_id
        kinds = [row.kind for row in sim.disk.store.rows(Select(trace=trace_id))]
        assert {"stop", "evidence", "decision"} <= set(kinds)

    simulate(load(ROVER), story)
