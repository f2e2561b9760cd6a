"""How many clients there are, over all transports together, and how many from one address."""

from __future__ import annotations

from collections import Counter

from robotd.core.limits import Limits
from robotd.errors import Refused


class Admission:
    """One for the whole daemon: a server asks it before it makes a session, and says when one has gone."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._from: Counter[str] = Counter()
        self._closed = False

    def __len__(self) -> int:
        """How many clients are connected."""
        return self._from.total()

    def enter(self, address: str) -> Refused | None:
        """Count one in from `address` (an IP address; `unix:1000` for a user), or say why it may not come."""
        limits = self._limits
        if self._closed:
            return Refused("shutting_down", "the daemon is ending", hint="connect again in a few seconds")
        if len(self) >= limits.connections:
            return self._refusal(f"{limits.connections} clients are connected")
        if self._from[address] >= limits.connections_per_address:
            return self._refusal(f"{limits.connections_per_address} clients are connected from {address}")
        self._from[address] += 1
        return None

    def leave(self, address: str) -> None:
        """Count one out that had come in."""
        self._from[address] -= 1
        if not self._from[address]:
            del self._from[address]

    def close(self) -> None:
        """From now on nobody comes in; those who are there stay."""
        self._closed = True

    @staticmethod
    def _refusal(sentence: str) -> Refused:
        return Refused("busy", sentence, hint="close one first; a stop by POST /api/v1/estop needs no place")
