"""A simulated rover in a process of its own, as `robotd run` starts it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from itertools import count, takewhile
from pathlib import Path

import pytest
import typer.testing

# Typer makes all commands anew for each line that a test runs, which takes longer than most lines do.
typer.testing._get_command = cache(typer.testing._get_command)  # type: ignore[attr-defined]  # it is theirs

ROOT = Path(__file__).parents[2]
START_AT_MOST_S = 20.0
NICE = -10
PATIENCE_S = 20.0


def tries() -> Iterator[int]:
    """Once more and once more, as long as patience lasts."""
    until = time.perf_counter() + PATIENCE_S
    return takewhile(lambda _: time.perf_counter() < until, count())


class RunningRobot:
    """`robotd run` and what it said on stdout."""

    def __init__(self, file: Path, *options: str, **environ: str) -> None:
        self.folder = file.parent
        self.log = self.folder / "log"
        folders = {"XDG_RUNTIME_DIR": str(self.folder), "XDG_STATE_HOME": str(self.folder / "state")}
        environ = os.environ | folders | {"NO_COLOR": "1"} | environ
        environ.pop("RUNTIME_DIRECTORY", None)
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "robotd", "run", str(file), *options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environ,
                text=True,
            )
        # As the service has it: beside busy tests its loop turns all the same, and its guard lets it be.
        with suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, self.process.pid, NICE)
        assert self.process.stdout is not None
        self.ready = self.process.stdout.readline().rstrip("\n")
        if not self.ready:
            self.process.stdout.close()
            pytest.fail(f"robotd run ended with {self.process.wait()}: {self.log.read_text()[-3000:]}")

    @property
    def unix(self) -> str:
        """Its Unix socket."""
        return f"unix://{self.folder}/robotd/robotd.sock"

    @property
    def websocket(self) -> str:
        """Its WebSocket, from the line that it printed."""
        return self.ready.split()[1]

    @property
    def tcp(self) -> str:
        """Its TCP port, from the line that it printed."""
        return f"tcp://{self.ready.split()[3]}"

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end and wait for its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(START_AT_MOST_S)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


def rover_on_any_port(folder: Path) -> Path:
    """The example rover, listening where nobody else does."""
    file = folder / "rover.yaml"
    text = (ROOT / "config" / "rover.yaml").read_text()
    file.write_text(text.replace("127.0.0.1:8080", "127.0.0.1:0").replace("127.0.0.1:8081", "127.0.0.1:0"))
    shutil.copy(ROOT / "config" / "patrol.py", folder)
    return file


@pytest.fixture(scope="module")
def robot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRobot]:
    """One rover for all tests of a file."""
    running = RunningRobot(rover_on_any_port(tmp_path_factory.mktemp("rover")), "--sim")
    yield running
    assert running.end() == 0
