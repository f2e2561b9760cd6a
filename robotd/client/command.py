"""A command on its way, and the stages it goes through."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

TERMINAL = frozenset({"done", "failed", "cancelled", "preempted", "expired", "rejected", "unknown"})
"""Every command ends in exactly one of these."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of a command's life."""

    id: str
    """The command's id."""
    stage: str
    state: str
    """The leaf state of the robot's first region at that moment."""
    reason: str | None = None
    result: Any = None
    error: Mapping[str, Any] | None = None
    """For `failed` and `rejected`: code, message and data, as in the error table."""
    at: float | None = None
    """Seconds on the robot's monotonic clock; None where the robot did not say."""
    seq: int | None = None
    """Its row in the robot's journal; a stage that has one outlives a loss of power."""

    @property
    def terminal(self) -> bool:
        """Whether nothing can follow."""
        return self.stage in TERMINAL

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Stage:
        """From an answer of `send` or the params of a `stage` notification."""
        return cls(
            id=str(data.get("id", "")),
            stage=str(data.get("stage", "unknown")),
            state=str(data.get("state", "")),
            reason=data.get("reason"),
            result=data.get("result"),
            error=data.get("error"),
            at=data.get("at"),
            seq=data.get("seq"),
        )


class Command:
    """What `send` returns: the stage reached so far, and an iterator over all of them.

    Iterating gives each stage once, from the first to the terminal one, and may be done late or twice.
    It raises `ConnectionLost` when the connection goes before the end.
    """

    def __init__(self, command_id: str, command_type: str) -> None:
        self.id = command_id
        self.type = command_type
        self.trace_id = ""
        """Ours where one was given, else the robot's; it is in its journal, its log and at every link."""
        self.traceparent = ""
        """Where a `traceparent` was given: what goes on below it, with the robot's span."""
        self._stages: list[Stage] = []
        self._news = asyncio.Event()
        self._lost: Exception | None = None

    @property
    def stages(self) -> tuple[Stage, ...]:
        """All stages heard of so far, in order."""
        return tuple(self._stages)

    @property
    def latest(self) -> Stage:
        """The stage it has reached, as far as we know."""
        return self._stages[-1]

    @property
    def stage(self) -> str:
        """The name of the stage it has reached."""
        return self.latest.stage

    @property
    def result(self) -> Any:
        """What the last stage brought: for a verb that is done, what was really sent."""
        return self.latest.result

    async def wait(self) -> Stage:
        """Wait for the terminal stage. Bound it with `asyncio.timeout`."""
        async for stage in self:
            if stage.terminal:
                return stage
        return self.latest

    async def __aiter__(self) -> AsyncIterator[Stage]:
        for index in itertools.count():
            while index >= len(self._stages):
                if self._lost is not None:
                    raise self._lost
                self._news.clear()
                await self._news.wait()
            stage = self._stages[index]
            yield stage
            if stage.terminal:
                return

    def heard(self, stage: Stage) -> None:
        """Note a stage (called by the connection). One heard before, or after the end, changes nothing."""
        if any(known.terminal or known.stage == stage.stage for known in self._stages):
            return
        self._stages.append(stage)
        self._news.set()

    def lost(self, why: Exception) -> None:
        """No more stages will come (called by the connection)."""
        self._lost = why
        self._news.set()
