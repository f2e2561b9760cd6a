"""A `Select` as SQL. Text only."""

from __future__ import annotations

from robotd.journal.schema import COLUMNS, ENDS
from robotd.journal.store import Select

SqlValue = int | str | bytes


def page_of(select: Select, *, newest_first: bool) -> tuple[str, list[SqlValue]]:
    """The statement for one page of rows, and its values.

    Three more values belong in front of them: the rows are those after the first and up to and with the
    second number; and one behind them: how many at most.
    """
    source = "rows"
    if select.kinds and all(kind in ENDS for kind in select.kinds):
        source = "ended CROSS JOIN rows USING (seq)"  # in this order: few rows of the many are such
    conditions = ["seq > ?", "seq <= ?"]
    values: list[SqlValue] = []
    if select.kinds:
        conditions.append(f"rows.kind IN ({', '.join('?' * len(select.kinds))})")
        values += select.kinds
    for condition, value in (
        ("rows.id = ?", select.id),
        ("trace = ?", select.trace),
        ("rows.wall >= ?", select.after),
        ("rows.wall < ?", select.before),
        ("boot = ?", select.boot),
    ):
        if value is not None:
            conditions.append(condition)
            values.append(value)
    if select.device is not None:
        # The names of devices are plain words: in JSON each stands as it is.
        conditions.append("(instr(body, ?) OR instr(body, ?))")
        values += [f'"{select.device}"'.encode(), f'"{select.device}.'.encode()]
    columns = ", ".join(f"rows.{column}" for column in COLUMNS)
    order = "DESC" if newest_first else "ASC"
    return (
        f"SELECT {columns} FROM {source} WHERE {' AND '.join(conditions)} ORDER BY seq {order} LIMIT ?",
        values,
    )
