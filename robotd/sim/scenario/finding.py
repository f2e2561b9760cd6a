"""Which files are scenarios: those that are named, and those in the folders that are named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from robotd.errors import RobotdError

USUAL_FOLDERS = ("scenarios", "config/scenarios")
"""Where they are looked for when nobody says."""
PATTERN = "*.yaml"


class NoScenarioError(RobotdError):
    """Nothing is there to be tested, which is no success."""


def find_scenarios(names: Iterable[Path], here: Path) -> list[Path]:
    """The files, each once, in the order of `names`; a folder stands for what lies in it, by name.

    Without `names`: those of the usual folders under `here`. Raises `NoScenarioError`.
    """
    places = list(names) or [folder for usual in USUAL_FOLDERS if (folder := here / usual).is_dir()]
    if not places:
        raise NoScenarioError(
            f"there is no folder {' or '.join(USUAL_FOLDERS)} here; name a file or a folder"
        )
    return list(dict.fromkeys(path for place in places for path in _files(place)))


def _files(place: Path) -> Iterator[Path]:
    if not place.is_dir():
        if not place.exists():
            raise NoScenarioError(f"there is no {place}")
        yield place
        return
    files = sorted(place.glob(PATTERN))
    if not files:
        raise NoScenarioError(f"there is no {PATTERN} in {place}")
    yield from files
