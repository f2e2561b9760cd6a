"""What the journal gives and what it costs: commands that are durable, and the same commands without it."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack

from tests.benchmarks.figures import Report, median
from tests.benchmarks.serving import running
from tests.benchmarks.throughput import ARM, DAEMON, DRIVE, NOTE, Case, measure

CLIENTS = 64
JOURNALED = '{"type":"note","wait":"journaled"}'
PER_SECOND, P99_MS = 2_000, 25.0


def journal(report: Report, *, rounds: int, seconds: float) -> None:
    """Durable commands of 64 clients, and the cost of a command with and without a journal."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        servers = {
            "on this disk": (*DAEMON, "--journal", folder),
            "in memory": DAEMON,
            "without a journal": (*DAEMON, "--journal", "none"),
        }
        ports = {name: stack.enter_context(running(*server))[0] for name, server in servers.items()}
        _durable(report, ports["on this disk"], rounds, seconds)
        _cost(report, ports, rounds, seconds)


def _durable(report: Report, ports: dict[str, int], rounds: int, seconds: float) -> None:
    report.title(f"{CLIENTS} clients, each waits until its command is `journaled` on this disk")
    case = Case("durable", (), "ws", JOURNALED, ARM)
    found = [measure(case, ports, CLIENTS, seconds, window=1) for _ in range(max(3, rounds))]
    report.table(
        ("", "commands/s", "p50 ms", "p99 ms"),
        [
            (f"run {number}", f"{f['commands_per_s']:,.0f}", f"{f['p50_ms']:.1f}", f"{f['p99_ms']:.1f}")
            for number, f in enumerate(found, 1)
        ],
    )
    rate = max(f["commands_per_s"] for f in found)
    p99_ms = min(f["p99_ms"] for f in found)
    report.goal(f"at least {PER_SECOND:,} a second: best of the runs {rate:,.0f}", rate >= PER_SECOND)
    report.goal(f"p99 of `journaled` at most {P99_MS:g} ms: best of the runs {p99_ms:.1f}", p99_ms <= P99_MS)


def _cost(report: Report, ports: dict[str, dict[str, int]], rounds: int, seconds: float) -> None:
    report.title("what the journal costs a command, 1 client, pipelined (us)")
    rows = []
    for name, command in (("a transition", NOTE), ("drive to the wheel", DRIVE)):
        case = Case(name, (), "ws", command, ARM)
        costs: dict[str, list[float]] = {place: [] for place in ports}
        for _ in range(rounds):
            for place, at in ports.items():
                costs[place].append(1e6 / measure(case, at, 1, seconds)["commands_per_s"])
        without = median(costs["without a journal"])
        rows += [
            (
                f"{name}, {place}",
                f"{median(of):.1f}",
                f"{median(of) - without:+.1f}",
                f"{median(of) / without:.2f}",
            )
            for place, of in costs.items()
        ]
    report.table(("", "us a command", "more than without", "times"), rows)
