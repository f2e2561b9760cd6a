"""What a journal holds, counted: rows by kind and by boot, and how commands ended."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from robotd.journal.kinds import BOOT, TERMINAL
from robotd.journal.row import Row


@dataclass(slots=True)
class BootStats:
    """One run of the daemon, as far as the rows tell of it."""

    boot: str
    first: Row
    last: Row
    robot: str = ""
    version: str = ""
    rows: int = 0

    @property
    def lasted_s(self) -> float:
        """From its first row to its last, on the monotonic clock."""
        return self.last.at - self.first.at


class Stats:
    """Counts the rows that it is given, which come in order."""

    def __init__(self) -> None:
        self.rows = 0
        self.body_bytes = 0
        self.kinds: Counter[str] = Counter()
        self.ends: Counter[tuple[str, str]] = Counter()
        """How many commands ended in each terminal stage, by the reason ('' for none)."""
        self.boots: dict[str, BootStats] = {}

    def add(self, row: Row) -> None:
        """One row more."""
        self.rows += 1
        self.body_bytes += len(row.body)
        self.kinds[row.kind] += 1
        boot = self.boots.setdefault(row.boot, BootStats(row.boot, row, row))
        boot.rows += 1
        boot.last = row
        if row.kind == BOOT:
            body = row.data
            boot.robot, boot.version = body.get("robot", ""), body.get("version", "")
        elif row.kind in TERMINAL:
            body = row.data
            self.ends[body["stage"], body.get("reason") or ""] += 1

    @property
    def first(self) -> Row | None:
        """The oldest row..."""
        return next((boot.first for boot in self.boots.values()), None)

    @property
    def last(self) -> Row | None:
        """...and the newest."""
        return next((boot.last for boot in reversed(self.boots.values())), None)

    @property
    def rows_per_s(self) -> float | None:
        """Over the time in which a daemon ran; None where that is no time at all."""
        ran_s = sum(boot.lasted_s for boot in self.boots.values())
        return self.rows / ran_s if ran_s > 0 else None

    def as_data(self) -> dict[str, Any]:
        """As `robotd journal stats --json` prints it; the most frequent first. Wall times in microseconds."""
        first, last = self.first, self.last
        return {
            "rows": self.rows,
            "first_seq": first.seq if first else None,
            "last_seq": last.seq if last else None,
            "first_wall_us": first.wall if first else None,
            "last_wall_us": last.wall if last else None,
            "body_bytes": self.body_bytes,
            "rows_per_s": self.rows_per_s,
            "kinds": dict(self.kinds.most_common()),
            "commands": [
                {"stage": stage, "reason": reason or None, "count": count}
                for (stage, reason), count in self.ends.most_common()
            ],
            "boots": [
                {
                    "boot": boot.boot,
                    "robot": boot.robot,
                    "version": boot.version,
                    "rows": boot.rows,
                    "first_seq": boot.first.seq,
                    "last_seq": boot.last.seq,
                    "first_wall_us": boot.first.wall,
                    "lasted_s": boot.lasted_s,
                }
                for boot in self.boots.values()
            ],
        }
