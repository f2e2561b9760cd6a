"""How long a stop takes: from the request to the last stop byte that `write(2)` accepts on the pty."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.figures import Report, quantile
from tests.benchmarks.serving import START_TIMEOUT_S

ROBOT = Path(__file__).parent / "stop.yaml"
RUNS = 3
STOPS = 300
PAUSE_S = 0.01
SLOW_SYNC_S = 2.0

Noted = list[tuple[float, float]]
"""Of each stop two durations in seconds: from the client's request, and from the call to stop."""


@contextmanager
def _process(*command: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(START_TIMEOUT_S)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def _line(process: subprocess.Popen[str]) -> str:
    line = process.stdout.readline() if process.stdout is not None else ""
    if not line:
        raise RuntimeError(f"ended with {process.wait()} before it said a word")
    return line


def _run(server: subprocess.Popen[str], address: tuple[str, int]) -> Noted:
    """Stop again and again from a client of its own; the server tells what it noted."""
    with socket.create_connection(address, timeout=10) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        answers = client.makefile("r")
        for number in range(STOPS):
            time.sleep(PAUSE_S)
            params = {"reason": repr(time.perf_counter())}
            call = {"jsonrpc": "2.0", "id": number, "method": "estop", "params": params}
            client.sendall(json.dumps(call).encode() + b"\n")
            answer = json.loads(answers.readline())
            if "result" not in answer:
                raise RuntimeError(f"a stop was refused: {answer}")
    os.kill(server.pid, signal.SIGUSR1)
    noted: Noted = json.loads(_line(server))
    return noted


def stop(report: Report) -> None:
    """Idle, under 50 flooding clients with 50 that do not read, and on a disk that takes 2 s for an fsync.

    The best of three runs counts.
    """
    report.title("stop: request to last stop byte on the pty (ms)")
    cases: list[tuple[str, float, list[Noted]]] = []
    with _robot(0.0) as (server, address):
        cases.append(("idle", 2.0, [_run(server, address) for _ in range(RUNS)]))
        with _process("tests.benchmarks.flood", f"{address[0]}:{address[1]}") as pests:
            _line(pests)
            runs = [_run(server, address) for _ in range(RUNS)]
            cases.append(("50 flooders, 50 dead readers", 5.0, runs))
    with _robot(SLOW_SYNC_S) as (server, address):
        name = f"a disk that takes {SLOW_SYNC_S:g} s for an fsync"
        cases.append((name, 2.0, [_run(server, address) for _ in range(RUNS)]))
    _show(report, cases)


@contextmanager
def _robot(sync_s: float) -> Iterator[tuple[subprocess.Popen[str], tuple[str, int]]]:
    """A daemon on a pty with a twin behind it, each in a process of its own; its journal is on the disk."""
    with tempfile.TemporaryDirectory() as folder:
        port = f"{folder}/arduino"
        journal = ("--journal", f"{folder}/journal", "--sync-s", str(sync_s))
        with (
            _process("robotd", "twin", str(ROBOT), "arduino", "--pty", port) as twin,
            _after(
                twin, "tests.benchmarks.stop_server", str(ROBOT), "--port", f"arduino={port}", *journal
            ) as server,
        ):
            address = ("127.0.0.1", json.loads(_line(server))["tcp"])
            _wait_for_the_board(address)
            yield server, address
            server.send_signal(signal.SIGUSR2)
            time.sleep(sync_s * 1.5)


@contextmanager
def _after(first: subprocess.Popen[str], *command: str) -> Iterator[subprocess.Popen[str]]:
    _line(first)
    with _process(*command) as process:
        yield process


def _show(report: Report, cases: list[tuple[str, float, list[Noted]]]) -> None:
    rows = []
    best: dict[str, float] = {}
    for name, _, runs in cases:
        for number, noted in enumerate(runs, 1):
            whole = [1000 * request for request, _ in noted]
            inside = [1000 * call for _, call in noted]
            best[name] = min(best.get(name, float("inf")), quantile(whole, 0.99))
            rows.append(
                (
                    f"{name}, run {number}",
                    *(f"{quantile(whole, share):.2f}" for share in (0.5, 0.99)),
                    f"{max(whole):.2f}",
                    *(f"{quantile(inside, share):.2f}" for share in (0.5, 0.99)),
                )
            )
    report.table(("", "p50", "p99", "max", "p50 from the call", "p99 from the call"), rows)
    for name, limit_ms, _ in cases:
        report.goal(
            f"p99 at most {limit_ms:g} ms, {name}: best of three {best[name]:.2f} ms", best[name] <= limit_ms
        )


def _wait_for_the_board(address: tuple[str, int]) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    with socket.create_connection(address, timeout=10) as client:
        answers = client.makefile("r")
        while time.monotonic() < deadline:
            client.sendall(b"status\n")
            status = json.loads(answers.readline())
            status = status.get("result", status)
            if status["boards"]["arduino"]["state"] == "online":
                return
            time.sleep(0.05)
    raise RuntimeError("the board did not come online")
