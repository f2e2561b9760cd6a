"""`robotd` upon a disk that can become slow.

    python -m tests.journal.slow_disk 2 run config/rover.yaml --sim --journal FOLDER

From the first SIGUSR1 on, each sync takes so many seconds; until then what it takes, so that the start
is over soon. The next SIGUSR1 makes it quick again.
"""

from __future__ import annotations

import signal
import sys

from robotd.cli import main
from tests.journal.disk import Slow, upon


def serve(sync_s: float) -> None:
    """Run the command line that is left, upon such a disk."""
    disk = Slow(0.0)

    def change(_signal: int, _frame: object) -> None:
        disk.sync_s = sync_s - disk.sync_s

    signal.signal(signal.SIGUSR1, change)
    with upon(disk):
        main()


if __name__ == "__main__":
    serve(float(sys.argv.pop(1)))
