"""The faults of a life: which, when and for how long."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from hal import parse_fault
from robotd.config import load
from robotd.sim.campaign.faults import Faults
from robotd.sim.scenario.model import Fault

pytestmark = pytest.mark.no_cover

ROVER = load(Path(__file__).parents[3] / "config" / "rover.yaml")
DRAWN = 4_000


@pytest.mark.parametrize("share", [0.02, 0.2, 0.5])
def test_faults_are_in_force_for_their_share_of_the_time(share: float) -> None:
    faults = Faults(ROVER, share, random.Random(1))
    now = in_force_s = 0.0
    for _ in range(DRAWN):
        at, step = faults.next(now)
        assert step is not None
        assert isinstance(step.do, Fault)
        assert at >= now
        fault = parse_fault(step.do.text)
        lasts_s = fault.for_s if fault.for_s is not None else fault.amount
        if fault.kind not in ("garbage", "reboot"):
            in_force_s += lasts_s
            now = at + lasts_s
        else:
            now = at

    assert in_force_s / now == pytest.approx(share, rel=0.5)


def test_without_a_share_there_are_none() -> None:
    assert Faults(ROVER, 0.0, random.Random(1)).next(0.0)[1] is None


def test_each_life_has_other_kinds_of_faults_and_all_lives_together_have_all() -> None:
    lives = [Faults(ROVER, 0.1, random.Random(seed)).texts["arduino"] for seed in range(40)]

    assert len({tuple(texts) for texts in lives}) > 30
    assert {text.partition(" ")[0] for texts in lives for text in texts} == {
        *("corrupt", "drop", "delay", "split", "stall", "full", "garbage", "unplug", "reboot"),
        *("freeze", "stuck", "nak", "deaf", "slow"),
    }
