"""Whether something moves, as far as the journal tells: what began, and whether it has ended."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from robotd.journal.kinds import BOOT, DEAD, DECISION, ENDED, HALT, READINGS, STARTED
from robotd.journal.row import Row
from robotd.journal.why.case import MOMENT_S, Case

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Robot:
    """What the start of a daemon said of its robot; None, where its row is too far back."""

    boot: str
    start: Row | None
    chart: Mapping[str, Any]
    actuators: Collection[str] | None
    moves: Collection[str] | None
    """The commands that may move something."""

    @classmethod
    def of(cls, case: Case, boot: str) -> Robot:
        """The robot of a boot."""
        start = case.last(BOOT, boot=boot)
        said = {} if start is None else start.data
        return cls(boot, start, said.get("chart") or {}, said.get("actuators"), said.get("moves"))

    def is_moved_by(self, kind: str) -> bool:
        """Whether a message of this type may move something; of what is no command nobody knows."""
        return self.moves is None or kind in self.moves or kind not in self.chart.get("commands", ())

    def devices_in_order(self) -> Iterator[str]:
        """The devices that the chart moves, in the order of the file: the first is what it is about."""
        for region in self.chart.get("regions", ()):
            for transition in region.get("transitions", ()):
                for step in transition.get("do", {}).get("steps", ()):
                    yield str(step["action"]).partition(".")[0]

    def last_motion(self, case: Case) -> Row | None:
        """The newest motion that began."""
        return case.last(STARTED, where=lambda _, body: self.is_moved_by(body["type"]), boot=self.boot)


def under_way(case: Case, robot: Robot) -> tuple[Row, str] | None:
    """The newest motion that began, where it has not ended; with what it is, and by whom."""
    began = robot.last_motion(case)
    if began is None or _is_over(case, began):
        return None
    body = began.data
    name = case.name(began.id or "", began)
    return began, f"{body['action']} under way since {case.clock(began)}, by {name} from {body['source']}"


def _is_over(case: Case, began: Row) -> bool:
    action = str(began.data["action"])
    device = action.partition(".")[0]
    is_verb = device != action

    def ends(row: Row, other: Body) -> bool:
        if row.kind == HALT:
            return device == other.get("device") or action == other.get("action")
        if row.kind == READINGS:
            return (other.get("values") or {}).get(f"{device}.moving") is False
        if row.kind == DECISION:
            gone = bool(other.get("left")) and row.id != began.id
            return other.get("type") in (f"{action}.done", f"{action}.failed") or (gone and not is_verb)
        # A command that leads to a state is done at once; what the state does goes on.
        return row.id == began.id and (is_verb or row.at - began.at > MOMENT_S)

    rows = case.back(HALT, READINGS, DECISION, ENDED, DEAD, boot=began.boot)
    return any(ends(row, row.data) for row in after(began.seq, rows))


def after(seq: int, rows: Iterable[Row]) -> Iterable[Row]:
    """Of rows that come newest first, those after the row `seq`."""
    for row in rows:
        if row.seq <= seq:
            return
        yield row
