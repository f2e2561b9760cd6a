"""When a machine may begin something: as soon as it stands, takes lines, and nothing is left of what was."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from hal.drivers.grbl import words
from hal.drivers.grbl.brake import Brake
from hal.drivers.grbl.lines import Lines
from hal.drivers.grbl.words import MachineState, Status
from hal.errors import DeviceRefused, DeviceSilent, HalError

READY_S = 3.0
"""How long something waits for the machine to come to rest before it."""


class BoardOfMachine(Protocol):
    """What a gantry needs of its board."""

    name: str
    lines: Lines
    brake: Brake
    status: Status | None
    offset_mm: words.Point | None
    homed: bool
    alarm: int
    homing_since: float | None

    def tell(self, data: bytes) -> None:
        """Write real-time bytes."""

    def unsettle(self, now: float) -> None:
        """What was reported before does not count any more."""

    def ask_status(self, now: float) -> None:
        """Ask for a report, if one may be asked for."""


class _Waiting(NamedTuple):
    """What is to begin."""

    begin: Callable[[float], None]
    since: float
    homes: bool


class Turn:
    """The one thing that is to begin next; a newer one takes its place."""

    def __init__(
        self, gantry: str, board: BoardOfMachine, way_out: str, failed: Callable[[HalError], None]
    ) -> None:
        """`way_out`: of an alarm, for people. `failed` is told why it will never begin."""
        self._gantry = gantry
        self._way_out = way_out
        self._board = board
        self._failed = failed
        self._waiting: _Waiting | None = None

    @property
    def taken(self) -> bool:
        """Whether something waits."""
        return self._waiting is not None

    def take(self, begin: Callable[[float], None], now: float, *, homes: bool = False) -> None:
        """Call `begin` with the time, now or soon. `homes`: it is the way out of an alarm.

        Raises why it cannot begin if that is known by now; `failed` is told of it otherwise.
        """
        self._waiting = _Waiting(begin, now, homes)
        self._proceed(now)

    def give_up(self) -> None:
        """Nothing is to begin any more."""
        self._waiting = None

    def proceed(self, now: float) -> None:
        """Begin what is to come, if the machine is at rest by now."""
        try:
            self._proceed(now)
        except HalError as error:
            self._failed(error)

    def _proceed(self, now: float) -> None:
        waiting, board = self._waiting, self._board
        if waiting is None:
            return
        status = board.status
        late = now - waiting.since > READY_S
        if board.brake.busy or status is None or not status.stands:
            self._wait(late, now)
        elif status.state is MachineState.DOOR and status.substate == 1 and late:
            raise DeviceRefused(self._gantry, "its door is open")
        elif status.state not in (MachineState.IDLE, MachineState.ALARM):
            board.brake.reset()  # it holds what nobody wants any more, or only checks
        elif not board.lines.idle:
            self._wait(late, now)
        elif status.state is MachineState.ALARM and not waiting.homes:
            raise DeviceRefused(self._gantry, f"it is locked by an alarm; {self._way_out}")
        else:
            self._waiting = None
            waiting.begin(now)

    def _wait(self, late: bool, now: float) -> None:
        if late:
            raise DeviceSilent(self._gantry, f"it did not come to rest in {READY_S:g} s")
        self._board.ask_status(now)
