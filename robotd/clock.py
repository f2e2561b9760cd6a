"""The time on the wall, for people: log lines, HTTP dates. It may jump, and nothing decides by it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

WallClock = Callable[[], datetime]


def wall_time() -> datetime:
    """What the system's clock says, in UTC."""
    return datetime.now(UTC)
