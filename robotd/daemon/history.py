"""What clients ask of the past: rows of the journal, causes, and what became of commands."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from robotd.core.stage import JOURNALED
from robotd.daemon.engine import Engine
from robotd.errors import Refused
from robotd.journal.journal import SLOW_S
from robotd.journal.kinds import BURIED, COMMAND, KINDS, TERMINAL
from robotd.journal.row import Row
from robotd.journal.store import Rows, Select
from robotd.wire.records import page
from robotd.wire.service import JournalQuery, PastStages

READ_AFTER_S = 0.1
"""A question waits at most so long for the rows that are being written."""


class History:
    """Answers from the journal, which is read beside the loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def _read(self, question: Callable[[Rows], Any]) -> Any:
        """What was written until now is in the answer, as far as the disk is quick enough."""
        await self._engine.journal.settle(READ_AFTER_S)
        return await self._engine.opened.read(question)

    async def read(self, query: JournalQuery) -> dict[str, Any]:
        """The rows that a client asks for. Raises `Refused` for a kind that there is not."""
        from robotd.journal.reader import to_json

        for kind in query.kinds:
            if kind not in KINDS:
                raise Refused("invalid_params", f"there is no kind {kind!r} of rows", hint=", ".join(KINDS))
        select = Select(
            since=query.since_seq,
            until=query.until_seq,
            kinds=tuple(query.kinds),
            id=query.id,
            trace=query.trace_id,
            device=query.device,
        )

        def ask(rows: Rows) -> dict[str, Any]:
            last_seq = rows.last_seq
            found = rows.rows(select, limit=query.limit, newest_first=query.newest_first)
            return page(map(to_json, found), query, last_seq)

        answer: dict[str, Any] = await self._read(ask)
        return answer

    async def why(self, about: str | int | None) -> dict[str, Any]:
        """Why something came about, or why nothing moves. Raises `Refused` for what is not in the journal."""
        from robotd.journal.why import NotInJournal, explain

        try:
            answer: dict[str, Any] = await self._read(lambda rows: explain(rows, about, zone=None).as_data())
        except NotInJournal as error:
            raise Refused("invalid_params", str(error), hint=error.hint) from None
        return answer

    async def stages(self, since_seq: int, most: int) -> PastStages:
        """What became of commands after a row."""
        select = Select(since=since_seq, kinds=(COMMAND, *sorted(TERMINAL)))

        journal = self._engine.journal
        written = journal.seq
        # What was accepted while nobody followed is told to nobody: it must be found.
        await journal.settle(SLOW_S)
        if journal.durable_seq < written:
            raise Refused("journal_unavailable", "the journal's disk is slow", hint="ask again in a second")

        def ask(rows: Rows) -> PastStages:
            newest = list(rows.rows(select, limit=most + 1, newest_first=True))
            gap = newest[most - 1].seq if len(newest) > most else None
            return PastStages([_stage(row) for row in reversed(newest[:most])], rows.last_seq, gap)

        answer: PastStages = await self._engine.opened.read(ask)
        return answer

    async def bury(self, letter: int, how: str, by: str) -> dict[str, Any]:
        """A person has dealt with the dead letter in row `letter`; durable when this returns.

        Raises `Refused`.
        """
        if letter > self._engine.journal.seq:
            raise Refused("invalid_params", f"there is no row {letter}", hint="robotd dead list")
        row = self._engine.journal.write(BURIED, {"letter": letter, "how": how, "by": by})
        durable = asyncio.Event()
        self._engine.journal.when_durable(row, durable.set)
        await durable.wait()
        return {"letter": letter, "how": how, "seq": row}


def _stage(row: Row) -> Mapping[str, Any]:
    """As the topic `stage` told it."""
    data = row.data
    stage = data.get("stage", JOURNALED) if row.kind in TERMINAL else JOURNALED
    told = {"id": row.id, "stage": stage, "at": row.at, "trace_id": row.trace, "seq": row.seq}
    return told | {name: data[name] for name in ("state", "reason", "result", "error") if name in data}
