"""A rover's history, written by hand, for questions about it."""

from __future__ import annotations

from random import Random
from typing import Any

from robotd.journal.row import Row
from robotd.journal.why import Explanation, explain
from tests.journal.history import History

ANN, BOB = "ws:127.0.0.1:40112", "tcp:127.0.0.1:40300"
CARL = "tcp:127.0.0.1:40999"
REFUSED = {"stage": "rejected", "reason": "not_in_this_state", "started": False}
ROVER = ("left", "right", "base", "mast")
ACTUATORS = {name: ["arduino"] for name in ROVER}
CHART = {
    "commands": ["arm", "disarm", "drive", "light", "look", "patrol"],
    "regions": [
        {
            "states": [{"path": "disarmed"}, {"path": "armed", "active": "all"}, {"path": "armed.teleop"}],
            "transitions": [{"triggers": ["arm"], "sources": ["disarmed"], "dest": "armed"}],
        }
    ],
}
NOT_PRESSED = "not bumper.active or payload.linear <= 0"


class Rover(History):
    """A rover's history, row by row, as a daemon writes it; between any two, perhaps, what Carl does."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__()
        self.noise = None if seed is None else Random(seed)
        self.state = ["disarmed"]

    def add(self, kind: str, about: str | None = None, **more: Any) -> Row:
        """As in every history."""
        if self.noise is not None and kind != "boot":
            for _ in range(self.noise.choice((0, 0, 1, 3))):
                self.carl(self.noise)
        if kind == "decision":
            self.state = more["after"]
        return super().add(kind, about, **more)

    def carl(self, chance: Random) -> None:
        """What explains nothing: a lamp, another client that comes and goes, samples, the clock."""
        light: dict[str, Any] = {"type": "light", "source": CARL}
        same = {"before": self.state, "after": self.state, "outcome": "stayed", "command": True}
        whole_life = [
            ("command", light),
            ("decision", light | same),
            ("started", light | {"action": "lamp.write"}),
            ("ended", light | {"stage": "done"}),
        ]
        choices: list[list[tuple[str, dict[str, Any]]]] = [
            [("session", {"source": CARL, "what": "opened"})],
            [("session", {"source": CARL, "what": "closed", "why": "no pong", "last_at": 0.0})],
            [("readings", {"values": {"range.value": chance.random()}})],
            [("clock", {"jump_s": 3600.0})],
            [("command", light), ("dead", light | REFUSED)],
            whole_life,
        ]
        about = f"carl-{self.rows.last_seq}"
        for kind, body in chance.choice(choices):
            super().add(kind, about if "type" in body else None, **{"after_s": 0.0, **body})

    def start(self) -> Row:
        """The daemon starts and finds its board."""
        about: dict[str, Any] = {"robot": "rover", "version": "0.1.0", "chart": CHART}
        about |= {"moves": ["drive", "look"], "motions": ["base.drive", "mast.move_to", "patrol"]}
        row = self.add("boot", **about, actuators=ACTUATORS)
        self.decide("start", "daemon", entered=["disarmed"], before=[""], after=["disarmed"])
        self.live("inactive")
        return row

    def live(self, state: str, **more: Any) -> None:
        for name in ROVER:
            self.add("device", after_s=0.0, device=name, state=state, **more)

    def decide(self, kind: str, source: str, about: str | None = None, **more: Any) -> Row:
        body: dict[str, Any] = {
            "outcome": "moved" if "entered" in more else "stayed",
            "before": ["armed.teleop"],
        }
        body |= {"after": ["armed.teleop"], "type": kind, "source": source, "lane": "event", **more}
        return self.add("decision", about or f"{kind}-{self.rows.last_seq}", **body)

    def ask(self, about: str, kind: str, source: str = ANN, **payload: Any) -> Row:
        asked: dict[str, Any] = {"payload": payload} if payload else {}
        return self.add("command", about, type=kind, source=source, valid_for_ms=400.0, **asked)

    def arm(self, source: str = ANN, about: str = "arm") -> None:
        self.ask(about, "arm", source)
        entered = {"before": ["disarmed"], "left": ["disarmed"], "entered": ["armed", "armed.teleop"]}
        self.decide("arm", source, about, command=True, **entered)
        self.live("active")
        self.add("ended", about, type="arm", source=source, stage="done", started=False)

    def drive(self, about: str, source: str = ANN, **payload: Any) -> Row:
        """A drive that is taken; returns the row of the command."""
        asked = self.ask(about, "drive", source, **(payload or {"linear": 0.3}))
        self.decide("drive", source, about, command=True, starts=["base.drive"])
        self.add("started", about, action="base.drive", type="drive", source=source)
        return asked

    def halt(self, about: str, why: str, **more: Any) -> Row:
        more.setdefault("action", "base.drive")
        return self.add("halt", device="base", why=why, command=about, **more)

    def lapse(self, about: str, source: str = ANN) -> Row:
        """Nobody renewed it."""
        row = self.halt(about, "freshness", age_ms=412.0, after_s=0.112)
        self.end(about, "drive", source, "done", "freshness")
        return row

    def end(self, about: str, kind: str, source: str, stage: str, reason: str, **more: Any) -> Row:
        told = "ended" if stage in ("done", "preempted", "cancelled") else "dead"
        return self.add(
            told, about, after_s=0.0, type=kind, source=source, stage=stage, reason=reason, **more
        )

    def refuse(
        self,
        about: str,
        kind: str,
        reason: str,
        message: str,
        source: str = ANN,
        *,
        state: str = "armed.teleop",
        **data: Any,
    ) -> Row:
        error = {"message": message, "data": {"reason": reason, **data}}
        return self.end(about, kind, source, "rejected", reason, error=error, started=False, state=state)


def why(history: History, about: str | int | None = None) -> Explanation:
    return explain(history.rows, about)


def root(history: History, about: str | int | None = None) -> str:
    """The end of the summary: the root cause."""
    return why(history, about).summary.rpartition(" <- ")[2]
