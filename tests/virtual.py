"""Virtual time for tests: a story of hours takes milliseconds. Its loop is the simulation's own."""

from hal.virtual import spend
from robotd.sim.loop import SimulationLoop, run

__all__ = ["SimulationLoop", "run", "spend"]
