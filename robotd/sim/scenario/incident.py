"""What a journal tells as a scenario: the same clients, sensors and broken cables, and what came of it.

The world is held as the sensors saw it, so that the same edges come; what the clients did follows with the
pauses that they made; where the robot got to, and how commands ended, is expected. What went wrong inside a
board, or what nobody wrote down, cannot be retold: `Incident.unsaid` says what.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import takewhile
from math import inf

from robotd.config import RobotConfig
from robotd.core.chart import ESTOP, SHUTDOWN
from robotd.core.decision import Decision, Outcome
from robotd.core.message import Command, Message
from robotd.core.stage import CANCELLED, EXPIRED, PREEMPTED, REJECTED, UNKNOWN
from robotd.journal import kinds
from robotd.journal.decided import message_of
from robotd.journal.errors import JournalError
from robotd.journal.replay import Boot
from robotd.journal.replay.identical import RULE
from robotd.journal.row import Row
from robotd.journal.store import Rows, Select
from robotd.runtime.ledger import WANTED
from robotd.sim.scenario.holding import Holding, Said, World, said_by
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
from robotd.sim.scenario.troubles import BOARD, Troubles
from robotd.sim.scenario.writing import to_yaml
from robotd.sim.simulation import SETTLING_S

SOON_S = 0.5
"""What follows from something comes within this time, also where a reading is sampled only now and then."""
REPORTED_S = 0.15
"""So long before a decision that depends on it a sensor is set: it has reported by then."""
RETURN_S = 20.0
"""A board whose cable is in again is back within this time."""
ON_THE_WAY_S = 0.2
"""Between the steps that lead to where the story begins."""
ROUNDED_S = 1e-5
"""What lies no farther before a row came with it: times of readings are rounded."""
BRIEFLY_S = 0.02
"""A state that the machine leaves by itself within this time is not expected, nor is so early an end."""
BOARD_S = 1.0
"""A trouble of a board is found out within this time."""
SCENARIO = "scenario"
"""The source of an event that a scenario told the machine."""

_SET, _DO, _EXPECT, _AFTER = range(4)
_OVER = {"ws": WEBSOCKET, "tcp": TCP, "unix": TCP}
"""How a client comes in a scenario, by how it came."""


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
        """By type the id of the newest command that the scenario sends..."""
        self._sent_at: dict[str, float] = {}
        """...and when."""
        self._ends: dict[str, tuple[str, str | None]] = {}
        """By type how the newest of those ended of which that is expected."""
        self._fired: dict[str, float] = {}
        """When each rule has fired last."""
        self._seen: dict[str, tuple[float, int]] = {}
        """Of each reading time and row of the newest decision that looked at it."""
        self._accepted: dict[str | None, Row] = {}
        """By id the commands that the machine has not seen yet."""
        self._troubles = Troubles(rows, config.boards)

    def tell(self, robot: str) -> Incident:
        """All of it."""
        early = [row for row in self._rows if row.seq < self._since]
        rows = list(takewhile(_is_before_the_end, self._rows[len(early) :]))
        began = rows[0].at
        begins_at = self._way_there(early, began)
        said = sorted((said for row in self._rows for said in said_by(row)), key=_when)
        known = [one for one in said if one.at < began]
        # What held when the story begins counts first, the newest of it before all.
        fired = dict.fromkeys(row.data["type"] for row in rows if _is_of_a_rule(row))
        world = self._holding.begin([*reversed(known), *said[len(known) :]], fired)
        sampled = (one for row in self._rows if row.kind == kinds.READINGS for one in said_by(row))
        samples = deque(one for one in sorted(sampled, key=_when) if one.at >= began)
        for row in rows:
            while samples and samples[0].at < row.at - ROUNDED_S:
                sample = samples.popleft()
                self._set(sample.at, row.seq, self._holding.follow(sample))
            if row.kind in _TELL:
                _TELL[row.kind](self, row)
        for row in self._accepted.values():
            self._leave_out(f"{row.data['type']} (row {row.seq}): it ended before the machine saw it")
        last = rows[-1]
        self._expect(last, [InState(leaf) for leaf in self._boot.machine.leaves if leaf])
        name = self._boot.row.data.get("robot", "a robot")
        scenario = Scenario(
            robot=robot,
            title=f"rows {rows[0].seq} to {last.seq} of the journal of {name}",
            world=world,
            steps=paced(filter(_says_something, self._moments), begins_at, self._is_streamed),
        )
        when = datetime.fromtimestamp(rows[0].wall / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S")
        told = f"Retold from rows {rows[0].seq} to {last.seq}, written from {when} UTC on."
        return Incident(scenario, told, tuple(self._unsaid))

    def _way_there(self, early: Sequence[Row], at: float) -> float:
        """Play what was before the story, and do again what led from the initial state to its beginning.

        Returns when that begins.
        """
        if not early:
            started = next((row.at for row in self._rows if row.kind == kinds.DECISION), at)
            return started + SETTLING_S
        way: list[tuple[Row, Decision]] = []
        initial: tuple[str, ...] | None = None
        for row in early:
            if row.kind == kinds.DECISION:
                decision = self._boot.decide(row).decision
                initial = initial or decision.after
                if decision.after == initial:
                    way.clear()
                elif decision.outcome is Outcome.MOVED:
                    way.append((row, decision))
        begins_at = at - len(way) * ON_THE_WAY_S
        for number, (row, decision) in enumerate(way):
            action = self._again(row, decision.message)
            if action is not None:
                there = row._replace(at=begins_at + number * ON_THE_WAY_S)
                self._do(there, action)
                self._expect(there, _states(decision))
        return begins_at

    def _again(self, row: Row, message: Message) -> Action | None:
        """What makes the robot hear the same message once more."""
        if message.type == ESTOP:
            return Stop(str(message.payload.get("reason", "stopped")))
        if isinstance(message, Command) and message.type in self._names.commands:
            return Send(message.type, message.payload)
        if message.type in self._names.events:
            return Inject(message.type, message.payload)
        self._leave_out(
            f"{message.type} (row {row.seq}): it leads to where this begins, but nobody can send it"
        )
        return None

    # -- what happened

    def _command(self, row: Row) -> None:
        self._accepted[row.id] = row

    def _send(self, row: Row, message: Message) -> None:
        """A command is sent where it was decided: in a scenario nothing lies in between."""
        body = self._accepted.pop(message.id, row).data
        info = self._config.commands.get(message.type)
        known = set() if info is None else {parameter.wire_name for parameter in info.parameters}
        if info is None or not known >= message.payload.keys():
            self._leave_out(f"{message.type} (row {row.seq}): this robot takes no such command")
            return
        valid_for_s = body.get("valid_for_ms", info.valid_for_s * 1000) / 1000
        self._sent[message.type] = message.id
        self._sent_at[message.type] = row.at
        client = self._client(row, message.source)
        self._do(
            row,
            Send(
                message.type,
                message.payload,
                valid_for_s=None if valid_for_s == info.valid_for_s else valid_for_s,
                version=message.version,
                client=client,
            ),
        )

    def _decision(self, row: Row) -> None:
        body = row.data
        message, saw = message_of(row, body), body.get("saw", {})
        early = False
        if message.source.startswith(RULE):
            early = self._holding.is_ahead(saw)
            let_go, pressed = self._holding.fire(
                message.type, saw, row.at, self._fired.get(message.type, 0.0)
            )
            self._set(row.at - REPORTED_S, 0, let_go)
            self._set(row.at, row.seq, pressed)
            self._fired[message.type] = row.at
        else:
            change = self._holding.decide(self._boot.machine, message, saw, row.at)
            # As early as it helps, but after the last decision that saw what it was before.
            used = max((self._seen[name] for name in saw if name in self._seen), default=(-inf, 0))
            self._set(*max((row.at - REPORTED_S, 0), used), change, _AFTER)
        self._seen |= dict.fromkeys(saw, (row.at, row.seq))
        decision = self._boot.decide(row).decision
        states = _states(decision)
        told = [Told(message.type)] if message.type in self._names.events else []
        if message.source.startswith(RULE):
            self._expect(row, states if early else [*told, *states])
        elif isinstance(message, Command):
            self._send(row, message)
            self._expect(row, states)
        elif message.source.startswith(BOARD):
            self._of_a_board(row, [*told, *states])
        elif message.source == SCENARIO and told:
            self._do(row, Inject(message.type, message.payload))
            self._expect(row, [*told, *states])
        else:
            if states:
                self._pass_over(row.at)
            self._expect(row, states)
        if not self._troubles.explain(row):
            for name in (name for name, value in saw.items() if value is None):
                self._leave_out(f"why {name} was stale (row {row.seq})")

    def _pass_over(self, at: float) -> None:
        """The machine moves on by itself: nobody can expect to see it where it only just was."""
        for place in range(len(self._moments) - 1, -1, -1):
            moment = self._moments[place]
            if not isinstance(moment.step.do, Expect) or at - moment.at > BRIEFLY_S:
                return
            facts = tuple(fact for fact in moment.step.do.facts if not isinstance(fact, InState))
            self._moments[place] = moment._replace(step=replace(moment.step, do=Expect(facts)))

    def _of_a_board(self, row: Row, facts: Sequence[Fact]) -> None:
        kind = row.data["type"]
        if kind.endswith(".refused"):
            self._leave_out(f"{kind} (row {row.seq}): what the board refused to be")
            return
        found = self._troubles.fault(row)
        if found is not None:
            at, fault = found
            self._moments.append(Moment(at, 0 if at < row.at else row.seq, _DO, Step(fault)))
        self._expect(row, facts, RETURN_S if self._troubles.is_return(row) else BOARD_S)

    def _ended(self, row: Row) -> None:
        """How a command ended, where that is the newest of its type and not what ends all but the newest."""
        body = row.data
        kind, stage, reason = body["type"], body["stage"], body.get("reason")
        if self._sent.get(kind) != row.id or stage == PREEMPTED:
            return
        if stage in (EXPIRED, UNKNOWN) or reason == "journal_unavailable":
            self._leave_out(f"{kind} (row {row.seq}): it ended {stage}{f' ({reason})' if reason else ''}")
            return
        if stage == CANCELLED and row.at - self._sent_at[kind] < BRIEFLY_S:
            return
        if (stage, reason) == (CANCELLED, WANTED):
            self._do(row, Cancel(kind))
        # A stream that is refused is refused again and again.
        if stage != REJECTED or self._ends.get(kind) != (stage, reason):
            self._expect(row, [StageIs(stage, kind, reason)])
        self._ends[kind] = stage, reason

    def _stop(self, row: Row) -> None:
        body = row.data
        self._do(row, Stop(body["reason"], self._client(row, body["by"])))

    def _reset(self, row: Row) -> None:
        self._do(row, Reset(client=self._client(row, row.data["by"])))

    def _session(self, row: Row) -> None:
        body = row.data
        name = self._clients.get(body["source"])
        if name is not None and body["what"] == "closed":
            self._do(row, Disconnect(name))

    def _device(self, row: Row) -> None:
        body = row.data
        if body["state"] == "faulted" and not self._troubles.explain(row):
            self._leave_out(f"what was wrong with {body['device']} (row {row.seq})")

    def _journal(self, row: Row) -> None:
        if row.data["what"] in ("slow", "full"):
            self._leave_out(f"that the journal's disk was {row.data['what']} (row {row.seq})")

    def _client(self, row: Row, source: str) -> str:
        """What the scenario calls who spoke; the first of them is there from the start."""
        name = self._clients.get(source)
        if name is None:
            over = source.partition(":")[0]
            if over not in _OVER:
                self._leave_out(f"that {source} did it, and no client (row {row.seq})")
                return OPERATOR
            name = f"client{len(self._clients) + 1}" if self._clients else OPERATOR
            self._clients[source] = name
            if name != OPERATOR:
                self._do(row, Connect(name, _OVER[over]))
        return name

    # -- moments

    def _set(self, at: float, seq: int, world: World, order: int = _SET) -> None:
        if world:
            self._moments.append(Moment(at, seq, order, Step(SetWorld(world))))

    def _do(self, row: Row, action: Action) -> None:
        self._moments.append(Moment(row.at, row.seq, _DO, Step(action)))

    def _expect(self, row: Row, facts: Sequence[Fact], within_s: float = SOON_S) -> None:
        if facts:
            self._moments.append(
                Moment(row.at, row.seq, _EXPECT, Step(Expect(tuple(facts)), within_s=within_s))
            )

    def _leave_out(self, sentence: str) -> None:
        self._unsaid[sentence] = None

    def _is_streamed(self, command: str) -> bool:
        return self._config.commands[command].streamed


_TELL: Mapping[str, Callable[[_Teller, Row], None]] = {
    kinds.COMMAND: _Teller._command,
    kinds.DECISION: _Teller._decision,
    kinds.ENDED: _Teller._ended,
    kinds.DEAD: _Teller._ended,
    kinds.STOP: _Teller._stop,
    kinds.RESET: _Teller._reset,
    kinds.SESSION: _Teller._session,
    kinds.DEVICE: _Teller._device,
    kinds.JOURNAL: _Teller._journal,
}


def _when(said: Said) -> float:
    return said.at


def _states(decision: Decision) -> list[Fact]:
    """Where it has led."""
    if decision.outcome is not Outcome.MOVED or not all(decision.before):
        return []
    moved = [after for before, after in zip(decision.before, decision.after, strict=True) if before != after]
    return [InState(leaf) for leaf in moved or decision.after]


def _says_something(moment: Moment) -> bool:
    return moment.step.do != Expect(())


def _is_of_a_rule(row: Row) -> bool:
    return row.kind == kinds.DECISION and row.data["source"].startswith(RULE)


def _is_before_the_end(row: Row) -> bool:
    """Of the daemon: what its end brings is no part of a story."""
    return row.kind != kinds.SHUTDOWN and not (row.kind == kinds.DECISION and row.data["type"] == SHUTDOWN)
