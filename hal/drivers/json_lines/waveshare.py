"""The dialect of Waveshare's robot chassis (WAVE ROVER, UGV01, UGV02 and others with their driver board).

Source: the wiki of the WAVE ROVER and the manufacturer's `json_cmd.h`. `T` says what an object is:
    {"T":1,"L":0.2,"R":0.2}      the speeds of both sides; at 0.5 the motors get full power
    {"T":130}                    report once
    {"T":131,"cmd":1}            report again and again...
    {"T":142,"cmd":50}           ...every 50 ms
    {"T":136,"cmd":500}          stop by yourself after 500 ms without a speed
    {"T":143,"cmd":0}            do not echo what is received
    {"T":1001,"L":0,"R":0,"r":7.0,"p":-4.9,"y":-130.1,"temp":57.2,"v":11.1}
                                 a report: both sides, roll, pitch and yaw in degrees, degC, the battery

Whether `L` and `R` of a report are speeds or counts of the PWM, and `v` volts or hundredths, depends on the
chassis: of the former only zero is understood, and the scale of an analog input says the latter.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from hal.drivers.json_lines import codec
from hal.drivers.json_lines.codec import Object, number, short
from hal.drivers.json_lines.dialect import Hello, Prepared, Report, Value

SPEED = 1
REPORT_ONCE = 130
REPORT_FLOW = 131
DEADMAN = 136
REPORT_INTERVAL = 142
ECHO = 143
REPORT = 1001

FULL = 0.5
ZERO = "0e-9"
SIDES = ("L", "R")
VOLTAGE = "v"
IMU = "imu"
_ANGLES = {"roll": "r", "pitch": "p", "yaw": "y"}


class Waveshare:
    """The host's side."""

    KINDS: tuple[str, ...] = ("motor", "analog_input", "imu")
    INTRODUCES_ITSELF = False
    UNSEEN: str = "is it a Waveshare driver board, and is the baud rate right (115200)?"

    def hello(self) -> bytes:
        """There is no such question: a report will do."""
        return self.ask()

    def prepare(self, deadman_s: float, report_s: float) -> bytes:
        """Four commands."""
        commands = (
            {"T": ECHO, "cmd": 0},
            {"T": DEADMAN, "cmd": round(deadman_s * 1000)},
            {"T": REPORT_INTERVAL, "cmd": round(report_s * 1000)},
            {"T": REPORT_FLOW, "cmd": 1},
        )
        return b"".join(map(codec.write, commands))

    def set(self, outputs: Mapping[str, float]) -> bytes:
        """Both sides; one that has no motor stands."""
        left, right = (_speed(outputs.get(side, 0.0) * FULL) for side in SIDES)
        return f'{{"T":{SPEED},"L":{left},"R":{right}}}\n'.encode("ascii")

    def ask(self) -> bytes:
        """One report."""
        return codec.write({"T": REPORT_ONCE})

    def read(self, found: Object) -> Hello | Prepared | Report | None:
        """A report; everything else is passed over."""
        if found.get("T") != REPORT:
            return None
        values: dict[str, Value] = {}
        for channel in (*SIDES, VOLTAGE):
            value = number(found.get(channel))
            if value is not None:
                values[channel] = value
        angles = {name: number(found.get(key)) for name, key in _ANGLES.items()}
        readings = {name: math.radians(angle) for name, angle in angles.items() if angle is not None}
        temperature = number(found.get("temp"))
        if temperature is not None:
            readings["temperature"] = temperature
        return Report(values | ({IMU: readings} if readings else {}))


def _speed(value: float) -> str:
    """Nothing protects what is said: a zero is written so that no one disturbed digit makes a speed of it."""
    return f"{found}" if (found := short(value)) else ZERO


def report(left: float, right: float, imu: Mapping[str, float], voltage: float) -> bytes:
    """What a board says of all it has: both sides, an IMU's readings in SI, and its battery."""
    angles = {key: short(math.degrees(imu[name])) for name, key in _ANGLES.items()}
    sides = {"L": short(left * FULL), "R": short(right * FULL)}
    rest = {"temp": short(imu["temperature"]), VOLTAGE: short(voltage)}
    return codec.write({"T": REPORT, **sides, **angles, **rest})
