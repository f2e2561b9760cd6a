"""What a simulated life writes into its journal, as people and programs read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from robotd.config import load
from robotd.journal.channels import messages
from robotd.journal.dead import dead_letters
from robotd.journal.memory import MemoryStore
from robotd.journal.stats import Stats
from robotd.journal.telling import tell
from robotd.sim.campaign.life import live

ROVER = Path(__file__).parents[2] / "config" / "rover.yaml"
MINUTES = 2
FAULTS = 0.3


@pytest.mark.no_cover
def test_all_of_a_life_with_faults_can_be_told_counted_and_drawn() -> None:
    rows = MemoryStore()
    life = live(load(ROVER), 5, MINUTES * 60, FAULTS, store=rows)
    told = [tell(row) for row in rows.rows()]
    drawn = list(messages(rows.rows()))
    stats = Stats()
    for row in rows.rows():
        stats.add(row)

    assert life.broken is None
    assert [sentence for sentence in told if "not to be understood" in sentence] == []
    assert stats.rows == len(told)
    assert stats.kinds["dead"] == len(dead_letters(rows)) > 0
    assert [letter.seq for letter in dead_letters(rows) if letter.payload is None] == []
    assert [message.log_ns for message in drawn] == sorted(message.log_ns for message in drawn)
    assert {message.data["main"] for message in drawn if message.channel.topic == "/state"} > {
        "disarmed",
        "armed.teleop",
    }
    assert any(message.data.get("unit") == "V" for message in drawn)
