"""The daemon as a process: how fast it is up, and what memory it keeps, at rest and under flood."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from tests.benchmarks.figures import Report, median
from tests.benchmarks.serving import running
from tests.benchmarks.throughput import DAEMON, OURS, measure

RIGS = Path(__file__).parents[2] / "config"
ROVER = RIGS / "rover.yaml"
SETTLE_S = 3.0
"""Until a board that was just found has been asked all that there is to ask."""
STARTS = 5
FLOOD_CLIENTS = 50


def _start_s() -> float:
    """From the command line to the line `ready`."""
    command = [sys.executable, "-m", "robotd", "run", str(ROVER), "--sim"]
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        line = process.stdout.readline() if process.stdout is not None else b""
        took_s = time.perf_counter() - began
        process.terminate()
    if not line.startswith(b"ready"):
        raise RuntimeError(f"the daemon did not start: {line!r}")
    return took_s


def start(report: Report) -> None:
    """From the command to `ready`, after the first run."""
    report.title("start")
    _start_s()
    took = [_start_s() for _ in range(STARTS)]
    report.goal(
        f"start to ready in 1 s: median {median(took):.2f} s, best {min(took):.2f} s", min(took) <= 1.0
    )


TICKING = """
import asyncio
async def tick():
    print(flush=True)
    while True:
        await asyncio.sleep(0.02)
asyncio.run(tick())
"""
"""The least that a daemon does which a guard watches: 50 times a second it wakes up."""


def _share_at_rest(command: list[str], rest_s: float) -> float:
    """Of one core, by a process that has said its first line."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            if process.stdout is None or not process.stdout.readline():
                raise RuntimeError(f"{' '.join(command)} did not start")
            time.sleep(SETTLE_S)
            before, began = _cpu_s(process.pid), time.perf_counter()
            time.sleep(rest_s)
            return (_cpu_s(process.pid) - before) / (time.perf_counter() - began)
        finally:
            process.terminate()


def _cpu_s(process: int) -> float:
    """Of all its threads, to the nanosecond. Raises `RuntimeError` when it has ended."""
    used_ns = 0
    for thread in Path(f"/proc/{process}/task").glob("*/schedstat"):
        with suppress(ProcessLookupError):  # a thread that ends between the list and the look
            used_ns += int(thread.read_text().split()[0])
    if not used_ns:
        raise RuntimeError("a daemon that should be at rest has ended")
    return used_ns / 1e9


def rest(report: Report, *, rest_s: float) -> None:
    """What each of the example robots costs while nobody wants anything of it, its twins included."""
    report.title("rest: CPU of each rig, simulated and switched on, while nothing happens")
    bare = _share_at_rest([sys.executable, "-c", TICKING], rest_s)
    rows = [("only wakes up 50 times a second", f"{bare:.1%}", "")]
    for file in sorted(RIGS.glob("*.yaml")):
        robot = ["-m", "robotd", "run", str(file), "--sim", "--journal", "memory"]
        share = _share_at_rest([sys.executable, *robot], rest_s)
        rows.append((file.stem, f"{share:.1%}", f"{share / bare:.1f} x"))
    report.table(("robot", "of a core", ""), rows)


def resident_mib(process: int) -> float:
    """The resident set of a process."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def memory(report: Report, *, flood_s: float) -> None:
    """Memory at rest, and whether a flood makes it grow."""
    report.title("memory")
    with running(*DAEMON) as (ports, process):
        rest = resident_mib(process)
        measure(OURS, ports, FLOOD_CLIENTS, min(10.0, flood_s / 3))
        warm = resident_mib(process)
        measure(OURS, ports, FLOOD_CLIENTS, flood_s)
        flooded = resident_mib(process)
    report.table(
        ("", "MiB"),
        [
            ("at rest", f"{rest:.1f}"),
            ("after a short flood", f"{warm:.1f}"),
            (f"after {flood_s:g} s more", f"{flooded:.1f}"),
        ],
    )
    report.goal(f"at most 60 MiB at rest: {rest:.1f}", rest <= 60)
    report.goal(f"flat under flood: {flooded - warm:+.1f} MiB", flooded - warm <= 5)
