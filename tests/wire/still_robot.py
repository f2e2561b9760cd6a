"""A robot that stands still and answers: the `Service` that the tests of the servers talk to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

from robotd.core.limits import Limits
from robotd.core.stage import Stage
from robotd.errors import Refused
from robotd.wire.hub import Hub
from robotd.wire.service import JournalQuery, PastStages, SendRequest, Who
from robotd.wire.turns import Turns


class StillRobot:
    """Accepts and does every command at once, remembers what it was told."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.hub = Hub()
        self.turns = Turns()
        self.hub.declare("state", lambda: {"state": "disarmed", "regions": {}, "latch": None})
        self.hub.declare("stage")
        self.hub.declare("reading.battery", lambda: {"device": "battery", "readings": BATTERY})
        self.streamed: frozenset[str] = frozenset({"drive"})
        self.sent: list[SendRequest] = []
        self.stops: list[tuple[str, str]] = []
        self.traces: list[str | None] = []
        """Of each stop and each reset."""
        self.sessions: list[tuple[str, ...]] = []
        """Who came, with their principal, and who left, with the reason."""
        self.muted: list[str] = []
        """Who says nothing more."""
        self.leases: list[tuple[Any, ...]] = []
        """What was asked about the lease."""
        self.buried: list[tuple[int, str, str]] = []
        self.latch: dict[str, Any] | None = None
        self.boards: dict[str, Any] = {"arduino": {"state": "online", "simulated": True}}
        self._numbers = count(1)

    def state(self) -> str:
        return "disarmed"

    def hello(self) -> dict[str, Any]:
        return {"server": "robotd", "robot": "still", "version": "0", "capabilities": [], "limits": {}}

    def describe(self) -> dict[str, Any]:
        return {"robot": "still", "machine": {}, "commands": {}, "devices": {}}

    def status(self) -> dict[str, Any]:
        return {
            "robot": "still",
            "version": "0",
            "simulated": True,
            "uptime_s": 12.5,
            "state": "disarmed",
            "regions": {"main": {"state": "disarmed", "since_s": 1.0, "why": None}},
            "boards": self.boards,
            "devices": {
                "battery": {"kind": "analog_input", "board": "arduino", "state": "active", "fault": None}
                | {"readings": BATTERY},
                "bumper": {"kind": "digital_input", "board": "arduino", "state": "active", "fault": None}
                | {"readings": {"active": None}},
            },
            "queue": {"safety": 0, "command": 3, "event": 0, "background": 0},
            "latch": self.latch,
            "epoch": len(self.stops),
            "guard": "none",
            "latency": {"slowest_stop_ms": 0.25},
            "counters": {"decisions": 7, "commands": {"done": 5}},
            "clients": 1,
        }

    def send(
        self, request: SendRequest, source: str, tell: Callable[[Stage], None], *, early: bool = True
    ) -> None:
        self.sent.append(request)
        for stage in ("received", "accepted", "started", "done"):
            told = Stage(request.id, stage, self.now(), "disarmed", trace_id=request.trace_id)
            tell(told)
            if self.hub.wanted("stage"):
                self.hub.publish("stage", told._asdict())

    def cancel(self, command_id: str, principal: str) -> dict[str, Any]:
        raise Refused("invalid_params", f"no command {command_id!r} is known")

    def estop(self, reason: str, by: str, trace_id: str | None = None) -> Awaitable[dict[str, Any]]:
        self.stops.append((reason, by))
        self.traces.append(trace_id)
        self.latch = {"latch_id": "latch-1", "reason": reason, "by": by, "age_s": 0.0}

        async def evidence() -> dict[str, Any]:
            await asyncio.sleep(0)
            return {"latch_id": "latch-1", "evidence": {}}

        return evidence()

    def reset(self, latch_id: str, by: str, trace_id: str | None = None) -> dict[str, Any]:
        self.traces.append(trace_id)
        self.latch = None
        return {"ready": True}

    def acquire(self, who: Who, at: float, window_s: float | None, *, steal: bool) -> dict[str, Any]:
        self.leases.append(("acquire", who, at, window_s, steal))
        return {"lease_id": "lease-1", "window_ms": 2000, "renew_ms": 400}

    def renew(self, who: Who, lease_id: str, at: float) -> dict[str, Any]:
        self.leases.append(("renew", who, lease_id, at))
        return {"lease_id": lease_id, "window_ms": 2000, "renew_ms": 400}

    def release(self, who: Who, lease_id: str) -> dict[str, Any]:
        self.leases.append(("release", who, lease_id))
        return {"lease_id": lease_id, "released": True}

    def joined(self, source: str, principal: str) -> None:
        self.sessions.append(("joined", source, principal))

    def mute(self, source: str) -> None:
        self.muted.append(source)

    def left(self, source: str, why: str, last_at: float) -> None:
        self.sessions.append(("left", source, why))

    async def read_journal(self, query: JournalQuery) -> dict[str, Any]:
        return {"records": [], "next_seq": query.since_seq, "last_seq": 0}

    async def why(self, about: str | int | None) -> dict[str, Any]:
        return {"about": about, "chain": []}

    async def past_stages(self, since_seq: int, most: int) -> PastStages:
        return PastStages((), since_seq)

    async def bury(self, letter: int, how: str, by: str) -> dict[str, Any]:
        self.buried.append((letter, how, by))
        return {"letter": letter, "how": how}

    def new_id(self) -> str:
        return f"id-{next(self._numbers)}"

    def new_trace_id(self) -> str:
        return f"{next(self._numbers):032x}"

    def now(self) -> float:
        return asyncio.get_running_loop().time()


BATTERY = {"value": {"value": 12.25, "unit": "V", "age_ms": 3.0}}
