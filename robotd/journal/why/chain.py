"""From a row to its cause, and from that to the cause of that, down to the root."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from robotd.journal import telling
from robotd.journal.kinds import (
    BOOT,
    BUG,
    DECISION,
    DEVICE,
    FALL,
    HALT,
    JOURNAL,
    LEASE,
    RESET,
    SESSION,
    SHUTDOWN,
    STOP,
)
from robotd.journal.row import Row
from robotd.journal.why.case import Case, Fact
from robotd.journal.why.commands import COMMANDS, refused
from robotd.journal.why.decisions import decision, stopping
from robotd.journal.why.halts import halt
from robotd.journal.why.leases import lease
from robotd.journal.why.lives import bug, device, reset, stop
from robotd.journal.why.process import boot, fall, journal, session, shutdown

FACTS_AT_MOST = 12


def chain(case: Case, start: Row | Fact) -> list[Fact]:
    """What happened, its cause, the cause of that... A row that came up before ends it.

    Where the search for the last cause was given up, the last phrase says so.
    """
    facts: list[Fact] = []
    told: set[tuple[int, str]] = set()
    step: Row | Fact | None = start
    while step is not None and len(facts) < FACTS_AT_MOST:
        case.ran_out = None
        fact = step if isinstance(step, Fact) else tell(case, step)
        if (fact.row.seq, fact.phrase) in told:
            break
        told.add((fact.row.seq, fact.phrase))
        if fact.because is None and case.ran_out is not None:
            fact = replace(fact, phrase=f"{fact.phrase} (rows before #{case.ran_out} were not looked at)")
        facts.append(fact)
        step = fact.because
    return facts


def tell(case: Case, row: Row) -> Fact:
    """What a row says, with what it followed from."""
    if row.kind == DECISION:
        row = stopping(case, row)
    teller = _TELLERS.get(row.kind)
    try:
        return _other(case, row) if teller is None else teller(case, row)
    except (LookupError, TypeError, ValueError, AttributeError):
        # Rows of a later version, or of a damaged journal: what can be said of them is said.
        return _other(case, row)


def _other(case: Case, row: Row) -> Fact:
    """A row that explains itself."""
    text = telling.tell(row)
    return Fact(row, f"{text} at {case.clock(row)}", f"{text}.")


def _decided(case: Case, row: Row) -> Fact:
    return refused(case, row) if row.data["outcome"] == "refused" else decision(case, row)


_TELLERS: Mapping[str, Callable[[Case, Row], Fact]] = {
    DECISION: _decided,
    HALT: halt,
    STOP: stop,
    RESET: reset,
    DEVICE: device,
    BUG: bug,
    FALL: fall,
    LEASE: lease,
    SESSION: session,
    BOOT: boot,
    SHUTDOWN: shutdown,
    JOURNAL: journal,
    **COMMANDS,
}
