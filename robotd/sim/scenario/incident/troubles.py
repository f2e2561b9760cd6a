"""What befell the boards of a robot, from its journal, as faults that make the same happen again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from robotd.journal.kinds import DECISION
from robotd.journal.row import Row
from robotd.sim.scenario.model import Fault
from robotd.sim.scenario.writing import seconds

BOARD = "board:"
"""What the source of an event begins with that a board has told."""
SILENCE_S = 0.2
"""A wire is stalled for about so long before its board is found silent."""
NEAR_S = 0.5
"""What a device says of a board's trouble is written within this time of what the board says."""
LONG_S = 60.0
"""So long after the last row a trouble goes on of which nobody saw the end."""

SHORTEST_S = 0.001

_LOST, _SILENT, _BACK = "lost", "silent", "back"


class _Event(NamedTuple):
    seq: int
    at: float
    board: str
    what: str


class Troubles:
    """All that the boards have told, in order."""

    def __init__(self, rows: Sequence[Row], boards: Collection[str]) -> None:
        self._events = [
            _Event(row.seq, row.at, *type_.rsplit(".", 1))
            for row in rows
            if row.kind == DECISION
            and (type_ := row.data["type"]).rpartition(".")[0] in boards
            and row.data["source"].startswith(BOARD)
        ]
        self._ends_at = rows[-1].at + LONG_S

    def under_way(self, row: Row) -> list[Fault]:
        """What has to be wrong when the row comes, because it was before."""
        faults = []
        for board in dict.fromkeys(event.board for event in self._events):
            past = [event.what for event in self._events if event.board == board and event.seq < row.seq]
            if past and past[-1] in (_LOST, _SILENT):
                kind = "unplug" if past[-1] == _LOST else "stall"
                faults.append(Fault(board, f"{kind} {self._until_back(board, row, row.at)}"))
        return faults

    def fault(self, row: Row) -> tuple[float, Fault] | None:
        """When what has to go wrong for the event of this row; None where it follows from one before.

        That a cable was out is all that a loss says, and that nothing came through all that a silence does.
        """
        event = next(event for event in self._events if event.seq == row.seq)
        board, what = event.board, event.what
        past = [one.what for one in self._events if one.board == board and one.seq < row.seq]
        if what == _SILENT:
            began_at = row.at - SILENCE_S
            return began_at, Fault(board, f"stall {self._until_back(board, row, began_at)}")
        if what == _LOST and (not past or past[-1] != _SILENT):
            return row.at, Fault(board, f"unplug {self._until_back(board, row, row.at)}")
        return None

    def _until_back(self, board: str, row: Row, at: float) -> str:
        """From that time until the board is back that is gone when the row comes."""
        later = (event for event in self._events if event.board == board and event.seq >= row.seq)
        back_at = next((event.at for event in later if event.what == _BACK), self._ends_at)
        return seconds(round(max(back_at - at, SHORTEST_S), 3))

    def is_return(self, row: Row) -> bool:
        """Whether the event of this row is that a board is back."""
        return any(event.seq == row.seq and event.what == _BACK for event in self._events)

    def explain(self, row: Row) -> bool:
        """Whether some board was in trouble when the row was written, and so its devices and readings."""
        trouble = False
        for event in self._events:
            if abs(event.at - row.at) <= NEAR_S:
                return True
            if event.at > row.at:
                break
            trouble = event.what != _BACK
        return trouble
