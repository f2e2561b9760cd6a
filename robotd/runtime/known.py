"""The ids of commands that have ended, so that the same id sent again runs nothing."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from robotd.core.stage import Stage

IDS_AT_MOST = 100_000
KEPT_S = 24 * 3600.0
"""So many ids that clients chose are remembered, and for so long; the oldest is forgotten first."""
WHOLE = 4_096
"""Of so many, what they returned is kept as well; of older ones the journal has it."""


class Known(NamedTuple):
    """A command that has ended."""

    digest: str
    """Of what the client asked for."""
    ended: Stage


class KnownIds:
    """Commands that have ended, by the id that a client chose, in the order in which they ended."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Known] = OrderedDict()
        self._whole: OrderedDict[str, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def find(self, command_id: str, now: float) -> Known | None:
        """What is known of the id; `now` in seconds on the robot's clock."""
        known = self._known.get(command_id)
        if known is None or now - known.ended.at > KEPT_S:
            return None
        return known

    def remember(self, command_id: str, known: Known) -> None:
        """It has ended now, or, at the start of a daemon, some time ago."""
        self._known[command_id] = known
        if len(self._known) > IDS_AT_MOST:
            self._known.popitem(last=False)
        if known.ended.result is not None or known.ended.error is not None:
            self._whole[command_id] = None
            if len(self._whole) > WHOLE:
                self._shorten(self._whole.popitem(last=False)[0])

    def _shorten(self, command_id: str) -> None:
        known = self._known.get(command_id)
        if known is not None:
            self._known[command_id] = Known(known.digest, known.ended._replace(result=None, error=None))
