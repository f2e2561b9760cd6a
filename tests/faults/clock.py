"""One clock for all processes of a trial, and its pauses: faults happen in real time."""

from __future__ import annotations

import os
import time
from pathlib import Path

STOLEN = 8
"""Where `cpu` of proc_stat(5) says for how long processors were kept from a virtual machine, in ticks."""


def now() -> float:
    """Seconds of CLOCK_MONOTONIC, which all processes of a machine share."""
    return time.monotonic()  # noqa: TID251  # what is measured here crosses processes


def pause(duration_s: float) -> None:
    """Let real time pass."""
    time.sleep(duration_s)  # noqa: TID251  # nothing else runs in the process that judges


def stolen_s() -> float:
    """For how long the host has kept processors from this machine, summed over them; else 0."""
    ticks = int(Path("/proc/stat").read_text().split(maxsplit=STOLEN + 1)[STOLEN])
    return ticks / os.sysconf("SC_CLK_TCK")
