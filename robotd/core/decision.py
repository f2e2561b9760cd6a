"""What the machine answers to one message. One value, many readers: executor, answer, log, journal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from robotd.core.chart import Do, State
from robotd.core.message import Message


class Outcome(StrEnum):
    """What became of the message."""

    MOVED = "moved"
    """At least one region changed or re-entered a state."""
    STAYED = "stayed"
    """An internal transition: its actions run, no state was left."""
    IGNORED = "ignored"
    """An event that means nothing in the present states, or one of an earlier entry."""
    REFUSED = "refused"
    """A command that may not be carried out now; `Decision.refusal` says why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One stay in one state, from entering to leaving. Its number is never used again."""

    number: int
    state: State


class Start(NamedTuple):
    """Run `do`, owned by the stay `entry`: when that stay ends, it is cancelled."""

    do: Do
    entry: Entry


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a command is not carried out: a `reason` of the error table, and what a client needs to mend it."""

    reason: str
    message: str
    data: Mapping[str, Any]


@dataclass(slots=True, eq=False)
class Decision:
    """What one message did. Treated as frozen (see `Message` for why it is not declared so)."""

    message: Message
    outcome: Outcome
    before: tuple[str, ...]
    """The leaf state of each region, in the order of the chart (empty before the start), before..."""
    after: tuple[str, ...]
    """...and after."""
    exits: tuple[Entry, ...] = ()
    """The stays that ended, innermost first. Not those of states that were only passed through..."""
    entries: tuple[Entry, ...] = ()
    """...and the stays that began, outermost first."""
    starts: tuple[Start, ...] = ()
    """What to run now: the actions of the transitions taken, then those of the states entered."""
    refusal: Refusal | None = None
    note: str = ""
    """For an ignored event: why (`unhandled`, `outdated`, `guard_false`, `stale`)."""
