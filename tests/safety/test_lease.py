"""The lease alone: who may take it, what keeps it, and what becomes of it in time."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from random import Random

import pytest

from robotd.config.safety import MOST_WINDOW_S
from robotd.core.role import Role
from robotd.errors import Refused
from robotd.safety.lease import LOST_S, Ended, Held, Holder, Lease
from tests.counts import cases

ANN = Holder("tcp:1", "ann", Role.OPERATOR)
ANN_AGAIN = Holder("tcp:2", "ann", Role.OPERATOR)
BOB = Holder("tcp:3", "bob", Role.OPERATOR)
BOSS = Holder("tcp:4", "boss", Role.MAINTAINER)
WINDOW_S, TELEOP_S = 2.0, 0.5


class Bench:
    """A lease, with the clock and the rest of the robot in the hands of the test."""

    def __init__(self) -> None:
        self.lease = Lease(WINDOW_S, TELEOP_S)
        self.at_rest = True
        self._new_id: Callable[[], str] = map("lease-{}".format, itertools.count(1)).__next__

    def acquire(self, who: Holder, at: float, *, window_s: float | None = None, steal: bool = False) -> Held:
        return self.lease.acquire(
            who, at, self._new_id, window_s=window_s, steal=steal, at_rest=self.at_rest
        ).held

    def drive(self, who: Holder, at: float) -> None:
        self.lease.use(who, at, self._new_id, streamed=True, at_rest=self.at_rest)

    def look(self, who: Holder, at: float) -> None:
        """A motion with an end."""
        self.lease.use(who, at, self._new_id, streamed=False, at_rest=self.at_rest)

    def tick(self, now: float, *, is_used: bool = False) -> Ended | None:
        return self.lease.tick(now, at_rest=self.at_rest, is_used=is_used)

    def lapse(self) -> float:
        """Let it lapse; returns when."""
        due = self.lease.due
        assert due is not None
        assert self.tick(due) is Ended.LAPSED
        return due


@pytest.fixture
def bench() -> Bench:
    return Bench()


def refused(call: Callable[..., object], *args: object, **more: object) -> Refused:
    with pytest.raises(Refused) as refusal:
        call(*args, **more)
    assert refusal.value.reason == "no_lease"
    return refusal.value


# -- taking it


def test_a_free_lease_is_anybodys(bench: Bench):
    held = bench.acquire(ANN, 1.0)

    assert bench.lease.holder == ANN
    assert (held.window_s, held.due, held.explicit) == (WINDOW_S, 1.0 + WINDOW_S, True)


@pytest.mark.parametrize(("send", "window_s"), [(Bench.drive, TELEOP_S), (Bench.look, WINDOW_S)])
def test_the_first_command_that_moves_takes_it(
    bench: Bench, send: Callable[[Bench, Holder, float], None], window_s: float
):
    send(bench, ANN, 1.0)

    assert bench.lease.holder == ANN
    assert bench.lease.due == 1.0 + window_s


def test_another_session_is_refused_and_told_who_has_it_and_until_when(bench: Bench):
    bench.acquire(ANN, 0.0)
    for refusal in (refused(bench.drive, BOB, 0.5), refused(bench.acquire, ANN_AGAIN, 0.5)):
        assert refusal.data["holder"] == {"source": "tcp:1", "principal": "ann", "role": "operator"}
        assert refusal.data["retry_after_ms"] == 1501

    assert bench.lease.holder == ANN


@pytest.mark.parametrize("window_s", [0.199, 10.001, 0.0])
def test_a_window_has_bounds(bench: Bench, window_s: float):
    with pytest.raises(Refused) as refusal:
        bench.acquire(ANN, 0.0, window_s=window_s)

    assert refusal.value.reason == "invalid_params"
    assert refusal.value.data["limit"] == [200.0, 10_000.0]
    assert bench.lease.holder is None


def test_its_holder_may_ask_for_it_again_with_another_window(bench: Bench):
    bench.drive(ANN, 0.0)
    held = bench.acquire(ANN, 0.1, window_s=MOST_WINDOW_S)
    bench.drive(ANN, 0.05)  # was on its way, and is as good as before

    assert held.due == 0.1 + MOST_WINDOW_S


def test_what_came_before_it_was_taken_is_not_covered(bench: Bench):
    bench.acquire(ANN, 0.0)
    bench.lapse()
    bench.acquire(ANN, 3.0)

    assert "before the lease was taken" in str(refused(bench.drive, ANN, 2.9))


# -- keeping it


def test_renewals_keep_it_and_so_do_setpoints(bench: Bench):
    held = bench.acquire(ANN, 0.0)
    bench.lease.renew(ANN, held.lease_id, 1.5)
    bench.drive(ANN, 3.0)

    assert bench.tick(4.9) is None
    assert bench.tick(5.0) is Ended.LAPSED


def test_a_burst_of_late_renewals_counts_once_and_from_when_it_came(bench: Bench):
    held = bench.acquire(ANN, 0.0)
    for _ in range(20):
        bench.lease.renew(ANN, held.lease_id, 1.9)

    assert held.due == 1.9 + WINDOW_S


def test_a_renewal_that_may_be_old_takes_nothing_away(bench: Bench):
    held = bench.acquire(ANN, 0.0)
    bench.lease.renew(ANN, held.lease_id, 1.5)
    bench.lease.renew(ANN, held.lease_id, 0.5)

    assert held.due == 1.5 + WINDOW_S


def test_a_burst_of_renewals_after_the_lapse_revives_nothing(bench: Bench):
    held = bench.acquire(ANN, 0.0)
    for _ in range(20):
        refused(bench.lease.renew, ANN, held.lease_id, WINDOW_S)  # nobody has looked yet
    bench.lapse()
    for at in (1.9, 2.1, 3.0):
        refused(bench.lease.renew, ANN, held.lease_id, at)
        refused(bench.drive, ANN, at)

    assert bench.lease.holder is None


def test_only_its_holder_renews_it_and_gives_it_back(bench: Bench):
    held = bench.acquire(ANN, 0.0)
    for call in (lambda who, lease_id: bench.lease.renew(who, lease_id, 0.1), bench.lease.release):
        for who, lease_id in ((BOB, held.lease_id), (ANN_AGAIN, held.lease_id), (ANN, "another")):
            refused(call, who, lease_id)
    bench.lease.release(ANN, held.lease_id)

    assert bench.lease.holder is None
    bench.drive(ANN, 0.2)  # who gave it back may have it again


# -- losing it


def test_a_lost_lease_waits_for_its_holder_and_then_is_free(bench: Bench):
    bench.acquire(ANN, 0.0)
    at = bench.lapse()
    refusal = refused(bench.acquire, BOB, at + 0.5)

    assert bench.lease.holder is None
    assert "is not heard" in str(refusal)
    assert refusal.data["retry_after_ms"] == 1501
    assert bench.tick(at + LOST_S - 0.01) is None
    assert bench.tick(at + LOST_S) is Ended.FREED
    bench.drive(BOB, at + LOST_S)


def test_who_lost_it_must_ask_for_it_however_late(bench: Bench):
    bench.drive(ANN, 0.0)
    bench.lease.fell_silent(ANN.source)
    at = bench.lapse()
    refused(bench.drive, ANN, at + 1.0)
    bench.tick(at + LOST_S)
    refusal = refused(bench.drive, ANN, at + 60)

    assert "lost the lease" in str(refusal)
    assert refusal.data["holder"] is None
    bench.acquire(ANN, at + 61)
    bench.drive(ANN, at + 61.1)


def test_a_lease_that_a_command_took_ends_with_the_motion_and_nobody_is_lost(bench: Bench):
    bench.look(ANN, 0.0)
    assert bench.tick(2.0, is_used=True) is None
    assert bench.tick(3.9) is None
    assert bench.tick(4.0) is Ended.IDLE

    assert bench.lease.held is None
    bench.look(ANN, 5.0)


@pytest.mark.parametrize("closed", [False, True])
def test_a_motion_with_an_end_keeps_it_only_while_its_client_lives(bench: Bench, closed: bool):
    bench.look(ANN, 0.0)
    bench.at_rest = False
    if closed:
        bench.lease.close(ANN.source)

    assert bench.tick(2.0, is_used=True) is (Ended.LAPSED if closed else None)


def test_no_motion_keeps_a_lease_that_was_asked_for(bench: Bench):
    bench.acquire(ANN, 0.0)
    bench.at_rest = False

    assert bench.tick(2.0, is_used=True) is Ended.LAPSED


def test_a_stream_keeps_nothing_that_nobody_renews(bench: Bench):
    bench.drive(ANN, 0.0)
    bench.at_rest = False

    assert bench.tick(TELEOP_S) is Ended.LAPSED


def test_a_stream_that_fell_silent_has_lost_its_operator(bench: Bench):
    bench.drive(ANN, 0.0)
    bench.lease.fell_silent(BOB.source)
    bench.lease.fell_silent(ANN.source)

    assert bench.tick(TELEOP_S) is Ended.LAPSED


def test_a_stream_that_was_heard_again_has_not(bench: Bench):
    bench.drive(ANN, 0.0)
    bench.lease.fell_silent(ANN.source)
    bench.drive(ANN, 0.45)

    assert bench.tick(0.45 + TELEOP_S) is Ended.IDLE


# -- sessions that end


def test_a_session_that_ends_does_not_give_it_back(bench: Bench):
    bench.at_rest = False
    bench.acquire(ANN, 0.0)
    bench.lease.close(ANN.source)

    refused(bench.drive, BOB, 1.0)
    refused(bench.acquire, BOSS, 1.0, steal=False)
    assert bench.tick(2.0) is Ended.LAPSED


def test_who_says_nothing_more_has_it_as_one_whose_session_is_over(bench: Bench):
    bench.lease.mute(ANN.source)
    bench.look(ANN, 0.0)  # it was on its way
    bench.at_rest = False

    assert bench.lease.holder == ANN
    assert bench.tick(2.0, is_used=True) is Ended.LAPSED


def test_it_passes_to_the_next_session_of_the_same_principal(bench: Bench):
    bench.at_rest = False
    held = bench.acquire(ANN, 0.0)
    refused(bench.drive, ANN_AGAIN, 0.5)
    bench.lease.close(ANN.source)
    bench.drive(ANN_AGAIN, 1.0)

    assert bench.lease.holder == ANN_AGAIN
    refused(bench.lease.renew, ANN, held.lease_id, 1.1)


def test_of_a_session_that_has_ended_it_is_anybodys_once_nothing_moves(bench: Bench):
    bench.acquire(ANN, 0.0)
    bench.lease.close(ANN.source)
    bench.drive(BOB, 0.1)

    assert bench.lease.holder == BOB


def test_a_new_session_by_the_same_name_is_another_one(bench: Bench):
    held = bench.acquire(ANN, 0.0)
    bench.lease.close(ANN.source)
    refused(bench.lease.renew, ANN, held.lease_id, 0.1)
    bench.drive(ANN, 0.2)

    assert bench.lease.held is not held


def test_who_lost_it_and_came_again_begins_anew(bench: Bench):
    bench.drive(ANN, 0.0)
    bench.lease.fell_silent(ANN.source)
    bench.lapse()
    bench.lease.close(ANN.source)
    bench.drive(ANN_AGAIN, 0.6)

    assert bench.lease.holder == ANN_AGAIN


# -- stealing it


def test_a_higher_role_steals_it_and_an_equal_one_does_not(bench: Bench):
    held = bench.acquire(ANN, 0.0)
    for who in (BOB, ANN_AGAIN):
        refused(bench.acquire, who, 0.1, steal=True)
    refused(bench.acquire, BOSS, 0.1)
    bench.acquire(BOSS, 0.1, steal=True)

    assert bench.lease.holder == BOSS
    refused(bench.lease.renew, ANN, held.lease_id, 0.2)
    refused(bench.acquire, ANN, 0.2, steal=True)


def test_anybody_steals_it_from_who_is_not_heard(bench: Bench):
    bench.acquire(BOSS, 0.0)
    at = bench.lapse()
    refused(bench.acquire, BOB, at)
    bench.acquire(BOB, at, steal=True)

    assert bench.lease.holder == BOB
    assert bench.tick(at + LOST_S) is Ended.LAPSED  # Bob's own


def test_who_was_robbed_must_ask_for_it_again(bench: Bench):
    bench.drive(ANN, 0.0)
    stolen = bench.acquire(BOSS, 0.1, steal=True)
    bench.lease.release(BOSS, stolen.lease_id)

    refused(bench.drive, ANN, 0.3)
    bench.acquire(ANN, 0.4)


# -- at random


@pytest.mark.parametrize("seed", range(cases(1_000)))
def test_whatever_they_do_only_its_holder_keeps_it_and_only_while_heard(seed: int):
    """Against the few rules that cannot be wrong; the whole robot has a test of its own."""
    chance, bench = Random(seed), Bench()
    lease, now, heard = bench.lease, 0.0, {}
    for _ in range(60):
        now += chance.choice((0.0, 0.05, 0.2, 0.6, 2.0))
        bench.at_rest = chance.random() < 0.5
        bench.tick(now, is_used=chance.random() < 0.3)
        who = chance.choice((ANN, ANN_AGAIN, BOB, BOSS))
        before, held = lease.holder, lease.held
        steal = chance.random() < 0.3
        try:
            match chance.choice(("acquire", "drive", "look", "renew", "release", "close")):
                case "acquire":
                    bench.acquire(who, now, steal=steal)
                case "drive":
                    bench.drive(who, now)
                case "look":
                    bench.look(who, now)
                case "renew" if held:
                    lease.renew(who, held.lease_id, now)
                case "release" if held:
                    lease.release(who, held.lease_id)
                case "close":
                    lease.close(who.source)
                    continue
                case _:
                    continue
        except Refused:
            assert lease.holder == before
            continue
        heard[who.source] = now
        after = lease.holder
        assert after in (who, None)
        if before is not None and after is not None and after != before:
            assert held is not None
            closed = held.closed and (bench.at_rest or before.principal == who.principal)
            assert closed or (steal and who.role > before.role)
        if after is not None:
            assert lease.due is not None
            assert now < lease.due <= heard[after.source] + MOST_WINDOW_S
