"""Disks that keep a record, lose power, fail, fill up or dawdle: under Python's own SQLite."""

from tests.journal.disk.faults import Failing, Slow, Small
from tests.journal.disk.power import Recording
from tests.journal.disk.vfs import Disk, missing, upon

__all__ = ["Disk", "Failing", "Recording", "Slow", "Small", "missing", "upon"]
