"""`robotd doctor`: what people and scripts get of it. What it finds is tested beside `robotd.doctor`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from robotd.cli import app
from robotd.cli.exits import Exit
from robotd.doctor import Finding, Severity

run = CliRunner().invoke

SLOW = Finding("latency-timer", Severity.WARNING, "it waits", "let it not wait", ("echo 1 | sudo tee x",))
GONE = Finding("port-missing", Severity.ERROR, "there is no \x1b[31mport", "plug it in")


@pytest.fixture
def ill(monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    """What is found on this machine, in place of what is."""
    found: list[Finding] = []
    monkeypatch.setattr("robotd.doctor.examine", lambda machine, of: found)
    return found


def test_where_all_is_well_it_says_so_and_ends_well(ill: list[Finding]) -> None:
    done = run(app, ["doctor"])

    assert done.exit_code == Exit.DONE
    assert done.stdout.startswith("ok  looked at ")
    assert done.stdout.endswith(": all is well\n")


def test_each_finding_is_told_with_its_mend_and_its_commands(ill: list[Finding]) -> None:
    ill += [GONE, SLOW]
    done = run(app, ["doctor"])

    assert done.exit_code == Exit.FAILED
    assert (
        "warning[latency-timer]: it waits\n  mend: let it not wait\n    echo 1 | sudo tee x\n" in done.stdout
    )
    assert "\x1b" not in done.stdout
    assert "FAILED  looked at " in done.stdout
    assert done.stdout.endswith(": 1 error, 1 warning\n")


@pytest.mark.parametrize(("words", "code"), [([], Exit.DONE), (["--strict"], Exit.FAILED)])
def test_a_warning_fails_only_where_it_is_asked_to(words: list[str], code: Exit, ill: list[Finding]) -> None:
    ill.append(SLOW)

    assert run(app, ["doctor", *words]).exit_code == code


def test_a_script_gets_all_of_it_as_json(ill: list[Finding]) -> None:
    ill.append(SLOW)

    said = json.loads(run(app, ["doctor", "example:rover", "--json"]).stdout)

    assert (said["ok"], said["robot"]) == (True, "rover")
    assert said["findings"] == [
        {
            "code": "latency-timer",
            "severity": "warning",
            "sentence": "it waits",
            "mend": "let it not wait",
            "commands": ["echo 1 | sudo tee x"],
        }
    ]


def test_the_ports_of_a_robots_file_are_looked_for() -> None:
    done = run(app, ["doctor", "example:rover", "--json"])

    missing = [
        one["sentence"] for one in json.loads(done.stdout)["findings"] if one["code"] == "port-missing"
    ]
    assert done.exit_code == Exit.FAILED
    assert any("there is no port /dev/serial/by-id/usb-Arduino" in sentence for sentence in missing)


def test_a_file_with_errors_is_told_as_by_every_other_command(tmp_path: Path) -> None:
    file = tmp_path / "robot.yaml"
    file.write_text("robot: rover\nbords: {}\n")

    assert run(app, ["doctor", str(file)]).exit_code == Exit.FILE_INVALID
