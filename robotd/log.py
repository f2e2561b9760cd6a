"""The log: pretty on a terminal, one JSON object a line elsewhere. The only file that imports structlog."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import suppress
from datetime import datetime
from typing import Any, NoReturn, TextIO

import structlog

from robotd.clock import WallClock, wall_time
from robotd.core.decision import Decision, Outcome

FLUSH_S = 0.05
"""Decisions are collected for so long and rendered together: 0.5 us each on the hot path instead of 5."""
LINES_AT_MOST = 2_000
"""So many decisions wait for the next flush; what comes on top is counted and said, not kept."""


def configure(level: str = "info", stream: TextIO | None = None, *, pretty: bool | None = None) -> None:
    """Set up structlog for the process: to `stream` (standard error), pretty where it is a terminal."""
    out = stream or sys.stderr
    if pretty is None:
        pretty = out.isatty()
    renderers: list[Any] = (
        # A plain traceback: rich draws a beautiful one, and takes 100 ms of the loop for it.
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if pretty
        else [structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer(_dumps)]
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            # Lines that were collected bring the time of what they tell.
            structlog.processors.MaybeTimeStamper(fmt="iso", utc=True),
            *renderers,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.WriteLoggerFactory(
            _Unfailing(out)  # type: ignore[arg-type]  # of a file, it only writes and flushes
        ),
        cache_logger_on_first_use=True,
    )
    # `transitions` and `websockets` talk a lot, and not in our lines.
    logging.getLogger("transitions").setLevel(logging.CRITICAL)
    logging.getLogger("websockets").setLevel(logging.CRITICAL)


class _Unfailing:
    """A stream that never fails: a full disk, or a reader that went away, must not break off a stop."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        """Write what can be written."""
        with suppress(OSError, ValueError):
            self._stream.write(text)

    def flush(self) -> None:
        """Flush what can be flushed."""
        with suppress(OSError, ValueError):
            self._stream.flush()


def _dumps(value: Any, **options: Any) -> str:
    return json.dumps(value, **{"default": str, **options})


def get(name: str) -> Any:
    """A logger that names its part of the daemon on every line."""
    return structlog.get_logger(part=name)


def telling(tell: Callable[[str, str, Mapping[str, Any]], None] | None) -> Any:
    """A logger that writes nothing: it tells level, event and the rest of each line; None: to nobody."""

    def drop(_logger: Any, level: str, said: MutableMapping[str, Any]) -> NoReturn:
        if tell is not None:
            tell(level, str(said.pop("event", "")), said)
        raise structlog.DropEvent

    level = logging.CRITICAL if tell is None else logging.INFO
    return structlog.wrap_logger(
        None, processors=[drop], wrapper_class=structlog.make_filtering_bound_logger(level)
    )


class DecisionLog:
    """One line for each decision, with its trace id; rendered in batches, off the path to the devices."""

    def __init__(self, log: Any, wall_clock: WallClock = wall_time) -> None:
        self._log = log
        self._wall_clock = wall_clock
        self._waiting: list[tuple[Decision, datetime]] = []
        self._left_out = 0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def wanted(self) -> bool:
        """Whether lines of this level are written at all."""
        return bool(self._log.is_enabled_for(logging.INFO))

    def observe(self, decision: Decision) -> None:
        """Take one decision for the next flush."""
        if len(self._waiting) >= LINES_AT_MOST:
            self._left_out += 1
            return
        self._waiting.append((decision, self._wall_clock()))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_S, self.flush)

    def flush(self) -> None:
        """Write what has been collected."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self._waiting = self._waiting, []
        for decision, when in waiting:
            log = self._log.debug if decision.outcome is Outcome.IGNORED else self._log.info
            log("decision", **line(decision), timestamp=when.isoformat().replace("+00:00", "Z"))
        if self._left_out:
            self._log.warning("decisions not logged", count=self._left_out)
            self._left_out = 0


def line(decision: Decision) -> Mapping[str, Any]:
    """What the one line of a decision says."""
    message = decision.message
    said: dict[str, Any] = {
        "trigger": message.type,
        "outcome": decision.outcome.value,
        "trace_id": message.trace_id,
        "id": message.id,
        "source": message.source,
        "state": " ".join(decision.after),
    }
    if decision.before != decision.after:
        said["before"] = " ".join(decision.before)
    if decision.starts:
        said["starts"] = [start.do.name for start in decision.starts]
    if decision.refusal is not None:
        said["reason"] = decision.refusal.reason
        said["why"] = decision.refusal.message
    if decision.note:
        said["note"] = decision.note
    if message.correlation_id is not None:
        said["correlation_id"] = message.correlation_id
    return said
