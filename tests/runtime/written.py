"""A record that a test reads: what was written, and durable only when the test says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from robotd.core.decision import Decision
from robotd.core.message import Command, Message
from robotd.errors import Refused


class Written:
    """A `robotd.runtime.record.Record`. Rows are kept as `(kind, id, what)`."""

    def __init__(self, *, at_once: bool = True) -> None:
        self.rows: list[tuple[str, str | None, Any]] = []
        self.trouble: Refused | None = None
        self._at_once = at_once
        self._waiting: list[tuple[int, Callable[[], None]]] = []

    def commit(self) -> None:
        """All that is written is durable now."""
        waiting, self._waiting = self._waiting, []
        for _, call in waiting:
            call()

    def _add(self, kind: str, about: str | None, what: Any = None) -> int:
        self.rows.append((kind, about, what))
        return len(self.rows)

    def command(self, command: Command, digest: str | None) -> int:
        return self._add("command", command.id, digest)

    def decided(self, decision: Decision, saw: Mapping[str, float | bool | None]) -> int:
        return self._add("decision", decision.message.id, dict(saw))

    def started(self, cause: Message, action: str, *, stream: bool) -> int:
        return self._add("started", cause.id, action)

    def ended(
        self,
        command: Command,
        stage: str,
        reason: str | None,
        result: Any,
        error: Mapping[str, Any] | None,
        *,
        started: bool,
        dead: bool,
    ) -> int:
        return self._add("dead" if dead else "ended", command.id, stage)

    def halted(self, device: str, what: Mapping[str, Any], cause: Message | None) -> int:
        return self._add("halt", None, device)

    def limited(
        self,
        device: str,
        action: str,
        cause: Message | None,
        asked: Mapping[str, float],
        sent: Mapping[str, float],
    ) -> int:
        return self._add("limit", None, device)

    def failed(self, cause: Message, action: str, error: BaseException) -> int:
        return self._add("bug", cause.id, action)

    def refusal(self) -> Refused | None:
        return self.trouble

    def when_durable(self, row: int, call: Callable[[], None]) -> None:
        if self._at_once:
            call()
        else:
            self._waiting.append((row, call))
