"""What can go wrong for a client. The type says whose turn it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from robotd.errors import RobotdError


class ClientError(RobotdError):
    """Anything that `robotd.client` raises on purpose."""


class CannotConnect(ClientError):  # noqa: N818 - says what happened, as the caller would
    """Nobody answers at that address, or what answers is not robotd. Nothing was sent to a robot."""


class InFlight(NamedTuple):
    """One request that had no answer when the connection was lost."""

    method: str
    """`send`, `status`, ..."""
    id: str | None
    """The command's id for a `send`: sent again with the same id and body it is never run twice."""


class ConnectionLost(ClientError):  # noqa: N818 - says what happened, as the caller would
    """The connection is gone. What was in flight may or may not have reached the robot."""

    def __init__(self, sentence: str, in_flight: tuple[InFlight, ...] = ()) -> None:
        waiting = ", ".join(f"{request.method} {request.id or ''}".strip() for request in in_flight)
        super().__init__(f"{sentence}; without an answer: {waiting}" if waiting else sentence)
        self.sentence = sentence
        self.in_flight = in_flight


class RemoteError(ClientError):
    """The robot said no, in the words of the error table. Cure: what `hint` says."""

    def __init__(self, code: int, message: str, data: Mapping[str, Any]) -> None:
        self.code = code
        self.reason = str(data.get("reason", ""))
        """The stable string to test for: `guard_false`, `latched`, `busy`, ..."""
        self.hint = str(data.get("hint", ""))
        self.data = data
        """All of it, with what the reason brings along (`latch_id`, `expression`, `limit`, ...)."""
        super().__init__(f"{message} ({self.hint})" if self.hint else message)
