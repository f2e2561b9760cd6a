"""What an examination asks of a real machine."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from robotd.doctor.machine import ANSWER_TIMEOUT_S, Machine, Process, present_user, run_program


def test_a_program_answers_with_what_it_prints() -> None:
    assert run_program(("echo", "yes")) == "yes"


@pytest.mark.parametrize("command", [("no-such-program",), ("false",)])
def test_a_program_that_is_not_there_or_fails_has_no_answer(command: tuple[str, ...]) -> None:
    assert run_program(command) is None


def test_a_program_that_hangs_has_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("robotd.doctor.machine.ANSWER_TIMEOUT_S", 0.01)

    assert ANSWER_TIMEOUT_S < 5
    assert run_program(("sleep", "10")) is None


def test_the_user_is_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUDO_UID", raising=False)
    user = present_user()

    assert user.uid == os.getuid()
    assert user.groups >= {os.getgid()}


def test_the_user_is_who_asks_through_sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    somebody = next(entry for entry in pwd.getpwall() if entry.pw_uid not in {0, os.getuid()})
    monkeypatch.setenv("SUDO_UID", str(somebody.pw_uid))

    user = present_user()
    assert user.name == somebody.pw_name
    assert somebody.pw_gid in user.groups


def test_a_user_without_a_name_goes_by_the_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_UID", "3999999")

    assert present_user().name == "3999999"


def test_the_processes_of_this_machine_are_seen() -> None:
    mine = Process(Path("/proc/self/comm").read_text().strip(), _command_line())

    assert mine in list(Machine(0.0).processes())


def _command_line() -> list[str]:
    return Path("/proc/self/cmdline").read_text().strip("\0").split("\0")
