"""A group of processes with little memory: the memory controller of control groups, version 1 or 2."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.faults.children import HarnessError
from tests.faults.clock import now, pause
from tests.faults.groups import disband, members

ROOMS = (
    # Its folder, what a group uses, what bounds that, and where its kills are counted.
    (Path("/sys/fs/cgroup/memory"), "memory.usage_in_bytes", "memory.limit_in_bytes", "memory.oom_control"),
    (Path("/sys/fs/cgroup"), "memory.current", "memory.max", "memory.events"),
)
LOOK_S = 0.0005
PATIENCE_S = 5.0
ROOM_BYTES = 48 << 20
"""So much more than it has now it may have."""


@dataclass(frozen=True, slots=True)
class Limited:
    """One such group."""

    folder: Path
    usage: str
    limit: str
    kills: str

    @classmethod
    def make(cls) -> Self:
        """A group without a limit yet. Raises `OSError` where that is not permitted."""
        for root, usage, limit, kills in ROOMS:
            folder = root / f"robotd-faults-{os.getpid()}"
            with suppress(OSError):
                folder.mkdir()
                if (folder / limit).exists():
                    return cls(folder, usage, limit, kills)
                folder.rmdir()
        raise PermissionError("no memory controller is writable")

    def tighten(self) -> None:
        """From now on only a little more than is used now."""
        used = int((self.folder / self.usage).read_text())
        (self.folder / self.limit).write_text(str(used + ROOM_BYTES))

    def moment(self) -> float:
        """Wait until the kernel kills one of them; returns a moment shortly before. Raises `HarnessError`."""
        deadline = now() + PATIENCE_S
        last_at = now()
        while (looked_at := now()) < deadline:
            lives = bool(members(self.folder))
            if "oom_kill 0" not in (self.folder / self.kills).read_text():
                return last_at
            if not lives:
                raise HarnessError("looking for memory it was silent so long that the guard was first")
            last_at = looked_at
            pause(LOOK_S)
        raise HarnessError("the kernel kills nobody")


@contextmanager
def limited() -> Iterator[Limited]:
    """Such a group; none of its processes outlives it. Raises `OSError`."""
    group = Limited.make()
    try:
        yield group
    finally:
        disband(group.folder)


def obstacle() -> str | None:
    """Why there is no such group here."""
    try:
        with limited():
            return None
    except OSError as error:
        return str(error)
