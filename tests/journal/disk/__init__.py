"""Disks that keep a record, lose power, fail, fill up or dawdle: under Python's own SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.journal.disk.disk import Disk
from tests.journal.disk.faults import Failing, Slow, Small
from tests.journal.disk.power import Recording
from tests.journal.disk.system import calls_upon
from tests.journal.disk.vfs import missing, sqlite_upon

__all__ = ["Disk", "Failing", "Recording", "Slow", "Small", "missing", "upon"]


@contextmanager
def upon(disk: Disk) -> Iterator[None]:
    """What SQLite and the journal do to files within is done to this disk."""
    with sqlite_upon(disk), calls_upon(disk):
        yield
