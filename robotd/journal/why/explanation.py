"""What an explanation is, for whoever asks: a person, a script, a client."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from robotd.journal.errors import JournalError


class NotInJournal(JournalError):  # noqa: N818  # it says what it is
    """Nothing in the journal is about what was asked for; `hint` is the next step."""

    def __init__(self, sentence: str, hint: str) -> None:
        super().__init__(sentence)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Link:
    """One link of the chain: what happened, in a sentence, and the row that says so."""

    seq: int
    at: float
    """Seconds on the robot's monotonic clock..."""
    wall: int
    """...and microseconds since 1970, as the row has them."""
    kind: str
    """The row's kind."""
    sentence: str
    """What happened, and the next step where there is one."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why something is as it is."""

    links: tuple[Link, ...]
    """The oldest first: the first is the root cause, as far as the journal tells."""
    summary: str
    """One line: what happened `<-` its cause `<-` the cause of that, down to the root."""

    def as_data(self) -> dict[str, Any]:
        """As plain data: the answer of the method `why`, and what `--json` prints."""
        return asdict(self) | {"links": [asdict(link) for link in self.links]}
