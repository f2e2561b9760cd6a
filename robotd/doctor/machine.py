"""The machine as an examination sees it: files below a root, a user, and two things to ask."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

ANSWER_TIMEOUT_S = 2.0
"""How long a program that is asked may take."""


class User(NamedTuple):
    """Somebody on this machine."""

    name: str
    uid: int
    groups: frozenset[int]
    """Of this session: a group joined since is not among them."""


class Process(NamedTuple):
    """One that runs."""

    name: str
    command: Sequence[str]


class Mount(NamedTuple):
    """Where a file system is, which, and how it was mounted."""

    folder: Path
    kind: str
    options: Sequence[str]


def run_program(command: Sequence[str]) -> str | None:
    """What `command` prints; None where there is no such program, or it fails or hangs."""
    if shutil.which(command[0]) is None:
        return None
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=ANSWER_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def present_user() -> User:
    """Who runs this, or who runs it through sudo: it is their robot."""
    uid = int(os.environ.get("SUDO_UID", os.getuid()))
    groups = {os.getgid(), *os.getgroups()}
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return User(str(uid), uid, frozenset(groups if uid == os.getuid() else ()))
    if uid != os.getuid():
        joined = (group.gr_gid for group in grp.getgrall() if entry.pw_name in group.gr_mem)
        groups = {entry.pw_gid, *joined}
    return User(entry.pw_name, uid, frozenset(groups))


@dataclass(frozen=True, slots=True)
class Machine:
    """Nothing of it is changed. A test lays a tree of its own below `root`."""

    now_s: float
    """The wall clock."""
    root: Path = Path("/")
    user: User = field(default_factory=present_user)
    ask: Callable[[Sequence[str]], str | None] = run_program
    """What a program prints; None without an answer."""
    program: Sequence[str] = ("robotd",)
    """How robotd is started there: sudo(8) looks for it elsewhere than a shell does."""
    free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free

    def at(self, path: str | Path) -> Path:
        """The file that `path` means on that machine; one that is already below its root is itself."""
        return Path(path) if Path(path).is_relative_to(self.root) else self.root / str(path).lstrip("/")

    def shown(self, path: Path | str) -> str:
        """`path` as that machine's own users know it."""
        path = Path(path)
        return str("/" / path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)

    def text(self, path: str | Path) -> str:
        """What a file says; nothing where there is none, or it may not be read."""
        try:
            return self.at(path).read_text(errors="replace").strip()
        except OSError:
            return ""

    def glob(self, pattern: str) -> list[Path]:
        """The files that there are, in order."""
        return sorted(self.root.glob(pattern.lstrip("/")))

    def number(self, path: str | Path) -> int | None:
        """What a file says as a number; None where it says none."""
        text = self.text(path)
        return int(text) if text.lstrip("-").isdecimal() else None

    def processes(self) -> Iterator[Process]:
        """All that run, as far as this user may see them."""
        for folder in self.glob("proc/[0-9]*"):
            yield Process(self.text(folder / "comm"), self.text(folder / "cmdline").strip("\0").split("\0"))

    def mounts(self) -> list[Mount]:
        """What is mounted, later ones over earlier ones."""
        fields = (line.split() for line in self.text("proc/mounts").splitlines())
        return [Mount(self.at(at), kind, options.split(",")) for _, at, kind, options, *_ in fields]

    def mount_of(self, path: Path) -> Mount | None:
        """The file system that `path` is on, whether it exists or not."""
        under = [mount for mount in self.mounts() if path.is_relative_to(mount.folder)]
        return max(under, key=lambda mount: len(mount.folder.parts), default=None)

    def groups(self) -> Mapping[str, tuple[int, Sequence[str]]]:
        """By name: number and members."""
        entries = (line.split(":") for line in self.text("etc/group").splitlines())
        return {entry[0]: (int(entry[2]), entry[3].split(",")) for entry in entries if _is_of(entry, 4)}

    def users(self) -> Mapping[str, tuple[int, int]]:
        """By name: number and first group."""
        entries = (line.split(":") for line in self.text("etc/passwd").splitlines())
        return {entry[0]: (int(entry[2]), int(entry[3])) for entry in entries if _is_of(entry, 7)}


def _is_of(entry: Sequence[str], size: int) -> bool:
    """Whether it is one of group(5) or passwd(5): other lines mean other sources."""
    return len(entry) == size and entry[2].isdecimal() and (size < 7 or entry[3].isdecimal())
