"""Which files are scenarios."""

from __future__ import annotations

from pathlib import Path

import pytest

from robotd.sim.scenario.finding import NoScenarioError, find_scenarios


@pytest.fixture
def here(tmp_path: Path) -> Path:
    for name in ("scenarios/b.yaml", "scenarios/a.yaml", "scenarios/notes.txt", "config/scenarios/c.yaml"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def names(files: list[Path], here: Path) -> list[str]:
    return [str(file.relative_to(here)) for file in files]


def test_without_a_name_they_are_those_of_the_usual_folders(here: Path) -> None:
    assert names(find_scenarios([], here), here) == [
        "scenarios/a.yaml",
        "scenarios/b.yaml",
        "config/scenarios/c.yaml",
    ]


def test_a_folder_stands_for_its_files_and_a_file_for_itself_once(here: Path) -> None:
    places = [here / "scenarios" / "b.yaml", here / "scenarios"]

    assert names(find_scenarios(places, here), here) == ["scenarios/b.yaml", "scenarios/a.yaml"]


def test_a_file_may_be_called_as_it_likes(here: Path) -> None:
    assert names(find_scenarios([here / "scenarios" / "notes.txt"], here), here) == ["scenarios/notes.txt"]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("nowhere.yaml", "there is no .*nowhere.yaml"), ("config", "there is no \\*.yaml in .*config")],
)
def test_nothing_to_test_is_no_success(here: Path, name: str, sentence: str) -> None:
    with pytest.raises(NoScenarioError, match=sentence):
        find_scenarios([here / name], here)


def test_no_usual_folder_is_no_success(tmp_path: Path) -> None:
    with pytest.raises(NoScenarioError, match="there is no folder scenarios or config/scenarios here"):
        find_scenarios([], tmp_path)
