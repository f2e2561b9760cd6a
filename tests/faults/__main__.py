"""The matrix of faults: each row again and again, and a table of how long it took to stand still.

    python -m tests.faults --trials 2000
    python -m tests.faults --trials 200 killed frozen

Words select the rows whose names have one of them.
"""

from __future__ import annotations

import argparse
import signal
import sys

from tests.faults.children import HarnessError
from tests.faults.clock import stolen_s
from tests.faults.matrix import ALL, run
from tests.faults.rows import ROWS
from tests.faults.table import Progress, markdown, text


def main() -> int:
    """Run, tell, and return 1 if a stop was missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("words", nargs="*", metavar="WORD", help="rows whose names have one of these")
    parser.add_argument("--trials", type=int, default=ALL, help=f"in all, over all rows (default {ALL:,})")
    parser.add_argument("--markdown", action="store_true", help="the table as the README has it")
    options = parser.parse_args()
    rows = [row for row in ROWS if not options.words or any(word in row.title for word in options.words)]
    if not rows:
        parser.error("no row has such a name")
    stolen_before_s = stolen_s()
    try:
        results = run(rows, options.trials / ALL, Progress(sys.stderr))
    except HarnessError as error:
        sys.stderr.write(f"a trial could not be made: {error}\n")
        return 1
    sys.stdout.write((markdown if options.markdown else text)(results, stolen_s() - stolen_before_s))
    return int(any(result.missed or not result.within for result in results))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # nothing is left behind then, either
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
