"""Lives of the simulated rover, with a random operator and faults, decided again from their journals."""

from __future__ import annotations

from pathlib import Path

import pytest

from robotd.config import load
from robotd.journal.kinds import DECISION
from robotd.journal.memory import MemoryStore
from robotd.journal.replay import compare, replay, stand
from robotd.journal.store import Select
from robotd.sim.campaign.life import live
from tests.counts import CAMPAIGN

pytestmark = pytest.mark.no_cover

ROVER = Path(__file__).parents[2] / "config" / "rover.yaml"
HOURS = 5.0 if CAMPAIGN else 0.05
"""Of each of four lives."""
FAULTS = 0.1


@pytest.mark.parametrize("seed", range(4))
def test_a_life_with_faults_is_decided_again_at_every_row(seed: int) -> None:
    store = MemoryStore()
    rover = load(ROVER)
    life = live(rover, seed, HOURS * 3600, FAULTS, store=store)
    report = replay(store)
    beside = compare(store, rover.chart, rover.commands, rover.rules)
    decisions = [row for row in store.rows(Select(kinds=[DECISION])) if row.data["outcome"] == "moved"]
    middle = decisions[len(decisions) // 2]

    assert life.broken is None
    assert report.divergence is None
    assert (report.rows, report.boots, report.passed_over) == (store.last_seq, 1, 0)
    assert report.decisions > len(decisions)
    assert beside.kept == []
    assert stand(store, middle.seq).machine.digest() == middle.data["state"]
