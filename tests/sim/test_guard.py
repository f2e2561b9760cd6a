"""How the daemon lives with its guard, in virtual time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from robotd.config import load
from robotd.sim.client import Console, Sent
from robotd.sim.simulation import Simulation, simulate

T = TypeVar("T")

ROVER = load(Path(__file__).parents[2] / "config" / "rover.yaml")
FORWARD = {"linear": 0.3, "angular": 0.0}


def told(story: Callable[[Simulation], Awaitable[T]]) -> T:
    return simulate(ROVER, story)


async def answer(sim: Simulation, sent: Sent) -> Mapping[str, Any]:
    await sim.sleep(0.02)
    assert sent.answer is not None
    return sent.answer


async def driving(sim: Simulation) -> Console:
    client = await sim.connect()
    client.send("arm")
    client.send("drive", FORWARD)
    await sim.sleep(0.1)
    assert sim.rig.world()["left_duty"] > 0
    return client


def test_a_healthy_daemon_is_left_alone():
    async def story(sim: Simulation) -> tuple[int, tuple[str, ...]]:
        await sim.sleep(60)
        return len(sim.guards.started), sim.state

    assert told(story) == (1, ("disarmed", "ok"))


def test_a_stop_that_the_guard_heard_is_the_daemons_stop_with_the_same_latch():
    async def story(sim: Simulation) -> None:
        client = await driving(sim)
        sim.guards.present.stop("somebody on the track")
        await sim.sleep(0.05)
        status = (await answer(sim, client.call("status", {})))["result"]

        assert sim.state == ("estopped", "ok")
        assert sim.rig.world()["left_duty"] == 0
        assert status["latch"]["by"] == "guard:stop"
        assert status["latch"]["reason"] == "somebody on the track"
        assert status["latch"]["latch_id"] == "guard-1-1"
        assert status["guard"]["state"] == "tripped"

    told(story)


def test_after_a_stop_of_the_guard_a_reset_brings_another_and_moving_takes_three_steps():
    async def story(sim: Simulation) -> None:
        client = await sim.connect()
        sim.guards.present.stop("enough")
        await sim.sleep(1.0)
        client.reset("guard-1-1")
        client.send("drive", FORWARD)
        await sim.sleep(0.5)
        after_reset = sim.state, sim.rig.world()["left_duty"]
        client.send("arm")
        client.send("drive", FORWARD)
        await sim.sleep(0.1)

        assert after_reset == (("disarmed", "ok"), 0)
        assert len(sim.guards.started) == 2
        assert sim.rig.world()["left_duty"] > 0

    told(story)


def test_no_actuator_is_activated_until_the_next_guard_is_there():
    async def story(sim: Simulation) -> None:
        client = await sim.connect()
        sim.guards.present.stop("enough")
        await sim.sleep(1.0)
        engine = sim.engine
        engine.stopping.reset("guard-1-1", "test")
        refused = engine.executor.unguarded()
        await sim.sleep(0.1)

        assert refused is not None
        assert "guard process is not there yet" in str(refused)
        assert engine.executor.unguarded() is None
        await answer(sim, client.send("arm"))
        assert engine.rig.devices["base"].state.value == "active"

    told(story)


def test_a_guard_that_dies_stops_the_robot_and_only_a_reset_with_a_new_one_clears_it():
    async def story(sim: Simulation) -> None:
        client = await driving(sim)
        sim.guards.present.kill()
        await sim.sleep(0.01)
        stopped = sim.state, sim.rig.world()["left_duty"]
        status = (await answer(sim, client.call("status", {})))["result"]
        latch_id = status["latch"]["latch_id"]
        early = await answer(sim, client.reset(latch_id))
        await sim.sleep(1.0)
        await answer(sim, client.reset(latch_id))

        assert stopped == (("estopped", "ok"), 0)
        assert status["latch"]["reason"] == "the guard process died"
        assert status["guard"]["state"] == "starting"
        assert early["error"]["message"] == "the guard process is not there yet"
        assert sim.state == ("disarmed", "ok")
        assert len(sim.guards.started) == 2

    told(story)


def test_a_simulated_robot_says_that_its_guard_reaches_no_port():
    async def story(sim: Simulation) -> str:
        client = await sim.connect()
        detail: str = (await answer(sim, client.call("status", {})))["result"]["guard"]["detail"]
        return detail

    assert told(story) == "no ports (simulated)"
