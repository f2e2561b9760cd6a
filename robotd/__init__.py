"""robotd: one daemon for one robot. User code imports `Robot` and `handler` from here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from robotd.core.action import handler
    from robotd.runtime.robot import Robot

__all__ = ["Robot", "handler"]


def __getattr__(name: str) -> Any:
    """Import on first use: every command line imports this package, and these two would take 100 ms."""
    if name == "handler":
        from robotd.core.action import handler

        return handler
    if name == "Robot":
        from robotd.runtime.robot import Robot

        return Robot
    raise AttributeError(f"module 'robotd' has no attribute {name!r}")
