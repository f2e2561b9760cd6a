"""What a gantry is promised, and how a promise that is broken shows."""

from __future__ import annotations

import pytest

from hal import Gantry
from hal.kinds import Position, Velocity
from robotd.sim.client import Console
from robotd.sim.invariants.promise import Broken
from robotd.sim.simulation import Simulation
from tests.sim.breaking import Wrong, first_broken


async def is_home(sim: Simulation, console: Console) -> None:
    console.send("home")
    await sim.sleep(6)
    assert sim.engine.machine.leaves == ("idle",)
    console.send("jog", {"x": -0.01})  # it has the lease from now on
    await sim.sleep(0.1)


def broken_by(wrong: Wrong) -> Broken | None:
    """What is said of a gantry at home, to which something is done."""
    return first_broken("gantry", is_home, wrong)


def gantry(sim: Simulation) -> Gantry:
    device = sim.engine.rig.devices["gantry"]
    assert isinstance(device, Gantry)
    return device


async def moved(sim: Simulation, console: Console) -> None:
    console.send("move_to", {"x": "-20 mm"})
    await sim.sleep(1)
    console.send("jog", {"x": -0.02, "y": -0.03})
    await sim.sleep(1)
    console.send("run_job", {"file": "jobs/square.nc"})
    await sim.sleep(1)
    console.send("pause")
    await sim.sleep(1)
    console.send("resume")
    await sim.sleep(1)
    console.send("estop")


def told_too_fast(sim: Simulation, console: Console) -> None:
    gantry(sim).controller.jog(Velocity(0.07, 0.07, 0.0), sim.now)


def told_while_stopped(sim: Simulation, console: Console) -> None:
    sim.engine.stop.trip("test", "test")
    gantry(sim).controller.move(Position(-0.1, -0.1, -0.01), 0.01)


def told_while_inactive(sim: Simulation, console: Console) -> None:
    gantry(sim).deactivate()
    gantry(sim).controller.home()


def test_what_its_verbs_do_breaks_nothing() -> None:
    assert broken_by(moved) is None


@pytest.mark.parametrize(
    ("wrong", "name", "said"),
    [
        (told_too_fast, "limits", "gantry was told 0.0989949; it takes 0 to 0.08"),
        (told_while_stopped, "standing", "gantry was told 0.01 while the robot was stopped"),
        (told_while_inactive, "standing", "gantry was told 0.08 while it was inactive"),
    ],
)
def test_a_motion_out_of_turn_breaks_a_promise(wrong: Wrong, name: str, said: str) -> None:
    broken = broken_by(wrong)

    assert broken is not None
    assert (broken.name, broken.sentence) == (name, said)
