"""A jog in pieces: it keeps its speed, stays within the travel, and ends by itself."""

import re

import pytest

from hal.drivers.grbl.jogging import AHEAD_S, PIECE_S, Jogging
from hal.kinds.three_axes import Position, Span, Velocity

SPANS = (Span(-0.3, 0.0), Span(-0.2, 0.0), Span(-0.08, 0.0))
LINE = re.compile(rb"\$J=G53G21X(\S+)Y(\S+)Z(\S+)F(\d+)\n")


def begun(speed: Velocity, accel_m_s2: float = 1.0, x_m: float = -0.1) -> Jogging:
    jog = Jogging(SPANS)
    jog.velocity, jog.accel_m_s2 = speed, accel_m_s2
    jog.begin(Position(x_m, -0.1, -0.01), 0.0)
    return jog


def pieces(jog: Jogging, now: float) -> list[bytes]:
    found = []
    while (line := jog.next_line(now)) is not None:
        found.append(line)
    return found


def test_it_is_planned_a_little_further_than_its_way_to_brake() -> None:
    jog = begun(Velocity(0.1, 0.0, 0.0))
    lines = pieces(jog, 0.0)

    assert PIECE_S * len(lines) == pytest.approx(AHEAD_S + 0.1 / 2, abs=PIECE_S)
    assert lines[0] == b"$J=G53G21X-95Y-100Z-10F6000\n"
    pieces(jog, 0.02)
    assert pieces(jog, 0.03) == []
    assert len(pieces(jog, 0.02 + PIECE_S)) == 1


def test_it_is_no_faster_than_its_slowest_axis_allows_in_that_direction() -> None:
    jog = begun(Velocity(0.03, 0.0, -0.04))
    jog.rates_m_s = (0.1, 0.1, 0.008)
    (line, *_) = pieces(jog, 0.0)

    assert line == b"$J=G53G21X-99.7Y-100Z-10.4F600\n"
    assert jog.velocity == Velocity(0.03, 0.0, -0.04)


def test_at_the_end_of_the_travel_nothing_is_sent_any_more() -> None:
    jog = begun(Velocity(0.1, 0.0, 0.0), x_m=-0.006)
    lines = pieces(jog, 0.0) + pieces(jog, 1.0)

    matches = [LINE.fullmatch(line) for line in lines]
    assert [match[1] for match in matches if match] == [b"-1", b"0"]
    assert matches[-1] is not None
    assert int(matches[-1][4]) == 1200  # the last millimetre takes as long as every piece


def test_who_was_late_does_not_catch_up() -> None:
    jog = begun(Velocity(0.0, -0.02, 0.0))
    pieces(jog, 0.0)

    assert len(pieces(jog, 5.0)) <= 3
