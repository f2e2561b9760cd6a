"""What must hold for every robot, whatever happens to it (SAFETY), watched at each event in virtual time.

    watch = Watch(simulation, config.invariants)    # from now to the end of the daemon
    ...
    if watch.broken is not None: ...

A watch polls nothing: it listens to decisions, stages, outputs, readings and the lives of devices. The first
promise that is broken is kept.
"""

from robotd.sim.invariants.promise import Broken, Promise
from robotd.sim.invariants.watch import STANDARD, Watch

__all__ = ["STANDARD", "Broken", "Promise", "Watch"]
