"""Who somebody is to the robot, in one word. What each may ask is a table: `robotd.access.table`."""

from __future__ import annotations

from enum import IntEnum


class Role(IntEnum):
    """The later, the more it may; each may what those before it may."""

    STRANGER = 0
    """Has not proved who it is. It may stop the robot, and say `hello`; nobody gives this role."""
    VIEWER = 1
    OPERATOR = 2
    MAINTAINER = 3
    ADMIN = 4

    @classmethod
    def named(cls, name: str) -> Role:
        """The role that people write as `operator`. Raises `KeyError`."""
        return {str(role): role for role in cls if role}[name]

    def __str__(self) -> str:
        return self.name.lower()
