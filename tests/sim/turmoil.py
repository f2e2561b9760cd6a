"""A story full of chance, and the digest of what it did: run as a program, to compare one run with another.

`python -m tests.sim.turmoil 3` prints the digests of the seeds 0, 1 and 2.
"""

from __future__ import annotations

import sys
from pathlib import Path

from robotd.config import load
from robotd.sim.simulation import Simulation, simulate

ROVER = Path(__file__).parents[2] / "config" / "rover.yaml"
FAULTS = (
    "unplug 1 s",
    "reboot garbage 40 B",
    "corrupt 2% for 1 s",
    "deaf for 300 ms",
    "delay 5..40 ms for 2 s",
    "stall 100 ms",
    "slow clock for 1 s",
    "freeze battery for 1 s",
)
PAUSES_S = (0.0, 0.01, 0.05, 0.3, 1.0, 5.0)
DEEDS = 150


async def turmoil(sim: Simulation) -> str:
    """Two operators and all that can go wrong, for some minutes; returns the digest."""
    rng = sim.rng
    operators = [await sim.connect("ann"), await sim.connect("ben")]
    for _ in range(DEEDS):
        operator = rng.choice(operators)
        match rng.randrange(9):
            case 0 | 1:
                operator.send("arm")
            case 2 | 3 | 4:
                operator.send("drive", {"linear": rng.uniform(-0.8, 0.8), "angular": rng.uniform(-1, 1)})
            case 5:
                operator.send("patrol")
            case 6:
                operator.stop("enough")
            case 7:
                operator.reset()
            case _:
                sim.rig.inject("arduino", rng.choice(FAULTS))
        await sim.sleep(rng.choice(PAUSES_S))
    return sim.recording.digest


def digests(count: int) -> list[str]:
    """Of the seeds from 0 on."""
    config = load(ROVER)
    return [simulate(config, turmoil, seed=seed) for seed in range(count)]


if __name__ == "__main__":
    sys.stdout.write("\n".join(digests(int(sys.argv[1]))))
