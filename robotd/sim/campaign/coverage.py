"""Which states, transitions and guards a campaign has seen, and which never."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from robotd.config import RobotConfig
from robotd.core.chart import Region, Transition
from robotd.core.decision import Decision
from robotd.core.expression import Expression, Readings, Verdict, compile_expression

TAKEN = ""
"""The reason of a verdict that holds: the transition was taken."""
UNGUARDED = compile_expression("true", readings={}, payload=False)


@dataclass(slots=True)
class TransitionSeen:
    """One transition of the file."""

    where: str
    """`rover.yaml:72`."""
    what: str
    """`drive in armed.teleop`."""
    guard: str | None
    """Its text; None where there is none."""
    verdicts: Counter[str] = field(default_factory=Counter)
    """How often its guard said what: `false`, `stale`, `missing`; an empty text is yes, and it was taken."""

    @property
    def taken(self) -> int:
        """How often it was taken."""
        return self.verdicts[TAKEN]


class Coverage:
    """What one life has seen, or several together (`add`)."""

    def __init__(self, config: RobotConfig) -> None:
        self.states: Counter[str] = Counter({state.path: 0 for state in config.chart.states})
        """How often each state was entered."""
        self.events: Counter[str] = Counter({rule.name: 0 for rule in config.rules})
        """How often each event of the file happened."""
        self.transitions = [
            _seen(transition) for region in config.chart.regions for transition in region.transitions
        ]

    def watching(self, config: RobotConfig) -> RobotConfig:
        """The same robot, whose guards are counted here."""
        seen = iter(self.transitions)
        regions = tuple(_counted(region, seen) for region in config.chart.regions)
        return replace(config, chart=replace(config.chart, regions=regions))

    def decision(self, decision: Decision) -> None:
        """A message was decided upon."""
        if decision.entries:
            self.states.update(entry.state.path for entry in decision.entries)
        if decision.message.type in self.events:
            self.events[decision.message.type] += 1

    def add(self, other: Coverage) -> None:
        """What another life of the same robot has seen."""
        self.states.update(other.states)
        self.events.update(other.events)
        for mine, theirs in zip(self.transitions, other.transitions, strict=True):
            mine.verdicts.update(theirs.verdicts)

    def as_json(self) -> dict[str, Any]:
        """For scripts: by state, by event, and each transition with its guard."""
        return {
            "states": dict(self.states),
            "events": dict(self.events),
            "transitions": [
                {
                    "where": seen.where,
                    "what": seen.what,
                    "taken": seen.taken,
                    "guard": None
                    if seen.guard is None
                    else {
                        "text": seen.guard,
                        "true": seen.taken,
                        **{reason: seen.verdicts[reason] for reason in ("false", "stale", "missing")},
                    },
                }
                for seen in self.transitions
            ],
        }


class _Counted(Expression):
    """A guard whose verdicts are counted."""

    __slots__ = ("_verdicts",)

    def __init__(self, guard: Expression, verdicts: Counter[str]) -> None:
        for slot in Expression.__slots__:
            setattr(self, slot, getattr(guard, slot))
        self._verdicts = verdicts

    def test(self, readings: Readings, payload: Mapping[str, Any], states: Container[str]) -> Verdict:
        """As the guard."""
        verdict = super().test(readings, payload, states)
        self._verdicts[verdict.reason] += 1
        return verdict


def _seen(transition: Transition) -> TransitionSeen:
    where = f"{transition.where.file}:{transition.where.line}"
    triggers = ", ".join(transition.triggers) or "always"
    what = f"{triggers} in {', '.join(transition.sources)}"
    if transition.dest is not None:
        what += f" to {transition.dest}"
    return TransitionSeen(where, what, transition.guard.text if transition.guard else None)


def _counted(region: Region, seen: Any) -> Region:
    transitions = tuple(
        replace(transition, guard=_Counted(transition.guard or UNGUARDED, next(seen).verdicts))
        for transition in region.transitions
    )
    return replace(region, transitions=transitions)
