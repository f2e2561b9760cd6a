"""Collects what a scenario will be made of, while somebody goes through the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from robotd.core.decision import Decision, Outcome
from robotd.journal.row import Row
from robotd.sim.scenario.incident.holding import World
from robotd.sim.scenario.incident.pacing import Moment, paced
from robotd.sim.scenario.model import Action, Expect, Fact, InState, SetWorld, Step, Wait

SOON_S = 0.5
"""What follows from something comes within this time, also where a reading is sampled only now and then."""
SHOWN_ROWS = 3
"""So many of the rows in which the same could not be retold are named."""
BRIEFLY_S = 0.02
"""A state that the machine leaves by itself within this time is not expected."""

SET, DO, EXPECT, AFTER = range(4)
"""The order of what belongs to one row; `AFTER` is what may be set once it is over."""


class Notebook:
    """Moments, and sentences about what has none."""

    def __init__(self) -> None:
        self._moments: list[Moment] = []
        self._unsaid: dict[tuple[str, str], list[int]] = {}
        """What cannot be retold and why, and in which rows it is."""

    def set(self, at: float, seq: int, world: World, order: int = SET) -> None:
        """The world is held like this from then on."""
        if world:
            self._moments.append(Moment(at, seq, order, Step(SetWorld(world))))

    def pause(self, at: float, seq: int, duration_s: float) -> None:
        """Everything after it comes so much later."""
        self._moments.append(Moment(at, seq, AFTER, Step(Wait(duration_s))))

    def do(self, row: Row, action: Action, at: float | None = None, *, for_s: float | None = None) -> None:
        """This is done, where the row is, or earlier; `for_s`: it goes on so long."""
        early = at is not None and at < row.at
        self._moments.append(
            Moment(row.at if at is None else at, 0 if early else row.seq, DO, Step(action, for_s=for_s))
        )

    def expect(self, row: Row, facts: Sequence[Fact], within_s: float = SOON_S) -> None:
        """This is so soon after the row."""
        if facts:
            step = Step(Expect(tuple(facts)), within_s=within_s)
            self._moments.append(Moment(row.at, row.seq, EXPECT, step))

    def pass_over(self, at: float) -> None:
        """The machine moves on by itself: nobody can expect to see it where it only just was."""
        for place in range(len(self._moments) - 1, -1, -1):
            moment = self._moments[place]
            if not isinstance(moment.step.do, Expect) or at - moment.at > BRIEFLY_S:
                return
            facts = tuple(fact for fact in moment.step.do.facts if not isinstance(fact, InState))
            self._moments[place] = moment._replace(step=replace(moment.step, do=Expect(facts)))

    def leave_out(self, row: Row, what: str, why: str = "") -> None:
        """This cannot be retold."""
        self._unsaid.setdefault((what, why), []).append(row.seq)

    @property
    def unsaid(self) -> Iterator[str]:
        """A sentence for each thing that cannot be retold, with the rows in which it is."""
        for (what, why), rows in self._unsaid.items():
            shown = ", ".join(map(str, rows[:SHOWN_ROWS]))
            more = f" and {len(rows) - SHOWN_ROWS} more" if len(rows) > SHOWN_ROWS else ""
            place = f"row {shown}" if len(rows) == 1 else f"rows {shown}{more}"
            yield f"{what} ({place}){f': {why}' if why else ''}"

    def steps(self, begins_at: float, is_streamed: Callable[[str], bool]) -> tuple[Step, ...]:
        """All of it in order; `is_streamed` of the type of a command."""
        said = (moment for moment in self._moments if moment.step.do != Expect(()))
        return paced(said, begins_at, is_streamed)


def led_to(decision: Decision) -> list[Fact]:
    """Where a decision has led; nothing for the start."""
    if decision.outcome is not Outcome.MOVED or not all(decision.before):
        return []
    moved = [after for before, after in zip(decision.before, decision.after, strict=True) if before != after]
    return [InState(leaf) for leaf in moved or decision.after]
