"""Virtual time for tests: a story of hours takes milliseconds. Its loop is the simulation's own."""

from robotd.sim.loop import VirtualLoop, run, spend

__all__ = ["VirtualLoop", "run", "spend"]
