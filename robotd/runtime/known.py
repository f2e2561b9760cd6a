"""The ids of commands that have ended, so that the same id of the same principal runs nothing again."""

from __future__ import annotations

import struct
from collections import OrderedDict, deque
from hashlib import blake2b
from typing import NamedTuple

from robotd.core.stage import STAGES, Stage

IDS_AT_MOST = 100_000
KEPT_S = 24 * 3600.0
"""So many ids that clients chose are remembered, and for so long; the oldest is forgotten first."""
WHOLE = 4_096
"""Of so many, what they returned is kept as well; of older ones the journal has it."""
DIGEST_BYTES = 12
"""Of what a client asked, and of an id: with 96 bits, two of 100,000 are the same once in 10^19 robots."""


class Known(NamedTuple):
    """A command that has ended."""

    digest: str
    """Of what the client asked for, in hexadecimal digits."""
    ended: Stage


class KnownIds:
    """Commands that have ended, by the id that a client chose and who that was, in the order of their ends.

    All but the newest take some 200 bytes each: 20 MiB on a robot whose clients choose every id.
    """

    def __init__(self) -> None:
        self._whole: OrderedDict[tuple[str, str], Known] = OrderedDict()
        self._brief: dict[bytes, bytes] = {}
        self._order: deque[bytes] = deque()
        self._reasons: list[str | None] = [None]

    def __len__(self) -> int:
        return len(self._whole) + len(self._brief)

    def find(self, command_id: str, principal: str, now: float) -> Known | None:
        """What is known of this principal's id; `now` in seconds on the robot's clock."""
        known = self._whole.get((command_id, principal))
        if known is None:
            brief = self._brief.get(_key(command_id, principal))
            known = None if brief is None else self._long(command_id, brief)
        return None if known is None or now - known.ended.at > KEPT_S else known

    def remember(self, command_id: str, principal: str, known: Known) -> None:
        """It has ended now, or, at the start of a daemon, some time ago."""
        self._whole[command_id, principal] = known
        if len(self._whole) > WHOLE:
            whose, older = self._whole.popitem(last=False)
            key = _key(*whose)
            self._brief[key] = self._short(older)
            self._order.append(key)
        if len(self) > IDS_AT_MOST and self._order:
            self._brief.pop(self._order.popleft(), None)

    def _short(self, known: Known) -> bytes:
        ended = known.ended
        if ended.reason not in self._reasons:
            self._reasons.append(ended.reason)
        stage, reason = STAGES.index(ended.stage), self._reasons.index(ended.reason)
        return _BRIEF.pack(bytes.fromhex(known.digest), ended.seq or 0, ended.at, stage, reason)

    def _long(self, command_id: str, brief: bytes) -> Known:
        digest, seq, at, stage, reason = _BRIEF.unpack(brief)
        ended = Stage(command_id, STAGES[stage], at, "", "", self._reasons[reason], seq=seq or None)
        return Known(digest.hex(), ended)


_BRIEF = struct.Struct(f"<{DIGEST_BYTES}sQdBH")


def _key(command_id: str, principal: str) -> bytes:
    whose = f"{principal}\n{command_id}"
    return blake2b(whose.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).digest()
