"""Proofs about transitions: each can be taken, and those without a trigger come to rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from robotd.check.context import Context, Taken, error, listed, warning
from robotd.check.finding import Finding
from robotd.check.guards import Literal, Unsolved
from robotd.check.local import LocalRegion
from robotd.core.chart import ALWAYS, Transition


@dataclass(slots=True)
class Case:
    """One trigger of a transition, at one of its sources."""

    transition: Transition
    source: str
    trigger: str
    places: list[Taken] = field(default_factory=list)
    """Where the robot can be in the source when the trigger comes, and what is taken then."""
    taken: bool = False
    proven: bool = False


def dead(context: Context) -> Iterator[Finding]:
    """Transitions that are never taken, and those of which nobody knows."""
    for number, region in context.regions():
        of_transition: dict[int, list[Case]] = {}
        for case in cases_of(context, number, region):
            of_transition.setdefault(id(case.transition), []).append(case)
        for cases in of_transition.values():
            yield from _dead(context, cases)


def _dead(context: Context, cases: list[Case]) -> Iterator[Finding]:
    never = [case for case in cases if not case.taken]
    if context.exploration.cycles:
        # Where the machine never rests now, it may once the circle is mended.
        never = [case for case in never if case.source in context.reached]
    if never and not context.exploration.complete:
        return
    reasons = {_why(context, case) for case in never}
    if len(never) == len(cases) and len(reasons) == 1:
        yield _told(context, never[0], "this transition")
    else:
        yield from (_told(context, case, f"'{case.trigger}' from {case.source}") for case in never)
    if any(case.taken and not case.proven for case in cases):
        yield warning(
            "unproven",
            cases[0].transition.where,
            "nobody can say whether this transition can ever be taken",
            "compare each name of the guard with a number, without arithmetic",
        )


def cases_of(context: Context, number: int, region: LocalRegion) -> list[Case]:
    """Every trigger at every source that the robot can be in."""
    cases = {
        (id(transition), source, trigger): Case(transition, source, trigger)
        for transition in region.region.transitions
        for source in transition.sources
        if source in context.reached or source in context.passed
        for trigger in transition.triggers or (ALWAYS,)
    }
    by_trigger: dict[str, list[Case]] = {}
    for case in cases.values():
        by_trigger.setdefault(case.trigger, []).append(case)
    for taken in context.taken(number):
        present = region.present(taken.node)
        for case in by_trigger.get(taken.trigger, ()):
            if case.source in present:
                case.places.append(taken)
        if taken.choice.option is not None:
            arrow = taken.choice.option.arrow
            case = cases[id(arrow.transition), arrow.source, taken.trigger]
            case.taken = True
            case.proven = case.proven or taken.choice.proven
    for options in region.options:
        for option in options.get(ALWAYS, ()):
            passed = context.exploration.passed.get(id(option.arrow))
            if passed is not None:
                case = cases[id(option.arrow.transition), option.arrow.source, ALWAYS]
                case.taken, case.proven = True, case.proven or passed[1]
    return list(cases.values())


def _why(context: Context, case: Case) -> str:
    if case.source not in context.reached:
        return "never rests"
    if not case.places and case.trigger != ALWAYS:
        return "never comes"
    return "shadowed" if _can_hold(context, case) else "never holds"


def _can_hold(context: Context, case: Case) -> bool:
    """Whether its guard by itself can hold anywhere where the trigger comes."""
    guard = case.transition.guard
    if guard is None:
        return True
    payload = context.space.payload(case.trigger)
    masks = {
        context.space.mask(context.space.decode(context.exploration.order[one.place])) for one in case.places
    }
    literals = [context.space.literal(guard, mask, True) for mask in sorted(masks)]
    literals = literals or [Literal(guard.text, frozenset(), True, guard)]
    return any(context.space.solver.solve((one,), payload) is not Unsolved.NO for one in literals)


def _told(context: Context, case: Case, what: str) -> Finding:
    why, where = _why(context, case), case.transition.where
    place = case.places[0].place if case.places else context.reached.get(case.source, -1)
    trace = context.tracer.to(place)
    if why == "never comes":
        hint = "nothing that is done there ends with it" if "." in case.trigger else None
        if case.trigger in context.subject.chart.commands:
            hint = "while a stop is latched, commands are refused"
        sentence = f"'{case.trigger}' never comes while the robot is in {case.source}"
        return error("unknown-trigger", where, sentence, hint, trace)
    said = f"{what} is never taken"
    if why == "never rests":
        hint = "an 'always' transition always leads on from there"
        return error(
            "dead-transition", where, f"{said}: the robot never comes to rest in {case.source}", hint
        )
    if why == "never holds":
        text = case.transition.guard.text if case.transition.guard else ""
        return error("dead-transition", where, f"{said}: its guard '{text}' never holds", None, trace)
    if place >= 0 and case.trigger != ALWAYS:
        trace = context.tracer.taking(place, case.trigger)
    options = [one.choice.option for one in case.places if one.choice.option]
    lines = list(dict.fromkeys(f"line {option.arrow.transition.where.line}" for option in options))
    first = f"{listed(lines)} always come{'s' if len(lines) == 1 else ''} first"
    hint = "put the one with the narrower guard first, or leave this one out"
    return error("dead-transition", where, f"{said}: {first}", hint, trace)


def cycles(context: Context) -> Iterator[Finding]:
    """`always` transitions that follow one another without end."""
    for place, step in context.exploration.cycles.values():
        rounds = step.rounds[-len(step.circle) :]
        where = min(
            (arrow.transition.where for round_ in rounds for _, arrow in round_),
            key=lambda one: (one.line, one.column),
        )
        passed = dict.fromkeys(
            leaf for nodes in step.circle for leaf in context.space.leaves(context.space.encode(nodes))
        )
        if step.proven:
            yield error(
                "always-cycle",
                where,
                f"the 'always' transitions go round without end: {listed(list(passed))}",
                "leave a gap between their guards: < 10.8 one way, > 11.4 the other",
                context.tracer.round(place, step),
            )
        else:
            yield warning(
                "unproven",
                where,
                f"nobody can say whether the 'always' transitions come to rest: {listed(list(passed))}",
                "compare each name of the guards with a number, without arithmetic",
            )
