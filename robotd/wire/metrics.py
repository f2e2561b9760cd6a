"""The daemon's figures in the text format of Prometheus (exposition format 0.0.4)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
"""In the value of a label."""


def exposition(status: Mapping[str, Any]) -> str:
    """`status` in the text format of Prometheus (version 0.0.4)."""
    lines: list[str] = []

    def family(name: str, kind: str, help_text: str, samples: Iterable[tuple[dict[str, str], float]]) -> None:
        shown = [f"{name}{_labels(labels)} {float(value):.10g}" for labels, value in samples]
        if shown:
            lines.extend((f"# HELP {name} {help_text}", f"# TYPE {name} {kind}", *shown))

    boards, devices, regions = status["boards"], status["devices"], status["regions"]
    family("robotd_uptime_seconds", "gauge", "Time since the start.", [({}, status["uptime_s"])])
    family("robotd_clients", "gauge", "Open client connections.", [({}, status["clients"])])
    family("robotd_latched", "gauge", "1 after a stop, until reset.", [({}, status["latch"] is not None)])
    family("robotd_epoch", "counter", "Stops since the start.", [({}, status["epoch"])])
    family(
        "robotd_state",
        "gauge",
        "The present state of each region.",
        [({"region": name, "state": region["state"]}, 1) for name, region in regions.items()],
    )
    family(
        "robotd_board_online",
        "gauge",
        "Whether the board answers.",
        [({"board": name}, board["state"] == "online") for name, board in boards.items()],
    )
    family(
        "robotd_reading",
        "gauge",
        "The newest reading, in SI.",
        [
            ({"device": device, "reading": name, "unit": reading["unit"]}, reading["value"])
            for device, state in devices.items()
            for name, reading in state["readings"].items()
            if reading is not None
        ],
    )
    family(
        "robotd_queue_depth",
        "gauge",
        "Messages that wait, by lane.",
        [({"lane": lane}, depth) for lane, depth in status["queue"].items()],
    )
    for name, value in _numbers("robotd_latency", status["latency"]):
        family(name, "gauge", "See `latency` in the status.", [({}, value)])
    for name, value in _numbers("robotd", status["counters"]):
        # Some of them go down, so none is called a counter here.
        family(name, "untyped", "See `counters` in the status.", [({}, value)])
    return "\n".join(lines) + "\n"


def _numbers(name: str, value: Any) -> Iterator[tuple[str, float]]:
    """Every number in a tree, under its path as a metric's name."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _numbers(f"{name}_{re.sub(r'[^a-zA-Z0-9_]', '_', str(key))}", item)
    elif isinstance(value, (int, float)):
        yield name, value


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{key}="{value.translate(_ESCAPES)}"' for key, value in labels.items()) + "}"
