"""Whether something moves, as far as the journal tells: what began, and whether it has ended."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from robotd.journal import kinds
from robotd.journal.row import Row
from robotd.journal.why.case import MOMENT_S, Body, Case, holds

STARTS_AT_MOST = 2_000
"""So many beginnings are looked at for one that has not ended..."""
REFUSED_AT_MOST = 50
"""...and so many of them that a device refused after all, in a stream of such."""


@dataclass(frozen=True, slots=True)
class Robot:
    """What the start of a daemon said of its robot; None, where its row is not kept any more."""

    boot: str
    start: Row | None
    chart: Mapping[str, Any]
    actuators: Collection[str] | None
    moves: Collection[str] | None
    """The commands that may move something..."""
    motions: Collection[str] | None
    """...and the actions that may."""

    @classmethod
    def of(cls, case: Case, boot: str) -> Robot:
        """The robot of a boot."""
        start = case.start(boot)
        said = {} if start is None else start.data
        about = (said.get(key) for key in ("actuators", "moves", "motions"))
        return cls(boot, start, said.get("chart") or {}, *about)

    def is_moved_by(self, command: str) -> bool:
        """Whether a command of this type may move something."""
        return self.moves is None or command in self.moves

    def is_motion(self, action: str) -> bool:
        """Whether the action, or a step of the list that goes by this name, may move something."""
        if self.motions is None or action in self.motions:
            return True
        return any(step in self.motions for do in self._dos() if do["name"] == action for step in _steps(do))

    def devices_in_order(self) -> Iterator[str]:
        """The devices that the chart moves, in the order of the file: the first is what it is about."""
        for do in self._dos():
            for step in _steps(do):
                yield step.partition(".")[0]

    def _dos(self) -> Iterator[Mapping[str, Any]]:
        for region in self.chart.get("regions", ()):
            for part in (*region.get("transitions", ()), *region.get("states", ())):
                if "do" in part:
                    yield part["do"]


def _steps(do: Mapping[str, Any]) -> Iterator[str]:
    return (str(step["action"]) for step in do["steps"])


def under_way(case: Case, robot: Robot) -> tuple[Row, str] | None:
    """The newest motion that began and has not ended; with what it is, and by whom."""
    over: set[str] = set()
    refused = 0
    for count, began in enumerate(case.back(kinds.STARTED, boot=robot.boot)):
        body = began.data
        action = str(body["action"])
        if action not in over and robot.is_motion(action):
            if refused < REFUSED_AT_MOST and _was_refused(case, began):
                refused += 1
            elif _is_over(case, robot, began, action):
                over.add(action)
            else:
                name = case.name(began.id or "", began)
                return began, f"{action} under way since {case.clock(began)}, by {name} from {body['source']}"
        if count >= STARTS_AT_MOST:
            break
    return None


def _was_refused(case: Case, began: Row) -> bool:
    """Whether the device took none of it: what it did before, it goes on doing."""
    end = None if began.id is None else case.about(began.id, kinds.ENDED, kinds.DEAD, near=began)
    return end is not None and end.data.get("stage") == "rejected"


def _is_over(case: Case, robot: Robot, began: Row, action: str) -> bool:
    device, dot, _ = action.partition(".")
    is_verb = bool(dot) and (robot.actuators is None or device in robot.actuators)
    is_command = began.id is not None and case.about(began.id, kinds.COMMAND, near=began) is not None

    def ends(row: Row, other: Body) -> object:
        match row.kind:
            case kinds.HALT:
                its = other.get("command") in (None, began.id)
                return its and (device == other.get("device") or action == other.get("action"))
            case kinds.DEVICE:
                return is_verb and other["device"] == device and other["state"] != "active"
            case kinds.DECISION:
                # What a state does by itself ends with it; what a command began has an end of its own.
                gone = other.get("left") and row.id != began.id and not (is_verb and is_command)
                return gone or other["type"] in (f"{action}.done", f"{action}.failed")
            case _:
                # A command that leads to a state is done at once; what the state does goes on.
                return row.id == began.id and (is_verb or row.at - began.at > MOMENT_S)

    def shows_rest(row: Row, other: Body) -> object:
        return row.at - began.at > MOMENT_S and other["values"].get(f"{device}.moving") is False

    rows = case.back(kinds.HALT, kinds.DEVICE, kinds.DECISION, kinds.ENDED, kinds.DEAD, boot=began.boot)
    if any(holds(ends, row) for row in after(began.seq, rows)):
        return True
    return case.next(kinds.READINGS, where=shows_rest, above=began.seq, boot=began.boot) is not None


def last_motion(case: Case, robot: Robot) -> Row | None:
    """The newest motion that began."""
    return case.last(kinds.STARTED, where=lambda _, body: robot.is_motion(body["action"]), boot=robot.boot)


def after(seq: int, rows: Iterable[Row]) -> Iterable[Row]:
    """Of rows that come newest first, those after the row `seq`."""
    for row in rows:
        if row.seq <= seq:
            return
        yield row
