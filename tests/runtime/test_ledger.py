"""Each command ends once, and who asks for it hears how."""

from __future__ import annotations

import pytest

from robotd.core.stage import CANCELLED, DONE, EXPIRED, STARTED, TERMINAL, Stage
from robotd.errors import Refused
from robotd.runtime import ledger as module
from robotd.runtime.ledger import Ledger
from tests.core.making import command


class Desk:
    """A ledger and one client of it, at a time of the test's own."""

    def __init__(self) -> None:
        self.now = 0.0
        self.ledger = Ledger(lambda: self.now, lambda: "idle")
        self.heard: list[Stage] = []

    def open(self, name: str = "c", *, early: bool = True) -> None:
        self.ledger.open(command("go", name=name), "body", self.heard.append, early=early)

    @property
    def names(self) -> list[str]:
        return [stage.stage for stage in self.heard]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_command_is_told_from_its_arrival_to_its_end(desk: Desk):
    desk.open()
    desk.now = 1.0
    tracked = desk.ledger.find("c")
    assert tracked is not None
    desk.ledger.accept(tracked.command)
    desk.ledger.start("c", 0.3)
    desk.ledger.settle("c", DONE, "freshness")

    assert desk.names == ["received", "accepted", "started", "done"]
    assert [stage.at for stage in desk.heard] == [0.0, 1.0, 1.0, 1.0]
    assert desk.heard[2].result == 0.3
    assert desk.heard[3].reason == "freshness"
    assert {stage.state for stage in desk.heard} == {"idle"}


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
    tracked = desk.ledger.find("c")
    assert tracked is not None
    desk.ledger.accept(tracked.command)
    assert desk.ledger.reached(tracked).stage == "accepted"
    desk.ledger.start("c")
    assert desk.ledger.reached(tracked).stage == STARTED
    desk.ledger.settle("c", DONE)

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


def test_a_settled_command_is_remembered_and_lets_go_of_its_listeners(desk: Desk):
    desk.open()
    desk.ledger.settle("c", DONE, result=7)
    tracked = desk.ledger.find("c")

    assert tracked is not None
    assert tracked.settled
    assert tracked.body == "body"
    assert tracked.listeners == []
    assert desk.ledger.reached(tracked).result == 7


def test_the_oldest_of_too_many_is_forgotten(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "REMEMBERED", 3)
    for name in "abcde":
        desk.open(name)
        desk.ledger.settle(name, DONE)

    assert [name for name in "abcde" if desk.ledger.find(name)] == ["c", "d", "e"]


def test_a_command_that_was_not_even_queued_leaves_its_id_free(desk: Desk):
    desk.open()
    tracked = desk.ledger.find("c")
    assert tracked is not None
    desk.ledger.refuse(tracked.command, Refused("busy", "full", retry_after_ms=50))

    assert desk.names == ["received", "rejected"]
    error = desk.heard[-1].error
    assert error is not None
    assert error["data"]["retry_after_ms"] == 50
    assert desk.ledger.find("c") is None
