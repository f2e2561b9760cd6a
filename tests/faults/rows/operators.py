"""What happens to whoever moves the robot, with the connection open all the while."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from tests.faults.bench import Bench
from tests.faults.clock import now, pause
from tests.faults.evidence import NotStopped
from tests.faults.trial import Act, Fault, Row

WINDOW_S = 0.3
NOTICED_S = 0.05
WINDOW_MS = str(round(WINDOW_S * 1000))
PILOT, WIRE = "tests.faults.pilot", "tests.faults.proxy"


def _pilot(bench: Bench) -> None:
    bench.arm()
    bench.child(PILOT, str(bench.socket), WINDOW_MS)


def _distant_pilot(bench: Bench) -> None:
    """One beyond a wire that can be held."""
    bench.arm()
    middle = bench.home / "proxy"
    middle.unlink(missing_ok=True)
    bench.child(WIRE, str(middle), str(bench.socket))
    bench.child(PILOT, str(middle), WINDOW_MS)


def _freeze(bench: Bench) -> Fault:
    pause(bench.rng.uniform(0.0, WINDOW_S))
    at = now()
    os.kill(bench.running(PILOT).pid, signal.SIGSTOP)
    return Fault(at)


def _hold(bench: Bench) -> Fault:
    pause(bench.rng.uniform(0.0, WINDOW_S))
    at = now()
    bench.running(WIRE).ask("hold")
    return Fault(at)


def _late_renewals(bench: Bench) -> Fault:
    """All that was held comes at once, when the robot has halted: that moves nothing."""
    fault = _hold(bench)
    pause(WINDOW_S * 2)
    bench.running(WIRE).ask("release")
    return fault


def _lease_is_lost(bench: Bench) -> None:
    bench.end_children()
    lease = bench.get("status")["lease"]
    if lease["holder"] is not None and lease["lost_ms"] is None:
        raise NotStopped(f"the lease is still held: {lease}")
    bench.order("disarm", "done")


def _row(name: str, trials: int, scene: Act, fail: Callable[[Bench], Fault]) -> Row:
    return Row(
        name=name, limit_s=WINDOW_S + NOTICED_S, trials=trials, scene=scene, fail=fail, after=_lease_is_lost
    )


ROWS = (
    _row("operator lost: client frozen, its connection alive", 40, _pilot, _freeze),
    _row("operator lost: half-open connection", 30, _distant_pilot, _hold),
    _row("operator lost: late renewals in a burst", 30, _distant_pilot, _late_renewals),
)
