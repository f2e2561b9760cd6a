"""What may be wrong with a journal."""

from __future__ import annotations

from robotd.errors import RobotdError


class JournalError(RobotdError):
    """Something about the journal, in a sentence with its path."""


class JournalHeld(JournalError):  # noqa: N818  # it says what it is
    """Another daemon writes this journal; the sentence names it."""


class JournalTooNew(JournalError):  # noqa: N818  # it says what it is
    """A later version of robotd wrote it."""


class JournalFull(JournalError):  # noqa: N818  # it says what it is
    """The disk has no place for these rows. Nothing of them was written; they may be written again later."""


class JournalFailed(JournalError):  # noqa: N818  # it says what it is
    """The disk did not take what it was given, or did not promise to keep it. Never to be tried again: what a
    failed fsync left behind nobody knows."""
