"""Random lives of the rover and of a harder robot: every promise is kept, and each repeats itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from robotd.config import RobotConfig, load
from robotd.daemon.engine import Engine
from robotd.sim.campaign.campaign import LONGEST_LIFE_S, Tally, live_all, tasks
from robotd.sim.campaign.life import live
from tests.counts import HOURS
from tests.counts import SEEDS as LONG_SEEDS

TESTS = Path(__file__).parents[2]
ROVER = load(TESTS.parent / "config" / "rover.yaml")
GANTRY = load(TESTS.parent / "config" / "gantry.yaml")
SHUTTLE = load(Path(__file__).parent / "robots" / "shuttle.yaml")
SEEDS = range(30)
LIFE_S = 120.0
SHORT_LIFE_S = 60.0
THERE = """robot: there
{}
machine:
  initial: here
  states: {{here: {{}}, there: {{}}}}
  transitions:
    - {{trigger: go, source: here, dest: there}}
    - {{trigger: come, source: there, dest: here}}
"""
HOURS_S = HOURS * 3600.0


@pytest.mark.no_cover
@pytest.mark.parametrize("seed", SEEDS)
def test_every_promise_is_kept_in_a_short_life_full_of_faults(seed: int) -> None:
    config = SHUTTLE if seed % 3 == 0 else ROVER

    assert live(config, seed, SHORT_LIFE_S, 0.1).broken is None


@pytest.mark.no_cover
@pytest.mark.parametrize("seed", range(LONG_SEEDS))
def test_every_promise_is_kept_in_hours_of_the_rover(seed: int) -> None:
    tally = Tally.of(ROVER)
    for task, life in live_all(ROVER, tasks([seed], HOURS_S, 0.02)):
        tally.add(task, life)

    assert tally.broken == []
    assert tally.duration_s == pytest.approx(HOURS_S)


@pytest.mark.parametrize("config", [ROVER, SHUTTLE], ids=lambda config: config.robot)
def test_the_same_seed_lives_the_same_life(config: RobotConfig) -> None:
    digests = [live(config, 7, LIFE_S, 0.2).digest for _ in range(2)]

    assert digests[0] == digests[1]
    assert live(config, 8, LIFE_S, 0.2).digest != digests[0]


@pytest.mark.no_cover
def test_several_lives_reach_every_state_and_say_what_they_saw() -> None:
    tally = Tally.of(ROVER)
    for task, life in live_all(ROVER, tasks(range(10, 20), LIFE_S, 0.1)):
        tally.add(task, life)
    transitions = tally.coverage.as_json()["transitions"]

    assert all(tally.coverage.states.values())
    assert all(seen["taken"] for seen in transitions if "failed" not in seen["what"])
    assert tally.stages["done"] > 100
    assert tally.stages["rejected"] > 100
    assert len(tally.faults) >= 8
    assert min(tally.checked.values()) > 0


@pytest.mark.no_cover
def test_what_takes_its_time_is_lived_to_its_end() -> None:
    tally = Tally.of(GANTRY)
    for task, life in live_all(GANTRY, tasks(range(1, 6), 1200.0, 0.02)):
        tally.add(task, life)
    taken = {seen["what"]: seen["taken"] for seen in tally.coverage.as_json()["transitions"]}

    assert tally.broken == []
    assert all(tally.coverage.states.values())
    assert taken["job.place.done in job.place to idle"]
    assert taken["gantry.run_job.done, gantry.run_job.failed in program to idle"] > 10


def test_the_state_in_which_a_life_begins_is_one_that_was_entered(tmp_path: Path) -> None:
    (tmp_path / "robot.yaml").write_text(THERE.format(""))
    config = load(tmp_path / "robot.yaml")

    assert live(config, 0, 0.001, 0.0).coverage.states["here"] == 1


def test_a_long_campaign_is_parted_into_lives_whose_seeds_repeat_them_alone() -> None:
    due = tasks([3], 2.5 * LONGEST_LIFE_S, 0.02)

    assert [task.duration_s for task in due] == [LONGEST_LIFE_S, LONGEST_LIFE_S, LONGEST_LIFE_S / 2]
    assert due[0].seed == 3
    assert len({task.seed for task in due}) == 3
    assert {task.campaign for task in due} == {3}


@pytest.mark.parametrize("when", ["start", "offer"])
def test_a_daemon_that_falls_is_told_like_any_other_broken_promise(
    when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fall(*_: object) -> None:
        raise ZeroDivisionError("a planted bug")

    monkeypatch.setattr(Engine, when, fall)
    life = live(ROVER, 0, LIFE_S, 0.1)

    assert life.broken is not None
    assert life.broken.name in ("no fall", "no bug")
    assert "a planted bug" in life.broken.sentence


@pytest.mark.parametrize("text", ["never: there", "always: not there"])
def test_what_the_file_says_itself_is_watched_with_its_place(text: str, tmp_path: Path) -> None:
    (tmp_path / "there.yaml").write_text(THERE.format(text))
    life = live(load(tmp_path / "there.yaml"), 0, LIFE_S, 0.0)

    assert life.broken is not None
    assert life.broken.name == text.partition(":")[0]
    assert life.broken.where is not None
    assert life.broken.where.line == 2


def test_a_campaign_of_a_robot_that_only_has_states_lives_on(tmp_path: Path) -> None:
    (tmp_path / "still.yaml").write_text("robot: still\nmachine: {initial: here, states: {here: {}}}\n")

    assert live(load(tmp_path / "still.yaml"), 0, LIFE_S, 0.5).broken is None
