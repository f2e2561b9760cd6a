"""What a person reads."""

from __future__ import annotations

from typing import Any

import pytest

from robotd.cli import console

ANN = {"source": "tcp:1", "principal": "ann", "role": "operator"}
STATUS: dict[str, Any] = {
    "robot": "rover",
    "version": "1.2.3",
    "simulated": False,
    "uptime_s": 300.0,
    "regions": {
        "main": {"state": "estopped", "since_s": 4.0, "why": {"trigger": "estop", "source": "unix:0:1"}},
        "health": {"state": "ok", "since_s": 9000.0, "why": None},
    },
    "boards": {"arduino": {"state": "lost", "simulated": False, "detail": "", "since_s": 1.0}},
    "devices": {
        "left": {"kind": "motor", "state": "faulted", "fault": "no answer", "readings": {"duty": None}},
    },
    "queue": {"safety": 0, "command": 3},
    "latch": {"latch_id": "l-1", "reason": "bump", "by": "rule", "age_s": 4.0, "kept": True},
    "guard": {"state": "ready", "detail": "holds arduino", "real_time": False, "memory_locked": True},
    "journal": {
        "path": "/var/lib/robotd",
        "seq": 812,
        "trouble": None,
        "recovered": {},
        "quarantined": [],
    },
}


def test_a_status_names_the_latch_the_fault_and_what_waits(capsys: pytest.CaptureFixture[str]) -> None:
    console.status(STATUS)

    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    expected = [
        "rover  real, robotd 1.2.3, up 5 min",
        "main: estopped  since 4 s, by estop from unix:0:1",
        "health: ok  since 2 h",
        "latched l-1: bump, by rule, 4 s ago, before it started",
        "",
        "board     state      since",
        "arduino   lost       1 s",
        "",
        "device   kind    state                readings",
        "left     motor   faulted: no answer   duty -",
        "queue: command 3",
        "guard: holds arduino (without real time)",
        "journal: row 812, /var/lib/robotd",
    ]
    assert expected == lines


def test_a_status_says_what_a_person_should_know_of_the_journal(capsys: pytest.CaptureFixture[str]) -> None:
    journal = {
        "path": None,
        "seq": 9,
        "trouble": "there is no room",
        "recovered": {"commands": {"expired": 2, "unknown": 1}, "broken": "row 7 is damaged"},
        "quarantined": ["/q/1"],
    }
    console.status({**STATUS, "journal": journal})

    said = " ".join(capsys.readouterr().out.split())
    assert "journal: row 9, in memory" in said
    assert "nothing moves: there is no room" in said
    assert "not run again: expired 2, unknown 1" in said
    assert "found broken (row 7 is damaged), kept in /q/1" in said
    assert "robotd journal acknowledge" in said


def test_evidence_tells_what_is_known_and_what_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    console.evidence(
        {
            "latch_id": "l-1",
            "evidence": {
                "left": {"confirmed": {"value": 0.0, "age_ms": 3.2}},
                "mast": {"confirmed": {"value": None, "age_ms": None}},
                "lamp": {"unconfirmed": {"why": "arduino: no answer in 100 ms"}},
            },
        }
    )

    said = capsys.readouterr().out
    assert "stopped  latch l-1" in said
    assert "left       confirmed     at 0, 3 ms ago" in said
    assert "lamp       unconfirmed   arduino: no answer in 100 ms" in said


@pytest.mark.parametrize(
    ("topic", "data", "gap", "expected"),
    [
        (
            "state",
            {"regions": STATUS["regions"], "latch": STATUS["latch"]},
            0,
            "state             main: estopped, health: ok  latched l-1: bump\n",
        ),
        (
            "stage",
            {"id": "c-1", "stage": "done", "reason": "freshness"},
            0,
            "stage             c-1  done  (freshness)\n",
        ),
        (
            "reading.battery",
            {"readings": {"value": {"value": 12.3456, "unit": "V", "age_ms": 1}}},
            2,
            "battery           value 12.35 V  (2 left out)\n",
        ),
        ("log", {"event": "decision"}, 0, 'log               {"event": "decision"}\n'),
    ],
    ids=["state", "stage", "reading", "log"],
)
def test_an_update_is_one_line(
    capsys: pytest.CaptureFixture[str], topic: str, data: dict[str, Any], gap: int, expected: str
) -> None:
    console.update(topic, data, gap)

    assert expected == capsys.readouterr().out


def test_a_failed_stage_tells_its_reason_and_its_error(capsys: pytest.CaptureFixture[str]) -> None:
    console.stage("patrol", "failed", "armed.teleop", "exception", None, {"message": "range: silent"})

    assert capsys.readouterr().out == "patrol  failed  in armed.teleop  (exception)  range: silent\n"


def test_what_a_robot_says_is_text_without_markup_or_control_characters(
    capsys: pytest.CaptureFixture[str],
) -> None:
    console.stage("[red]patrol[/red]", "failed", "a\x1b[2Jb", ":smile:", None, None)

    said = capsys.readouterr().out
    assert "[red]patrol[/red]" in said
    assert ":smile:" in said
    assert "\x1b" not in said


@pytest.mark.parametrize(
    ("lease", "said"),
    [
        ("off", "lease: off; whoever may send commands moves it"),
        ({"holder": None, "unattended": False}, "lease: free"),
        ({"holder": None, "unattended": True}, "lease: free, and unattended"),
        (
            {"holder": ANN, "age_ms": 9.0, "unattended": False},
            "lease: tcp:1 (ann, operator), heard 9 ms ago",
        ),
        (
            {"holder": ANN, "age_ms": 3000.0, "lost_ms": 1000.0, "unattended": False},
            "lease: lost by tcp:1 (ann, operator), not heard for 3 s",
        ),
    ],
)
def test_status_says_who_moves_it(capsys: pytest.CaptureFixture[str], lease: Any, said: str):
    console.lease(lease)

    assert capsys.readouterr().out.strip() == said
