"""One trial of some rows of the matrix, on a machine that does other things: a stop comes, and only stops.

`make faults` tries all of them, often, and holds the times against their limits.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.bench import Bench
from tests.faults.matrix import ALL, made
from tests.faults.rows import ROWS
from tests.faults.trial import Row

GENEROUS_S = 2.0
"""More than every limit: a busy machine is no failure."""
SHOWN = (
    "stop command",
    "handler raises",
    "handler blocks the loop: sleep",
    "handler blocks the loop: a bad regular expression",
    "daemon killed (SIGKILL)",
    "daemon frozen (SIGSTOP)",
    "SIGTERM",
    "restart after a crash: never moves",
    "guard killed",
    "actuator board lost: the others halt",
    "board alive but silent",
    "operator lost: client frozen, its connection alive",
)


BY_NAME = {row.name: row for row in reversed(ROWS)}


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with Bench.set_up() as bench:
        yield bench


@pytest.mark.parametrize("row", [BY_NAME[name] for name in SHOWN], ids=SHOWN)
def test_a_robot_stands_still_after(row: Row, bench: Bench) -> None:
    took_s = made(row, bench, print)

    assert took_s < row.limit_s + GENEROUS_S


def test_the_rows_have_names_of_their_own_and_share_all_trials() -> None:
    assert len({row.title for row in ROWS}) == len(ROWS)
    assert sum(row.trials for row in ROWS) == ALL
