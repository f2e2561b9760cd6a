"""The journal as channels over time, for programs that draw: states, stages, readings, decisions, a log.

The schemas keep to what Foxglove's reader of JSON Schema takes: each field has one simple type, an object has
`properties`, and there is no null. The schema of the log is Foxglove's own (its `foxglove.Log`).
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from robotd.journal import kinds
from robotd.journal.row import Row
from robotd.journal.telling import tell

HELD_NS = 10_000_000_000
"""Readings around a fault are written after what they led to; so long a message waits for older ones."""

_DAMAGED = (ValueError, LookupError, TypeError, AttributeError)
"""What a body raises that is not as it was written."""
_TEXT = {"type": "string"}
_FLAG = {"type": "boolean"}
_TEXTS = {"type": "array", "items": _TEXT}
_WHOLE = {"type": "integer", "minimum": 0}
_NUMBER = {"type": "number"}


class Channel(NamedTuple):
    """One topic, and what its messages look like."""

    topic: str
    schema_name: str
    schema: Mapping[str, Any]


class Message(NamedTuple):
    """One thing on a channel."""

    channel: Channel
    log_ns: int
    """Since 1970. Never less than that of the message before..."""
    publish_ns: int
    """...whereas this is what the clock on the wall said, which may have jumped back."""
    seq: int
    """The row that it is from."""
    data: Mapping[str, Any]


def messages(rows: Iterable[Row], boots: Iterable[Row] = ()) -> Iterator[Message]:
    """All that `rows` tell, in the order of time. Rows are in theirs.

    `boots` are rows of that kind, which say what regions are called and in which units readings are; those
    among `rows` need not be there again.
    """
    channels = _Channels(boots)
    clock = _Clock()
    order = itertools.count()
    held: list[tuple[int, int, Message]] = []
    latest_ns = 0
    for row in rows:
        now_ns = clock.time_ns(row)
        for message in channels.of(row, now_ns):
            # What is older than anything may still wait comes as late as it must.
            at_ns = max(message.log_ns, latest_ns)
            heapq.heappush(held, (at_ns, next(order), message._replace(log_ns=at_ns)))
        while held and held[0][0] <= now_ns - HELD_NS:
            latest_ns, _, message = heapq.heappop(held)
            yield message
    while held:
        yield heapq.heappop(held)[2]


class _Clock:
    """Makes of the rows' times on the wall one that never goes back: from a jump on it goes on from there."""

    def __init__(self) -> None:
        self._shift_ns = 0
        self._latest_ns = 0

    def time_ns(self, row: Row) -> int:
        """The row's time since 1970."""
        self._shift_ns = max(self._shift_ns, self._latest_ns - row.wall * 1000)
        self._latest_ns = row.wall * 1000 + self._shift_ns
        return self._latest_ns


class _Channels:
    """Which messages a row makes. Remembers what boots say of regions and units."""

    def __init__(self, boots: Iterable[Row]) -> None:
        self._regions: dict[str, Sequence[str]] = {}
        """By the boot, as the units..."""
        self._units: dict[str, Mapping[str, str]] = {}
        """...of the readings, by full name."""
        self._leaves: Sequence[str] = ()
        self._of_state: Channel | None = None
        for row in boots:
            with suppress(*_DAMAGED):
                self._boot(row, row.data)

    def of(self, row: Row, now_ns: int) -> list[Message]:
        """Those of one row, written at `now_ns`."""
        try:
            made = list(self._made(row, now_ns))
        except _DAMAGED:
            made = [_logged(row, now_ns)]
        wall_ns = row.wall * 1000
        return [
            Message(said.channel, now_ns - said.age_ns, wall_ns - said.age_ns, row.seq, said.data)
            for said in made
        ]

    def _made(self, row: Row, now_ns: int) -> Iterator[_Said]:
        body = row.data
        match row.kind:
            case kinds.COMMAND:
                yield _Said(STAGE, _stage(row, body, "journaled"))
            case kinds.STARTED:
                yield _Said(STAGE, _stage(row, body, "started"))
            case kinds.ENDED | kinds.DEAD:
                yield _Said(STAGE, _stage(row, body, body["stage"]))
            case kinds.DECISION:
                yield _Said(DECISION, _decision(row, body))
                for leaves in (body["before"], body["after"]):
                    if leaves and leaves != self._leaves:
                        self._leaves = leaves
                        yield self._state(row, leaves)
            case kinds.READINGS:
                yield from self._readings(row, body)
            case kinds.BOOT:
                self._boot(row, body)
        if row.kind not in _ON_CHANNELS:
            yield _logged(row, now_ns)

    def _boot(self, row: Row, body: Mapping[str, Any]) -> None:
        self._units[row.boot] = body.get("units", {})
        self._regions[row.boot] = [region["name"] for region in body.get("chart", {}).get("regions", ())]

    def _state(self, row: Row, leaves: Sequence[str]) -> _Said:
        names = self._regions.get(row.boot, ())
        names = [*names, *(f"region{place}" for place in range(len(names), len(leaves)))]
        if self._of_state is None:
            self._of_state = Channel("/state", "robotd.State", _object(dict.fromkeys(names, _TEXT)))
        return _Said(self._of_state, dict(zip(names, leaves, strict=False)))

    def _readings(self, row: Row, body: Mapping[str, Any]) -> Iterator[_Said]:
        units = self._units.get(row.boot, {})
        sampled = ((row.at, name, value) for name, value in body.get("values", {}).items())
        for at, name, value in itertools.chain(body.get("dense", ()), sampled):
            if value is not None:
                # A dot would end the topic in Foxglove's paths.
                channel = Channel(f"/reading/{name.replace('.', '/')}", "robotd.Reading", _READING)
                data = {"value": float(value), "unit": units.get(name, "")}
                yield _Said(channel, data, round((row.at - at) * 1e9))


class _Said(NamedTuple):
    channel: Channel
    data: Mapping[str, Any]
    age_ns: int = 0
    """How long before its row was written it was so."""


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": dict(properties)}


_READING = _object({"value": _NUMBER, "unit": _TEXT})
STAGE = Channel(
    "/stage",
    "robotd.Stage",
    _object(
        dict.fromkeys(("id", "type", "stage", "source", "state", "action", "reason", "message"), _TEXT)
        | {"payload": _object({})}
    ),
)
DECISION = Channel(
    "/decision",
    "robotd.Decision",
    _object(
        dict.fromkeys(("id", "type", "source", "outcome", "reason", "message", "note"), _TEXT)
        | {"command": _FLAG, "before": _TEXTS, "after": _TEXTS, "starts": _TEXTS}
    ),
)
LOG = Channel(
    "/log",
    "foxglove.Log",
    _object(
        {
            "timestamp": _object({"sec": _WHOLE, "nsec": _WHOLE}) | {"title": "time"},
            "level": _WHOLE,
            "message": _TEXT,
            "name": _TEXT,
            "file": _TEXT,
            "line": _WHOLE,
        }
    ),
)
_ON_CHANNELS = frozenset({kinds.COMMAND, kinds.STARTED, kinds.ENDED, kinds.DECISION, kinds.READINGS})
"""All other kinds go to the log; a dead letter is both a stage and news."""

_INFO, _WARNING, _ERROR = 2, 3, 4
_LEVELS = {
    kinds.STOP: _ERROR,
    kinds.BUG: _ERROR,
    kinds.FALL: _ERROR,
    kinds.DEAD: _WARNING,
    kinds.HALT: _WARNING,
    kinds.LIMIT: _WARNING,
    kinds.CLOCK: _WARNING,
    kinds.JOURNAL: _WARNING,
}
"""Of the log's lines; all others inform."""


def _stage(row: Row, body: Mapping[str, Any], stage: str) -> Mapping[str, Any]:
    return {
        "id": row.id or "",
        "stage": stage,
        **{name: body.get(name) or "" for name in ("type", "source", "state", "action", "reason")},
        "message": (body.get("error") or {}).get("message", ""),
        "payload": body.get("payload", {}),
    }


def _decision(row: Row, body: Mapping[str, Any]) -> Mapping[str, Any]:
    refusal = body.get("refusal", {})
    return {
        "id": row.id or "",
        **{name: body.get(name) or "" for name in ("type", "source", "outcome", "note")},
        **{name: refusal.get(name) or "" for name in ("reason", "message")},
        **{name: body.get(name, []) for name in ("before", "after", "starts")},
        "command": body.get("command", False),
    }


def _logged(row: Row, now_ns: int) -> _Said:
    sec, nsec = divmod(now_ns, 1_000_000_000)
    return _Said(
        LOG,
        {
            "timestamp": {"sec": sec, "nsec": nsec},
            "level": _LEVELS.get(row.kind, _INFO),
            "message": tell(row),
            "name": row.kind,
            "file": "journal",
            "line": row.seq,
        },
    )
