"""The conveyor cell that the tests of the driver build: a drive, a module of inputs and outputs, a scale."""

from __future__ import annotations

from typing import Any

STOP_TIME_S = 0.5

LINE: dict[str, Any] = {"driver": "modbus", "port": "/dev/ttyUSB0", "deadman": "1.5 s"}
CONVEYOR: dict[str, Any] = {
    "kind": "belt",
    "board": "line",
    "unit": 1,
    "control": 0,
    "setpoint": 1,
    "status": 2,
    "actual": 3,
    "watchdog": 8,
    "scale": "0.001 m/s",
    "max_speed": "0.5 m/s",
    "stop_time": "500 ms",
}
CURTAIN: dict[str, Any] = {
    "kind": "digital_input",
    "board": "line",
    "unit": 2,
    "input": 0,
    "active": "low",
}
SCALE: dict[str, Any] = {"kind": "weigher", "board": "line", "unit": 3, "address": 0, "max": "20 kg"}
DEVICES: dict[str, dict[str, Any]] = {
    "conveyor": CONVEYOR,
    "curtain": CURTAIN,
    "jam": CURTAIN | {"input": 1, "active": "high", "simulate": "jam"},
    "left": CURTAIN | {"input": 2, "active": "high", "simulate": "left"},
    "full": CURTAIN | {"input": 3, "active": "high", "simulate": "full"},
    "diverter": {
        "kind": "relay",
        "board": "line",
        "unit": 2,
        "coil": 0,
        "on_stop": "keep",
        "simulate": "diverter",
    },
    "beacon": {"kind": "digital_output", "board": "line", "unit": 2, "coil": 1},
    "scale": SCALE,
}
