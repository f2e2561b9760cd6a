"""The gate that a robot's file describes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from robotd import log
from robotd.access.gate import Gate, no_audit
from robotd.config.safety import AccessSettings
from robotd.core.role import Role
from robotd.daemon.entrance import gate_of
from tests.access.keys import NOON


def gate(access: AccessSettings, said: list[tuple[str, str, Mapping[str, Any]]] | None = None) -> Gate:
    return gate_of(
        access,
        clock=lambda: 0.0,
        wall_clock=lambda: NOON,
        audit=no_audit,
        log=log.telling(
            lambda level, event, rest: said.append((level, event, rest)) if said is not None else None
        ),
    )


def test_users_go_by_the_names_of_this_machine():
    found = gate(AccessSettings(users={"root": Role.VIEWER, "12345": Role.ADMIN}))

    assert found.comer("unix:0:1", 0).role is Role.VIEWER
    assert found.comer("unix:12345:1", 12345).role is Role.ADMIN
    assert found.comer("unix:54321:1", 54321).role is Role.OPERATOR


def test_who_runs_the_daemon_maintains_the_robot():
    assert gate(AccessSettings()).comer("unix:x:1", os.getuid()).role is Role.MAINTAINER


def test_a_user_that_this_machine_does_not_know_is_said_and_keeps_nobody_out():
    said: list[tuple[str, str, Mapping[str, Any]]] = []
    found = gate(AccessSettings(users={"nobody-at-all": Role.ADMIN}), said)

    assert [(level, rest["users"]) for level, _, rest in said] == [("warning", ("nobody-at-all",))]
    assert found.comer("unix:54321:1", 54321).role is Role.OPERATOR


def test_a_robot_whose_file_names_no_tokens_asks_for_none_and_one_whose_file_does_asks(tmp_path: Path):
    said: list[tuple[str, str, Mapping[str, Any]]] = []

    assert not gate(AccessSettings()).asks
    assert gate(AccessSettings(tokens=tmp_path / "none.json"), said).asks
    assert said[0][0] == "error"
