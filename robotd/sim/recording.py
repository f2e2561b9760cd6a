"""What happened in one run: a digest over all of it, and the last of it for people.

The digest covers every message and decision, every stage of every command and every byte on every wire, each
with its virtual time. Two runs that differ in one of them have different digests.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from robotd.core.decision import Decision
from robotd.core.stage import Stage


class Seen(NamedTuple):
    """One thing that happened."""

    at: float
    kind: str
    """`decision`, `stage`, `to <board>`, `from <board>`, or a word of whoever notes something more."""
    what: Any
    """The decision, the stage, the bytes, or a text."""


class Recording:
    """Listens to one daemon. `keep` is how many of the newest things are kept: None for all, 0 for none."""

    def __init__(self, clock: Callable[[], float], *, keep: int | None = 0, wires: bool = False) -> None:
        """`wires`: whether bytes are kept too; in the digest they are in any case."""
        self._clock = clock
        self._hash = hashlib.blake2b(digest_size=16)
        self._keeps = keep != 0
        self._keeps_wires = self._keeps and wires
        self.seen: deque[Seen] = deque(maxlen=keep)

    @property
    def digest(self) -> str:
        """Of all that happened until now, as hexadecimal digits."""
        return self._hash.copy().hexdigest()

    def decision(self, decision: Decision) -> None:
        """A message was decided upon."""
        message = decision.message
        refusal = "" if decision.refusal is None else decision.refusal.reason
        self._add(
            f"{self._clock()!r} {message.type} {message.id} {message.source} {message.at!r}"
            f" {dict(message.payload)!r} {decision.outcome} {decision.before} {decision.after}"
            f" {refusal} {decision.note} {[start.do.name for start in decision.starts]}\n"
        )
        if self._keeps:
            self.seen.append(Seen(self._clock(), "decision", decision))

    def stage(self, stage: Stage) -> None:
        """A command has reached a stage."""
        self._add(f"{stage.at!r} {stage.id} {stage.stage} {stage.state} {stage.reason} {stage.result!r}\n")
        if self._keeps:
            self.seen.append(Seen(stage.at, "stage", stage))

    def wire(self, board: str, way: str, data: bytes) -> None:
        """Bytes went `to` or came `from` a board."""
        at = self._clock()
        self._hash.update(b"%r %b %b " % (at, board.encode(), way.encode()))
        self._hash.update(data)
        if self._keeps_wires:
            self.seen.append(Seen(at, f"{way} {board}", data))

    def note(self, kind: str, what: str) -> None:
        """Something that whoever runs the simulation did or saw. It is not part of the digest."""
        if self._keeps:
            self.seen.append(Seen(self._clock(), kind, what))

    def _add(self, text: str) -> None:
        self._hash.update(text.encode())
