"""Commands per second and round trip of the whole daemon, beside three baselines in the same run."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.figures import Report, median
from tests.benchmarks.load import WINDOW
from tests.benchmarks.serving import running

HERE = Path(__file__).parent
ROBOT = str(HERE / "throughput.yaml")
NOTE = '{"type":"note"}'
DRIVE = '{"type":"drive","payload":{"linear":0.2,"angular":0.0}}'
ARM = '{"type":"arm"}'


class Case(NamedTuple):
    """One server under one load."""

    name: str
    server: tuple[str, ...]
    kind: str
    command: str = DRIVE
    first: str | None = None


ECHO = Case("bare websockets echo", ("tests.benchmarks.echo_server",), "ws")
NAIVE = Case("naive design", ("tests.benchmarks.naive",), "ws")
SMALLEST = Case("smallest pipeline", ("tests.benchmarks.smallest",), "ws")
DAEMON = ("tests.benchmarks.daemon_server", ROBOT, "--log", "warning")
UNWRITTEN = (*DAEMON, "--journal", "none")
OURS = Case("robotd, ws, a transition, no journal", UNWRITTEN, "ws", NOTE, ARM)
"""What is held against the baselines, which keep nothing either; `journal` says what the journal costs."""
CASES = (
    ECHO,
    NAIVE,
    SMALLEST,
    OURS,
    Case("robotd, ws, a transition", DAEMON, "ws", NOTE, ARM),
    Case("robotd, ws, drive to the wheel", DAEMON, "ws", DRIVE, ARM),
    Case("robotd, tcp, a transition", DAEMON, "tcp", NOTE, ARM),
    Case("robotd, tcp, drive to the wheel", DAEMON, "tcp", DRIVE, ARM),
    Case(
        "robotd, ws, a transition, logged",
        (*DAEMON[:2], "--log", "info", "--log-file", "/dev/null"),
        "ws",
        NOTE,
        ARM,
    ),
)


@contextmanager
def servers() -> Iterator[dict[tuple[str, ...], dict[str, int]]]:
    """Every server of the cases, each once, all up at the same time and idle but for the one measured."""
    with ExitStack() as stack:
        yield {server: stack.enter_context(running(*server))[0] for server in {c.server for c in CASES}}


def measure(
    case: Case, ports: dict[str, int], clients: int, seconds: float, *, window: int = WINDOW
) -> dict[str, float]:
    """One round, from a process of its own."""
    command = [
        *(sys.executable, "-m", "tests.benchmarks.load", f"127.0.0.1:{ports[case.kind]}"),
        *("--kind", case.kind, "--clients", str(clients), "--seconds", str(seconds)),
        *("--command", case.command, "--window", str(window)),
        *(("--first", case.first) if case.first else ()),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30, check=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def throughput(report: Report, *, rounds: int, seconds: float) -> None:
    """All cases with 1 and with 50 clients, interleaved."""
    with servers() as ports:
        for clients in (1, 50):
            report.title(f"commands per second, {clients} client{'s' * (clients > 1)}, pipelined")
            found: dict[str, list[dict[str, float]]] = {case.name: [] for case in CASES}
            for _ in range(rounds):
                for case in CASES:
                    found[case.name].append(measure(case, ports[case.server], clients, seconds))
            _show(report, found)


def _show(report: Report, found: dict[str, list[dict[str, float]]]) -> None:
    rates = {name: median(f["commands_per_s"] for f in figures) for name, figures in found.items()}
    rows = [
        (
            name,
            f"{rates[name]:,.0f}",
            f"{rates[name] / rates[ECHO.name]:.2f}",
            f"{rates[name] / rates[NAIVE.name]:.1f}",
            f"{median(f['p50_ms'] for f in figures):.2f}",
            f"{median(f['p99_ms'] for f in figures):.2f}",
            f"{sum(f['refused'] for f in figures):.0f}",
        )
        for name, figures in found.items()
    ]
    report.table(("", "commands/s", "of echo", "x naive", "p50 ms", "p99 ms", "refused"), rows)
    share, times = rates[OURS.name] / rates[ECHO.name], rates[OURS.name] / rates[NAIVE.name]
    report.goal(f"at least 0.5 of the bare echo server: {share:.2f}", share >= 0.5)
    report.goal(f"at least 4 times the naive design: {times:.1f}", times >= 4)
