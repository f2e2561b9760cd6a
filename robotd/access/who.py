"""Who asks: what is known of somebody at the far end of a connection."""

from __future__ import annotations

from typing import NamedTuple

from robotd.core.message import LOCAL
from robotd.core.role import Role

__all__ = ["LOCAL", "NOBODY", "Who", "stranger"]

NOBODY = "nobody"
"""Who is behind a session that has not proved who it is. A stop is taken from it, and nothing else."""


class Who(NamedTuple):
    """Somebody who asks."""

    source: str
    """Of the connection: `tcp:127.0.0.1:40112`."""
    principal: str = LOCAL
    """Of the person or program behind it, over all its connections: `unix:1000`, `token:k3q9x2mh`."""
    role: Role = Role.MAINTAINER

    @property
    def is_stranger(self) -> bool:
        """Whether it has not proved who it is."""
        return self.role is Role.STRANGER


def stranger(source: str) -> Who:
    """Somebody of whom only the connection is known."""
    return Who(source, NOBODY, Role.STRANGER)
