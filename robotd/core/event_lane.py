"""The EVENT lane: of events that say how things are the newest counts, and one that says an end is kept."""

from __future__ import annotations

from collections import deque

from robotd.core.message import Message

STICKY_PLACES = 64
"""Places of the EVENT lane that only outcomes and losses may take; at most half of a smaller lane."""


class _Cell:
    """One place in the EVENT lane. A full lane changes what stands in it."""

    __slots__ = ("message", "sticky")

    def __init__(self, message: Message, sticky: bool) -> None:
        self.message = message
        self.sticky = sticky


class EventLane:
    """Events in order of arrival. Of ordinary ones, edges of readings, only the newest of a type is dear."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._ordinary_places = places - min(STICKY_PLACES, places // 2)
        self._cells: deque[_Cell] = deque()
        self._newest: dict[str, _Cell] = {}
        """By type, the ordinary one that came last."""
        self._ordinary = 0

    def __len__(self) -> int:
        return len(self._cells)

    @property
    def full(self) -> bool:
        """No place for one more ordinary event."""
        return self._ordinary >= self._ordinary_places or self.full_for_sticky

    @property
    def full_for_sticky(self) -> bool:
        """No place at all."""
        return len(self._cells) >= self._places

    def append(self, message: Message, *, sticky: bool) -> None:
        """Put it at the end. There must be room."""
        cell = _Cell(message, sticky)
        self._cells.append(cell)
        if not sticky:
            self._ordinary += 1
            self._newest[message.type] = cell

    def popleft(self) -> Message:
        """Take out the first."""
        cell = self._cells.popleft()
        self._forget(cell)
        return cell.message

    def replace(self, message: Message) -> Message | None:
        """Put `message` in the place of the newest ordinary one of its type, and return that one."""
        cell = self._newest.get(message.type)
        if cell is None:
            return None
        older, cell.message = cell.message, message
        return older

    def evict(self, *, superseded_only: bool) -> Message | None:
        """Take out the oldest ordinary event that has a newer one of its type; else the oldest ordinary."""
        if self._ordinary == (len(self._newest) if superseded_only else 0):
            return None
        oldest: int | None = None
        for place, cell in enumerate(self._cells):
            if cell.sticky:
                continue
            if self._newest[cell.message.type] is not cell:
                return self._take_out(place)
            if oldest is None:
                oldest = place
        return None if superseded_only or oldest is None else self._take_out(oldest)

    def _take_out(self, place: int) -> Message:
        cell = self._cells[place]
        del self._cells[place]
        self._forget(cell)
        return cell.message

    def _forget(self, cell: _Cell) -> None:
        if not cell.sticky:
            self._ordinary -= 1
            if self._newest[cell.message.type] is cell:
                del self._newest[cell.message.type]
