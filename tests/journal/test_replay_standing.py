"""Where the robot stood at a row, and what would have come of a message there."""

from __future__ import annotations

import pytest

from robotd.journal.errors import JournalError
from robotd.journal.kinds import COMMAND, DEVICE, ENDED, READINGS, RESET, STOP
from robotd.journal.replay import stand
from robotd.journal.store import Select
from tests.core.making import AT_EASE
from tests.journal.played import ROVER, Written, morning


@pytest.fixture
def journal() -> Written:
    journal = Written()
    journal.boot(ROVER)
    journal.now = 1.0
    journal.decide(journal.command("arm"), AT_EASE)
    return journal


def test_it_stands_where_the_machine_was_at_every_row() -> None:
    journal = morning()
    for row in journal.rows(Select(kinds=["decision"])):
        standing = stand(journal, row.seq)

        assert list(standing.machine.leaves) == row.data["after"]
        assert row.data.get("state") in (None, standing.machine.digest())
        assert standing.regions == {"main": row.data["after"][0]}


def test_each_stay_has_the_row_with_which_it_began(journal: Written) -> None:
    arming = journal.last_seq
    journal.decide(journal.command("patrol"))
    standing = stand(journal, journal.last_seq)
    began = {path: standing.since[entry.number].seq for path, entry in standing.machine.entries.items()}

    assert began == {"armed": arming, "armed.auto": journal.last_seq}


def test_readings_are_the_newest_that_are_known_at_the_row(journal: Written) -> None:
    journal.now = 2.0
    journal.add(READINGS, {"values": {"battery.value": 11.9, "range.value": None}})
    journal.add(READINGS, {"dense": [[1.9, "bumper.active", True]]})
    journal.add(READINGS, {"values": {"battery.value": 3.0}})
    known = stand(journal, journal.last_seq - 1).readings.known

    assert {name: tuple(reading) for name, reading in known.items()} == {
        "battery.value": (11.9, 2.0),
        "bumper.active": (True, 1.9),
        "range.value": (None, 2.0),
    }


def test_a_stop_is_a_latch_until_it_is_reset(journal: Written) -> None:
    stop = journal.add(STOP, {"reason": "a child", "by": "ann", "latch_id": "latch-1", "epoch": 1})
    reset = journal.add(RESET, {"by": "ann", "latch_id": "latch-1"})

    latch = stand(journal, stop.seq).latch
    assert latch is not None
    assert latch["reason"] == "a child"
    assert stand(journal, reset.seq).latch is None


def test_devices_and_what_is_under_way_are_told(journal: Written) -> None:
    journal.add(DEVICE, {"device": "base", "state": "faulted", "fault": "silent"})
    begun = journal.add(COMMAND, {"type": "drive", "source": "tcp:ann"}, "c-7")
    done = journal.add(ENDED, {"type": "drive", "stage": "done"}, "c-7")
    standing = stand(journal, begun.seq)

    assert standing.devices["base"]["fault"] == "silent"
    assert list(standing.open) == ["c-7"]
    assert stand(journal, done.seq).open == {}


def test_what_a_message_would_do_is_told_and_not_done(journal: Written) -> None:
    standing = stand(journal, journal.last_seq)
    before = standing.machine.digest(), journal.last_seq
    bumped = standing.would("drive", {"linear": 0.2}, {"bumper.active": True})
    driven = standing.would("drive", {"linear": 0.2}, {})
    patrolling = standing.would("patrol", {}, {})

    assert bumped["refusal"]["values"] == {"bumper.active": True, "payload.linear": 0.2}
    assert (driven["outcome"], driven["starts"]) == ("stayed", ["base.drive"])
    assert (patrolling["after"], patrolling["entered"]) == (["armed.auto"], ["armed.auto"])
    assert (standing.machine.digest(), journal.last_seq) == before


def test_an_event_may_be_asked_for_too(journal: Written) -> None:
    standing = stand(journal, journal.last_seq)

    assert "bump" in standing.messages
    assert standing.would("bump", {}, {})["starts"] == ["base.halt"]
    assert standing.would("estop", {}, {})["after"] == ["estopped"]
    assert standing.would("fly", {}, {})["note"] == "unhandled"


def test_what_is_remembered_of_a_state_counts_for_what_would_be(journal: Written) -> None:
    journal.decide(journal.command("patrol"))
    journal.decide(journal.command("disarm"))
    again = stand(journal, journal.last_seq).would("arm", {}, {})

    assert again["after"] == ["armed.auto"]


def test_only_the_boot_of_the_row_is_played() -> None:
    journal = morning()
    standing = stand(journal, journal.last_seq)

    assert standing.boot.boot == "000000000002"


@pytest.mark.parametrize(
    ("seq", "why"), [(0, "no daemon's start"), (99, "there is no row 99; the newest is 3")]
)
def test_a_row_that_is_not_there_is_said(journal: Written, seq: int, why: str) -> None:
    with pytest.raises(JournalError, match=why):
        stand(journal, seq)
