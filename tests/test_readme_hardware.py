"""What the README says of finding one's hardware, run on a simulated arm behind a serial line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

from tests.test_readme import BESIDE_PYTHON, PORT, ROOT, blocks, run

COMMANDS = [
    line.removeprefix("$ ")
    for block in blocks("console")
    for line in block.splitlines()
    if line.startswith(("$ robotd doctor", "$ robotd ports")) or PORT in line
]


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A serial line with the servos of the arm at its far end."""
    path = tmp_path_factory.mktemp("arm") / "port"
    words = [
        str(BESIDE_PYTHON / "robotd"),
        "twin",
        str(ROOT / "config" / "arm.yaml"),
        "bus",
        "--pty",
        str(path),
    ]
    with Popen(words, stdin=PIPE, stdout=PIPE, text=True) as twin:
        try:
            assert twin.stdout is not None
            assert twin.stdout.readline()
            yield path
        finally:
            twin.terminate()


def test_there_are_commands() -> None:
    assert [command.split()[1] for command in COMMANDS] == ["ports", "doctor", "ports", "scan", "init"]


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_does_what_it_says(command: str, port: Path, tmp_path: Path) -> None:
    done = run(command.replace(PORT, str(port)), tmp_path)

    if command == "robotd doctor":
        assert done.returncode in (0, 1), done.stderr  # a machine may well have something to mend
        return
    assert done.returncode == 0, done.stdout + done.stderr
    if PORT in command:
        assert "XM430-W350" in done.stdout + "".join(path.read_text() for path in tmp_path.glob("*.yaml"))
