"""How the daemon before this one fell, from the last words that Python's `faulthandler` left of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from robotd.journal.journal import Journal
from robotd.journal.kinds import FALL

FRAMES_KEPT = 40
"""So many are kept, from the innermost outwards."""

_BLOCKED = "Timeout ("
_FATAL = "Fatal Python error: "
_BEGINNING = re.compile(rf"^(?={re.escape(_BLOCKED)}|{_FATAL})", re.MULTILINE)
_THREAD = re.compile(r"^(?=(?:Current thread|Thread) 0x)", re.MULTILINE)
_FRAME = re.compile(r'File "([^"]+)", line (\d+) in (.+)')
_PACKAGE = re.escape(f"{Path(__file__).parents[1]}/")
_NOT_THE_USERS = re.compile(rf"^{_PACKAGE}|/hal/\w+/|/site-packages/|/python3\.\d+/|^<frozen")


@dataclass(frozen=True, slots=True)
class Fall:
    """What is known of it."""

    what: str
    """`blocked`: its loop stood still; `aborted`: SIGABRT, from the guard, from systemd's watchdog or from
    its own C code; `crashed`: another signal."""
    error: str
    """As `faulthandler` calls it: `Segmentation fault`."""
    where: str
    """The innermost line of the user's code: `patrol.py:14 in patrol`; without any, the innermost of all."""
    traceback: str
    """Of the thread that it is about, the innermost frame first."""

    def as_data(self) -> dict[str, Any]:
        """As the row has it."""
        return {
            "what": self.what,
            "error": self.error,
            "where": self.where,
            "traceback": self.traceback,
        }


def tell_fall(last_words: str, journal: Journal, log: Any, kept: Callable[[], None]) -> dict[str, Any]:
    """Write it down, and call `kept` when no crash can take that. Returns what `status` tells of it."""
    found = read(last_words)
    row = journal.write(FALL, found.as_data())
    journal.when_durable(row, kept)
    said = {"what": found.what, "error": found.error, "where": found.where}
    log.error("the daemon before this one fell", **said, row=row)
    return said | {"row": row}


def read(last_words: str) -> Fall:
    """Read what `faulthandler` wrote; of several tracebacks the newest, the last."""
    newest = _BEGINNING.split(last_words)[-1]
    headline = newest.partition("\n")[0].strip()
    # `faulthandler` tells the newest thread first: the loop's, the oldest, is the last.
    threads = _THREAD.split(newest)[1:]
    thread = next((text for text in threads if text.startswith("Current")), threads[-1] if threads else "")
    lines = [line.strip() for line in thread.splitlines()[1:] if line.strip()]
    if headline.startswith(_BLOCKED):
        what, error = "blocked", "the loop stood still for 1 s"
    else:
        error = headline.removeprefix(_FATAL)
        what = "aborted" if error == "Aborted" else "crashed"
    return Fall(what, error, _where(lines), "\n".join(lines[:FRAMES_KEPT]))


def _where(lines: list[str]) -> str:
    frames = [found.groups() for line in lines if (found := _FRAME.match(line))]
    if not frames:
        return ""
    users = [frame for frame in frames if not _NOT_THE_USERS.search(frame[0])]
    file, line, function = (users or frames)[0]
    return f"{file.rpartition('/')[2]}:{line} in {function}"
