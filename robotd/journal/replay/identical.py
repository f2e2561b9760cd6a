"""Whether the recorded machine, told the recorded messages, decides at every row as it did."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from robotd.core.decision import Outcome
from robotd.core.machine import StateMachine
from robotd.journal.decided import ANSWERS, answer
from robotd.journal.kinds import SHUTDOWN
from robotd.journal.replay.player import Decided, Player, unreadable
from robotd.journal.row import Row
from robotd.journal.store import ALL, Rows, Select

TOLD_EVERY = 1_000
"""So many rows lie between two reports of progress."""
RULE = "rule:"
"""What the source of an event begins with that a rule has fired."""


class Difference(NamedTuple):
    """One thing that a row says otherwise. None on a side that says nothing of it."""

    key: str
    journal: Any
    replayed: Any


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first row at which the machine did not do the same again."""

    row: Row
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of a replay."""

    rows: int
    """Read, those passed over included."""
    decisions: int
    boots: int
    passed_over: int
    """Rows before the first `boot` row; the journal's oldest part is removed when it grows too large."""
    divergence: Divergence | None
    """None: it did the same at every row. Nothing is played after one."""


def replay(rows: Rows, select: Select = ALL, progress: Callable[[int], None] = lambda _: None) -> Report:
    """Play the selected rows. `progress` is told now and then how many have been read.

    Raises `JournalError` for a row that cannot be played.
    """
    player, divergence, count = Player(), None, 0
    for count, row in enumerate(rows.rows(select), start=1):
        decided = player.take(row)
        if decided is not None:
            found = tuple(differences(decided))
        elif row.kind == SHUTDOWN and player.boot is not None:
            found = tuple(_at_the_end(row, player.boot.machine))
        else:
            found = ()
        if found:
            divergence = Divergence(row, found)
            break
        if count % TOLD_EVERY == 0:
            progress(count)
    progress(count)
    return Report(
        rows=count,
        decisions=player.decisions,
        boots=player.boots,
        passed_over=player.passed_over,
        divergence=divergence,
    )


def differences(decided: Decided) -> Iterator[Difference]:
    """What of a decision is not as its row says."""
    body, decision = decided.body, decided.decision
    now = answer(decision, decided.machine.digest() if decision.outcome is Outcome.MOVED else None)
    for key in ANSWERS:
        if body.get(key) != now.get(key):
            yield Difference(key, body.get(key), now.get(key))
    saw, looked = body.get("saw", {}), decided.looked
    # The row of an event that a rule has fired says what the rule saw, too.
    if looked != saw and (looked.keys() - saw.keys() or not body["source"].startswith(RULE)):
        yield Difference("saw", saw, looked)


def _at_the_end(row: Row, machine: StateMachine) -> Iterator[Difference]:
    try:
        state, now = row.data["state"], machine.digest()
    except (ValueError, LookupError, TypeError) as error:
        raise unreadable(row, error) from error
    if state != now:
        yield Difference("state", state, now)
