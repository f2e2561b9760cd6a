"""What a journal tells as a scenario: the same clients, sensors and broken cables, and what came of it.

The world is held as the sensors saw it, so that the same edges come; what the clients did follows with the
pauses that they made; where the robot got to, and how commands ended, is expected. What went wrong inside a
board, or what nobody wrote down, cannot be retold: `Incident.unsaid` says what.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from robotd.config import RobotConfig
from robotd.core.chart import SHUTDOWN
from robotd.core.decision import Decision, Outcome
from robotd.core.message import Command
from robotd.core.stage import CANCELLED, EXPIRED, PREEMPTED, REJECTED, UNKNOWN
from robotd.journal import kinds
from robotd.journal.errors import JournalError
from robotd.journal.replay import Boot
from robotd.journal.row import Row
from robotd.journal.store import Rows, Select
from robotd.sim.scenario.holding import Holding, Said
from robotd.sim.scenario.model import (
    OPERATOR,
    TCP,
    WEBSOCKET,
    Action,
    Cancel,
    Connect,
    Disconnect,
    Expect,
    Fact,
    Fault,
    Inject,
    InState,
    Reset,
    Scenario,
    Send,
    SetWorld,
    StageIs,
    Step,
    Stop,
    Told,
)
from robotd.sim.scenario.names import Names
from robotd.sim.scenario.pacing import Moment, paced
from robotd.sim.scenario.writing import to_yaml
from robotd.sim.simulation import SETTLING_S

SOON_S = 0.5
"""What follows from something comes within this time, also where a reading is sampled only now and then."""
REPORTED_S = 0.15
"""So long before a decision that depends on it a sensor is set: it has reported by then."""
SILENCE_S = 0.2
"""About so long a wire is stalled before its board is found silent."""
RETURN_S = 20.0
"""A board whose cable is in again is back within this time."""
ON_THE_WAY_S = 0.2
"""Between the steps that lead to where the story begins."""
_SET, _DO, _EXPECT = range(3)


@dataclass(frozen=True, slots=True)
class Incident:
    """A scenario made of rows, and what of them is not in it."""

    scenario: Scenario
    told: str
    """Which rows they were."""
    unsaid: tuple[str, ...]

    def to_yaml(self) -> str:
        """The text of its file; comments say what it is made of, and what could not be retold."""
        first, rest = to_yaml(self.scenario).split("\n", 1)
        comments = [f"# {self.told}", *(f"# Not retold: {sentence}" for sentence in self.unsaid)]
        return "\n".join([first, *comments, rest])


def retell_rows(
    rows: Rows, config: RobotConfig, robot: str, *, since: int | None = None, until: int | None = None
) -> Incident:
    """Retell the rows from `since` up to `until` of one start of the daemon, the newest there is.

    Without `since` from the start on; what led to the state at `since` is done at the beginning in short.
    `robot` is what the scenario calls the robot's file, of which `config` is made. Raises `JournalError`.
    """
    boot = next(rows.rows(Select(kinds=(kinds.BOOT,), until=until), limit=1, newest_first=True), None)
    if boot is None:
        raise JournalError("no start of the daemon is among the rows")
    if since is not None and since < boot.seq:
        raise JournalError(f"the daemon started again at row {boot.seq}: a scenario is about one start")
    lived = list(rows.rows(Select(since=boot.seq, until=until)))
    return _Teller(boot, lived, config, since or boot.seq).tell(robot)


class _Teller:
    """Goes through the rows of one start of the daemon."""

    def __init__(self, boot: Row, rows: Sequence[Row], config: RobotConfig, since: int) -> None:
        self._boot = Boot(boot)
        self._rows = rows
        self._config = config
        self._since = since
        self._names = Names(config)
        self._holding = Holding(config, self._names)
        self._moments: list[Moment] = []
        self._unsaid: dict[str, None] = {}
        self._clients: dict[str, str] = {}
        """What the scenario calls each source that has said something."""
        self._sent: dict[str, str] = {}
        """By type the id of the newest command that the scenario sends."""
        self._ended: dict[str, tuple[str, str | None]] = {}
        """By type how the newest of those ended of which that is expected."""
        self._fired: dict[str, float] = {}
        """When each rule has fired last."""
        self._silent: set[str] = set()
        """The boards that fell silent and are not back."""

    def tell(self, robot: str) -> Incident:
        """All of it."""
        early = [row for row in self._rows if row.seq < self._since]
        rows = list(takewhile(_is_before_the_end, self._rows[len(early) :]))
        begins_at = self._way_there(early, rows[0].at)
        samples = [said for row in rows for said in _samples(row)]
        # What held when the story begins counts first, the newest of it before all.
        known = [said for row in reversed(early) for said in _seen(row)]
        world = self._holding.begin([*known, *(said for row in rows for said in _seen(row))])
        due = deque(sorted(samples, key=lambda said: said.at))
        for row in rows:
            while due and due[0].at <= row.at:
                self._set(due[0].at, 0, self._holding.follow(due.popleft()))
            if row.kind in _TELL:
                _TELL[row.kind](self, row)
        self._expect(rows[-1], [InState(leaf) for leaf in self._boot.machine.leaves if leaf])
        data, last = self._boot.row.data, rows[-1].seq
        scenario = Scenario(
            robot=robot,
            title=f"rows {rows[0].seq} to {last} of the journal of {data.get('robot', 'a robot')}",
            world=world,
            steps=paced(self._moments, begins_at, self._is_streamed),
        )
        when = wall_time_text(rows[0].wall)
        return Incident(scenario, f"Retold from rows {rows[0].seq} to {last}, {when}.", tuple(self._unsaid))
