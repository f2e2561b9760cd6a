"""Messages, readings and expressions for the tests of the core."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from robotd.core.expression import Expression, compile_expression
from robotd.core.message import NO_PAYLOAD, Command, Event, Lane

UNITS = {
    "bumper.active": "bool",
    "cliff.active": "bool",
    "battery.value": "V",
    "range.value": "m",
}
AT_EASE: Mapping[str, float | bool | None] = {
    "bumper.active": False,
    "cliff.active": False,
    "battery.value": 12.0,
    "range.value": 2.0,
}


def when(text: str, states: tuple[str, ...] = ()) -> Expression:
    return compile_expression(text, readings=UNITS, states=states)


def command(
    kind: str, payload: Mapping[str, Any] = NO_PAYLOAD, *, lane: Lane = Lane.COMMAND, name: str = "c"
) -> Command:
    return Command(type=kind, id=name, trace_id="0" * 32, at=0.0, source="test", lane=lane, payload=payload)


def event(
    kind: str, *, lane: Lane = Lane.EVENT, name: str = "e", stamp: int | None = None, sticky: bool = False
) -> Event:
    return Event(
        type=kind, id=name, trace_id="0" * 32, at=0.0, source="test", lane=lane, stamp=stamp, sticky=sticky
    )
