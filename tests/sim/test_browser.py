"""An operator in a browser, and a network that carries nothing for a while."""

from __future__ import annotations

import asyncio

import pytest

from robotd.config import load
from robotd.json import encode
from robotd.sim.browser import Browser
from robotd.sim.client import Console
from robotd.sim.simulation import Simulation, simulate
from tests.sim.scenario.making import ROVER

CONFIG = load(ROVER)


def test_a_browser_drives_as_a_console_does() -> None:
    async def story(sim: Simulation) -> list[str]:
        browser = await Browser.connect("phone")
        browser.send("arm")
        sent = browser.send("drive", {"linear": 0.3})
        await sim.sleep(1.0)
        browser.close()
        return [stage["stage"] for stage in sent.stages]

    assert simulate(CONFIG, story) == ["received", "accepted", "journaled", "started", "done"]


def test_a_browser_that_is_quiet_stays_connected() -> None:
    async def story(sim: Simulation) -> tuple[bool, str]:
        browser = await Browser.connect("phone")
        await sim.sleep(60.0)
        sent = browser.send("arm")
        await sim.sleep(0.01)
        return browser.gone, sent.stage

    assert simulate(CONFIG, story) == (False, "done")


@pytest.mark.parametrize("kind", [Console, Browser])
def test_an_answer_to_a_batch_is_heard_by_both(kind: type[Console]) -> None:
    async def story(sim: Simulation) -> list[object]:
        operator = await kind.connect("phone")
        await sim.sleep(0.1)
        asked = [{"jsonrpc": "2.0", "id": number, "method": "ping"} for number in ("one", "two")]
        operator.write(encode(asked) + b"\n")
        await sim.sleep(0.1)
        operator.close()
        return [operator.unasked and operator.unasked["id"], sim.bugs]

    assert simulate(CONFIG, story) == ["two", []]


def test_a_gap_that_is_short_delays_and_loses_nothing() -> None:
    async def story(sim: Simulation) -> tuple[list[str], bool]:
        browser, console = await Browser.connect("phone"), await sim.connect("desk")
        await sim.sleep(0.1)
        sim.network.silence(0.5)
        sent = [browser.send("arm"), console.send("look", {"angle": 0.1})]
        await sim.sleep(0.4)
        before = [command.stage for command in sent]
        await sim.sleep(0.2)
        return [*before, *(command.stage for command in sent)], browser.gone

    told, gone = simulate(CONFIG, story)
    assert (told[:2], gone) == (["sent", "sent"], False)
    assert "sent" not in told[2:]


def test_a_browser_behind_a_long_gap_is_cut_off_and_what_it_sent_is_lost() -> None:
    async def story(sim: Simulation) -> tuple[bool, bool, str, tuple[str, ...]]:
        browser = await Browser.connect("phone")
        await sim.sleep(0.1)
        sim.network.silence(5.0)
        sent = browser.send("arm")
        await sim.sleep(4.9)
        before = browser.gone
        await sim.sleep(1.0)
        return before, browser.gone, sent.stage, sim.state

    assert simulate(CONFIG, story) == (False, True, "sent", ("disarmed", "ok"))


def test_a_browser_that_hangs_up_leaves_no_task() -> None:
    async def story(sim: Simulation) -> set[str]:
        browser = await Browser.connect("phone")
        browser.close()
        await sim.sleep(5.0)
        return {task.get_name() for task in asyncio.all_tasks()}

    assert not [name for name in simulate(CONFIG, story) if name.startswith("browser")]
