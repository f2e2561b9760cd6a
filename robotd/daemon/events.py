"""How the daemon's own events are made: named, timed, traced."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from robotd.core.message import Event, Lane, Message
from robotd.daemon.ids import Ids
from robotd.runtime.readings import Clock


class Events:
    """Makes what happens into messages."""

    def __init__(self, ids: Ids, clock: Clock) -> None:
        self._ids = ids
        self._clock = clock

    def __call__(
        self,
        name: str,
        lane: Lane,
        source: str,
        *,
        payload: Mapping[str, Any] | None = None,
        cause: Message | None = None,
        trace: str | None = None,
        stamp: int | None = None,
        sticky: bool = False,
    ) -> Event:
        """An event of now. It belongs to the trace of its `cause`, to `trace`, or to one of its own.

        `stamp`: the stay that it is about. `sticky`: it is not replaced by a newer one of its name.
        """
        if cause is not None:
            trace = cause.trace_id
        return Event(
            type=name,
            id=self._ids.new_id(),
            trace_id=trace or self._ids.new_trace_id(),
            at=self._clock(),
            source=source,
            lane=lane,
            payload=payload or {},
            correlation_id=None if cause is None else cause.id,
            stamp=stamp,
            sticky=sticky,
        )
