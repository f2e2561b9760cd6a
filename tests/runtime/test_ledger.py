"""Each command ends once, and who asks for it hears how, when no loss of power can take it any more."""

from __future__ import annotations

import pytest

from robotd.core.stage import CANCELLED, DONE, EXPIRED, FAILED, REJECTED, STARTED, TERMINAL, Stage
from robotd.errors import Refused
from robotd.runtime import known
from robotd.runtime.known import KEPT_S, Known
from robotd.runtime.ledger import Ledger, Tracked
from tests.core.making import command
from tests.runtime.written import Written

DIGEST = "0123456789ab" * 2


class Desk:
    """A ledger and one client of it, at a time of the test's own."""

    def __init__(self, *, at_once: bool = True) -> None:
        self.now = 0.0
        self.record = Written(at_once=at_once)
        self.ledger = Ledger(lambda: self.now, lambda: "idle", self.record)
        self.heard: list[Stage] = []

    def open(self, name: str = "c", *, early: bool = True) -> None:
        self.ledger.open(command("go", name=name), DIGEST, self.heard.append, early=early)

    def accept(self, name: str = "c") -> None:
        tracked = self.ledger.find(name)
        assert isinstance(tracked, Tracked)
        self.ledger.accept(tracked.command)

    @property
    def names(self) -> list[str]:
        return [stage.stage for stage in self.heard]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_command_is_told_from_its_arrival_to_its_end(desk: Desk):
    desk.open()
    desk.now = 1.0
    desk.accept()
    desk.ledger.start("c", 0.3)
    desk.ledger.settle("c", DONE, "freshness")

    assert desk.names == ["received", "accepted", "journaled", "started", "done"]
    assert [stage.at for stage in desk.heard] == [0.0, 1.0, 1.0, 1.0, 1.0]
    assert [stage.seq for stage in desk.heard] == [None, None, 1, None, 2]
    assert desk.heard[3].result == 0.3
    assert desk.heard[4].reason == "freshness"
    assert {stage.state for stage in desk.heard} == {"idle"}


def test_what_is_not_durable_is_not_told():
    desk = Desk(at_once=False)
    desk.open()
    desk.accept()
    desk.ledger.start("c")
    desk.ledger.settle("c", DONE)
    before = list(desk.names)
    found = desk.ledger.find("c")
    assert isinstance(found, Tracked)
    told_meanwhile = desk.ledger.reached(found).stage
    desk.record.commit()

    assert before == ["received", "accepted"]
    assert told_meanwhile == "accepted"
    assert desk.names == ["received", "accepted", "journaled", "started", "done"]


def test_somebody_who_asks_for_an_end_that_is_not_durable_yet_hears_it_with_the_others():
    desk = Desk(at_once=False)
    desk.open()
    desk.accept()
    desk.ledger.settle("c", DONE)
    found = desk.ledger.find("c")
    assert isinstance(found, Tracked)
    late: list[Stage] = []
    found.listeners.append(late.append)
    desk.record.commit()

    assert [stage.stage for stage in late] == ["journaled", "done"]


@pytest.mark.parametrize(
    ("stage", "reason", "started", "unheard", "kind"),
    [
        (DONE, None, True, False, "ended"),
        (REJECTED, "guard_false", False, False, "dead"),
        (EXPIRED, "expired", False, False, "dead"),
        (FAILED, "device_gone", True, True, "dead"),
        (FAILED, "device_gone", True, False, "ended"),
        (CANCELLED, "cancelled", False, False, "ended"),
        (CANCELLED, "stopped", False, False, "dead"),
        (CANCELLED, "stopped", True, False, "ended"),
    ],
)
def test_what_never_ran_or_failed_unheard_is_a_dead_letter(
    desk: Desk, stage: str, reason: str | None, started: bool, unheard: bool, kind: str
):
    desk.open()
    desk.accept()
    if started:
        desk.ledger.begin(command("go", name="c"), "base.drive")
    desk.ledger.settle("c", stage, reason, unheard=unheard)

    assert [row[0] for row in desk.record.rows][-1] == kind


def test_what_was_not_even_queued_has_no_row(desk: Desk):
    desk.open()
    desk.ledger.refuse(command("go", name="c"), Refused("busy", "full"))

    assert desk.record.rows == []


def test_the_oldest_open_command_is_the_first_that_may_not_be_forgotten(desk: Desk):
    rows = []
    for name in "abc":
        desk.open(name)
        desk.accept(name)
        rows.append(desk.ledger.oldest_row)
    desk.ledger.settle("a", DONE)
    rows.append(desk.ledger.oldest_row)
    desk.ledger.settle_all(CANCELLED, "shutting_down")
    rows.append(desk.ledger.oldest_row)

    assert rows == [1, 1, 1, 2, None]


def test_the_first_end_counts(desk: Desk):
    desk.open()
    for stage in (CANCELLED, DONE, EXPIRED):
        desk.ledger.settle("c", stage)
    desk.ledger.start("c")

    assert desk.names == ["received", "cancelled"]
    assert desk.ledger.counts == {"cancelled": 1}
    assert len(desk.ledger) == 0


def test_it_starts_once(desk: Desk):
    desk.open()
    desk.ledger.start("c")
    desk.ledger.start("c", "again")

    assert desk.names == ["received", "started"]


def test_what_is_no_command_has_no_stages(desk: Desk):
    desk.ledger.start("e")
    desk.ledger.settle("e", DONE)

    assert desk.ledger.find("e") is None
    assert desk.ledger.counts == {}


def test_who_does_not_want_the_early_stages_hears_only_the_later_ones(desk: Desk):
    desk.open(early=False)
    desk.accept()
    tracked = desk.ledger.find("c")
    assert isinstance(tracked, Tracked)
    accepted = desk.ledger.reached(tracked).stage
    desk.ledger.start("c")
    started = desk.ledger.reached(tracked).stage
    desk.ledger.settle("c", DONE)

    assert (accepted, started) == ("accepted", STARTED)
    assert desk.names == ["started", "done"]


def test_an_observer_hears_every_stage_of_everybody(desk: Desk):
    seen: list[Stage] = []
    desk.ledger.observers.append(seen.append)
    desk.open("a", early=False)
    desk.open("b", early=False)
    desk.ledger.settle_all(CANCELLED, "shutting_down")

    assert [(s.id, s.stage) for s in seen] == [
        ("a", "received"),
        ("b", "received"),
        ("a", "cancelled"),
        ("b", "cancelled"),
    ]
    assert {s.reason for s in seen if s.stage in TERMINAL} == {"shutting_down"}


def test_a_command_that_has_ended_is_remembered_with_what_it_returned(desk: Desk):
    desk.open()
    desk.ledger.settle("c", DONE, result=7)
    tracked = desk.ledger.find("c")

    assert isinstance(tracked, Known)
    assert tracked.digest == DIGEST
    assert tracked.ended.result == 7


def test_an_id_is_remembered_with_whose_it_was(desk: Desk):
    desk.open()
    under_way = desk.ledger.find("c", "somebody else")
    desk.ledger.settle("c", DONE)

    assert under_way is not None
    assert desk.ledger.find("c", "somebody else") is None
    assert desk.ledger.find("c") is not None


def test_the_oldest_of_too_many_is_forgotten(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(known, "IDS_AT_MOST", 3)
    monkeypatch.setattr(known, "WHOLE", 1)
    for name in "abcde":
        desk.open(name)
        desk.ledger.settle(name, DONE)

    assert [name for name in "abcde" if desk.ledger.find(name)] == ["c", "d", "e"]


def test_an_id_is_remembered_for_a_day(desk: Desk):
    desk.open()
    desk.ledger.settle("c", DONE)
    desk.now = KEPT_S
    still = desk.ledger.find("c")
    desk.now = KEPT_S + 1

    assert still is not None
    assert desk.ledger.find("c") is None


def test_of_old_ids_only_the_stage_is_remembered(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(known, "WHOLE", 1)
    for name in "ab":
        desk.open(name)
        desk.ledger.settle(name, DONE, "freshness", result=7)
    found = [desk.ledger.find(name) for name in "ab"]

    assert [
        (k.digest, *k.ended[:2], k.ended.reason, k.ended.result) for k in found if isinstance(k, Known)
    ] == [
        (DIGEST, "a", "done", "freshness", None),
        (DIGEST, "b", "done", "freshness", 7),
    ]


def test_a_command_that_was_not_even_queued_leaves_its_id_free(desk: Desk):
    desk.open()
    desk.ledger.refuse(command("go", name="c"), Refused("busy", "full", retry_after_ms=50))

    assert desk.names == ["received", "rejected"]
    error = desk.heard[-1].error
    assert error is not None
    assert error["data"]["retry_after_ms"] == 50
    assert desk.ledger.find("c") is None
