"""What handlers do: raise, hang, ignore their cancellation, block the loop."""

from __future__ import annotations

import os
from functools import partial

from tests.faults.bench import Bench
from tests.faults.children import HarnessError
from tests.faults.clock import now, pause
from tests.faults.evidence import NotStopped
from tests.faults.trial import Fault, Row, Stopper

FRESH_S = 0.4
"""A setpoint lapses after so long."""
BLOCKED_S, BLOCKED_LOADED_S = 0.2, 0.25
ZOMBIES = 4
"""One more than a daemon puts up with."""
EXIT_S = 3.0
KILLED_WITHIN_S = 0.5
"""Less than a daemon takes that ends itself."""
WHEELS = ("wheels",)


def _misbehave(how: str, bench: Bench) -> Fault:
    """Of a handler that drives the wheels and then does it; everything was turning before."""
    bench.forget_moment()
    bench.send("fail", how=how)
    return Fault(bench.moment())


def _raise(bench: Bench) -> Fault:
    return Fault(_misbehave("raise", bench).at, WHEELS)


def _hang(bench: Bench) -> Fault:
    bench.forget_moment()
    bench.send("work")
    return Fault(bench.moment(), WHEELS)


def _ignore(times: int, bench: Bench) -> Fault:
    """The state that owns them is left; they go on, and are refused."""
    for _ in range(times):
        bench.send("fail", how="ignore")
    bench.until(lambda: bench.get("status")["state"] == "armed.teleop", "it is armed")
    pause(0.06)
    at = now()
    bench.send("disarm")
    return Fault(at)


def _ends(bench: Bench) -> None:
    """The daemon ends by itself, as one that has failed."""
    status = bench.wait(EXIT_S)
    if os.waitstatus_to_exitcode(status) != 1:
        raise NotStopped(f"the daemon ended with {status} in place of exit code 1")


def _killed(bench: Bench) -> None:
    """The guard has killed the daemon, which would have woken up much later."""
    try:
        bench.wait(KILLED_WITHIN_S)
    except HarnessError:
        raise NotStopped("the daemon was not killed") from None


def _blocked(how: str, trials: int, *, loaded: bool) -> Row:
    words = {
        "sleep": "sleep",
        "spin": "Python spin",
        "match": "a bad regular expression",
        "sort": "sorting",
    }
    return Row(
        name=f"handler blocks the loop: {words[how]}",
        limit_s=BLOCKED_LOADED_S if loaded else BLOCKED_S,
        trials=trials,
        fail=partial(_misbehave, how),
        stopper=Stopper.GUARD,
        loaded=loaded,
        after=_killed,
    )


ROWS = (
    Row(name="handler raises", limit_s=0.05, trials=80, scene=Bench.drive_only, fail=_raise),
    Row(
        name="handler hangs: its state's time-out",
        limit_s=FRESH_S,
        trials=50,
        scene=Bench.drive_only,
        fail=_hang,
    ),
    Row(
        name="handler ignores its cancellation",
        limit_s=FRESH_S,
        trials=30,
        fail=partial(_ignore, 1),
        after=Bench.end,
    ),
    Row(
        name=f"{ZOMBIES} handlers ignore their cancellation: the daemon ends",
        limit_s=FRESH_S,
        trials=30,
        fail=partial(_ignore, ZOMBIES),
        after=_ends,
    ),
    *(
        _blocked(how, trials, loaded=loaded)
        for loaded, trials in ((False, 35), (True, 35))
        for how in ("sleep", "spin", "match", "sort")
    ),
)
