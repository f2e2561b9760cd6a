"""The latch: why the robot is stopped, and where that is kept until somebody resets it.

The file `latch.json` is one JSON object {`latch_id`, `reason`, `by`, `wall`}, the last in seconds since 1970.
The guard process writes it, too. That it is there means latched, whatever is in it.
"""

from __future__ import annotations

import asyncio
import math
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from robotd.files import sync_folder
from robotd.json import encode, parse

FILE = "latch.json"
"""Its name in the robot's state folder."""
LONGEST_BYTES = 65_536
"""A longer file is none that robotd wrote."""
AGAIN_S = 1.0
"""A latch that could not be kept is tried again so often, until it is kept or taken back."""
END_S = 2.0
"""At the end of the daemon a disk that hangs is waited for so long."""


@dataclass(frozen=True, slots=True)
class Latch:
    """Why the robot is stopped. It stays until `reset` names this very stop."""

    latch_id: str
    reason: str
    by: str
    at: float
    """The loop time of the stop; of one before this start, what that would have been."""
    kept: bool = False
    """The stop was before the start of this daemon."""

    def refusal_data(self, now: float) -> dict[str, Any]:
        """For refusals, where `reason` is the refusal's own."""
        return {
            "latch_id": self.latch_id,
            "why": self.reason,
            "who": self.by,
            "age_s": round(now - self.at, 3),
        }

    def as_data(self, now: float) -> dict[str, Any]:
        """For answers: how long ago instead of when."""
        return {
            "latch_id": self.latch_id,
            "reason": self.reason,
            "by": self.by,
            "age_s": round(now - self.at, 3),
            "kept": self.kept,
        }


class LatchStore(Protocol):
    """Where the latch outlives the daemon. Nothing of it raises, and only `close` waits."""

    path: Path | None
    """The file; None in memory."""
    trouble: str | None
    """Why it does not hold what it was told last; None while all is well."""
    on_trouble: Callable[[str | None], None]
    """Told when that begins, and when it is over (None)."""

    def read(self, now: float, wall: float, new_id: Callable[[], str]) -> Latch | None:
        """What was left there. `wall`: the time on the wall now, in seconds since 1970."""

    def keep(self, latch: Latch, wall: float) -> None:
        """Hold this one from now on."""

    def forget(self) -> None:
        """It was taken back. A crash before this is durable leaves the robot latched."""

    def close(self) -> None:
        """The daemon ends: bring what it was told last to its end. Waits at most `END_S`."""


class LatchInMemory:
    """Outlives a simulated daemon."""

    def __init__(self, content: bytes | None = None) -> None:
        self.content = content
        """What the file would say."""
        self.path: Path | None = None
        self.trouble: str | None = None
        self.on_trouble: Callable[[str | None], None] = _nobody

    def read(self, now: float, wall: float, new_id: Callable[[], str]) -> Latch | None:
        """As `LatchStore.read`."""
        return None if self.content is None else _decode(self.content, "the latch", now, wall, new_id)

    def keep(self, latch: Latch, wall: float) -> None:
        """As `LatchStore.keep`."""
        self.content = _encode(latch, wall)

    def forget(self) -> None:
        """As `LatchStore.forget`."""
        self.content = None

    def close(self) -> None:
        """As `LatchStore.close`."""


class _Work(NamedTuple):
    """Something to do with the file, and what it means when that fails."""

    do: Callable[[], None]
    otherwise: str


class LatchFile:
    """On a disk, written by one thread, so that the loop waits for no fsync.

    The thread does what it was told last, and may pass by what it was told before: a thousand stops while the
    disk hangs are one file. What it cannot do it tries again every `AGAIN_S`.
    """

    def __init__(self, path: Path, loop: asyncio.AbstractEventLoop) -> None:
        self.path: Path | None = path
        self.trouble: str | None = None
        self.on_trouble: Callable[[str | None], None] = _nobody
        self._loop = loop
        self._file, self._new = path, path.with_name(f"{path.name}.new")
        self._wanted: _Work | None = None
        self._told = threading.Event()
        self._ending = False
        # A daemon thread: a disk that hangs for ever does not hold up the end of the process.
        self._thread = threading.Thread(target=self._run, name="latch", daemon=True)
        self._thread.start()

    def read(self, now: float, wall: float, new_id: Callable[[], str]) -> Latch | None:
        """As `LatchStore.read`. Blocks: it is for the start."""
        try:
            with self._file.open("rb") as file:
                content = file.read(LONGEST_BYTES + 1)
        except OSError as error:
            missing = isinstance(error, FileNotFoundError | NotADirectoryError)
            if missing and not os.path.lexists(self._file):
                return None
            return _unread(f"{self._file}, which cannot be read ({error.strerror})", now, new_id)
        return _decode(content, str(self._file), now, wall, new_id)

    def keep(self, latch: Latch, wall: float) -> None:
        """As `LatchStore.keep`."""
        self._tell(_Work(partial(self._write, latch, wall), "this stop is not kept over a restart"))

    def forget(self) -> None:
        """As `LatchStore.forget`."""
        self._tell(_Work(self._remove, "the next start will find the stop that was reset"))

    def close(self) -> None:
        """As `LatchStore.close`."""
        self._ending = True
        self._told.set()
        self._thread.join(END_S)

    def _tell(self, work: _Work) -> None:
        self._wanted = work
        self._told.set()

    def _run(self) -> None:
        done: _Work | None = None
        ending = False
        while not ending:
            self._told.wait(None if self.trouble is None else AGAIN_S)
            self._told.clear()
            ending = self._ending  # looked at first: at the end nothing more is told
            work = self._wanted
            if work is not None and work is not done and self._has_done(work):
                done = work

    def _has_done(self, work: _Work) -> bool:
        trouble = None
        try:
            work.do()
        except Exception as error:
            trouble = f"{work.otherwise}: {error}"
        if trouble != self.trouble:
            self.trouble = trouble
            with suppress(RuntimeError):  # the loop is closed: nobody is left who wants to know
                self._loop.call_soon_threadsafe(self.on_trouble, trouble)
        return trouble is None

    def _write(self, latch: Latch, wall: float) -> None:
        """All of it or nothing, whenever the power fails."""
        new = os.open(self._new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(new, "wb") as file:
                file.write(_encode(latch, wall))
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            # The disk is full: even an empty file says that there was a stop.
            if not self._file.exists():
                self._new.replace(self._file)
            raise
        self._new.replace(self._file)
        sync_folder(self._file.parent)

    def _remove(self) -> None:
        self._file.unlink(missing_ok=True)
        sync_folder(self._file.parent)


def _nobody(_trouble: str | None) -> None:
    pass


def _encode(latch: Latch, wall: float) -> bytes:
    return encode({"latch_id": latch.latch_id, "reason": latch.reason, "by": latch.by, "wall": wall})


def _decode(content: bytes, where: str, now: float, wall: float, new_id: Callable[[], str]) -> Latch:
    try:
        said = parse(content)
        latch_id, reason, by, at_wall = (said[key] for key in ("latch_id", "reason", "by", "wall"))
        texts = all(type(text) is str for text in (latch_id, reason, by))
        number = type(at_wall) in (int, float) and math.isfinite(at_wall)
        if not (texts and latch_id and number) or len(content) > LONGEST_BYTES:
            raise ValueError("a value of another kind, or too much")
    except (ValueError, LookupError, TypeError, OverflowError, RecursionError):
        return _unread(f"{where}, which is no latch that robotd wrote", now, new_id)
    # A clock on the wall that went back meanwhile makes a stop no younger than none.
    return Latch(latch_id, reason, by, now - max(0.0, wall - at_wall), kept=True)


def _unread(found: str, now: float, new_id: Callable[[], str]) -> Latch:
    """What is there and cannot be understood may have been a stop: it counts as one."""
    return Latch(new_id(), f"a stop was kept in {found}", "an earlier start", now, kept=True)
