"""The end of a control group that a trial made."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

from tests.faults.children import HarnessError
from tests.faults.clock import now, pause

LOOK_S = 0.001
PATIENCE_S = 5.0


def members(group: Path) -> list[int]:
    """The processes in it."""
    return [int(process) for process in (group / "cgroup.procs").read_text().split()]


def disband(group: Path) -> None:
    """Remove it; a trial that came to no end has left processes in it. Raises `HarnessError`."""
    deadline = now() + PATIENCE_S
    while left := members(group):
        if now() > deadline:
            raise HarnessError(f"cannot be killed: {left}")
        for process in left:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        pause(LOOK_S)
    group.rmdir()
