"""What servos with feedback are promised, and how a promise that is broken shows."""

from __future__ import annotations

import asyncio
from math import radians

import pytest

from hal import Joint
from robotd.sim.client import Console
from robotd.sim.invariants.promise import Broken
from robotd.sim.simulation import Simulation
from tests.sim.breaking import Wrong, first_broken


async def holds(sim: Simulation, console: Console) -> None:
    console.send("hold")
    await sim.sleep(0.3)


def broken_by(wrong: Wrong) -> Broken | None:
    """What is said of an arm that holds, to which something is done."""
    return first_broken("arm", holds, wrong)


def base(sim: Simulation) -> Joint:
    device = sim.engine.rig.devices["base"]
    assert isinstance(device, Joint)
    return device


async def moved(sim: Simulation, console: Console) -> None:
    console.send("move_to", {"joints": {"base": "40 deg", "elbow": -0.3}})
    await sim.sleep(2)
    console.send("jog", {"rates": {"base": 0.5, "wrist": -0.5}})
    await sim.sleep(1)
    console.send("estop")
    assert abs(base(sim).axis.present or 0.0) > radians(40)


def told_a_jump(sim: Simulation, console: Console) -> None:
    base(sim).output.write(radians(10))


async def told_too_often(sim: Simulation, console: Console) -> None:
    console.send("jog", {"rates": {"wrist": 0.1}})
    await sim.sleep(0.05)
    for goal_deg in (1, 2, 3):
        base(sim).output.write(radians(goal_deg))


async def told_beyond_its_limit(sim: Simulation, console: Console) -> None:
    console.send("move_to", {"joints": {"base": "150 deg"}})
    await sim.sleep(2.74)
    base(sim).output.write(radians(151))


def told_while_stopped(sim: Simulation, console: Console) -> None:
    sim.engine.stop.trip("test", "test")
    base(sim).output.write(radians(1))


async def led_on_from_where_its_lost_stop_let_it_stand(sim: Simulation, console: Console) -> None:
    stood = (base(sim).axis.present or 0.0) + 0.9 * base(sim).spec.tolerance
    base(sim).stands_at(stood, asyncio.get_running_loop().time())
    console.send("jog", {"rates": {"base": 0.5}})
    await sim.sleep(0.1)
    assert (base(sim).axis.goal or 0.0) > stood


@pytest.mark.parametrize("right", [moved, led_on_from_where_its_lost_stop_let_it_stand])
def test_what_its_verbs_do_breaks_nothing(right: Wrong) -> None:
    assert broken_by(right) is None


@pytest.mark.parametrize(
    ("wrong", "name", "said"),
    [
        (told_a_jump, "limits", "base was told 0.174533; it takes -0.0"),
        (told_too_often, "limits", "base was told 0.0523599; it takes 0.0"),
        (told_beyond_its_limit, "limits", "base was told 2.63545; it takes"),
        (told_while_stopped, "standing", "base was told 0.0174533 while the robot was stopped"),
    ],
)
def test_a_goal_out_of_turn_breaks_a_promise(wrong: Wrong, name: str, said: str) -> None:
    broken = broken_by(wrong)

    assert broken is not None
    assert broken.name == name
    assert broken.sentence.startswith(said)
