"""The time on the wall jumps while everything moves."""

from __future__ import annotations

import signal

from tests.faults.bench import STREAM_S, Bench
from tests.faults.clock import now, pause
from tests.faults.evidence import NotStopped, turning
from tests.faults.rows.code import FRESH_S
from tests.faults.trial import Fault, Row

JUMPS_S = (-10 * 365 * 86_400.0, -3600.0, 3600.0, 10 * 365 * 86_400.0)
NOTICED_S = 0.05
STREAMED_S = 0.5
"""Longer than a setpoint lasts: what streams goes on."""


def _jump(bench: Bench) -> Fault:
    """Nothing stops for that; then the stream ends, and what it drove stops when its time is over."""
    bench.drive_only(wall_jumps_s=bench.rng.choice(JUMPS_S))
    bench.drive()
    bench.kill(signal.SIGUSR2)
    end = now() + STREAMED_S
    while now() < end:
        sent_at = now()
        bench.drive()
        bench.client.hear_for(0.001)
        pause(STREAM_S)
    if "wheels" not in turning(bench.heard(), now()):
        raise NotStopped("the wall clock jumped, and the robot stopped for that")
    return Fault(sent_at, ("wheels",))


ROWS = (
    Row(
        name="wall clock jumps: goes on, and stops when its setpoint lapses",
        limit_s=FRESH_S + NOTICED_S,
        trials=30,
        scene=Bench.end,
        fail=_jump,
        after=Bench.end,
    ),
)
