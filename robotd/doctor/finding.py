"""What an examination of a machine found: how bad it is, and the mend."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How much a finding weighs."""

    ERROR = "error"
    """The robot will not run so, or not for long."""
    WARNING = "warning"
    """It runs, and is worse for it; `--strict` takes it for an error."""
    NOTE = "note"
    """A fact worth knowing."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about this machine."""

    code: str
    """The same for the same sort of thing, for scripts: `latency-timer`."""
    severity: Severity
    sentence: str
    mend: str
    """What to do, in words."""
    commands: tuple[str, ...] = ()
    """What to type for it, as far as a command can do it."""

    def as_json(self) -> dict[str, Any]:
        """All of it, for programs."""
        return asdict(self)
