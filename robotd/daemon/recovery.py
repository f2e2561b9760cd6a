"""What a start makes of what the last daemon left open. Nothing of it is run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from robotd.core.stage import EXPIRED, UNKNOWN, Stage
from robotd.journal.journal import Journal
from robotd.journal.kinds import DEAD, JOURNAL
from robotd.journal.store import Beginning, OpenCommand
from robotd.runtime.known import Known
from robotd.runtime.ledger import Ledger

RESTART = "restart"
"""Why a command ended that nobody carried to its end."""


def recover(beginning: Beginning, journal: Journal, ledger: Ledger, now: float) -> Mapping[str, Any]:
    """Settle every open command in the journal, and remember the ids that clients may send again.

    What had not started is `expired`: it is never run. What had is `unknown`: it may have moved something.
    Returns what `status` tells of it.
    """
    if beginning.found_broken is not None:
        journal.write(
            JOURNAL,
            {"what": "quarantined", "message": beginning.found_broken, "lost_rows": beginning.lost_rows},
        )
    counts: Counter[str] = Counter()
    ends: dict[str, Stage] = {}
    for command in beginning.open_commands:
        stage = UNKNOWN if command.started else EXPIRED
        counts[stage] += 1
        ends[command.id] = _settle(command, stage, journal, now)
    for remembered in beginning.remembered:
        ended = ends.get(remembered.id) if remembered.stage is None else None
        if remembered.stage is not None:
            ago_s = max(0.0, (journal.wall - remembered.wall) / 1e6)
            ended = Stage(
                remembered.id, remembered.stage, now - ago_s, "", "", remembered.reason, seq=remembered.seq
            )
        if ended is not None:
            ledger.known.remember(remembered.id, remembered.principal, Known(remembered.digest, ended))
    found: dict[str, Any] = {"commands": dict(counts)} if counts else {}
    if beginning.found_broken is not None:
        found["broken"] = beginning.found_broken
    if found:
        journal.write(JOURNAL, {"what": "recovered", **found})
    return found


def _settle(command: OpenCommand, stage: str, journal: Journal, now: float) -> Stage:
    data = {"stage": stage, "type": command.type, "source": command.source, "reason": RESTART}
    if not command.started:
        data["started"] = False  # type: ignore[assignment]  # the one value that is no text
    row = journal.write(DEAD, data, command.id, command.trace)
    return Stage(command.id, stage, now, "", command.trace, RESTART, seq=row)
