"""How often a client may speak."""

from __future__ import annotations

SHORTEST_WAIT_S = 1e-6
"""Or rounding could ask for a billionth of a token more, in no time at all, again and again."""


class TokenBucket:
    """Holds at most `burst` tokens and gains `rate_per_s`; each message takes one. Times are seconds."""

    __slots__ = ("_at", "_burst", "_rate_per_s", "_tokens")

    def __init__(self, rate_per_s: float, burst: int, now: float) -> None:
        self._rate_per_s = rate_per_s
        self._burst = float(burst)
        self._tokens = float(burst)
        self._at = now

    def take(self, now: float, tokens: int = 1) -> bool:
        """Take `tokens` where there is at least one; what a batch takes beyond is owed by what comes next."""
        held = self._tokens + (now - self._at) * self._rate_per_s
        self._at = now
        if held > self._burst:
            held = self._burst
        if held < 1.0:
            self._tokens = held
            return False
        self._tokens = held - tokens
        return True

    def ready_at(self) -> float:
        """When to try `take` again after it failed."""
        return self._at + max(SHORTEST_WAIT_S, (1.0 - self._tokens) / self._rate_per_s)
