from __future__ import annotations

from robotd.core.limits import Limits
from robotd.wire.admission import Admission


def test_so_many_come_in_from_one_address_and_so_many_in_all():
    admission = Admission(Limits(connections=3, connections_per_address=2))

    assert [admission.enter("a") is None for _ in range(3)] == [True, True, False]
    assert [admission.enter(address) is None for address in "bcd"] == [True, False, False]
    assert len(admission) == 3


def test_a_place_that_is_left_is_free_again_and_nothing_is_remembered():
    admission = Admission(Limits(connections=1, connections_per_address=1))
    for address in "abc":
        assert admission.enter(address) is None
        admission.leave(address)

    assert len(admission) == 0
    assert not admission._from


def test_the_refusal_says_how_many_and_that_a_stop_needs_no_place():
    admission = Admission(Limits(connections_per_address=1))
    admission.enter("192.0.2.1")
    refusal = admission.enter("192.0.2.1")

    assert refusal is not None
    assert refusal.reason == "busy"
    assert "192.0.2.1" in refusal.message
    assert "estop" in refusal.hint


def test_while_the_daemon_ends_nobody_new_comes_in_and_those_there_may_leave():
    admission = Admission(Limits())
    admission.enter("a")
    admission.close()
    refusal = admission.enter("b")
    admission.leave("a")

    assert refusal is not None
    assert refusal.reason == "shutting_down"
    assert len(admission) == 0


def test_so_many_may_be_in_of_whom_nobody_knows_who_they_are():
    admission = Admission(Limits(unauthenticated=2))
    refusals = [admission.enter(address, stranger=True) for address in "abc"]
    known = admission.enter("d")
    admission.recognise()
    late = admission.enter("e", stranger=True)

    assert refusals[:2] == [None, None]
    assert refusals[2] is not None
    assert refusals[2].reason == "busy"
    assert known is late is None
    assert admission.strangers == 2


def test_a_stranger_that_leaves_gives_its_place_back():
    admission = Admission(Limits(unauthenticated=1))
    for _ in range(3):
        assert admission.enter("a", stranger=True) is None
        admission.leave("a", stranger=True)

    assert (len(admission), admission.strangers) == (0, 0)
