"""Who has a port open. Looks into /proc and opens no port."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

ROOT = Path("/")
COMMAND_LENGTH = 60
"""How much of a holder's command line is told."""
_LOCK = re.compile(
    r"\d+: FLOCK +\S+ +\S+ +(?P<pid>\d+) (?P<major>[0-9a-f]+):(?P<minor>[0-9a-f]+):(?P<inode>\d+) "
)
"""A line of `/proc/locks` (proc(5)) that tells of a whole file, as who opens a port exclusively locks it."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has a port open."""

    pid: int
    command: str

    def __str__(self) -> str:
        who = "this process" if self.pid == os.getpid() else self.command
        return f"{who} (pid {self.pid})"


def find_holders(port: str, root: Path = ROOT) -> tuple[Holder, ...]:
    """The processes that have `port` open, by their number.

    Those of other users are only seen where they locked it, as robotd does, or where root asks.
    """
    processes = root / "proc"
    device = os.path.realpath(port)
    open_by = {int(path.name) for path in processes.glob("[0-9]*") if _has(path, device)}
    return tuple(
        Holder(pid, _command(processes / str(pid))) for pid in sorted(open_by | {*_locked_by(device, root)})
    )


def _has(process: Path, device: str) -> bool:
    try:
        return any(os.readlink(process / "fd" / number) == device for number in os.listdir(process / "fd"))
    except OSError:  # it ended meanwhile, or it is another user's
        return False


def _locked_by(device: str, root: Path) -> Iterator[int]:
    """Who has a lock on it: everybody may read these lines, whoever the process belongs to."""
    try:
        info = os.stat(device)
        lines = (root / "proc" / "locks").read_text()
    except OSError:  # no such port, or no such list
        return
    wanted = (os.major(info.st_dev), os.minor(info.st_dev), info.st_ino)
    for match in _LOCK.finditer(lines):
        if (int(match["major"], 16), int(match["minor"], 16), int(match["inode"])) == wanted:
            yield int(match["pid"])


def _command(process: Path) -> str:
    try:
        words = (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return "a process"
    # The folders of the interpreter and of its script would fill the line.
    options = [*takewhile(lambda word: word.startswith(b"-"), words[1:])] if b"python" in words[0] else []
    head = len(options) + 2
    words[:head] = [word.rpartition(b"/")[2] for word in words[:head]]
    return b" ".join(words).decode(errors="replace").strip()[:COMMAND_LENGTH] or "a process"
