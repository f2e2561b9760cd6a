"""What each role may ask: every method and every page, and the least role that it needs. Default deny."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from robotd.core.role import Role
from robotd.errors import Refused

ANYBODY = Role.STRANGER
NEEDED: Mapping[str, Role] = MappingProxyType(
    {
        "hello": ANYBODY,
        # Whoever can reach a robot may stop it: a token that was forgotten must not stand between.
        "estop": ANYBODY,
        "describe": Role.VIEWER,
        "status": Role.VIEWER,
        "subscribe": Role.VIEWER,
        "unsubscribe": Role.VIEWER,
        "journal.read": Role.VIEWER,
        "why": Role.VIEWER,
        "send": Role.OPERATOR,
        "cancel": Role.OPERATOR,
        "reset": Role.OPERATOR,
        "lease.acquire": Role.OPERATOR,
        "lease.renew": Role.OPERATOR,
        "lease.release": Role.OPERATOR,
        "dead.bury": Role.MAINTAINER,
        # The pages. The first only asks for a token; the second says no more than that the daemon lives.
        "GET /": ANYBODY,
        "GET /healthz": ANYBODY,
        "GET /readyz": Role.VIEWER,
        "GET /metrics": Role.VIEWER,
        "GET /api/v1/status": Role.VIEWER,
        "POST /api/v1/estop": ANYBODY,
    }
)
"""What is not in it nobody may ask."""


def refusal(role: Role, what: str) -> Refused | None:
    """Why somebody with `role` may not ask for `what`, or None where it may."""
    needed = NEEDED.get(what)
    if needed is not None and role >= needed:
        return None
    if role is Role.STRANGER:
        return unauthenticated()
    if needed is None:
        return Refused("forbidden", f"nobody may ask for '{what}'", role=str(role))
    return Refused(
        "forbidden",
        f"'{what}' needs the role {needed}, and this client is {role}",
        hint=f"ask whoever keeps the robot for a token of the role {needed}",
        role=str(role),
        needed=str(needed),
    )


def unauthenticated() -> Refused:
    """The one answer to no token, a wrong, unknown, malformed, expired or revoked one."""
    return Refused(
        "unauthenticated",
        "this robot asks for a token",
        hint="say hello with a valid one; whoever keeps the robot makes it with `robotd token add`",
    )
