"""Bytes on a wire with faults. No clock: the test is the clock."""

import math
import random

import pytest

from hal.faults import FaultKind, parse_fault
from hal.faults.wire import BYTE_S, INBOX_LIMIT_BYTES, Wire
from hal.link import IN_FLIGHT_LIMIT_BYTES


def wire(*faults: str) -> Wire:
    made = Wire(random.Random(1))
    for fault in faults:
        made.begin(parse_fault(fault), 0.0)
    return made


def test_on_a_sound_wire_everything_has_arrived_at_once():
    way = wire().outward
    way.put(b"ab", 1.0)
    way.put(b"c", 1.0)

    assert way.due_at == 1.0
    assert way.take(1.0) == [b"ab", b"c"]
    assert (way.size, way.due_at) == (0, math.inf)


def test_a_piece_stays_until_it_was_handed_on():
    way = wire("delay 1..1 s").inward
    way.put(b"ab", 0.0)

    assert way.first(0.9) is None
    assert way.first(1.0) == way.first(1.0) == b"ab"
    way.pop()
    assert way.first(9.0) is None


def test_a_delay_that_ends_lets_nothing_overtake():
    late = wire("delay 1..1 s")
    late.inward.put(b"a", 0.0)
    late.end(parse_fault("delay 1..1 s"))
    late.inward.put(b"b", 0.1)

    assert late.inward.take(0.9) == []
    assert late.inward.take(1.0) == [b"a", b"b"]


def test_split_bytes_follow_one_another_across_pieces():
    way = wire("split").outward
    way.put(b"ab", 0.0)
    way.put(b"c", 0.0)

    assert way.take(0.0) == [b"a"]
    assert way.take(BYTE_S * 1.01) == [b"b"]
    assert way.due_at == pytest.approx(2 * BYTE_S)


def test_the_longer_stall_counts_and_mending_ends_it_at_once():
    held = wire("stall 2 s", "stall 1 s")
    held.outward.put(b"a", 0.0)
    assert held.outward.due_at == 2.0
    held.mend()

    assert held.outward.take(0.5) == [b"a"]


@pytest.mark.parametrize("fault", ["stall 1 s", "full 1 s", "unplug 1 s"])
def test_a_wire_is_clear_when_nothing_is_late_and_nothing_goes_on(fault: str):
    once = wire(fault)

    assert [once.is_clear(now) for now in (0.0, 0.9, 1.0)] == [False, False, True]
    once.inward.put(b"a", 1.0)
    assert not once.is_clear(1.0)
    once.clear()
    assert once.is_clear(1.0)


def test_both_ways_are_bounded():
    stalled = wire("stall 1 s")
    stalled.outward.put(bytes(IN_FLIGHT_LIMIT_BYTES - 1), 0.0)
    assert stalled.has_room(1, 0.0)
    assert not stalled.has_room(2, 0.0)

    stalled.hear(bytes(INBOX_LIMIT_BYTES), 0.0)
    stalled.hear(b"lost", 0.0)
    assert stalled.inward.size == INBOX_LIMIT_BYTES


def test_faults_of_the_far_end_change_nothing_on_the_wire():
    sound = wire("nak", "deaf", "reboot", "slow clock", "freeze battery", "stuck bumper")
    sound.end(parse_fault("nak"))

    assert sound.is_clear(0.0)
    assert sound.damage(b"abc") == [b"abc"]


@pytest.mark.parametrize("kind", [FaultKind.CORRUPT, FaultKind.DROP, FaultKind.SPLIT, FaultKind.DELAY])
def test_a_fault_that_ended_does_no_more_harm(kind: FaultKind):
    text = {"corrupt": "corrupt 100%", "drop": "drop 100%", "split": "split", "delay": "delay 1..2 s"}[kind]
    mended = wire(text)
    mended.end(parse_fault(text))
    mended.outward.put(b"abc", 5.0)

    assert mended.outward.take(5.0) == [b"abc"]
