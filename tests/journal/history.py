"""Journals written by hand, a row a line, for what reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from robotd.journal.memory import MemoryStore
from robotd.journal.row import BEGINNING, Row, make

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
BOOT = "b00700000001"
TRACE = "0af7651916cd43dd8448eb211c80319c"


class History:
    """Rows one after the other, a tenth of a second apart where nothing else is said."""

    def __init__(self, *, boot: str = BOOT, noon: datetime = NOON) -> None:
        self.rows = MemoryStore()
        self.boot = boot
        self.at = 0.0
        self.noon = noon
        """What the clock on the wall says at the monotonic time 0."""
        self._hash = BEGINNING

    def add(
        self,
        kind: str,
        about: str | None = None,
        *,
        after_s: float = 0.1,
        trace: str = TRACE,
        **body: Any,
    ) -> Row:
        """Write the next row, about the message of that id."""
        self.at = round(self.at + after_s, 6)
        wall = (self.noon + timedelta(seconds=self.at)) - datetime(1970, 1, 1, tzinfo=UTC)
        seq = self.rows.last_seq + 1
        micros = wall // timedelta(microseconds=1)
        row = make(self._hash, seq, self.boot, self.at, micros, kind, about, trace, body)
        self._hash = row.hash
        self.rows.commit([row])
        return row


def ann_drives(history: History) -> None:
    """A start, a command that runs and ends, one that is refused, a stop: a little of everything."""
    add = history.add
    add(
        "boot",
        robot="rover",
        version="0.1.0",
        file="rover.yaml",
        simulated=["arduino"],
        chart={"version": 1, "regions": [{"name": "main"}, {"name": "health"}], "commands": []},
        units={"battery.value": "V", "bumper.active": "bool"},
    )
    add("readings", values={"battery.value": 12.1, "bumper.active": False, "range.value": None})
    add("session", what="opened", source="ws:ann")
    add("command", "c1", type="drive", payload={"linear": 0.2}, source="ws:ann", lane="command")
    add(
        *("decision", "c1"),
        type="drive",
        source="ws:ann",
        command=True,
        outcome="stayed",
        before=["armed.teleop", "fine"],
        after=["armed.teleop", "fine"],
        starts=["base.drive"],
    )
    add("started", "c1", action="base.drive", type="drive", source="ws:ann")
    add("ended", "c1", stage="done", state="armed.teleop", type="drive", source="ws:ann", reason="freshness")
    add("command", "c2", type="drive", payload={"linear": 0.3}, source="ws:ann", lane="command")
    add(
        *("decision", "c2"),
        type="drive",
        source="ws:ann",
        command=True,
        outcome="refused",
        before=["armed.teleop", "fine"],
        after=["armed.teleop", "fine"],
        refusal={
            "reason": "guard_false",
            "message": "drive: its condition does not hold",
            "expression": "not bumper.active",
            "values": {"bumper.active": True},
        },
    )
    add(
        *("dead", "c2"),
        stage="rejected",
        state="armed.teleop",
        type="drive",
        source="ws:ann",
        reason="guard_false",
        started=False,
        error={"code": -32004, "message": "drive: its condition does not hold", "data": {"hint": "back off"}},
    )
    add("stop", "s1", reason="somebody on the track", by="unix", latch_id="latch-1", epoch=1)
    add(
        *("decision", "s1"),
        type="estop",
        source="unix",
        outcome="moved",
        before=["armed.teleop", "fine"],
        after=["estopped", "fine"],
    )
