"""Which file is meant where nobody names one."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from robotd.cli.files import robot_here

ROBOT = "robot: one\nmachine: {initial: a, states: {a: {}}}\n"


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_name_is_that_file():
    assert robot_here("example:rover") == "example:rover"


def test_the_only_robot_of_the_folder_is_meant():
    Path("mine.yaml").write_text(ROBOT)
    Path("other.yaml").write_text("scenario: about it\n")

    assert robot_here(None) == "mine.yaml"


def test_without_one_it_is_the_only_robot_of_config():
    Path("config").mkdir()
    Path("config/mine.yaml").write_text(ROBOT)

    assert robot_here(None) == "config/mine.yaml"


def test_of_two_neither_is_meant(capsys: pytest.CaptureFixture[str]):
    Path("one.yaml").write_text(ROBOT)
    Path("two.yaml").write_text(ROBOT)

    with pytest.raises(typer.Exit):
        robot_here(None)

    assert "here are one.yaml, two.yaml" in capsys.readouterr().err


def test_where_none_is_it_says_so(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(typer.Exit):
        robot_here(None)

    assert "none is here or in config/" in capsys.readouterr().err
