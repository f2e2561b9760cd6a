"""NMEA 0183, bytes to sentences and their meaning, and back. No I/O, no clock.

Source: NMEA 0183 4.11, "Sentence format" and the sentences GGA, GSA, RMC and VTG. A sentence is a line
`$ttsss,field,...*hh`: a talker, a kind, fields, and in two hexadecimal digits the exclusive or of all that is
between `$` and `*`.

The lines are cut and their checksums tested here, which is cheap; of the few kinds that say something about a
position pynmeagps reads the fields. What a twin says is written here by hand, so that pynmeagps can judge it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache, reduce
from operator import xor
from typing import Any, NamedTuple

from pynmeagps import GET, NMEAMessage  # type: ignore[import-untyped]  # it has no types
from pynmeagps.exceptions import (  # type: ignore[import-untyped]  # as above
    NMEAMessageError,
    NMEAParseError,
    NMEATypeError,
)

LONGEST_SENTENCE_BYTES = 128
"""The standard says 82; receivers with many digits say more."""
KNOT_M_S = 1852 / 3600
SATELLITE_FIXES = range(1, 6)
"""GGA, "quality indicator": 0 is none, from 6 on the position is estimated, typed in or simulated."""
NO_SATELLITE_MODES = ("N", "E", "M", "S")
"""RMC and VTG, "mode indicator", which older receivers leave out: the same four."""

REMEMBERED = 64
"""So many sentences are known again, and not read once more: nothing else here takes as long."""

Values = Mapping[str, float | bool]
"""Readings of the kind `gnss`, in its units."""


_SYSTEMS = {
    "GP": "GPS",
    "GN": "GNSS",
    "GL": "GLONASS",
    "GA": "Galileo",
    "GB": "BeiDou",
    "BD": "BeiDou",
    "GQ": "QZSS",
    "GI": "NavIC",
}


def system(talker: str) -> str:
    """The satellites that a talker listens to: `GPS`, or `GNSS` for several systems together."""
    return _SYSTEMS.get(talker, f"NMEA ({talker})")


class Sentence(NamedTuple):
    """One line whose checksum is right."""

    talker: str
    """Which satellites: `GP` for GPS, `GN` for several systems together."""
    kind: str
    """`GGA`, `RMC`..."""
    fields: tuple[str, ...]


class Sentences:
    """Cuts a stream of bytes, split anywhere and with noise anywhere, into sentences."""

    def __init__(self) -> None:
        self.discarded = 0
        """How many lines were no sentence, or a disturbed one."""
        self._rest = b""

    def feed(self, data: bytes) -> list[Sentence]:
        """The sentences that `data` completes, in order. Never raises; holds at most one unfinished line."""
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest if len(rest) <= LONGEST_SENTENCE_BYTES else b""
        sentences = []
        for line in lines:
            sentence = _read(line)
            if sentence is not None:
                sentences.append(sentence)
            else:
                self.discarded += 1
        return sentences


def _read(line: bytes) -> Sentence | None:
    """The sentence at the end of `line`: what stands before its `$` is half of another, or noise."""
    body, star, digits = line[line.rfind(b"$") + 1 :].rstrip(b"\r").partition(b"*")
    if not star or len(body) < 5 or len(body) > LONGEST_SENTENCE_BYTES or digits.upper() != _checksum(body):
        return None
    if not body.isascii():
        return None
    address, *fields = body.decode("ascii").split(",")
    return Sentence(address[:-3], address[-3:], tuple(fields))


def _checksum(body: bytes) -> bytes:
    return b"%02X" % reduce(xor, body, 0)


# ---------------------------------------------------------------------------------- what a sentence means


def parse(sentence: Sentence) -> Values:
    """What it says about a position; nothing, for a kind that says nothing or fields that make no sense."""
    if sentence.kind not in _READ:
        return {}
    times = _TIMES.get(sentence.kind, ())
    fields = tuple("" if place in times else field for place, field in enumerate(sentence.fields))
    return _parse(sentence.kind, fields)


@lru_cache(maxsize=REMEMBERED)
def _parse(kind: str, fields: tuple[str, ...]) -> Values:
    try:
        # With a checksum given, the library makes none of its own: that was tested.
        message = NMEAMessage("GN", kind, GET, payload=fields, checksum="", validate=0)
    except (NMEAMessageError, NMEAParseError, NMEATypeError):
        return {}
    return _READ[kind](message)


def _gga(message: Any) -> Values:
    """Global positioning system fix data."""
    quality = _number(message, "quality")
    if quality is None:
        return {}
    if quality not in SATELLITE_FIXES:
        return {"fix": False, **_known(satellites=_number(message, "numSV"))}
    return {
        "fix": True,
        **_position(message),
        **_known(
            altitude=_number(message, "alt"),
            satellites=_number(message, "numSV"),
            hdop=_number(message, "HDOP"),
        ),
    }


def _rmc(message: Any) -> Values:
    """Recommended minimum specific GNSS data."""
    status = getattr(message, "status", "")
    if status not in ("A", "V"):
        return {}
    if status == "V" or _knows_without_satellites(message):
        return {"fix": False}
    speed_kn, course_deg = _number(message, "spd"), _number(message, "cog")
    return {
        "fix": True,
        **_position(message),
        **_known(
            speed=None if speed_kn is None else speed_kn * KNOT_M_S,
            course=None if course_deg is None else math.radians(course_deg),
        ),
    }


def _vtg(message: Any) -> Values:
    """Course over ground and ground speed."""
    if _knows_without_satellites(message):
        return {}
    speed_km_h, course_deg = _number(message, "sogk"), _number(message, "cogt")
    return _known(
        speed=None if speed_km_h is None else speed_km_h / 3.6,
        course=None if course_deg is None else math.radians(course_deg),
    )


def _gsa(message: Any) -> Values:
    """GNSS DOP and active satellites. Mode 1 is no fix; whether there is one, GGA and RMC say."""
    mode = _number(message, "navMode")
    return _known(hdop=_number(message, "HDOP")) if mode in (2, 3) else {}


_READ: Mapping[str, Callable[[Any], Values]] = {"GGA": _gga, "RMC": _rmc, "VTG": _vtg, "GSA": _gsa}
_TIMES: Mapping[str, tuple[int, ...]] = {"GGA": (0,), "RMC": (0, 8)}
"""Which fields tell time and date: nobody asks for these, and without them one that stands repeats itself."""
POSITION_SENTENCES = ("GGA", "RMC")
"""The kinds that say where it is; a receiver must send one of them."""


def _knows_without_satellites(message: Any) -> bool:
    return getattr(message, "posMode", "") in NO_SATELLITE_MODES


def _position(message: Any) -> Values:
    """Nothing unless it is whole: half a position is none."""
    latitude_deg, longitude_deg = _number(message, "lat"), _number(message, "lon")
    if latitude_deg is None or longitude_deg is None:
        return {}
    if getattr(message, "NS", "") not in ("N", "S") or getattr(message, "EW", "") not in ("E", "W"):
        return {}
    if abs(latitude_deg) > 90 or abs(longitude_deg) > 180:
        return {}
    return {"latitude": latitude_deg, "longitude": longitude_deg}


def _number(message: Any, field: str) -> float | None:
    """An empty field is a text, and one that an older receiver leaves out is not there."""
    value = getattr(message, field, None)
    return value if isinstance(value, int | float) and math.isfinite(value) else None


def _known(**values: float | None) -> Values:
    return {name: value for name, value in values.items() if value is not None}


# ---------------------------------------------------------------------------------- what a receiver says


def write(address: str, *fields: str) -> bytes:
    """One sentence: `write("GPGGA", "123519.00", ...)`."""
    body = ",".join((address, *fields)).encode("ascii")
    return b"$" + body + b"*" + _checksum(body) + b"\r\n"


def write_latitude(latitude_deg: float) -> tuple[str, str]:
    """Its two fields: degrees and minutes, and the hemisphere."""
    return _degrees_and_minutes(latitude_deg, 2), "N" if latitude_deg >= 0 else "S"


def write_longitude(longitude_deg: float) -> tuple[str, str]:
    """Its two fields: degrees and minutes, and the hemisphere."""
    return _degrees_and_minutes(longitude_deg, 3), "E" if longitude_deg >= 0 else "W"


def _degrees_and_minutes(angle_deg: float, digits: int) -> str:
    """`ddmm.mmmmm`; in units of the last digit, so that no minute becomes 60."""
    degrees, rest = divmod(round(abs(angle_deg) * 60e5), 60 * 10**5)
    minutes, fraction = divmod(rest, 10**5)
    return f"{degrees:0{digits}d}{minutes:02d}.{fraction:05d}"
