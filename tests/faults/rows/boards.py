"""What happens to boards: gone, silent."""

from __future__ import annotations

from hal.drivers.firmata.board import AUDIT_S
from tests.faults.bench import Bench
from tests.faults.clock import now, pause
from tests.faults.evidence import NotStopped, moved
from tests.faults.trial import EVERYWHERE, Fault, Row

UNPLUGGED_MS = 200
SILENT_MS = 400
STALE_S = 0.1
"""As `robot.yaml` says."""
NOTICED_S = 0.02
SAMPLE_S = 3 * AUDIT_S
"""The mill has three pins, and is asked for one after the other."""


def _unplug(bench: Bench) -> Fault:
    """One board is gone; the other must halt."""
    gone = bench.rng.choice(EVERYWHERE)
    pause(bench.rng.uniform(0.0, 0.02))
    return Fault(bench.inject(gone, f"unplug {UNPLUGGED_MS} ms"), tuple(b for b in EVERYWHERE if b != gone))


def _silence(bench: Bench) -> Fault:
    """One board says nothing more; it, too, is told to stop."""
    pause(bench.rng.uniform(0.0, 0.02))
    return Fault(bench.inject(bench.rng.choice(EVERYWHERE), f"stall {SILENT_MS} ms"))


def _run_away(bench: Bench) -> Fault:
    """What nobody commanded turns; what was commanded must halt."""
    pause(bench.rng.uniform(0.0, 0.2))
    return Fault(bench.inject("mill", "runaway spindle"), ("wheels",))


def _mend(bench: Bench) -> None:
    bench.end()
    bench.twin.ask("mend")


def _comes_back_inactive(bench: Bench) -> None:
    judged_at = now()
    bench.until(bench.all_online, "the board comes back")
    turned = moved(bench.heard(), judged_at)
    devices = bench.get("status")["devices"]
    if turned or "inactive" not in {devices["base"]["state"], devices["spindle"]["state"]}:
        raise NotStopped(f"a board that came back: {turned=} {devices=}")
    bench.order("disarm", "done")


ROWS = (
    Row(
        name="actuator board lost: the others halt",
        limit_s=0.05,
        trials=70,
        fail=_unplug,
        after=_comes_back_inactive,
    ),
    Row(
        name="board alive but silent",
        limit_s=STALE_S + NOTICED_S,
        trials=60,
        fail=_silence,
        after=_comes_back_inactive,
    ),
    Row(
        name="limit violated by feedback, twice",
        limit_s=2 * SAMPLE_S,
        trials=20,
        scene=Bench.drive_only,
        fail=_run_away,
        after=_mend,
    ),
)
