"""What happens to the journal's disk: full, failing, slow. The operator goes on streaming all the while."""

from __future__ import annotations

import os

from tests.faults.bench import STREAM_S, Bench
from tests.faults.clock import now, pause
from tests.faults.disks import fill, no_small_disk, no_strace, small_disk, syncs_that
from tests.faults.evidence import NotStopped
from tests.faults.rows.code import EXIT_S
from tests.faults.trial import Fault, Row

LIMIT_S = 1.05
SLOW_S = 4.0


def _stream(bench: Bench, fault: Fault) -> Fault:
    """For as long as the robot may still move."""
    while now() < fault.at + LIMIT_S:
        bench.drive()
        bench.client.hear_for(0.001)
        pause(STREAM_S)
    return fault


def _full(bench: Bench) -> Fault:
    """A stop is taken all the same, and when there is room again the robot can be moved again."""
    with small_disk(bench.folder) as disk:
        bench.move(journal=disk / "journal")
        fault = _stream(bench, Fault(fill(disk)))
        bench.stop()
        (disk / "ballast").unlink()
        bench.until(lambda: bench.get("status")["journal"]["trouble"] is None, "the journal is well again")
        bench.end()
    return fault


def _failing(bench: Bench) -> Fault:
    """The first sync that fails ends the daemon: what was not said to be durable never is."""
    assert bench.daemon is not None
    with syncs_that(bench.daemon, "error=EIO") as at:
        bench.drive()
        bench.send("spin", duty=0.4)
        status = bench.wait(EXIT_S)
    if os.waitstatus_to_exitcode(status) != 1:
        raise NotStopped(f"the daemon ended with {status} in place of exit code 1: {bench.log()}")
    return Fault(at)


def _slow(bench: Bench) -> Fault:
    """Telemetry and stops go on."""
    assert bench.daemon is not None
    with syncs_that(bench.daemon, f"delay_enter={round(SLOW_S * 1e6)}") as at:
        fault = _stream(bench, Fault(at))
        bench.stop()
        bench.end()
    return fault


ROWS = (
    Row(
        name="journal's disk full",
        limit_s=LIMIT_S,
        trials=20,
        scene=Bench.end,
        fail=_full,
        obstacle=no_small_disk,
    ),
    Row(name="journal's disk failing", limit_s=LIMIT_S, trials=20, fail=_failing, obstacle=no_strace),
    Row(name="journal's disk slow", limit_s=LIMIT_S, trials=10, fail=_slow, obstacle=no_strace),
)
