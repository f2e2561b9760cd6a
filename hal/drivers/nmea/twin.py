"""A receiver of satellites that rides on the robot, or stands: once a period it says where it is.

It says what a small receiver says as it comes out of its box: GGA, GSA, RMC and VTG, one after the other. The
robot's world is flat, and its origin is put somewhere on earth. Its clock begins with a year.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from hal.drivers.nmea import codec
from hal.twin import UnknownQuantity

ORIGIN_LATITUDE_DEG = 48.137
ORIGIN_LONGITUDE_DEG = 11.575
"""Where the robot's world has its origin; its x goes east, its y north."""
ORIGIN_ALTITUDE_M = 519.0
GEOID_M = 46.0
"""So far mean sea level lies above the ellipsoid there."""
EARTH_RADIUS_M = 6_371_000.0
BEGINNING = datetime(2026, 1, 1)
FIRST_S = 0.05
"""When its first report after it was opened comes: kept short, so that a simulation starts at once."""
SATELLITES = (2, 5, 7, 12, 13, 15, 20, 25, 29)
HDOP = 0.9
STANDS_M_S = 0.05
"""A receiver that moves more slowly does not know where it heads."""


class NmeaTwin:
    """The far end of an NMEA wire, reporting every `period_s`."""

    def __init__(self, period_s: float, rng: random.Random) -> None:
        self.refusing = False
        """It is never told anything that it could refuse."""
        self.robot: Callable[[], Mapping[str, float | bool]] = dict
        """The quantities of the robot that it rides on, `x` and `y` in metres; without these it stands."""
        self._period_s = period_s
        self._rng = rng
        self._first_at: float | None = None
        self._reports = 0
        """How many there were since `_first_at`."""
        self._place = (0.0, 0.0)
        self._velocity = (0.0, 0.0)
        self._pinned: dict[str, float | bool] = {}

    # ------------------------------------------------------------------ the contract of a twin

    def power_on(self, now: float) -> bytes:
        """Somebody listens now. It talked before: what comes first is the end of a sentence."""
        if self._first_at is None:
            self._first_at = now + FIRST_S
        self.advance(now)
        *_, sentence = self._report(max(0, self._reports - 1)).splitlines(keepends=True)
        return sentence[self._rng.randrange(1, len(sentence)) :]

    def receive(self, data: bytes, now: float) -> bytes:
        """It does not listen."""
        return b""

    def advance(self, now: float) -> bytes:
        """The newest report that is due by `now`; those before it, nobody waited for."""
        if self._first_at is None or now < self._next_at():
            return b""
        self._reports = math.floor((now - self._first_at) / self._period_s + 1e-6) + 1
        self._look()
        return self._report(self._reports - 1)

    def wakes_at(self) -> float | None:
        """The next report."""
        return None if self._first_at is None else self._next_at()

    def world(self) -> dict[str, float | bool]:
        """Where it is and how it moves (rad, m, m/s), and how well it hears the satellites."""
        latitude_rad = math.radians(ORIGIN_LATITUDE_DEG)
        east_m_s, north_m_s = self._velocity
        return {
            "latitude": latitude_rad + self._place[1] / EARTH_RADIUS_M,
            "longitude": math.radians(ORIGIN_LONGITUDE_DEG)
            + self._place[0] / (EARTH_RADIUS_M * math.cos(latitude_rad)),
            "altitude": ORIGIN_ALTITUDE_M,
            "ground_speed": math.hypot(east_m_s, north_m_s),
            "course": math.atan2(east_m_s, north_m_s) % math.tau,
            "satellites": float(len(SATELLITES)),
            "hdop": HDOP,
            "fix": True,
        } | self._pinned

    def set_world(self, name: str, value: float | bool | None) -> None:
        """Pin what it finds out: its next report says so."""
        known = self.world()
        if name not in known:
            raise UnknownQuantity(name, known)
        if value is None:
            self._pinned.pop(name, None)
        else:
            self._pinned[name] = value

    def run_away(self, name: str, *, on: bool) -> None:
        """Nothing on it moves."""
        raise UnknownQuantity(name, ())

    # ------------------------------------------------------------------ what it finds out, and says

    def _next_at(self) -> float:
        assert self._first_at is not None
        return self._first_at + self._reports * self._period_s

    def _look(self) -> None:
        """Where the robot is now, and how fast it came here."""
        robot = self.robot()
        place = (float(robot.get("x", 0.0)), float(robot.get("y", 0.0)))
        self._velocity = (
            (place[0] - self._place[0]) / self._period_s,
            (place[1] - self._place[1]) / self._period_s,
        )
        self._place = place

    def _report(self, number: int) -> bytes:
        time = BEGINNING + timedelta(seconds=number * self._period_s)
        clock = f"{time:%H%M%S}.{time.microsecond // 10_000:02d}"
        date = f"{time:%d%m%y}"
        seen = self.world()
        satellites = round(seen["satellites"])
        if not seen["fix"]:
            return (
                codec.write("GPGGA", clock, *[""] * 4, "0", f"{satellites:02d}", "99.99", *[""] * 6)
                + codec.write("GPGSA", "A", "1", *[""] * 12, "99.99", "99.99", "99.99")
                + codec.write("GPRMC", clock, "V", *[""] * 6, date, "", "", "N")
                + codec.write("GPVTG", *[""] * 8, "N")
            )
        place = (
            *codec.write_latitude(math.degrees(seen["latitude"])),
            *codec.write_longitude(math.degrees(seen["longitude"])),
        )
        used = [f"{number:02d}" for number in SATELLITES[:satellites]]
        hdop = f"{seen['hdop']:.2f}"
        speed_m_s = seen["ground_speed"]
        knots = f"{speed_m_s / codec.KNOT_M_S:.3f}"
        course = f"{math.degrees(seen['course']):.2f}" if speed_m_s >= STANDS_M_S else ""
        height = (f"{seen['altitude']:.1f}", "M", f"{GEOID_M:.1f}", "M")
        return (
            codec.write("GPGGA", clock, *place, "1", f"{satellites:02d}", hdop, *height, "", "")
            + codec.write("GPGSA", "A", "3", *used, *[""] * (12 - len(used)), "1.60", hdop, "1.30")
            + codec.write("GPRMC", clock, "A", *place, knots, course, date, "", "", "A")
            + codec.write("GPVTG", course, "T", "", "M", knots, "N", f"{speed_m_s * 3.6:.3f}", "K", "A")
        )
