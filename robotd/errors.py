"""What robotd says no with: one table of stable reasons, and the refusal that carries one of them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

JSON_RPC_REASONS: Mapping[str, int] = MappingProxyType(
    {
        "parse_error": -32700,
        "invalid_request": -32600,
        "method_not_found": -32601,
        "invalid_params": -32602,
        "internal": -32603,
    }
)
"""The codes that JSON-RPC 2.0 defines itself (section 5.1)."""

OWN_REASONS: tuple[str, ...] = (
    "unauthenticated",
    "forbidden",
    "busy",
    "not_in_this_state",
    "guard_false",
    "latched",
    "no_lease",
    "expired",
    "id_conflict",
    "out_of_range",
    "device_unavailable",
    "journal_unavailable",
    "too_large",
    "shutting_down",
    "device_silent",
    "device_gone",
    "device_refused",
    "halted",
    "handler_error",
    "operator_lost",
)
"""Ours, from -32000 downwards in this order. New ones are added at the end: clients know the codes."""

REASONS: Mapping[str, int] = MappingProxyType(
    {**JSON_RPC_REASONS, **{reason: -32000 - place for place, reason in enumerate(OWN_REASONS)}}
)
"""Every reason a client can be refused for, and its code."""


class RobotdError(Exception):
    """Anything that robotd itself foresees."""


class Refused(RobotdError):  # noqa: N818 - an answer to somebody, not an error of ours
    """A bad message, said as data: it is the sender's turn.

    `reason` is a key of `REASONS`; `message` is a sentence for people, `hint` the next step, and `data` what
    a program needs to mend it (the limit and its unit, the possible commands, the holder...).
    """

    def __init__(self, reason: str, message: str, *, hint: str = "", **data: Any) -> None:
        super().__init__(message)
        self.reason = reason
        self.code = REASONS[reason]
        self.message = message
        self.hint = hint
        self.data = data

    def as_error(self) -> dict[str, Any]:
        """The `error` object of an answer."""
        return {
            "code": self.code,
            "message": self.message,
            "data": {"reason": self.reason, "hint": self.hint, **self.data},
        }
