"""Users of this machine on the Unix socket, whom the system vouches for: no token is asked of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from robotd.core.role import Role

ROOT = 0


class Users:
    """The role of each, by number."""

    def __init__(self, own: int = ROOT, roles: Mapping[int, Role] | None = None) -> None:
        """`own`: the user that the daemon runs as. `roles`: what the robot's file says."""
        self._own = own
        self._roles = roles or {}

    def role(self, user: int) -> Role:
        """What the file says; else a maintainer is who runs the daemon, or root, and an operator whoever
        else the rights of the socket let in.
        """
        if user in self._roles:
            return self._roles[user]
        return Role.MAINTAINER if user in (ROOT, self._own) else Role.OPERATOR


def by_number(
    users: Mapping[str, Role], number_of: Callable[[str], int]
) -> tuple[dict[int, Role], tuple[str, ...]]:
    """The roles by number, and the names that this machine does not know.

    `users` have names or numbers; `number_of` raises `KeyError` for a name that it does not know.
    """
    roles: dict[int, Role] = {}
    unknown = []
    for name, role in users.items():
        try:
            roles[int(name) if name.isdecimal() else number_of(name)] = role
        except KeyError:
            unknown.append(name)
    return roles, tuple(unknown)
