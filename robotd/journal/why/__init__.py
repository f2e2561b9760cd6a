"""Why something happened, or why the robot stands still: the causal chain, in sentences, from the rows.

`explain` only reads rows. It searches backwards from what is asked about, always within bounds, so that it is
quick on a journal of any size; what lies further back is said not to have been looked at.

    base stopped (freshness, 412 ms) <- last drive #812 from ws:127.0.0.1:40112 at 14:02:11.310 <- client
    silent since 14:02:11.310, connection closed at 14:02:13.412 (no pong)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, tzinfo
from typing import Any

from robotd.journal.kinds import COMMAND, DEAD, DECISION, DEVICE, ENDED, HALT, STARTED
from robotd.journal.row import Row
from robotd.journal.store import Rows
from robotd.journal.why.case import REACH_ROWS, Case, Fact
from robotd.journal.why.chain import chain, tell
from robotd.journal.why.commands import unfinished
from robotd.journal.why.explanation import Explanation, Link, NotInJournal
from robotd.journal.why.lives import LOST
from robotd.journal.why.standing import standing

__all__ = ["REACH_ROWS", "Explanation", "Link", "NotInJournal", "explain"]

_TWO_MARKS = re.compile(r"([?!])\.")
"""Where a sentence of a board, which may be a question, ends one of ours."""
_TRACE = re.compile(r"[0-9a-f]{32}")


def explain(
    rows: Rows, about: str | int | None = None, *, zone: tzinfo | None = UTC, runs: bool = True
) -> Explanation:
    """Why `about` is as it is: the number of a row, the id of a message or a command, or a trace id.

    None: why the robot stands still now. Times are those of `zone` (None: of this machine). `runs` is false
    where it is known that no daemon writes this journal any more. Raises `NotInJournal`.
    """
    case = Case(rows, zone)
    if case.newest is None:
        raise NotInJournal("the journal is empty", "it is written from the start of the daemon on")
    start = standing(case, case.newest, runs=runs) if about is None else _row_of(case, about)
    facts = chain(case, start)
    phrases = [_line(fact.phrase) for fact in facts if not _goes_without_saying(fact, facts[0])]
    life = _life(case, facts) if about is not None else ()
    told = sorted([*facts, *life], key=lambda fact: fact.row.seq)
    return Explanation(tuple(_link(fact) for fact in told), " <- ".join(phrases))


def _goes_without_saying(fact: Fact, first: Fact) -> bool:
    """That a device was lost, where it is told what stopped with it and which board it was on."""
    if fact.row.kind != DEVICE or fact is first or fact.because is None:
        return False
    return fact.row.data.get("state") in LOST


def _life(case: Case, facts: list[Fact]) -> Iterator[Fact]:
    """What else the journal has of the command that is explained: how it came, began and ended."""
    first = facts[0].row
    command_id = first.data.get("command") if first.kind == HALT else first.id
    if first.kind not in (ENDED, DEAD, HALT) or command_id is None:
        return
    end = case.about(command_id, ENDED, DEAD, near=first)
    refused = end is not None and end.data.get("stage") == "rejected"
    kinds = (COMMAND,) if refused else (COMMAND, DECISION, STARTED)
    told = {fact.row.seq for fact in facts}
    for row in (*(case.about(command_id, kind, near=first) for kind in kinds), end):
        if row is not None and row.seq not in told:
            yield tell(case, row)


def _link(fact: Fact) -> Link:
    row = fact.row
    return Link(row.seq, row.at, row.wall, row.kind, _TWO_MARKS.sub(r"\1", _line(fact.sentence)))


def _line(text: str) -> str:
    return " ".join(text.split())


def _row_of(case: Case, about: str | int) -> Row | Fact:
    """The row that says how it ended, where it is about a command; else the row itself."""
    if isinstance(about, int):
        newest = 0 if case.newest is None else case.newest.seq
        row = case.at(about) if 0 < about <= newest else None
        if row is None:
            raise NotInJournal(f"the journal has no row {about}", f"its newest is {newest}")
        if row.id is None or row.kind not in (COMMAND, DECISION):
            return row
    else:
        row = case.about(about)
        if row is None and _TRACE.fullmatch(about):
            row = case.of_trace(about)
        if row is None:
            raise NotInJournal(
                f"the journal has no row about {about!r}",
                "a command that was refused at the door leaves no row; its answer said why",
            )
    if row.id is None:
        return row
    end = case.about(row.id, ENDED, DEAD, near=row)
    if end is not None:
        return _later(case, end) or end
    decided = case.about(row.id, DECISION, near=row)
    asked = case.about(row.id, COMMAND, near=row)
    if asked is None or (decided is not None and decided.data.get("outcome") == "refused"):
        return decided or row
    return unfinished(case, asked)


def _later(case: Case, end: Row) -> Row | None:
    """What became of the state to which a command led, where that stood still in the end."""
    if end.data.get("stage") != "done" or end.data.get("reason"):
        return None

    def its(_: Row, body: Mapping[str, Any]) -> bool:
        return body.get("command") == end.id

    return case.next(HALT, where=its, above=end.seq, boot=end.boot)
