"""Where the runtime writes down what it does before it does it. The journal stands behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from robotd.core.decision import Decision
from robotd.core.message import Command, Message
from robotd.errors import Refused


class Record(Protocol):
    """Writes rows in the order of these calls. Nothing here waits; every call but the last returns a row."""

    def command(self, command: Command, digest: str | None) -> int:
        """It was accepted. `digest`: of what the client asked, where the client may ask it again."""

    def decided(self, decision: Decision, saw: Mapping[str, float | bool | None]) -> int:
        """The machine decided; `saw` are the readings that it looked at."""

    def started(self, cause: Message, action: str, *, stream: bool) -> int:
        """An action begins. `stream`: it goes on with what an earlier setpoint of the same client began."""

    def ended(
        self,
        command: Command,
        stage: str,
        reason: str | None,
        result: Any,
        error: Mapping[str, Any] | None,
        *,
        started: bool,
        dead: bool,
    ) -> int:
        """It has reached its terminal stage. `dead`: somebody should look at it."""

    def halted(self, device: str, what: Mapping[str, Any], cause: Message | None) -> int:
        """An actuator that moved was told to stand still."""

    def limited(
        self,
        device: str,
        action: str,
        cause: Message | None,
        asked: Mapping[str, float],
        sent: Mapping[str, float],
    ) -> int:
        """A soft limit cut what was asked."""

    def failed(self, cause: Message, action: str, error: BaseException) -> int:
        """User code raised what nobody foresaw."""

    def refusal(self) -> Refused | None:
        """Why nothing may begin to move as far as the record is concerned; None: it may."""

    def when_durable(self, row: int, call: Callable[[], None]) -> None:
        """Call, in a later turn and in order, when no loss of power can take that row any more."""
