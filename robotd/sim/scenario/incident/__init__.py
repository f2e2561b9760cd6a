"""What a journal tells as a scenario: the same clients, sensors and broken cables, and what came of it.

The world is held as the sensors saw it, so that the same edges come; what the clients did follows with the
pauses that they made; where the robot got to, and how commands ended, is expected. What went wrong inside a
board, or what nobody wrote down, cannot be retold: `Incident.unsaid` says what.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import takewhile

from robotd.config import RobotConfig
from robotd.core.chart import SHUTDOWN
from robotd.journal.errors import JournalError
from robotd.journal.kinds import BOOT, DECISION
from robotd.journal.kinds import SHUTDOWN as ENDED_IN_ORDER
from robotd.journal.replay import Boot
from robotd.journal.row import Row
from robotd.journal.store import Rows, Select
from robotd.sim.scenario.incident.holding import Holding, Said, said_by
from robotd.sim.scenario.incident.leading import Past
from robotd.sim.scenario.incident.notebook import Notebook
from robotd.sim.scenario.incident.teller import Teller, rules_of
from robotd.sim.scenario.incident.troubles import Troubles
from robotd.sim.scenario.model import Scenario
from robotd.sim.scenario.names import Names
from robotd.sim.scenario.writing import to_yaml
from robotd.sim.simulation import SETTLING_S

__all__ = ["Incident", "retell_rows"]

MOST_ROWS = 100_000
"""Nobody reads a longer story."""


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
        comments = [f"# {self.told}", *(f"# Not retold: {sentence}." for sentence in self.unsaid)]
        return "\n".join([first, *comments, rest])


def retell_rows(
    rows: Rows, config: RobotConfig, robot: str, *, since: int | None = None, until: int | None = None
) -> Incident:
    """Retell the rows from `since` up to `until` of one start of the daemon, the newest there is.

    Without `since` from the start on; what led to the state at `since` is done at the beginning in short.
    `robot` is what the scenario calls the robot's file, of which `config` is made. Raises `JournalError`.
    """
    start = next(rows.rows(Select(kinds=(BOOT,), until=until), limit=1, newest_first=True), None)
    if start is None:
        raise JournalError("no start of the daemon is among the rows")
    if since is not None and since < start.seq:
        raise JournalError(f"the daemon started again at row {start.seq}: a scenario is about one start")
    boot = Boot(start)
    past = Past(boot)
    before = start.seq if since is None else max(since - 1, start.seq)
    for row in rows.rows(Select(since=start.seq, until=before)):
        if not _is_before_the_end(row):
            raise JournalError(f"by row {since} the daemon had ended")
        past.take(row)
    story = rows.rows(Select(since=before, until=until), limit=MOST_ROWS + 1)
    told = [*past.undecided, *takewhile(_is_before_the_end, story)]
    if len(told) == len(past.undecided):
        raise JournalError("between these rows nothing happened")
    if len(told) > MOST_ROWS:
        raise JournalError(f"these are more than {MOST_ROWS:,} rows: say where the story begins and ends")
    return _retell(boot, past, told, config, robot)


def _retell(boot: Boot, past: Past, told: Sequence[Row], config: RobotConfig, robot: str) -> Incident:
    """`told` are the rows of the story."""
    names = Names(config)
    notebook, holding = Notebook(), Holding(config, names)
    said = sorted((said for row in told for said in said_by(row)), key=_when)
    # What was known when it begins counts first.
    world = holding.begin([*past.known.values(), *said], rules_of(told))
    begins_at = past.walk(told[0].at, names, holding, notebook) if past.has_started else _ready_at(told)
    troubles = Troubles([*past.troubles, *told], config.boards)
    Teller(boot, config, names, holding, notebook, troubles).tell(told, past.lease)
    first, last = told[0], told[-1]
    when = datetime.fromtimestamp(first.wall / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S")
    scenario = Scenario(
        robot=robot,
        title=f"rows {first.seq} to {last.seq} of the journal of {boot.row.data.get('robot', 'a robot')}",
        world=world,
        steps=notebook.steps(begins_at, lambda command: config.commands[command].streamed),
    )
    sentence = f"Retold from rows {first.seq} to {last.seq}, written from {when} UTC on."
    return Incident(scenario, sentence, tuple(notebook.unsaid))


def _ready_at(rows: Sequence[Row]) -> float:
    """When a simulation of the same would have begun its story."""
    return next((row.at for row in rows if row.kind == DECISION), rows[0].at) + SETTLING_S


def _is_before_the_end(row: Row) -> bool:
    """Of the daemon: what its end brings is no part of a story."""
    return row.kind != ENDED_IN_ORDER and not (row.kind == DECISION and row.data["type"] == SHUTDOWN)


def _when(said: Said) -> float:
    return said.at
