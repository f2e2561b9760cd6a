"""What happens to the guard."""

from __future__ import annotations

import os
import signal
from functools import partial

from robotd.safety.guarding import ANSWER_S
from tests.faults.bench import Bench
from tests.faults.children import HarnessError
from tests.faults.clock import now, pause
from tests.faults.evidence import NotStopped
from tests.faults.trial import Fault, Row

AGAIN_S = 5.0
NOTICED_S = 0.05


def _strike(number: signal.Signals, bench: Bench) -> Fault:
    (guard,) = bench.guards()
    bench.struck = guard
    bench.drive(bench.rng.randrange(5))
    pause(bench.rng.uniform(0.0, 0.03))
    at = now()
    os.kill(guard, number)
    return Fault(at)


def _another_takes_its_place(bench: Bench) -> None:
    """The robot is latched and inactive, and there is a guard again."""
    status = bench.get("status")
    active = [name for name, device in status["devices"].items() if device["state"] == "active"]
    if status["latch"] is None or active:
        raise NotStopped(f"the guard is gone: {status['latch']=} {active=}")
    try:
        bench.until(lambda: bool(bench.guards()) and bench.guards() != [bench.struck], "a new guard", AGAIN_S)
    except HarnessError as error:
        raise NotStopped(str(error)) from error


def _row(name: str, number: signal.Signals, limit_s: float, trials: int, *, loaded: bool) -> Row:
    return Row(
        name=name,
        limit_s=limit_s,
        trials=trials,
        fail=partial(_strike, number),
        loaded=loaded,
        after=_another_takes_its_place,
    )


ROWS = (
    _row("guard killed", signal.SIGKILL, NOTICED_S, 80, loaded=False),
    _row("guard killed", signal.SIGKILL, NOTICED_S, 40, loaded=True),
    _row("guard frozen (SIGSTOP)", signal.SIGSTOP, ANSWER_S + NOTICED_S, 20, loaded=False),
)
