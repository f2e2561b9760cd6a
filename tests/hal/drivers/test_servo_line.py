"""Fifty reads and fifty goals a second on a line that damages replies, by the servos of either family."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import Sequence

import pytest

from hal import BoardState, DeviceState
from tests.counts import CAMPAIGN
from tests.hal.drivers.servo_arm import FAMILIES, NAMES, Arm, listen_to, story

PERIOD_S = 0.02


def now() -> float:
    return asyncio.get_running_loop().time()


def jitter_s(moments: Sequence[float]) -> list[float]:
    """How far each is from one period after the one before, sorted."""
    return sorted(abs(after - before - PERIOD_S) for before, after in itertools.pairwise(moments))


@pytest.mark.parametrize("family", FAMILIES)
def test_with_two_in_a_hundred_replies_damaged_the_arm_moves_on_without_a_fault_and_in_time(
    family: str,
) -> None:
    minutes = 10 if CAMPAIGN else 0.2

    async def tell(arm: Arm) -> None:
        reads, began = listen_to(arm.board, 6), now()
        arm.wire.requests.clear()
        retried, damaged = arm.board.retries, arm.wire.damaged
        ticks = round(minutes * 60 / PERIOD_S)
        for tick in range(ticks):
            for name in NAMES:
                arm.joint(name).axis.lead(math.sin(tick * PERIOD_S) / 2)
            await asyncio.sleep(began + (tick + 1) * PERIOD_S - now())
        goals = [at for at, request in arm.wire.requests if arm.family.sets_goals(request)]
        questions = [
            arm.family.asks_for(request) for _, request in arm.wire.requests if arm.family.reads(request)
        ]

        assert all(device.state is DeviceState.ACTIVE for device in arm.board.devices.values())
        assert arm.board.state is BoardState.ONLINE
        assert arm.wire.collisions == 0
        assert 0 < arm.board.retries - retried <= arm.wire.damaged - damaged
        assert max(len([*same]) for _, same in itertools.groupby(questions)) == 2  # one retry a read
        assert len(goals) == ticks
        assert len(reads) == pytest.approx(ticks, rel=0.002)
        assert jitter_s(goals)[int(0.99 * len(goals))] < 0.005
        assert jitter_s(reads)[int(0.99 * len(reads))] < 0.005

    story(tell, holds=True, family=family, damaged=0.02)
