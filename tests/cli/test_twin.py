"""`robotd twin` in a process of its own, told what to do on its standard input."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

ROOT = Path(__file__).parents[2]
ROVER = str(ROOT / "config" / "rover.yaml")
PATIENCE_S = 20.0


@contextmanager
def serving(*options: str, stdin: int | IO[str] = subprocess.PIPE) -> Iterator[subprocess.Popen[str]]:
    words = [sys.executable, "-m", "robotd", "twin", ROVER, "arduino", "--tcp", "127.0.0.1:0", *options]
    with subprocess.Popen(words, stdin=stdin, stdout=subprocess.PIPE, text=True, cwd=ROOT) as twin:
        assert twin.stdout is not None
        assert twin.stdout.readline().startswith("ready  arduino on tcp://127.0.0.1:")
        try:
            yield twin
        finally:
            twin.kill()


def say(twin: subprocess.Popen[str], line: str) -> str:
    assert twin.stdin is not None
    assert twin.stdout is not None
    twin.stdin.write(f"{line}\n")
    twin.stdin.flush()
    return twin.stdout.readline().rstrip("\n")


def processor_s(twin: subprocess.Popen[str]) -> float:
    fields = Path(f"/proc/{twin.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_it_is_told_line_by_line_and_a_bad_line_ends_nothing() -> None:
    with serving() as twin:
        assert say(twin, "battery: 10.2 V") == "battery: 10.2"
        assert say(twin, "gremlins").startswith("error: 'gremlins' is no fault")
        assert say(twin, "\nunplug 5 s") == "done"
        assert say(twin, "mend") == "mended"
        assert twin.stdin is not None
        twin.stdin.write("quit\n")
        twin.stdin.flush()

        assert twin.wait(PATIENCE_S) == 0


def test_where_nothing_is_said_it_is_a_terminal_named_after_its_board(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "robotd", "twin", ROVER, "arduino"]
    place = tmp_path / "arduino"
    with subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    ) as twin:
        try:
            assert twin.stdout is not None
            assert twin.stdout.readline() == f"ready  arduino on {place}\n"
            assert place.resolve().is_char_device()
            twin.send_signal(signal.SIGINT)
            assert twin.wait(PATIENCE_S) == 0
            assert not place.is_symlink()
        finally:
            twin.kill()


def test_the_end_of_its_input_is_not_its_end_and_costs_nothing() -> None:
    with serving(stdin=subprocess.DEVNULL) as twin:
        before_s = processor_s(twin)
        with pytest.raises(subprocess.TimeoutExpired):
            twin.wait(0.5)

        assert processor_s(twin) - before_s < 0.2
        twin.send_signal(signal.SIGINT)
        assert twin.wait(PATIENCE_S) == 0


def test_what_stands_in_a_file_is_done_to_its_last_line(tmp_path: Path) -> None:
    file = tmp_path / "commands"
    file.write_text("bumper: pressed\nbattery: 11 V\nworld")
    with file.open() as commands, serving("--fault", "delay 1..2 ms", stdin=commands) as twin:
        assert twin.stdout is not None
        told = [twin.stdout.readline().rstrip("\n") for _ in range(3)]

        assert told[:2] == ["bumper: true", "battery: 11"]
        assert "bumper: true" in told[2]
        assert "battery: 11" in told[2]


def test_in_the_background_it_leaves_the_terminal_alone_and_serves_on() -> None:
    """A terminal that belongs to another process group: reading from it would suspend the command."""
    pid, terminal = pty.fork()
    if pid == 0:
        shell = "set -m; {} -m robotd twin {} arduino --tcp 127.0.0.1:0 & cat >/dev/null"
        os.chdir(ROOT)
        os.execvp("bash", ["bash", "-c", shell.format(sys.executable, ROVER)])
    try:
        heard = b""
        while b"ready  arduino on" not in heard:
            heard += os.read(terminal, 4096)
        os.write(terminal, b"world\n")
        twin = int(subprocess.check_output(["ps", "-o", "pid=", "--ppid", str(pid)], text=True).split()[0])
        states = {Path(f"/proc/{twin}/stat").read_text().rpartition(")")[2].split()[0] for _ in range(1000)}
        os.kill(twin, signal.SIGKILL)

        assert "T" not in states
    finally:
        os.kill(pid, signal.SIGKILL)
        os.close(terminal)
        os.waitpid(pid, 0)
