"""A journal as a daemon would write it, of one real machine and no robot around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from robotd.core.chart import Chart, State
from robotd.core.decision import Decision, Outcome
from robotd.core.expression import Readings
from robotd.core.machine import StateMachine
from robotd.core.message import NO_PAYLOAD, Command, Event, Lane, Message
from robotd.core.portable import to_data
from robotd.core.seen import Seen
from robotd.journal.decided import decided
from robotd.journal.kinds import BOOT, DECISION, READINGS, SHUTDOWN
from robotd.journal.memory import MemoryStore
from robotd.journal.replay.player import decide
from robotd.journal.row import BEGINNING, Row, make
from tests.core.making import AT_EASE, arrow, chart, region, when

ROVER = chart(
    region(
        "disarmed",
        State("armed", "armed.teleop", "shallow"),
        "armed.teleop",
        "armed.auto",
        transitions=[
            arrow("arm", "disarmed", "armed", when("battery.value > 11 and not bumper.active")),
            arrow(
                "drive", "armed.teleop", None, when("not bumper.active or payload.linear <= 0"), "base.drive"
            ),
            arrow("patrol", "armed.teleop", "armed.auto"),
            arrow("bump", "armed", None, None, "base.halt"),
            arrow("patrol.done", "armed.auto", "armed.teleop"),
            arrow("disarm", "armed", "disarmed"),
        ],
    ),
    events=["bump", "patrol.done"],
)
START_WALL_US = 1_767_225_600_000_000
"""The first moment of 2026, in UTC."""


class Written(MemoryStore):
    """Rows in memory, and a machine that adds those of its decisions."""

    def __init__(self) -> None:
        super().__init__()
        self._hash = BEGINNING
        self._ids = count(1)
        self._boots = count(1)
        self.now = 0.0

    def boot(self, chart: Chart, **more: Any) -> StateMachine:
        """The daemon starts and enters the initial states."""
        self._boot = f"{next(self._boots):012x}"
        self.machine = StateMachine(chart)
        self.add(BOOT, {"robot": "tester", "version": "0", "chart": to_data(chart)} | more)
        self.decide(self.event("start", lane=Lane.SAFETY, source="daemon"))
        return self.machine

    def event(
        self,
        kind: str,
        payload: Mapping[str, Any] = NO_PAYLOAD,
        *,
        lane: Lane = Lane.EVENT,
        source: str = "test",
        stamp: int | None = None,
    ) -> Event:
        return Event(
            **self._message(kind), payload=payload, lane=lane, source=source, stamp=stamp, sticky=False
        )

    def command(
        self, kind: str, payload: Mapping[str, Any] = NO_PAYLOAD, *, source: str = "tcp:ann"
    ) -> Command:
        return Command(**self._message(kind), payload=payload, lane=Lane.COMMAND, source=source)

    def decide(self, message: Message, readings: Readings | None = None) -> Decision:
        """The machine decides, and its row is added."""
        seen = Seen({} if readings is None else readings)
        decision = decide(self.machine, message, seen)
        state = self.machine.digest() if decision.outcome is Outcome.MOVED else None
        self.add(DECISION, decided(decision, seen.values, state), message.id, message.trace_id)
        return decision

    def shutdown(self) -> None:
        """The daemon ends in good order."""
        self.decide(self.event("shutdown", lane=Lane.SAFETY, source="daemon"))
        self.add(SHUTDOWN, {"why": "SIGTERM", "state": self.machine.digest()})

    def add(self, kind: str, data: Mapping[str, Any], about: str | None = None, trace: str = "0" * 32) -> Row:
        wall = START_WALL_US + round(self.now * 1e6)
        seq = self.last_seq + 1
        row = make(self._hash, seq, self._boot, self.now, wall, kind, about, trace, data)
        self._hash = row.hash
        self.commit([row])
        return row

    def _message(self, kind: str) -> dict[str, Any]:
        number = next(self._ids)
        return {"type": kind, "id": f"m{number}", "trace_id": f"{number:032x}", "at": self.now}


def morning() -> Written:
    """Two boots of one rover: the first falls, the second ends in good order."""
    journal = Written()
    for _ in range(2):
        machine = journal.boot(ROVER)
        journal.decide(journal.command("arm"), {"battery.value": 10.5, "bumper.active": False})
        journal.decide(journal.command("arm"), {"battery.value": None})
        journal.decide(journal.command("arm"), AT_EASE)
        journal.add(READINGS, {"values": dict(AT_EASE)})
        journal.decide(journal.command("drive", {"linear": 0.3}), AT_EASE)
        journal.decide(journal.event("bump", source="rule:bumper.active"), AT_EASE)
        journal.decide(journal.command("drive", {"linear": 0.3}), {"bumper.active": True})
        journal.decide(journal.command("patrol"))
        stay = machine.entries["armed.auto"].number
        journal.decide(journal.event("patrol.done", source="executor", stamp=stay))
        journal.decide(journal.event("patrol.done", source="executor", stamp=stay))
        journal.decide(journal.event("estop", {"reason": "a child"}))
        journal.decide(journal.event("reset"))
    journal.shutdown()
    return journal


def changed(journal: MemoryStore, seq: int, change: Callable[[dict[str, Any]], None]) -> MemoryStore:
    """The same journal, but for the body of one row, and all in the chain in order."""
    copy, before = MemoryStore(), b""
    for row in journal.rows():
        body = dict(row.data)
        if row.seq == seq:
            change(body)
        again = make(before, row.seq, row.boot, row.at, row.wall, row.kind, row.id, row.trace, body)
        copy.commit([again])
        before = again.hash
    return copy
