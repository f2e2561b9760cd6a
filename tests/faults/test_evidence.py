"""The judge of the matrix, judged: what it takes for a stop, and what it does not let pass."""

from __future__ import annotations

import pytest

from tests.faults.evidence import STOPS, Chunk, Heard, NotStopped, Stopped, moved, stopped, strays, turning

DRIVE = bytes.fromhex("f50400 e56600 f50700 e63300")
SPIN = bytes.fromhex("f50400 e50001")
QUERY = bytes.fromhex("f06d05f7")
STOP, MILL_STOP = STOPS["wheels"], STOPS["mill"]
FAULT_AT = 10.0


def heard(*chunks: tuple[float, bytes]) -> Heard:
    """What the wheels heard; both were told to drive a second before the fault."""
    return {"wheels": [Chunk(FAULT_AT - 1.0, DRIVE), *(Chunk(FAULT_AT + at, data) for at, data in chunks)]}


def test_a_robot_stands_when_its_last_motor_does() -> None:
    both = {**heard((0.010, STOP)), "mill": [Chunk(9.0, SPIN), Chunk(10.025, MILL_STOP)]}

    assert turning(both, FAULT_AT) == ["wheels", "mill"]
    assert stopped(both, FAULT_AT) == pytest.approx(Stopped(0.010, 0.025))
    assert strays(both, FAULT_AT) == {}


def test_one_motor_that_stops_is_no_stop() -> None:
    with pytest.raises(NotStopped, match=r"wheels was still turning: \{5: 0, 6: 51\}"):
        stopped(heard((0.010, STOP[:4])), FAULT_AT)


def test_a_stop_after_which_it_turns_again_does_not_count() -> None:
    twice = heard((0.010, STOP), (0.020, DRIVE), (0.900, STOP))

    assert stopped(twice, FAULT_AT).last_s == pytest.approx(0.900)
    assert strays(twice, FAULT_AT) == {"wheels": DRIVE + STOP}


def test_a_stop_cut_anywhere_is_one_stop() -> None:
    pieces = heard(*((0.010 + place / 1000, STOP[place : place + 1]) for place in range(len(STOP))))

    assert stopped(pieces, FAULT_AT).last_s == pytest.approx(0.016)
    assert strays(pieces, FAULT_AT) == {}


def test_what_was_under_way_when_it_broke_may_come_before_the_stop() -> None:
    late = heard((0.001, DRIVE), (0.002, STOP), (0.022, STOP), (0.042, STOP))

    assert stopped(late, FAULT_AT).last_s == pytest.approx(0.002)
    assert strays(late, FAULT_AT) == {}


@pytest.mark.parametrize("other", [QUERY, SPIN, b"\x00", STOP[1:], MILL_STOP], ids=bytes.hex)
def test_every_other_byte_after_the_stop_is_told(other: bytes) -> None:
    assert strays(heard((0.010, STOP), (0.020, other), (0.030, STOP)), FAULT_AT) == {"wheels": other + STOP}


def test_a_stop_that_is_being_written_is_none_yet_and_no_other_byte_either() -> None:
    assert strays(heard((0.010, STOP + STOP[:3])), FAULT_AT) == {}


def test_silence_is_no_stop() -> None:
    with pytest.raises(NotStopped):
        stopped(heard(), FAULT_AT)

    assert strays(heard((0.5, QUERY)), FAULT_AT) == {"wheels": QUERY}


def test_who_is_told_to_turn_later_has_moved() -> None:
    assert moved(heard((0.010, STOP), (0.5, QUERY)), FAULT_AT) == []
    assert moved(heard((0.010, STOP), (0.5, DRIVE)), FAULT_AT) == ["wheels"]


def test_a_stop_ends_a_sysex_that_nobody_ended() -> None:
    open_sysex = heard((0.001, b"\xf0\x6d"), (0.002, STOP))

    assert stopped(open_sysex, FAULT_AT).last_s == pytest.approx(0.002)
