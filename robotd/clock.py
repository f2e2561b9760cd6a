"""The time on the wall: log lines, HTTP dates, the end of a token. It may jump, and no timer asks it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

WallClock = Callable[[], datetime]


def wall_time() -> datetime:
    """What the system's clock says, in UTC."""
    return datetime.now(UTC)
