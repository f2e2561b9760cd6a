"""All benchmarks, side by side with their yardsticks. Exits 1 when a goal of the design is missed.

python -m tests.benchmarks [--quick] [NAME ...]
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from functools import partial

from tests.benchmarks import (
    arm,
    cell,
    check,
    codecs,
    core,
    cost,
    gantry,
    guard,
    journal,
    process,
    replay,
    serial_port,
    sim,
    stop,
    throughput,
)
from tests.benchmarks.figures import Report


def parts(*, quick: bool) -> Mapping[str, Callable[[Report], None]]:
    """Every benchmark by its name."""
    return {
        "throughput": partial(throughput.throughput, rounds=1 if quick else 5, seconds=1.0 if quick else 2.0),
        "journal": partial(journal.journal, rounds=1 if quick else 5, seconds=1.0 if quick else 2.0),
        "decide": core.decide,
        "queue": core.queue,
        "stop": stop.stop,
        "guard": partial(guard.guard, trials=20 if quick else 100, rest_s=5.0 if quick else 10.0),
        "serial": serial_port.serial_port,
        "codecs": codecs.codecs,
        "arm": partial(arm.arm, duration_s=5.0 if quick else 30.0),
        "gantry": gantry.gantry,
        "cell": partial(cell.cell, trials=30 if quick else 200),
        "start": process.start,
        "memory": partial(process.memory, flood_s=5.0 if quick else 60.0),
        "rest": partial(process.rest, rest_s=5.0 if quick else 20.0),
        "cost": cost.cost,
        "sim": partial(sim.sim, rounds=1 if quick else 5, hours=0.2 if quick else 2.0),
        "check": check.check,
        "replay": partial(replay.replay, hours=0.2 if quick else 2.0),
    }


def main() -> int:
    """Run what was asked for, or everything."""
    names = list(parts(quick=True))
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of: {', '.join(names)}")
    parser.add_argument("--quick", action="store_true", help="one short round of each")
    options = parser.parse_args()
    unknown = set(options.names) - set(names)
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are: {', '.join(names)}")
    report = Report()
    print(f"python {sys.version.split()[0]}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    for name, run in parts(quick=options.quick).items():
        if not options.names or name in options.names:
            run(report)
    if report.missed:
        print("\nmissed:", *report.missed, sep="\n  ")
        return 1
    print("\nevery goal is reached")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
