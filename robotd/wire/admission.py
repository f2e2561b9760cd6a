"""How many clients there are, over all transports together, how many from one address, and how many of whom
nobody knows yet who they are."""

from __future__ import annotations

from collections import Counter

from robotd.access.gate import Gate
from robotd.core.limits import Limits
from robotd.errors import Refused


class Admission:
    """One for the whole daemon: a server asks it before it makes a session, and says when one has gone."""

    def __init__(self, limits: Limits, gate: Gate | None = None) -> None:
        """Without a `gate` nobody is asked for a token."""
        self.gate = Gate() if gate is None else gate
        self._limits = limits
        self._from: Counter[str] = Counter()
        self.strangers = 0
        """How many have not proved yet who they are."""
        self._closed = False

    def __len__(self) -> int:
        """How many clients are connected."""
        return self._from.total()

    def enter(self, address: str, *, stranger: bool = False) -> Refused | None:
        """Count one in from `address` (an IP address; `unix:1000` for a user), or say why it may not come.

        A `stranger` has not proved yet who it is.
        """
        limits = self._limits
        if self._closed:
            return Refused("shutting_down", "the daemon is ending", hint="connect again in a few seconds")
        if len(self) >= limits.connections:
            return self._refusal(f"{limits.connections} clients are connected")
        if self._from[address] >= limits.connections_per_address:
            return self._refusal(f"{limits.connections_per_address} clients are connected from {address}")
        if stranger and self.strangers >= limits.unauthenticated:
            return self._refusal(f"{self.strangers} clients have not said yet who they are")
        self._from[address] += 1
        self.strangers += stranger
        return None

    def recognise(self) -> None:
        """A stranger has proved who it is."""
        self.strangers -= 1

    def leave(self, address: str, *, stranger: bool = False) -> None:
        """Count one out that had come in; a `stranger` if it still is one."""
        self.strangers -= stranger
        self._from[address] -= 1
        if not self._from[address]:
            del self._from[address]

    def close(self) -> None:
        """From now on nobody comes in; those who are there stay."""
        self._closed = True

    @staticmethod
    def _refusal(sentence: str) -> Refused:
        return Refused("busy", sentence, hint="close one first; a stop by POST /api/v1/estop needs no place")
