"""What every robot is promised, and how a promise that is broken shows."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from hal import Motor
from robotd.core.chart import ESTOP, SHUTDOWN
from robotd.core.decision import Decision, Outcome
from robotd.core.message import Event, Lane
from robotd.core.stage import STARTED, Stage
from robotd.sim.client import Console
from robotd.sim.invariants.promise import Broken
from robotd.sim.invariants.watch import Watch
from robotd.sim.simulation import Simulation, simulate
from tests.sim.breaking import first_broken, shipped

ROVER = shipped("rover")
DRIVE = {"linear": 0.3}


async def drives(sim: Simulation, console: Console) -> None:
    console.send("arm")
    console.send("drive", DRIVE, id="driven")
    await sim.sleep(0.1)


def broken_by(wrong: Callable[[Simulation], Awaitable[None] | None]) -> Broken | None:
    """What is said of a rover, driving, to which something impossible is done."""
    return first_broken("rover", drives, lambda sim, _: wrong(sim))


def event(sim: Simulation, *, late_s: float = 0.0, **more: Any) -> Event:
    fields = {"type": "light", "lane": Lane.EVENT, **more}
    return Event(id="forged", trace_id="", at=sim.engine.clock() - late_s, source="test", **fields)


def decided(sim: Simulation, message: Event, **more: Any) -> None:
    """Tell whoever listens of a decision that the machine did not make."""
    leaves = sim.engine.machine.leaves
    fields = {"outcome": Outcome.STAYED, "before": leaves, "after": leaves, **more}
    decision = Decision(message, **fields)
    for observer in sim.engine.dispatcher.observers:
        observer(decision)


def left(sim: Simulation) -> Motor:
    motor = sim.rig.devices["left"]
    assert isinstance(motor, Motor)
    return motor


def trip(sim: Simulation) -> None:
    """Stop, and tell the machine nothing of it."""
    sim.engine.stop.trip("a test", "test")


def test_a_rover_that_is_left_alone_breaks_nothing() -> None:
    assert broken_by(lambda _: None) is None


@pytest.mark.parametrize(
    ("late_s", "more", "said"),
    [
        (0.0, {"expires_after_s": -0.02}, "light was decided 0.020 s after it had expired"),
        (0.0, {"expires_after_s": 0.0}, None),
        (0.01, {"lane": Lane.SAFETY}, "light waited 0.010 s in the safety lane"),
        (0.001, {"lane": Lane.SAFETY}, None),
        (0.01, {"lane": Lane.EVENT}, None),
    ],
)
def test_in_time_is_broken_by_a_command_that_has_expired_and_by_a_wait_of_what_is_urgent(
    late_s: float, more: dict[str, Any], said: str | None
) -> None:
    def wrong(sim: Simulation) -> None:
        after_s = more.pop("expires_after_s", None)
        expires_at = None if after_s is None else sim.engine.clock() + after_s
        decided(sim, event(sim, late_s=late_s, expires_at=expires_at, **more))

    broken = broken_by(wrong)

    assert (broken and broken[:2]) == (said and ("in time", said))


def test_settles_is_broken_by_a_message_that_still_waits() -> None:
    async def wrong(sim: Simulation) -> None:
        await sim.sleep(0.6)  # the setpoint has lapsed by then
        sim.engine.queue.offer(event(sim))
        for look in sim.at_end:
            look()

    broken = broken_by(wrong)

    assert broken is not None
    assert broken[:2] == ("settles", "1 messages wait in the queue after the end")


def test_settles_is_broken_by_an_action_that_still_runs() -> None:
    async def wrong(sim: Simulation) -> None:
        console = await sim.connect("other")
        await sim.sleep(3.0)  # who drove has lost the lease by then
        console.send("patrol")
        await sim.sleep(0.6)
        for look in sim.at_end:
            look()

    broken = broken_by(wrong)

    assert broken is not None
    assert broken[:2] == ("settles", "1 actions are under way after the end")


def test_settles_is_broken_by_a_command_that_is_still_open() -> None:
    async def story(sim: Simulation) -> Watch:
        console = await sim.connect()
        console.send("arm")
        console.send("drive", DRIVE)
        await sim.sleep(0.1)
        watch = Watch(sim)
        for look in sim.at_end:
            look()
        return watch

    broken = simulate(ROVER, story).broken

    assert broken is not None
    assert broken[:2] == ("settles", "1 commands are open in the ledger after the end")


def told_while_stopped(sim: Simulation) -> None:
    trip(sim)
    left(sim).output.write(0.5)


async def told_while_inactive(sim: Simulation) -> None:
    console = await sim.connect("other")
    console.send("disarm")
    await sim.sleep(0.1)
    left(sim).output.write(0.5)


def begun_while_stopped(sim: Simulation) -> None:
    trip(sim)
    for observer in sim.engine.ledger.observers:
        observer(Stage("driven", STARTED, sim.engine.clock() + 0.001, "armed.teleop", ""))


def turning_after_a_stop(sim: Simulation) -> None:
    trip(sim)
    left(sim).at_rest = False
    stop = event(sim, type=ESTOP, lane=Lane.SAFETY, payload={"latch_id": "forged"})
    decided(sim, stop, outcome=Outcome.MOVED)


async def active_in_vain(sim: Simulation) -> None:
    console = await sim.connect("other")
    console.send("disarm")
    await sim.sleep(0.1)
    left(sim).activate()
    decided(sim, event(sim), outcome=Outcome.MOVED)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (told_while_stopped, "left was told 0.5 while the robot was stopped"),
        (told_while_inactive, "left was told 0.5 while it was inactive"),
        (begun_while_stopped, "drive began while the robot was stopped"),
        (turning_after_a_stop, "left is not at rest after a stop"),
        (active_in_vain, "left is active, and no present state names it"),
    ],
)
def test_standing_is_broken_by_whatever_moves_without_leave(
    wrong: Callable[[Simulation], Awaitable[None] | None], said: str
) -> None:
    broken = broken_by(wrong)

    assert broken is not None
    assert broken[:2] == ("standing", said)


@pytest.mark.parametrize(
    ("trigger", "before", "after", "said"),
    [
        ("light", "docked", "docked", "light was decided in ('docked', 'ok'), not ('armed.teleop', 'ok')"),
        ("light", None, "docked", "light led from armed.teleop to docked, and no transition does"),
        ("battery_low", None, "armed.auto", "battery_low led from armed.teleop to armed.auto"),
        ("battery_low", None, "docked", None),
        (SHUTDOWN, None, "down", None),
    ],
)
def test_legal_is_broken_by_a_move_that_the_chart_does_not_have(
    trigger: str, before: str | None, after: str, said: str | None
) -> None:
    found: list[Broken | None] = []

    async def story(sim: Simulation) -> None:
        console = await sim.connect()
        console.send("arm")
        await sim.sleep(0.1)
        watch = Watch(sim)
        main, health = sim.engine.machine.leaves
        was, then = (before or main, health), (after, health)
        decided(sim, event(sim, type=trigger), before=was, after=then)
        found.append(watch.broken)

    simulate(ROVER, story)

    assert [broken and broken.name for broken in found] == [said and "legal"]
    assert said is None or (found[0] is not None and found[0].sentence.startswith(said))


def uncaught(_: Simulation) -> None:
    asyncio.get_running_loop().call_soon(lambda: 1 / 0)


def logged(_: Simulation) -> None:
    logging.getLogger("hal").error("left: its stop failed", exc_info=ZeroDivisionError("mine"))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (uncaught, "nobody caught: ZeroDivisionError('division by zero')"),
        (logged, "left: its stop failed: ZeroDivisionError('mine')"),
    ],
)
def test_no_bug_is_broken_by_what_nobody_caught_and_by_a_stop_that_failed(
    wrong: Callable[[Simulation], None], said: str
) -> None:
    broken = broken_by(wrong)

    assert broken is not None
    assert broken[:2] == ("no bug", said)


def test_who_watches_a_robot_leaves_no_listener_behind_when_the_story_falls() -> None:
    before = [*logging.getLogger("hal").handlers]

    async def story(sim: Simulation) -> None:
        Watch(sim)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        simulate(ROVER, story)

    assert logging.getLogger("hal").handlers == before
