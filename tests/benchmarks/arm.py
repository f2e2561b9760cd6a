"""The jitter of a 50 Hz loop over six servos on one half-duplex wire, a part of whose replies is damaged."""

from __future__ import annotations

import asyncio
import itertools
import json
import math
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

from hal import open_link
from hal.device import DeviceState
from hal.drivers.servo_bus import READ_PERIOD_S
from hal.kinds import Joint
from tests.benchmarks.figures import Report, quantile
from tests.hal.drivers.servo_arm import FAMILIES, JOINTS, listen_to

BAUD = 1_000_000
DAMAGED = 0.02
GOAL_MS = 5.0
SWING_RAD = 0.5


@contextmanager
def _servos(family: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.servo_server", family, str(DAMAGED)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


class _Run(NamedTuple):
    """What is seen on this side."""

    ticked_at: list[float]
    read_at: list[float]
    retries: int
    faulted: list[str]


class _Lead:
    """Gives every joint a goal at each tick of 20 ms, and notes when that is."""

    def __init__(self, joints: Sequence[Joint]) -> None:
        self.ticked_at: list[float] = []
        self._joints = joints
        self._loop = asyncio.get_running_loop()
        for joint in joints:
            joint.activate()
            joint.hold()

    async def for_s(self, duration_s: float) -> None:
        """Swing all of them."""
        began = self._loop.time()
        for tick in range(round(duration_s / READ_PERIOD_S)):
            await asyncio.sleep(began + tick * READ_PERIOD_S - self._loop.time())
            self.ticked_at.append(self._loop.time())
            for joint in self._joints:
                joint.axis.lead(SWING_RAD * math.sin(tick * READ_PERIOD_S))


async def _run(family: str, port: str, duration_s: float) -> _Run:
    board = FAMILIES[family].board(open_link(port, BAUD), JOINTS)
    task = asyncio.create_task(board.run())
    try:
        await board.online()
        joints = [device for device in board.devices.values() if isinstance(device, Joint)]
        lead = _Lead(joints)
        await asyncio.sleep(0.5)
        read_at = listen_to(board, len(joints))
        await lead.for_s(duration_s)
        faulted = [joint.name for joint in joints if joint.state is DeviceState.FAULTED]
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    return _Run(lead.ticked_at, read_at, board.retries, faulted)


def _jitter_ms(moments: Sequence[float]) -> list[float]:
    return [1000 * abs(b - a - READ_PERIOD_S) for a, b in itertools.pairwise(moments)]


def arm(report: Report, *, duration_s: float) -> None:
    """Positions read and goals written 50 times a second."""
    report.title(f"six servos at 50 Hz, {100 * DAMAGED:.0f} % of the replies damaged (jitter, ms)")
    for family in FAMILIES:
        print(f"  {family}")
        _measure(report, family, duration_s)


def _measure(report: Report, family: str, duration_s: float) -> None:
    with _servos(family) as server:
        if server.stdin is None or server.stdout is None:
            raise RuntimeError("pipes were asked for and not made")
        port = server.stdout.readline().strip()
        run = asyncio.run(_run(family, port, duration_s))
        server.stdin.close()
        said = json.loads(server.stdout.readline())
        server.stdin = None
    goals = [at for at in said["goals"] if at >= run.ticked_at[0]]  # all processes have one clock
    rows = [("positions read", _jitter_ms(run.read_at)), ("goals on the wire", _jitter_ms(goals))]
    shown = [("asyncio's timer alone", _jitter_ms(run.ticked_at)), *rows]
    report.table(
        ("", "p50", "p99", "max"),
        [(name, *(f"{quantile(found, q):.2f}" for q in (0.5, 0.99, 1.0))) for name, found in shown],
    )
    print(f"  {said['replies']} replies, {said['damaged']} damaged, {run.retries} questions put again")
    for name, found in rows:
        report.goal(f"{family}, {name}: p99 under {GOAL_MS:g} ms", quantile(found, 0.99) < GOAL_MS)
    report.goal(f"{family}, no joint is faulted", not run.faulted)
