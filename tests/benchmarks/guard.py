"""What the guard costs, and how soon it stops: with a daemon of a few lines, on a pseudo-terminal."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import tempfile
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from robotd.safety import guard as guard_source
from robotd.safety.guard import ROUND_S, SILENT_S
from tests.benchmarks.figures import Report, median, quantile
from tests.benchmarks.process import resident_mib
from tests.safety import fake_daemon

FRAMES = b"\xf7\xc0\x00\x00"
TIMEOUT_S = 5.0
READY_MS = 100.0
RESIDENT_MIB = 15.0
CORE_SHARE = 0.005
RESTS = 3
KILLED_MS, FROZEN_MS = 15.0, 200.0


class TooSlowError(RuntimeError):
    """The guard ended a daemon that had no time to tick: on a busy machine a trial more."""


class Running(NamedTuple):
    """A daemon with its guard, which holds one port."""

    daemon: subprocess.Popen[str]
    guard: int
    ready_s: float
    granted: str
    """What it said when it was ready: of real-time priority and locked memory, what was permitted."""
    board: int
    """The far end of the port."""

    def line(self) -> str:
        """What the guard says next."""
        line = "" if self.daemon.stdout is None else self.daemon.stdout.readline()
        if not line:
            raise TooSlowError("the daemon had no time to tick; is this machine very busy?")
        return line.rstrip("\n")


@contextmanager
def _running(folder: str, program: str = str(guard_source.__file__)) -> Iterator[Running]:
    master, slave = os.openpty()
    tty.setraw(slave)
    board = f"board={slave}=0={FRAMES.hex()}"
    command = [sys.executable, "-I", "-S", fake_daemon.__file__, program]
    daemon = subprocess.Popen(
        [*command, "-1", "-1", f"{folder}/latch.json", board],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=[slave],
        text=True,
    )
    os.close(slave)
    assert daemon.stdout is not None
    number, ready_s = daemon.stdout.readline().split()
    running = Running(daemon, int(number), float(ready_s), daemon.stdout.readline().strip(), master)
    try:
        if running.line() != "kept board":
            raise RuntimeError("the guard did not take its port")
        yield running
    finally:
        daemon.kill()
        daemon.communicate()
        os.close(master)


def _stopped_s(running: Running, harm: Callable[[], None]) -> float:
    """From the harm to the first byte of a stop."""
    began = time.perf_counter()
    harm()
    if not select.select([running.board], [], [], TIMEOUT_S)[0]:
        raise RuntimeError("no stop came")
    took_s = time.perf_counter() - began
    time.sleep(6 * ROUND_S)  # until that guard is gone
    return took_s


def _cpu_share(process: int, duration_s: float) -> float:
    """Of one core, while nothing happens but ticks."""
    began_s, began = _cpu_s(process), time.perf_counter()
    time.sleep(duration_s)
    return (_cpu_s(process) - began_s) / (time.perf_counter() - began)


def _cpu_s(process: int) -> float:
    """In nanoseconds: at 10 ms a tick of the clock, who wakes up with it seems to cost twice as much."""
    return int(Path(f"/proc/{process}/schedstat").read_text().split()[0]) / 1e9


def _harmed(folder: str, trials: int, number: signal.Signals) -> tuple[list[float], list[float]]:
    """Of each trial, in ms: how long the guard took to be ready, and to stop after the signal."""
    ready: list[float] = []
    stopped: list[float] = []
    spared = trials
    while len(stopped) < trials:
        try:
            with _running(folder) as running:
                while running.line() != "tock":
                    pass
                stopped.append(1000 * _stopped_s(running, lambda: running.daemon.send_signal(number)))
                ready.append(1000 * running.ready_s)
        except TooSlowError:
            spared -= 1
            if not spared:
                raise
    return ready, stopped


def guard(report: Report, *, trials: int, rest_s: float) -> None:
    """Its start, its memory, its share of a core while 50 ticks a second come, and how soon it stops."""
    report.title("guard: a process that stops the robot when the daemon cannot")
    with tempfile.TemporaryDirectory() as folder:
        with _running(folder) as running:
            time.sleep(0.5)
            shares = [_cpu_share(running.guard, rest_s) for _ in range(RESTS)]
            resident = resident_mib(running.guard)
            granted = running.granted
        with _running(folder, str(Path(__file__).with_name("bare_guard.py"))) as running:
            bare = min(_cpu_share(running.guard, rest_s) for _ in range(RESTS))
        ready, killed = _harmed(folder, trials, signal.SIGKILL)
        more, frozen = _harmed(folder, max(5, trials // 5), signal.SIGSTOP)
    ready += more
    rows = [
        (name, *(f"{figure:.2f}" for figure in (median(took), quantile(took, 0.99), max(took))))
        for name, took in (
            ("ready, from its start", ready),
            ("daemon killed -> first stop byte", killed),
            (f"daemon frozen -> first stop byte, {SILENT_S * 1e3:g} ms of it silence", frozen),
        )
    ]
    report.table(("ms", "p50", "p99", "max"), rows)
    report.table(("", ""), [("priority and memory", granted.removeprefix("ready "))])
    report.goal(f"ready within {READY_MS:g} ms: median {median(ready):.0f}", median(ready) <= READY_MS)
    report.goal(f"under {RESIDENT_MIB:g} MiB: {resident:.1f}", resident < RESIDENT_MIB)
    report.goal(
        f"at most {CORE_SHARE:.1%} of a core at rest: best of {RESTS} {min(shares):.2%}, "
        f"median {median(shares):.2%} (who only waits and reads: {bare:.2%})",
        min(shares) <= CORE_SHARE,
    )
    p99 = quantile(killed, 0.99)
    report.goal(f"killed daemon, p99 at most {KILLED_MS:g} ms: {p99:.2f}", p99 <= KILLED_MS)
    report.goal(f"frozen daemon, at most {FROZEN_MS:g} ms: {max(frozen):.0f}", max(frozen) <= FROZEN_MS)
