"""What ends or freezes the daemon, and what its next life begins with."""

from __future__ import annotations

import signal
from functools import partial

from tests.faults.bench import STREAM_S, Bench, RefusedError
from tests.faults.clock import now, pause
from tests.faults.disks import no_throttle, throttle, waits_for_its_disk
from tests.faults.evidence import NotStopped, moved
from tests.faults.memory import limited, obstacle
from tests.faults.rows.code import EXIT_S
from tests.faults.trial import Fault, Row, Stopper

LOOKED_AT_S = 0.3
"""So long a new daemon is watched: it should do nothing."""
KILLED_S = 0.05
LAST_WORDS_S = 0.1
"""A guard is gone so long after its daemon."""
FREEZE_S = 0.06
"""A pause of the whole daemon which is no reason for a stop."""


def _signal(number: signal.Signals, bench: Bench) -> Fault:
    """At any moment of a stream of setpoints."""
    bench.drive(bench.rng.randrange(5))
    pause(bench.rng.uniform(0.0, 0.03))
    return Fault(bench.kill(number))


def _abort(bench: Bench) -> Fault:
    bench.forget_moment()
    bench.send("fail", how="abort")
    return Fault(bench.moment())


def _eat(bench: Bench) -> Fault:
    """In a control group that has only little more memory than the daemon."""
    with limited() as group:
        bench.move(cgroup=str(group.folder))
        group.tighten()
        bench.send("fail", how="eat")
        at = group.moment()
        bench.wait(EXIT_S)
        pause(LAST_WORDS_S)
        return Fault(at)


def _kill_while_the_disk_hangs(bench: Bench) -> Fault:
    """What waits for its disk cannot be killed, and keeps the files of the whole process open."""
    with throttle(bench.folder) as disk:
        bench.move(cgroup=str(disk.group))
        disk.tighten()
        assert bench.daemon is not None
        while not waits_for_its_disk(bench.daemon):
            bench.drive()
            pause(STREAM_S)
        bench.drive()
        at = bench.kill(signal.SIGKILL)
        pause(KILLED_S + LAST_WORDS_S)
        disk.loosen()
        bench.wait(EXIT_S)
        pause(LAST_WORDS_S)
    return Fault(at)


def _gone(bench: Bench) -> None:
    bench.wait(EXIT_S)


def _exits_well(bench: Bench) -> None:
    status = bench.wait(EXIT_S)
    if status != 0:
        raise NotStopped(f"SIGTERM ended the daemon with the status {status}: {bench.log()}")


def _begins_inactive(bench: Bench) -> None:
    """The next daemon finds the latch, moves nothing, and lets nobody move anything before a reset."""
    _gone(bench)
    killed_at = now()
    bench.begin(home=bench.home)
    try:
        answer = bench.get("send", type="arm", wait="done")["stage"]
    except RefusedError as error:
        answer = error.reason
    pause(LOOKED_AT_S)
    status = bench.get("status")
    turned = moved(bench.heard(), killed_at)
    active = [name for name, device in status["devices"].items() if device["state"] == "active"]
    if turned or active or status["latch"] is None or answer != "latched":
        raise NotStopped(f"a new daemon: {turned=} {active=} {status['latch']=} arm: {answer}")


def _freeze(bench: Bench) -> Fault:
    """It must not stop for that; what stops it in the end is a client."""
    bench.kill(signal.SIGSTOP)
    pause(FREEZE_S)
    bench.kill(signal.SIGCONT)
    pause(FREEZE_S)
    if bench.get("status")["latch"] is not None:
        raise NotStopped(f"a pause of {FREEZE_S * 1000:g} ms stopped the robot")
    return Fault(bench.stop())


def _kill_row(trials: int, *, loaded: bool) -> Row:
    return Row(
        name="daemon killed (SIGKILL)",
        limit_s=KILLED_S if loaded else 0.015,
        share=0.99,
        trials=trials,
        fail=partial(_signal, signal.SIGKILL),
        stopper=Stopper.GUARD,
        loaded=loaded,
        after=_gone,
    )


def _freeze_row(trials: int, *, loaded: bool) -> Row:
    return Row(
        name="daemon frozen (SIGSTOP)",
        limit_s=0.25 if loaded else 0.2,
        trials=trials,
        fail=partial(_signal, signal.SIGSTOP),
        stopper=Stopper.GUARD,
        loaded=loaded,
        after=_gone,
    )


ROWS = (
    _kill_row(200, loaded=False),
    _kill_row(130, loaded=True),
    Row(
        name="daemon killed while its disk hangs",
        limit_s=KILLED_S,
        trials=40,
        scene=Bench.end,
        fail=_kill_while_the_disk_hangs,
        stopper=Stopper.GUARD,
        obstacle=no_throttle,
    ),
    Row(
        name="daemon crashes (abort)",
        limit_s=0.05,
        trials=60,
        fail=_abort,
        stopper=Stopper.GUARD,
        after=_gone,
    ),
    Row(
        name="daemon out of memory (killed by the kernel)",
        limit_s=0.05,
        trials=30,
        scene=Bench.end,
        fail=_eat,
        stopper=Stopper.GUARD,
        obstacle=obstacle,
    ),
    _freeze_row(80, loaded=False),
    _freeze_row(80, loaded=True),
    Row(name="daemon pauses for 60 ms: goes on, then a stop", limit_s=0.05, trials=30, fail=_freeze),
    Row(name="SIGTERM", limit_s=0.5, trials=50, fail=partial(_signal, signal.SIGTERM), after=_exits_well),
    Row(
        name="restart after a crash: never moves",
        limit_s=0.05,
        trials=50,
        fail=partial(_signal, signal.SIGKILL),
        stopper=Stopper.GUARD,
        after=_begins_inactive,
    ),
)
