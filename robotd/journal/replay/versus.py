"""What another machine would have done with the messages of a journal: both side by side, row for row.

The other machine is told what happened to the robot under its own: commands, events of rules and boards, and
how actions ended, as long as both are in the state that had started them. Its time-outs are its own, and so
are the events of rules that the recorded robot did not have just so. What it has to know of a reading that
the row does not say is the newest value that the journal does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import partial
from math import inf
from typing import Any, NamedTuple

from robotd.core.action import BindError, CommandInfo
from robotd.core.chart import ALWAYS, Chart
from robotd.core.decision import Decision, Entry, Outcome, Refusal
from robotd.core.machine import StateMachine
from robotd.core.message import Command, Event, Lane, Message
from robotd.core.portable import do_to_data, from_data, rules_to_data, to_data
from robotd.core.rules import Rule, Rules
from robotd.core.seen import Seen
from robotd.journal.decided import decided
from robotd.journal.kinds import BOOT, READINGS
from robotd.journal.replay.identical import RULE, TOLD_EVERY, Difference
from robotd.journal.replay.known import Readings, Value
from robotd.journal.replay.player import Decided, Player, decide
from robotd.journal.row import Row
from robotd.journal.store import ALL, Rows, Select

KEPT = 100
"""So many places where they part are told of; all are counted."""
TIMER = "timer:"
"""What the source of a time-out begins with."""
NEVER = 0
"""The number of no stay."""


@dataclass(slots=True, eq=False)
class Parting:
    """A row from which on the two did not do the same, until `met`."""

    row: Row
    journal: Mapping[str, Any] | None
    """What the recorded machine decided, as the body of a row; None where nothing came to it."""
    other: Mapping[str, Any]
    """What the other one decided there."""
    differences: tuple[Difference, ...]
    """In what; `replayed` is the other one's side."""
    ages_s: Mapping[str, float]
    """Of what the other one looked at, the readings that are older than the row."""
    met: Row | None = None
    """The next row at which they did the same and were in the same states; None: there was none."""


@dataclass(slots=True, eq=False, kw_only=True)
class Comparison:
    """What came of it."""

    rows: int = 0
    decisions: int = 0
    boots: int = 0
    passed_over: int = 0
    """Rows before the first `boot` row."""
    different: int = 0
    """How many decisions were not the same, those of one side alone included."""
    partings: int = 0
    kept: list[Parting] = field(default_factory=list)
    """The first `KEPT` of them."""


def compare(
    rows: Rows,
    chart: Chart,
    commands: Mapping[str, CommandInfo],
    rules: Sequence[Rule] = (),
    select: Select = ALL,
    progress: Callable[[int], None] = lambda _: None,
) -> Comparison:
    """Play the selected rows on the recorded machine and, beside it, on that of `chart`.

    `commands` says what a client may send to the other one, `rules` when its events happen. `progress` is
    told now and then how many rows have been read. Raises `JournalError` for a row that cannot be played.
    """
    run = _Run(from_data(to_data(chart)), commands, rules)
    count = 0
    for count, row in enumerate(rows.rows(select), start=1):
        run.take(row)
        if count % TOLD_EVERY == 0:
            progress(count)
    progress(count)
    return run.told(count)


class _Run:
    """Two machines under way."""

    def __init__(self, chart: Chart, commands: Mapping[str, CommandInfo], rules: Sequence[Rule]) -> None:
        self._begin: Callable[[Row, Readings], _Other] = partial(_Other, chart, commands, rules)
        self._player = Player()
        self._readings = Readings()
        self._other: _Other | None = None
        self._apart: Parting | None = None
        self._found = Comparison()

    def take(self, row: Row) -> None:
        mine = self._player.take(row)
        if row.kind == BOOT:
            self._meets(row)
            self._readings = Readings()
            self._other = self._begin(row, self._readings)
        elif self._other is not None and self._player.boot is not None:
            self._beside(row, mine, self._other, self._player.boot.machine)

    def _beside(self, row: Row, mine: Decided | None, other: _Other, machine: StateMachine) -> None:
        for decision in other.by_itself(row, machine.always_readings):
            if decision.outcome is not Outcome.IGNORED:
                self._differs(row, None, decision)
        if mine is not None:
            decision = other.take(mine)
            if _did(mine.decision) == _did(decision):
                self._meets(row)
            else:
                self._differs(row, mine, decision)

    def told(self, rows: int) -> Comparison:
        player, found = self._player, self._found
        found.rows, found.decisions = rows, player.decisions
        found.boots, found.passed_over = player.boots, player.passed_over
        return found

    def _meets(self, row: Row) -> None:
        if self._apart is not None:
            self._apart.met = row
            self._apart = None

    def _differs(self, row: Row, mine: Decided | None, decision: Decision) -> None:
        found = self._found
        found.different += 1
        if self._apart is None:
            self._apart = self._parting(row, mine, decision)
            found.partings += 1
            if len(found.kept) < KEPT:
                found.kept.append(self._apart)

    def _parting(self, row: Row, mine: Decided | None, decision: Decision) -> Parting:
        looked = {} if self._other is None else self._other.looked
        known = self._readings.known
        did, would = {} if mine is None else _did(mine.decision), _did(decision)
        return Parting(
            row,
            None if mine is None else mine.body,
            decided(decision, looked, None),
            tuple(
                Difference(key, did.get(key), value) for key, value in would.items() if did.get(key) != value
            ),
            {name: row.at - known[name].at for name in looked if name in known and known[name].at < row.at},
        )


class _Timer(NamedTuple):
    due: float
    stay: int
    entry: Entry


class _Other:
    """The other machine, from one start of the daemon to the next."""

    def __init__(
        self,
        chart: Chart,
        commands: Mapping[str, CommandInfo],
        rules: Sequence[Rule],
        boot: Row,
        readings: Readings,
    ) -> None:
        self._machine = StateMachine(chart)
        self._commands = commands
        self._readings = readings
        recorded = boot.data.get("rules", rules_to_data(rules))
        alike = {rule.name for rule in rules if rules_to_data([rule])[0] in recorded}
        self._rules = Rules(rule for rule in rules if rule.name not in alike)
        """Those that the recorded robot does not have just so."""
        self._strange = {rule["name"] for rule in recorded} - alike
        """The recorded rules that this robot does not have just so."""
        self._stays: dict[int, int] = {}
        """For stays of the recorded machine those that began here on the same row, in the same state."""
        self._timed_alike: set[int] = set()
        """Those of them that have the same time-out on both sides, so that the recorded one will do."""
        self._timers: dict[int, _Timer] = {}
        """By the number of a stay its time-out, where it is this machine's own."""
        self._judged: dict[str, Value] = {}
        self.looked: Mapping[str, Value] = {}
        """What it looked at for its latest decision."""

    def take(self, mine: Decided) -> Decision:
        """What it does with the message of a row."""
        message = mine.decision.message
        if isinstance(message, Command):
            refusal = self._refusal(message)
            if refusal is not None:
                self.looked, here = {}, self._machine.leaves
                return Decision(message, Outcome.REFUSED, here, here, refusal=refusal)
        elif message.source.startswith(RULE) and message.type in self._strange:
            self.looked, here = {}, self._machine.leaves
            return Decision(message, Outcome.IGNORED, here, here, note="unhandled")
        elif isinstance(message, Event) and message.stamp is not None:
            stay = self._stays.get(message.stamp, NEVER)
            if message.source.startswith(TIMER) and message.stamp not in self._timed_alike:
                stay = NEVER
            message = message if stay == message.stamp else replace(message, stamp=stay)
        return self._decide(message, mine.row.at, mine.decision)

    def by_itself(self, row: Row, always: Set[str]) -> Iterator[Decision]:
        """What it does before the row, without its message: it times out, or a reading lets it go on.

        `always`: readings of which every change comes as a message anyway.
        """
        if not self._machine.leaves[0]:
            self._readings.take(row)
            return
        while self._timers and (timer := min(self._timers.values())).due <= row.at:
            stay, state = timer.stay, timer.entry.state
            self._timers[stay] = timer._replace(due=inf)
            if state.timeout is not None:
                event = _event(state.timeout.trigger, f"{TIMER}{state.path}", timer.due, stay)
                yield self._decide(event, timer.due)
        for name in self._readings.notice(row):
            for rule in self._rules.reading_changed(name, self._readings, self._machine.active):
                at = self._readings.known[name].at
                yield self._decide(_event(rule, f"{RULE}{name}", at), row.at)
        names = self._machine.always_readings - always
        if row.kind == READINGS and names:
            seen = {name: self._readings.get(name) for name in names}
            if seen != self._judged:
                self._judged = seen
                yield self._decide(_event(ALWAYS, "reading", row.at), row.at)

    def _decide(self, message: Message, at: float, mine: Decision | None = None) -> Decision:
        seen = Seen(self._readings)
        decision = decide(self._machine, message, seen)
        self.looked = seen.values
        for entry in decision.exits:
            self._timers.pop(entry.number, None)
        self._pair(decision.entries, () if mine is None else mine.entries, at)
        for entry in () if mine is None else mine.exits:
            self._stays.pop(entry.number, None)
            self._timed_alike.discard(entry.number)
        return decision

    def _pair(self, entries: Iterable[Entry], theirs: Iterable[Entry], at: float) -> None:
        """These stays began on one row, here and in the recorded machine."""
        twins = {entry.state.path: entry for entry in theirs}
        for entry in entries:
            timeout, twin = entry.state.timeout, twins.get(entry.state.path)
            if twin is not None:
                self._stays[twin.number] = entry.number
                if timeout == twin.state.timeout:
                    self._timed_alike.add(twin.number)
                    continue
            if timeout is not None:
                self._timers[entry.number] = _Timer(at + timeout.after_s, entry.number, entry)

    def _refusal(self, command: Command) -> Refusal | None:
        """What the daemon would say no to before the machine sees it."""
        info = self._commands.get(command.type)
        if info is None:
            return Refusal("invalid_params", f"there is no command {command.type!r}", {})
        try:
            info.bind(command.payload)
        except BindError as error:
            return Refusal(error.reason, f"{command.type}: {error.sentence}", {})
        return None


def _event(kind: str, source: str, at: float, stamp: int | None = None) -> Event:
    return Event(type=kind, id="", trace_id="", at=at, source=source, lane=Lane.EVENT, stamp=stamp)


def _did(decision: Decision) -> dict[str, Any]:
    """What counts when two machines are compared: no words for people, and no numbers of stays."""
    return {
        "outcome": decision.outcome.value,
        "after": list(decision.after),
        "entered": [entry.state.path for entry in decision.entries],
        "left": [entry.state.path for entry in decision.exits],
        "activated": [entry.state.active for entry in decision.entries if entry.state.active],
        "starts": [do_to_data(start.do) for start in decision.starts],
        "refusal": decision.refusal and decision.refusal.reason,
    }
