"""Where ids come from: one seeded source, so that a simulated run repeats to the byte."""

from __future__ import annotations

import itertools
import random


class Ids:
    """Makes ids for messages and traces. Cheap: a message takes two of them."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._prefix = f"{rng.getrandbits(48):012x}"
        self._count = itertools.count(1)

    @property
    def boot(self) -> str:
        """12 hexadecimal digits that stand for this run of the daemon."""
        return self._prefix

    def new_id(self) -> str:
        """An id that no other message of any run has: 48 random bits for the run, then a count."""
        return f"{self._prefix}-{next(self._count):x}"

    def made(self, message_id: str) -> bool:
        """Whether the id was made here: a client cannot use it twice, for it did not choose it."""
        return message_id.startswith(self._prefix)

    def new_trace_id(self) -> str:
        """32 lower-case hex digits, not all zero (W3C Trace Context, section 3.2.2.3)."""
        return (self._rng.getrandbits(128) or 1).to_bytes(16).hex()
