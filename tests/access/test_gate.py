"""The gate: who is let in, who is not, and who has to go again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from robotd.access.gate import EXPIRED, REVOKED, Gate
from robotd.access.users import Users
from robotd.access.who import Who
from robotd.core.role import Role
from robotd.errors import Refused
from robotd.json import encode
from tests.access.keys import NOON, Keys, secret

HERE, ELSEWHERE = "192.0.2.1", "198.51.100.7"


class Visit:
    """A guest of the gate."""

    def __init__(self, who: Who) -> None:
        self.who = who
        self.expelled: str | None = None

    def expel(self, why: str) -> None:
        self.expelled = why


class Doorway:
    """A gate, its tokens, its clocks, and what it wrote down."""

    def __init__(self) -> None:
        self.keys = Keys()
        self.now = 0.0
        self.audit: list[tuple[str, str, dict[str, Any]]] = []
        self.told: list[str] = []

    def open(self, **options: Any) -> Gate:
        self.gate = Gate(
            self.keys,
            clock=lambda: self.now,
            wall_clock=lambda: NOON + timedelta(seconds=self.now),
            audit=self.write,
            tell=self.told.append,
            **options,
        )
        return self.gate

    def write(self, what: str, *, source: str, who: str | None = None, **said: Any) -> None:
        self.audit.append((what, who or "", said))

    def names(self) -> list[str]:
        return [what for what, _, _ in self.audit]

    def refusal(self, said: object, address: str = HERE) -> Refused:
        with pytest.raises(Refused) as caught:
            self.gate.prove(said, address, "tcp:x")
        return caught.value

    def enter(self, said: str) -> Visit:
        who, token = self.gate.prove(said, HERE, "tcp:x")
        visit = Visit(who)
        self.gate.welcome(visit, token)
        return visit


@pytest.fixture
def doorway() -> Doorway:
    return Doorway()


def test_whoever_holds_a_token_is_who_it_says(doorway: Doorway):
    said = doorway.keys.give(Role.VIEWER)
    who, _ = doorway.open().prove(said, HERE, "ws:x")

    assert who == Who("ws:x", "token:tok00001", Role.VIEWER)
    assert doorway.audit[-1] == ("token.accepted", "token:tok00001", {"role": "viewer"})


def test_who_comes_is_a_stranger_where_tokens_are_asked_for_and_local_where_not(doorway: Doorway):
    gate = doorway.open(users=Users(own=1000))

    assert gate.comer("tcp:x") == Who("tcp:x", "nobody", Role.STRANGER)
    assert gate.comer("unix:1000:7", 1000) == Who("unix:1000:7", "unix:1000", Role.MAINTAINER)
    assert gate.comer("unix:1001:8", 1001) == Who("unix:1001:8", "unix:1001", Role.OPERATOR)
    assert Gate().comer("tcp:x") == Who("tcp:x", "local", Role.MAINTAINER)
    assert (gate.asks, Gate().asks) == (True, False)


def test_a_file_without_a_token_opens_nothing(doorway: Doorway):
    assert doorway.open().comer("tcp:x").role is Role.STRANGER


def test_every_failure_is_answered_with_the_same_bytes(doorway: Doorway):
    good = doorway.keys.give()
    expired = doorway.keys.give(expires=NOON)
    revoked = doorway.keys.give()
    gate = doorway.open()
    doorway.keys.take(revoked)
    gate.look()
    said = [
        *(None, "", "x", 7, [good], good[:-1], good + "x", expired, revoked),
        *(f"rbd_tok00001_{secret(99)}", f"rbd_nobody22_{secret(1)}"),
    ]
    answers = {
        encode(doorway.refusal(what, f"192.0.2.{place}").as_error()) for place, what in enumerate(said)
    }

    assert len(answers) == 1
    assert b"unauthenticated" in answers.pop()


def test_every_failure_is_compared_as_a_good_one_is(doorway: Doorway, monkeypatch: pytest.MonkeyPatch):
    """Time tells nothing: each hashes once and compares once, digests of one length."""
    compared: list[tuple[int, int]] = []

    def compare(one: str, other: str) -> bool:
        compared.append((len(one), len(other)))
        return one == other

    monkeypatch.setattr("hmac.compare_digest", compare)
    good, expired = doorway.keys.give(), doorway.keys.give(expires=NOON)
    doorway.open().prove(good, HERE, "x")
    for place, said in enumerate(("", 7, expired, f"rbd_tok00001_{secret(99)}", f"rbd_nobody22_{secret(1)}")):
        doorway.refusal(said, f"192.0.2.{place + 7}")

    assert compared == [(64, 64)] * 6


def test_saying_no_token_is_no_guess(doorway: Doorway):
    good = doorway.keys.give()
    gate = doorway.open()
    for _ in range(100):
        doorway.refusal(None)

    assert gate.compared == 0
    assert gate.prove(good, HERE, "x")[0].role is Role.OPERATOR


def test_100_000_guesses_are_hardly_looked_at_and_keep_nobody_else_out(doorway: Doorway):
    good = doorway.keys.give()
    gate = doorway.open()
    waits: list[int] = []
    for number in range(100_000):
        doorway.now = number / 1000
        refused = doorway.refusal(f"rbd_tok00001_{secret(7)[:-6]}{number:06d}")
        if refused.reason == "busy":
            waits.append(refused.data["retry_after_ms"])
        if number % 500 == 0:
            gate.look()

    assert gate.compared == 12
    assert 29_000 < max(waits) <= 30_000
    assert gate.prove(good, ELSEWHERE, "x")[0].role is Role.OPERATOR
    assert doorway.refusal(good).reason == "busy"
    assert doorway.names().count("token.refused") < 10
    gate.close()
    counted = sum(said.get("count", 1) for what, _, said in doorway.audit if what == "token.refused")
    assert counted == 100_001


def test_guesses_from_everywhere_do_not_keep_out_who_comes_from_elsewhere(doorway: Doorway):
    good = doorway.keys.give()
    gate = doorway.open()
    for number in range(10_000):
        doorway.now += 0.001
        doorway.refusal(f"rbd_tok00001_{secret(99)}", f"10.0.{number // 5 // 256}.{number // 5 % 256}")

    assert gate.compared < 10_000 / 2
    assert gate.prove(good, ELSEWHERE, "x")[0].role is Role.OPERATOR
    assert len(doorway.audit) < 600


# -- what each may ----------------------------------------------------------------------------------------


def test_what_a_role_may_not_is_refused_and_written_down_once(doorway: Doorway):
    viewer = Who("ws:x", "token:tok00001", Role.VIEWER)
    gate = doorway.open()
    gate.require(viewer, "status")
    for _ in range(10):
        with pytest.raises(Refused, match="needs the role operator"):
            gate.require(viewer, "send")

    assert doorway.audit[-1] == ("forbidden", "token:tok00001", {"method": "send"})
    assert doorway.names().count("forbidden") == 1


# -- who has to go ----------------------------------------------------------------------------------------


def test_whose_token_is_revoked_has_to_go_and_nobody_else(doorway: Doorway):
    alice, bob = doorway.keys.give(), doorway.keys.give()
    gate = doorway.open()
    visits = [doorway.enter(alice), doorway.enter(bob), doorway.enter(alice)]
    gate.look()
    doorway.keys.take(alice)
    gate.look()

    assert [visit.expelled for visit in visits] == [REVOKED, None, REVOKED]
    assert doorway.names()[-3:] == ["tokens.changed", "token.expelled", "token.expelled"]
    assert doorway.audit[-3][2] == {"tokens": 1, "added": [], "removed": ["tok00001 holder1 operator"]}


def test_whose_token_expires_has_to_go(doorway: Doorway):
    said = doorway.keys.give(expires=NOON + timedelta(seconds=10))
    gate = doorway.open()
    visit = doorway.enter(said)
    doorway.now = 9.9
    gate.look()
    before = visit.expelled
    doorway.now = 10.0
    gate.look()

    assert (before, visit.expelled) == (None, EXPIRED)


def test_whoever_has_gone_is_not_sent_away(doorway: Doorway):
    said = doorway.keys.give()
    gate = doorway.open()
    visit = doorway.enter(said)
    gate.goodbye(visit)
    gate.goodbye(visit)
    doorway.keys.take(said)
    gate.look()

    assert visit.expelled is None


def test_a_file_that_cannot_be_read_lets_nobody_in_and_says_so_until_it_can(doorway: Doorway):
    said = doorway.keys.give()
    gate = doorway.open()
    visit = doorway.enter(said)
    doorway.keys.damage("tokens.json: it is no file")
    for _ in range(3):
        gate.look()

    assert visit.expelled == REVOKED
    assert doorway.refusal(said).reason == "unauthenticated"
    assert doorway.told == ["nobody comes in by a token: tokens.json: it is no file"]
    assert gate.as_data() == {"tokens": 0, "trouble": "tokens.json: it is no file"}
    assert gate.comer("tcp:x").role is Role.STRANGER

    doorway.keys.damage(None)
    gate.look()

    assert doorway.enter(said).who.role is Role.OPERATOR
    assert gate.as_data() == {"tokens": 1, "trouble": None}
    assert Gate().as_data() == {"tokens": None, "trouble": None}
    assert doorway.names()[-2:] == ["token.refused", "tokens.changed"]


def test_a_file_that_cannot_be_read_at_the_start_lets_nobody_in(doorway: Doorway):
    said = doorway.keys.give()
    doorway.keys.damage("tokens.json: No such file or directory")
    doorway.open()

    assert doorway.refusal(said).reason == "unauthenticated"
    assert doorway.names() == ["tokens.unreadable", "token.refused"]


def test_a_secret_is_in_no_answer_and_no_audit_row(doorway: Doorway):
    good = doorway.keys.give()
    gate = doorway.open()
    gate.prove(good, HERE, "x")
    answers = [doorway.refusal(said) for said in (good + "x", good.upper(), f"rbd_tok00001_{secret(99)}")]
    everything = repr([answer.as_error() for answer in answers]) + repr(doorway.audit) + repr(doorway.told)

    assert secret(1) not in everything
    assert secret(99) not in everything
