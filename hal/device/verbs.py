"""How a method of a device becomes a verb: something that a file, a client or a handler calls by its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

VERB_TIMEOUT_S = 5.0
"""How long one awaited verb may take before it counts as hung, unless it says otherwise."""


@dataclass(frozen=True, slots=True)
class VerbInfo:
    """What the daemon must know about a verb before it calls it."""

    moves: bool
    """It can set something in motion, so it may not run after a stop."""
    streamed: bool
    """A setpoint that lapses unless it is renewed; otherwise it runs to an end of its own."""
    timeout_s: float | None
    """How long one call may be awaited. None: it ends by construction, in a time its arguments say."""
    lasting: bool = False
    """It carries out a program, however long that is: a command for it counts until it has begun."""


_Method = TypeVar("_Method", bound=Callable[..., Any])


def verb(
    *, moves: bool, streamed: bool = False, timeout_s: float | None = VERB_TIMEOUT_S, lasting: bool = False
) -> Callable[[_Method], _Method]:
    """Mark a method as a verb: it gets a `verb_info`. Nothing is registered anywhere."""

    def mark(method: _Method) -> _Method:
        method.__dict__["verb_info"] = VerbInfo(moves, streamed, timeout_s, lasting)
        return method

    return mark


def verbs(device: object) -> dict[str, Callable[..., Any]]:
    """The verbs of a device (bound to it) or of a class of devices, by name."""
    cls = device if isinstance(device, type) else type(device)
    names = (
        name for name in dir(cls) if isinstance(getattr(getattr(cls, name), "verb_info", None), VerbInfo)
    )
    return {name: getattr(device, name) for name in names}
