"""What `robotd run` says of a machine that `robotd check` would fail."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from robotd import log
from robotd.cli.daemon import tell_failed_proofs
from robotd.config import load
from tests.daemon.story import ROVER, robot_file

TRAP = """
machine:
  initial: idle
  states: {idle: {}, broken: {}}
  transitions: [{trigger: arduino.lost, source: idle, dest: broken}]
"""


def told_of(file: Path) -> list[tuple[str, Mapping[str, Any]]]:
    lines: list[tuple[str, Mapping[str, Any]]] = []
    tell_failed_proofs(load(file), log.telling(lambda level, _, said: lines.append((level, dict(said)))))
    return lines


def test_each_error_is_a_line_of_the_log_with_its_code_and_its_place(tmp_path: Path):
    file = robot_file(tmp_path, machine=TRAP.lstrip())

    told = {(level, said["code"], said["where"].rpartition(":")[0]) for level, said in told_of(file)}

    line = 1 + next(n for n, text in enumerate(file.read_text().splitlines()) if "broken: {}" in text)
    assert ("warning", "trap-state", f"{file}:{line}") in told


def test_nothing_is_said_of_the_rover():
    assert told_of(ROVER) == []
