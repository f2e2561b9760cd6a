"""Goes through the rows of a story, and notes what was done, what the sensors saw, and what came of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf
from typing import Literal

from robotd.config import RobotConfig
from robotd.core.chart import ESTOP, RESET
from robotd.core.message import Command, Message
from robotd.core.stage import CANCELLED, DONE, EXPIRED, PREEMPTED, REJECTED, UNKNOWN
from robotd.daemon.leasing import GIVEN_BACK, LAPSED, RELEASED, TAKEN
from robotd.journal import kinds
from robotd.journal.decided import message_of
from robotd.journal.replay import Boot
from robotd.journal.replay.identical import RULE
from robotd.journal.row import Row
from robotd.runtime.ledger import WANTED
from robotd.sim.scenario.incident.holding import REPORTED_S, Holding, Said, Value, said_by
from robotd.sim.scenario.incident.notebook import AFTER, BRIEFLY_S, SOON_S, Notebook, led_to
from robotd.sim.scenario.incident.troubles import BOARD, Troubles
from robotd.sim.scenario.model import (
    OPERATOR,
    TCP,
    WEBSOCKET,
    Amount,
    Cancel,
    Connect,
    Disconnect,
    Fact,
    Inject,
    InState,
    Lease,
    Reset,
    Send,
    StageIs,
    Stop,
    Told,
)
from robotd.sim.scenario.names import Names

RETURN_S = 20.0
"""A board whose cable is in again is back within this time."""
MOTION_S = 5.0
"""A motion that begins somewhere else, where only a part is retold, may take so much longer."""
BOARD_S = 1.0
"""A trouble of a board is found out within this time."""
ROUNDED_S = 1e-5
"""What lies no farther before a row came with it: times of readings are rounded."""
ALWAYS_S = 3600.0
"""A lease that had not ended when the story did is renewed for so long."""
BEFORE_S = 0.001
"""Before anything else that a row brings."""
SCENARIO = "scenario"
"""The source of an event that a scenario told the machine."""

_OVER = {"ws": WEBSOCKET, "tcp": TCP, "unix": TCP}
"""How a client comes in a scenario, by how it came."""


class _Clients:
    """Who speaks in the scenario. Of those who came one after the other it has one, which stays."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        """By source, while it is there."""
        self._idle: dict[str, list[str]] = {TCP: [OPERATOR]}
        """Who has nobody to speak for, by how they are connected."""
        self._count = 1

    def find(self, source: str) -> tuple[str | None, str | None]:
        """The name of a source, and where nobody of that name is there yet, how to connect.

        No name for what is no client.
        """
        over = _OVER.get(source.partition(":")[0])
        if over is None or source in self._names:
            return self._names.get(source), None
        if idle := self._idle.get(over):
            self._names[source] = idle.pop()
            return self._names[source], None
        self._count += 1
        name = self._names[source] = f"client{self._count}"
        return name, over

    def leave(self, source: str) -> tuple[str, str] | None:
        """It has hung up; what it has sent goes on. Returns its name, if it had one, and how it came."""
        name = self._names.pop(source, None)
        if name is None:
            return None
        over = _OVER[source.partition(":")[0]]
        self._idle.setdefault(over, []).append(name)
        return name, over


def rules_of(rows: Iterable[Row]) -> Sequence[str]:
    """The rules that have fired, each once."""
    fired = (row.data for row in rows if row.kind == kinds.DECISION)
    return list(dict.fromkeys(body["type"] for body in fired if body["source"].startswith(RULE)))


class Teller:
    """What happened, row by row; the machine goes along."""

    def __init__(
        self,
        boot: Boot,
        config: RobotConfig,
        names: Names,
        holding: Holding,
        notebook: Notebook,
        troubles: Troubles,
    ) -> None:
        """`boot` stands where the story begins; `troubles` are also those from before it."""
        self._boot = boot
        self._config = config
        self._names = names
        self._holding = holding
        self._notebook = notebook
        self._troubles = troubles
        self._samples: deque[Said] = deque()
        self._clients = _Clients()
        self._leaders: set[str] = set()
        """The sources that have had the lease: it matters when they go."""
        self._leases: dict[str, Row] = {}
        """By id the row in which a lease has ended."""
        self._stop_decided = True
        """The machine has decided upon the newest stop or reset."""
        self._accepted: dict[str | None, Row] = {}
        """By id the commands that the machine has not seen yet."""
        self._sent: dict[str, tuple[str, float]] = {}
        """By type the id of the newest command that the scenario sends, and when."""
        self._ends: dict[str, tuple[str, str | None]] = {}
        """By type how the newest of those ended of which that is expected."""
        self._seen: dict[str, tuple[float, int]] = {}
        """Of each reading time and row of the newest decision that looked at it."""

    def tell(self, rows: Sequence[Row], lease: Row | None = None) -> None:
        """All of it; at the end the robot is where it was. `lease`: in which one was taken before."""
        sampled = (said for row in rows if row.kind == kinds.READINGS for said in said_by(row))
        later = (said for said in sampled if said.at >= rows[0].at)
        self._samples = deque(sorted(later, key=lambda said: said.at))
        for row in rows:
            if row.kind == kinds.LEASE and row.data["what"] != TAKEN:
                self._leases.setdefault(row.data["lease_id"], row)
        if lease is not None:
            self._lease(lease._replace(at=rows[0].at, seq=rows[0].seq - 1))
        for fault in self._troubles.under_way(rows[0]):
            self._notebook.do(rows[0], fault)
        now = rows[0].at
        for row in rows:
            while self._samples and self._samples[0].at < row.at - ROUNDED_S:
                sample = self._samples.popleft()
                self._notebook.set(max(sample.at, now), row.seq, self._holding.follow(sample))
            now = row.at
            if row.kind in _TELL:
                _TELL[row.kind](self, row)
        for row in self._accepted.values():
            self._notebook.leave_out(row, row.data["type"], "the machine never saw it")
        if self._stop_decided:
            leaves = [InState(leaf) for leaf in self._boot.machine.leaves if leaf]
            self._notebook.expect(rows[-1], leaves)

    # -- what happened

    def _command(self, row: Row) -> None:
        self._accepted[row.id] = row

    def _send(self, row: Row, message: Message) -> None:
        """A command is sent where it was decided: in a scenario nothing lies in between."""
        body = self._accepted.pop(message.id, row).data
        info = self._config.commands.get(message.type)
        known = set() if info is None else {parameter.wire_name for parameter in info.parameters}
        if info is None or not known >= message.payload.keys():
            self._notebook.leave_out(row, message.type, "this robot takes no such command")
            return
        valid_for_s = body.get("valid_for_ms", info.valid_for_s * 1000) / 1000
        self._sent[message.type] = message.id, row.at
        client = self._client(row, message.source)
        self._notebook.do(
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
        of_a_rule = message.source.startswith(RULE)
        in_time = self._fires(row, message, saw) if of_a_rule else self._looks(row, message, saw)
        self._seen |= dict.fromkeys(saw, (row.at, row.seq))
        self._stop_decided = self._stop_decided or message.type in (ESTOP, RESET)
        states = led_to(self._boot.decide(row).decision)
        told = [Told(message.type)] if message.type in self._names.events and in_time else []
        if of_a_rule:
            self._notebook.expect(row, [*told, *states])
        elif isinstance(message, Command):
            self._send(row, message)
            self._notebook.expect(row, states)
        elif message.source.startswith(BOARD):
            self._of_a_board(row, [*told, *states])
        elif message.source == SCENARIO and told:
            self._notebook.do(row, Inject(message.type, message.payload))
            self._notebook.expect(row, [*told, *states])
        elif states:
            self._notebook.pass_over(row.at)
            self._notebook.expect(row, states)

    def _fires(self, row: Row, message: Message, saw: Mapping[str, Value | None]) -> bool:
        """Let a rule fire; returns whether it does now, and may not have before."""
        ahead = self._holding.is_ahead(saw)
        let_go, pressed, fires = self._holding.fire(message.type, saw)
        self._notebook.set(row.at - REPORTED_S, 0, let_go)
        self._notebook.set(row.at, row.seq, pressed)
        return fires and not ahead

    def _looks(self, row: Row, message: Message, saw: Mapping[str, Value | None]) -> bool:
        """Let the machine see what it saw: set as early as it helps, but after who saw what was before."""
        change = self._holding.decide(self._boot.machine, message, saw)
        used = max((self._seen[name] for name in saw if name in self._seen), default=(-inf, 0))
        at, seq = max((row.at - REPORTED_S, 0), used)
        self._notebook.set(at, seq, change, AFTER)
        if (at, seq) == used and any(isinstance(value, Amount) for value in change.values()):
            # It is sampled only now and then: the story takes the time that it needs.
            self._notebook.pause(at, seq, REPORTED_S)
        if not self._troubles.explain(row):
            for name in (name for name, value in saw.items() if value is None):
                self._notebook.leave_out(row, f"why {name} was stale")
        return True

    def _of_a_board(self, row: Row, facts: Sequence[Fact]) -> None:
        kind = row.data["type"]
        if kind.endswith(".refused"):
            self._notebook.leave_out(row, kind, "what is there instead is not known")
            return
        found = self._troubles.fault(row)
        if found is not None:
            at, fault = found
            self._notebook.do(row, fault, at)
        self._notebook.expect(row, facts, RETURN_S if self._troubles.is_return(row) else BOARD_S)

    def _ended(self, row: Row) -> None:
        """How a command ended, where that is the newest of its type and not what ends all but the newest."""
        body = row.data
        kind, stage, reason = body["type"], body["stage"], body.get("reason")
        sent, sent_at = self._sent.get(kind, ("", 0.0))
        if sent != row.id or stage == PREEMPTED:
            return
        if stage in (EXPIRED, UNKNOWN) or reason == "journal_unavailable":
            self._notebook.leave_out(row, kind, f"it ended {stage}{f' ({reason})' if reason else ''}")
            return
        if stage == CANCELLED and (reason == "shutting_down" or row.at - sent_at < BRIEFLY_S):
            return
        if (stage, reason) == (CANCELLED, WANTED):
            self._notebook.do(row, Cancel(kind))
        # A stream that is refused is refused again and again.
        if stage != REJECTED or self._ends.get(kind) != (stage, reason):
            self._notebook.expect(row, [StageIs(stage, kind, reason)], MOTION_S if stage == DONE else SOON_S)
        self._ends[kind] = stage, reason

    def _stop(self, row: Row) -> None:
        body = row.data
        self._stop_decided = False
        self._notebook.do(row, Stop(body["reason"], self._client(row, body["by"])))

    def _reset(self, row: Row) -> None:
        self._stop_decided = False
        self._notebook.do(row, Reset(client=self._client(row, row.data["by"])))

    def _lease(self, row: Row) -> None:
        """What was asked for is asked for again; what a command takes it takes by itself."""
        body = row.data
        source, what = body["source"], body["what"]
        if what == TAKEN:
            self._leaders.add(source)
        if what == TAKEN and body.get("explicit"):
            how: Literal["acquire", "steal"] = "steal" if "from" in body else "acquire"
            client = self._client(row, source)
            self._notebook.do(row, Lease(how, client), for_s=self._renewed_s(row))
        elif what == RELEASED and body["why"] == GIVEN_BACK:
            # What halts by it has its rows before: halts come first.
            self._notebook.do(row, Lease("release", self._client(row, source)), row.at - BEFORE_S)

    def _renewed_s(self, taken: Row) -> float | None:
        """How long a lease was renewed: of one that lapsed nothing was heard in the end."""
        body = taken.data
        end = self._leases.get(body["lease_id"])
        if end is None:
            return ALWAYS_S
        unheard_s = body["window_ms"] / 1000 if end.data["what"] == LAPSED else 0.0
        renewed_s = round(end.at - taken.at - unheard_s, 3)
        return renewed_s if renewed_s > 0 else None

    def _session(self, row: Row) -> None:
        body = row.data
        if body["what"] != "closed":
            return
        gone = self._clients.leave(body["source"])
        if gone is not None and body["source"] in self._leaders:
            # Who comes next over this connection is somebody else as far as the lease is concerned.
            self._notebook.do(row, Disconnect(gone[0]))
            self._notebook.do(row, Connect(*gone))

    def _device(self, row: Row) -> None:
        body = row.data
        if body["state"] == "faulted" and not self._troubles.explain(row):
            self._notebook.leave_out(row, f"what was wrong with {body['device']}")

    def _journal(self, row: Row) -> None:
        if row.data["what"] in ("slow", "full"):
            self._notebook.leave_out(row, f"that the journal's disk was {row.data['what']}")

    def _client(self, row: Row, source: str) -> str:
        """What the scenario calls who spoke."""
        name, over = self._clients.find(source)
        if name is None:
            self._notebook.leave_out(row, f"that {source} did it, and no client")
            return OPERATOR
        if over is not None:
            self._notebook.do(row, Connect(name, over))
        return name


_TELL: Mapping[str, Callable[[Teller, Row], None]] = {
    kinds.COMMAND: Teller._command,
    kinds.DECISION: Teller._decision,
    kinds.ENDED: Teller._ended,
    kinds.DEAD: Teller._ended,
    kinds.STOP: Teller._stop,
    kinds.RESET: Teller._reset,
    kinds.LEASE: Teller._lease,
    kinds.SESSION: Teller._session,
    kinds.DEVICE: Teller._device,
    kinds.JOURNAL: Teller._journal,
}
