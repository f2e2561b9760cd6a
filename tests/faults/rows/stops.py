"""A stop that somebody asks for: alone, and among clients that mean no good."""

from __future__ import annotations

import socket
from contextlib import closing

from tests.faults.bench import Bench
from tests.faults.clock import now, pause
from tests.faults.trial import Fault, Row
from tests.journal.kills.client import Client

BURST = 150
"""So many commands one client sends without a pause: more than its places, less than its socket holds."""


def _stop(bench: Bench) -> Fault:
    """From a client that does nothing else."""
    with closing(Client(bench.socket, stages=False)) as client:
        bench.drive(bench.rng.randrange(4))
        pause(bench.rng.uniform(0.0, 0.02))
        at = now()
        client.ask("stop", "estop", reason="a trial")
        client.hear(lambda: "stop" in client.answers)
    return Fault(at)


def _ask_the_guard(bench: Bench) -> Fault:
    """By a datagram, as `robotd stop` does when the daemon does not answer."""
    pause(bench.rng.uniform(0.0, 0.02))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stop:
        at = now()
        stop.sendto(b"a trial", str(bench.socket.with_suffix(".guard")))
    return Fault(at)


def _among_a_flood(bench: Bench) -> None:
    """50 clients send without end, 50 never read; the one who leads is none of them."""
    bench.ready()
    bench.lead()  # before they come
    bench.flood()
    bench.move()


def _amid_a_burst(bench: Bench) -> Fault:
    """The one who leads sends far more than fits."""
    with closing(Client(bench.socket, stages=False)) as client:
        bench.drive(BURST)
        at = now()
        client.ask("stop", "estop", reason="a trial")
        client.hear(lambda: "stop" in client.answers)
    return Fault(at)


def _listen(bench: Bench) -> None:
    """To all that is owed to who sent so much."""
    bench.forget_client()


ROWS = (
    Row(name="stop command", limit_s=0.002, share=0.99, trials=140, fail=_stop),
    Row(
        name="stop command, 50 flooding clients and 50 dead readers",
        limit_s=0.005,
        share=0.99,
        trials=80,
        scene=_among_a_flood,
        fail=_stop,
    ),
    Row(name="stop command to the guard", limit_s=0.002, share=0.99, trials=40, fail=_ask_the_guard),
    Row(
        name="queue full: stop amid a burst",
        limit_s=0.005,
        share=0.99,
        trials=50,
        fail=_amid_a_burst,
        after=_listen,
    ),
)
