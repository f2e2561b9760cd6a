"""A trace of the caller goes through `robotd send`, and `robotd watch` tells the stages that were missed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from robotd.cli import app
from robotd.cli.exits import Exit
from tests.cli.conftest import RunningRobot

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"
MANY_S = 20.0

run = CliRunner().invoke


@pytest.fixture(autouse=True)
def here(robot: RunningRobot, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test talks to the robot without saying where it is, and leaves it disarmed."""
    monkeypatch.setenv("ROBOTD_URL", robot.unix)
    monkeypatch.delenv("TRACEPARENT", raising=False)
    yield
    run(app, ["send", "disarm"])


def sent(*words: str) -> dict[str, str | int]:
    answer = run(app, ["send", *words, "--json"])
    assert answer.exit_code == Exit.DONE, answer.output
    told: dict[str, str | int] = json.loads(answer.stdout)
    return told


def test_a_command_goes_on_in_the_trace_that_was_given() -> None:
    told = sent("arm", "--traceparent", PARENT)

    assert told["trace_id"] == TRACE_ID
    assert str(told["traceparent"]).startswith(f"00-{TRACE_ID}-")
    assert told["traceparent"] != PARENT


def test_a_person_is_shown_what_goes_on_below_the_trace() -> None:
    answer = run(app, ["send", "arm", "--traceparent", PARENT])

    assert f"traceparent 00-{TRACE_ID}-" in answer.stdout


def test_the_environment_of_a_script_may_name_the_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACEPARENT", PARENT)

    assert sent("arm")["trace_id"] == TRACE_ID


def test_a_trace_id_alone_will_do() -> None:
    told = sent("arm", "--trace-id", TRACE_ID)

    assert told["trace_id"] == TRACE_ID
    assert "traceparent" not in told


def test_a_trace_id_that_is_none_is_refused() -> None:
    answer = run(app, ["send", "arm", "--trace-id", "mine"])

    assert answer.exit_code == Exit.REFUSED
    assert "32 hexadecimal digits" in answer.stderr


def test_watch_begins_with_the_stages_that_were_missed(robot: RunningRobot) -> None:
    begin = int(sent("arm", "--wait", "done")["seq"])
    missed = sent("disarm", "--wait", "done")
    words = ["watch", "stage", "--since", str(begin), "--json", "--url", robot.unix]
    watching = subprocess.Popen([sys.executable, "-m", "robotd", *words], stdout=subprocess.PIPE, text=True)
    assert watching.stdout is not None
    heard = [json.loads(watching.stdout.readline())["data"] for _ in range(2)]
    watching.terminate()
    watching.communicate(timeout=MANY_S)

    assert [(stage["id"], stage["stage"]) for stage in heard] == [
        (missed["id"], "journaled"),
        (missed["id"], "done"),
    ]
    assert heard[-1]["seq"] == missed["seq"]


def test_watch_says_when_the_robot_has_begun_another_journal(robot: RunningRobot) -> None:
    words = ["watch", "stage", "--since", str(10**9), "--url", robot.unix]
    watching = subprocess.Popen([sys.executable, "-m", "robotd", *words], stderr=subprocess.PIPE, text=True)
    assert watching.stderr is not None
    said = watching.stderr.readline()
    watching.terminate()
    watching.communicate(timeout=MANY_S)

    assert "the robot began another journal" in said
