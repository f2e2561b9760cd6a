"""The dialect `plain`, for a sketch of one's own; `json_rover.ino` beside this file speaks it.

Host to board:
    {"hello":1}                             who are you?
    {"deadman_ms":500,"report_ms":50}       stop the motors after so long without a "set"; report so often
    {"set":{"left":0.25,"lamp":1},"sum":1250}
                                            put this out: a motor's duty from -1 to 1, a level 0 or 1
    {"ask":1}                               report now
Board to host:
    {"hello":"json_rover","version":1,"has":["left","lamp","front"]}
                                            when it is asked, and with "started":1 when it starts
    {"deadman_ms":500,"report_ms":50}       when it was told so
    {"is":{"left":0.25}}                    every channel, after "set" or "ask" and every report_ms

What is put out is said in whole thousandths, whose sum is the same in whichever floats a board counts them; a
"set" whose sum is another was disturbed, and is passed over.
In a report a motor's duty and an output's level are as they are put out; a distance is in m, null where
nothing is seen; a voltage, or counts, is a number; a switch, at once when it changes, is 0 or 1; an IMU is an
object with readings of the kind `imu` in SI, some in each line.

What is not understood is passed over. A line is no longer than 512 bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hal.drivers.json_lines import codec
from hal.drivers.json_lines.codec import Object, number, short
from hal.drivers.json_lines.dialect import Hello, Prepared, Report, Value

VERSION = 1
DIGITS_OF_A_SUM = 3
HELLO_QUERY = codec.write({"hello": 1})
ASK = codec.write({"ask": 1})


class Plain:
    """The host's side."""

    KINDS: tuple[str, ...] = ("motor", "digital_output", "digital_input", "analog_input", "range", "imu")
    INTRODUCES_ITSELF = True
    UNSEEN: str = "is json_rover.ino, or a sketch like it, on it, and is the baud rate right?"

    def hello(self) -> bytes:
        """Asks."""
        return HELLO_QUERY

    def prepare(self, deadman_s: float, report_s: float) -> bytes:
        """Both in one line."""
        return codec.write({"deadman_ms": round(deadman_s * 1000), "report_ms": round(report_s * 1000)})

    def set(self, outputs: Mapping[str, float]) -> bytes:
        """All of them in one line."""
        values = {channel: short(value, DIGITS_OF_A_SUM) for channel, value in outputs.items()}
        return codec.write({"set": values, "sum": total(values.values())})

    def ask(self) -> bytes:
        """For every channel."""
        return ASK

    def read(self, found: Object) -> Hello | Prepared | Report | None:
        """Half of a greeting is none."""
        values = found.get("is")
        if isinstance(values, dict):
            return Report({channel: _value(value) for channel, value in values.items()})
        name, version, channels = (found.get(key) for key in ("hello", "version", "has"))
        if isinstance(name, str) and isinstance(version, int) and isinstance(channels, list):
            return Hello(name, version, tuple(map(str, channels)), bool(found.get("started")))
        deadman_ms, report_ms = found.get("deadman_ms"), found.get("report_ms")
        if isinstance(deadman_ms, int) and isinstance(report_ms, int):
            return Prepared(deadman_ms, report_ms)
        return None


def total(values: Iterable[float]) -> int:
    """All of them together in thousandths, each rounded: a digit that the wire has changed changes it too."""
    return sum(round(value * 1000) for value in values)


def _value(value: object) -> Value:
    if isinstance(value, dict):
        readings = {name: number(reading) for name, reading in value.items()}
        return {name: reading for name, reading in readings.items() if reading is not None}
    return number(value)


# ---------------------------------------------------------------------------------- what a board says


def hello(name: str, channels: tuple[str, ...], *, started: bool = False) -> bytes:
    """Who it is; `started`: it has just begun."""
    greeting = {"hello": name, "version": VERSION, "has": list(channels)}
    return codec.write(greeting | ({"started": 1} if started else {}))


def report(channel: str, value: Value) -> bytes:
    """What one channel is."""
    if isinstance(value, Mapping):
        return codec.write({"is": {channel: {name: short(reading) for name, reading in value.items()}}})
    return codec.write({"is": {channel: None if value is None else short(value)}})
