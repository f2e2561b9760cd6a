"""What happened in one run, as a digest over all of it.

The digest covers every message and decision, every stage of every command and every byte on every wire, each
with its virtual time. Two runs that differ in one of them have different digests.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from robotd.core.decision import Decision
from robotd.core.stage import Stage


class Recording:
    """Listens to one daemon."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._hash = hashlib.blake2b(digest_size=16)

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

    def stage(self, stage: Stage) -> None:
        """A command has reached a stage."""
        self._add(f"{stage.at!r} {stage.id} {stage.stage} {stage.state} {stage.reason} {stage.result!r}\n")

    def wire(self, board: str, way: str, data: bytes) -> None:
        """Bytes went `to` or came `from` a board."""
        self._hash.update(b"%r %b %b %b" % (self._clock(), board.encode(), way.encode(), data))

    def _add(self, text: str) -> None:
        self._hash.update(text.encode())
