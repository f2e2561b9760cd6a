"""What a campaign is for: each of eleven bugs is found, by the promise it breaks, and shown in few steps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from robotd.config import RobotConfig, load
from robotd.sim.campaign.life import Life, live
from robotd.sim.campaign.shrink import shrink
from robotd.sim.scenario.reading import read_scenario
from robotd.sim.scenario.runner import run_scenario
from robotd.sim.scenario.script import Robots
from robotd.sim.scenario.writing import to_yaml
from tests.counts import CAMPAIGN, cases
from tests.sim.campaign.planted import PLANTED

SHUTTLE = Path(__file__).parent / "robots" / "shuttle.yaml"
CONFIG: RobotConfig = load(SHUTTLE)
SEEDS = 200
LIFE_S = 60.0
FAULTS = 0.2
TRIES = cases(240)
"""A clock that counts looks at it: so many runs, however fast the machine is."""
FOLLOWED = "stale read after reconnect"
"""The one that coverage follows; the others go the same way."""
NAMES = [name if name == FOLLOWED else pytest.param(name, marks=pytest.mark.no_cover) for name in PLANTED]


@contextmanager
def planted(name: str) -> Iterator[None]:
    """The shipped code with one of the bugs."""
    with pytest.MonkeyPatch.context() as patch:
        PLANTED[name].plant(patch)
        yield


def first_broken(first: int) -> Life:
    """The first life in which something is broken, from that seed on."""
    lives = (live(CONFIG, seed, LIFE_S, FAULTS) for seed in range(first, SEEDS))
    return next(life for life in lives if life.broken is not None)


@pytest.mark.parametrize("name", NAMES)
def test_a_planted_bug_is_found_and_shown_by_a_scenario_that_holds_without_it(
    name: str, tmp_path: Path
) -> None:
    file, ticks = tmp_path / "found.yaml", count()
    with planted(name):
        life = first_broken(0 if CAMPAIGN else PLANTED[name].from_seed)
        shrunk = shrink(CONFIG, life, str(SHUTTLE), within_s=TRIES, clock=lambda: next(ticks) / 2)
        assert shrunk.scenario is not None
        file.write_text(to_yaml(shrunk.scenario))
        again = run_scenario(read_scenario(file, Robots(tmp_path))).failure
    mended = run_scenario(read_scenario(file, Robots(tmp_path))).failure

    assert life.broken is not None
    assert life.broken.name == PLANTED[name].breaks
    assert again is not None
    assert again.sentence.startswith(f"{PLANTED[name].breaks}: ")
    assert mended is None
    assert len(shrunk.scenario.steps) <= len(life.steps)
