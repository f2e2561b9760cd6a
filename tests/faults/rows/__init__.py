"""Every row of the matrix, in the order of the page on safety."""

from __future__ import annotations

from tests.faults.rows import boards, clocks, code, guard, journal, operators, process, stops
from tests.faults.trial import Row

ROWS: tuple[Row, ...] = (
    *stops.ROWS,
    *code.ROWS,
    *process.ROWS,
    *guard.ROWS,
    *boards.ROWS,
    *operators.ROWS,
    *journal.ROWS,
    *clocks.ROWS,
)
