"""Rovers on boards that speak JSON lines, as plain data, with everything that such a board can carry."""

from collections.abc import Mapping
from typing import Any

BASE: Mapping[str, Any] = {
    "kind": "drive_base",
    "left": "left",
    "right": "right",
    "track": "0.30 m",
    "max_speed": "0.8 m/s",
    "max_turn": "2 rad/s",
}
PLAIN: Mapping[str, Any] = {"driver": "json_lines", "port": "/dev/json", "report": "200 ms"}
PLAIN_DEVICES: Mapping[str, Mapping[str, Any]] = {
    "left": {"kind": "motor", "board": "mcu"},
    "right": {"kind": "motor", "board": "mcu"},
    "base": BASE,
    "lamp": {"kind": "digital_output", "board": "mcu"},
    "bumper": {"kind": "digital_input", "board": "mcu", "active": "low"},
    "battery": {"kind": "analog_input", "board": "mcu", "scale": "1 V", "stale": "1 s"},
    "front": {"kind": "range", "board": "mcu", "stale": "1 s"},
    "imu": {"kind": "imu", "board": "mcu", "stale": "1 s"},
}
WAVESHARE: Mapping[str, Any] = {
    "driver": "json_lines",
    "port": "/dev/wave",
    "dialect": "waveshare",
    "report": "200 ms",
}
WAVESHARE_DEVICES: Mapping[str, Mapping[str, Any]] = {
    "left": {"kind": "motor", "board": "wave", "channel": "L"},
    "right": {"kind": "motor", "board": "wave", "channel": "R"},
    "base": BASE,
    "battery": {"kind": "analog_input", "board": "wave", "channel": "v", "scale": "1 V", "stale": "1 s"},
    "imu": {"kind": "imu", "board": "wave", "stale": "1 s"},
}
