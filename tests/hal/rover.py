"""The rover of the tests, as plain data: an Arduino Uno with everything that such a board can carry."""

from collections.abc import Mapping, Sequence
from typing import Any

from hal import Rig

BOARDS: Mapping[str, Mapping[str, Any]] = {"arduino": {"driver": "firmata", "port": "/dev/rover"}}
WHEELS: Mapping[str, Mapping[str, Any]] = {
    "left": {"kind": "motor", "board": "arduino", "pwm_pin": 5, "direction_pin": 4},
    "right": {"kind": "motor", "board": "arduino", "pwm_pin": 6, "direction_pin": 7},
    "base": {
        "kind": "drive_base",
        "left": "left",
        "right": "right",
        "track": "0.30 m",
        "max_speed": "0.8 m/s",
        "max_turn": "2 rad/s",
        "max_accel": "1.5 m/s2",
    },
}
BUMPER: Mapping[str, Any] = {
    "kind": "digital_input",
    "board": "arduino",
    "pin": 2,
    "pull": "up",
    "active": "low",
}
BATTERY: Mapping[str, Any] = {
    "kind": "analog_input",
    "board": "arduino",
    "pin": "A1",
    "scale": "0.0157 V",
    "sample": "50 ms",
    "stale": "200 ms",
}
RANGE: Mapping[str, Any] = {"kind": "analog_input", "board": "arduino", "pin": "A2", "scale": "0.004 m"}
MAST: Mapping[str, Any] = {"kind": "servo", "board": "arduino", "pin": 9, "min": "-80 deg", "max": "80 deg"}
LAMP: Mapping[str, Any] = {"kind": "digital_output", "board": "arduino", "pin": 13}
DEVICES: Mapping[str, Mapping[str, Any]] = {
    **WHEELS,
    "bumper": BUMPER,
    "battery": BATTERY,
    "range": RANGE,
    "mast": MAST,
    "lamp": LAMP,
}


def simulated_rover(
    devices: Mapping[str, Mapping[str, Any]] = DEVICES, *, faults: Sequence[str] = (), seed: int = 0
) -> Rig:
    """The rover with its twin in place of the Arduino, behind a wire with `faults`."""
    return Rig.of(BOARDS, devices, simulated=["arduino"], faults={"arduino": faults}, seed=seed)
