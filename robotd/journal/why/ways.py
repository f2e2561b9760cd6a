"""Which commands lead from a state in which no device is active to one in which some are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import Any

Data = Mapping[str, Any]


def ways_to_activity(chart: Data, state: str) -> list[str]:
    """The commands that `state` takes to where devices are active; none where some are active already.

    `chart` is as `robotd.core.portable` writes it.
    """
    commands = chart.get("commands", ())
    for region in chart.get("regions", ()):
        active = {found["path"] for found in region["states"] if found.get("active")}
        around = set(_around(state))
        if state not in {found["path"] for found in region["states"]} or active & around:
            continue
        return [
            trigger
            for transition in region["transitions"]
            if around & set(transition["sources"]) and active & set(_around(transition.get("dest") or state))
            for trigger in transition["triggers"]
            if trigger in commands
        ]
    return []


def _around(path: str) -> Iterator[str]:
    """`armed.teleop` -> `armed`, `armed.teleop`."""
    return accumulate(path.split("."), lambda outer, name: f"{outer}.{name}")
