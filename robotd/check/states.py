"""Proofs about states: each can be reached, left and come back to, and a stop leads out of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from robotd.check.backward import lost
from robotd.check.context import Context, error, listed, note, warning
from robotd.check.finding import Finding
from robotd.check.guards import Unsolved
from robotd.check.local import LocalRegion
from robotd.check.origins import NO_PAYLOAD
from robotd.core.chart import ESTOP, ESTOPPED, State
from robotd.core.invariant import Invariant


def unreachable(context: Context) -> Iterator[Finding]:
    """States in which the robot can never be. Of a parent and its children only the parent is told."""
    for _, region in context.regions():
        for path, state in region.region.states.items():
            if path in context.reached or path in context.passed:
                continue
            if state.parent is not None and not _ever(context, state.parent):
                continue
            leading = [
                transition
                for transition in region.region.transitions
                if transition.dest is not None and path in region.flat.lines[transition.dest]
            ]
            lines = listed([f"line {transition.where.line}" for transition in leading])
            why = f"what leads there ({lines}) is never taken" if leading else "no transition leads there"
            hint = "add a transition with it as 'dest', or leave the state out"
            yield error(
                "unreachable-state",
                state.where,
                f"{path} can never be reached: {why}",
                None if leading else hint,
            )


def _ever(context: Context, path: str) -> bool:
    return path in context.reached or path in context.passed


def traps(context: Context) -> Iterator[Finding]:
    """States without a way out but the built-in ones; final states with one. The innermost trap is told."""
    for number, region in context.regions():
        left = ways_out(context, number)
        told: list[str] = []
        for path, state in reversed(list(region.region.states.items())):
            if path not in context.reached:
                continue
            if state.final and path in left:
                place, trigger = left[path]
                sentence = f"{path} says 'final: true', and '{trigger}' leads out of it"
                trace = context.tracer.taking(place, trigger)
                yield warning("not-final", state.where, sentence, "leave 'final' out", trace)
            if path in left or _may_stay(region, state) or any(one.startswith(f"{path}.") for one in told):
                continue
            if context.exploration.cycles and path in context.passed:
                continue  # what leads out of it may be undone only because it goes round
            told.append(path)
            yield error(
                "trap-state",
                state.where,
                f"nothing leads out of {path} but a stop",
                "add a transition out of it, or say 'final: true' if it is meant to be the end",
                context.tracer.to(context.reached[path]),
            )


def ways_out(context: Context, number: int) -> dict[str, tuple[int, str]]:
    """The states of a region that something in the file leads out of: from which place first, by what."""
    region = context.space.regions[number]
    left = {path: way for path, way in context.exploration.left.items() if path in region.region.states}
    for place, node, trigger, choice in context.taken(number):
        if choice.option is not None:
            after = region.present(choice.option.dest)
            for path in region.present(node):
                if path not in after and place < left.get(path, (place + 1,))[0]:
                    left[path] = (place, trigger)
    return left


def _may_stay(region: LocalRegion, state: State) -> bool:
    """It, or what is around it or all that is inside it, is final; or there is nowhere else to be."""
    states = region.region.states
    if any(states[path].final for path in region.region.lineage(state.path)):
        return True
    inside = [leaf for leaf in region.flat.leaves if leaf.startswith(f"{state.path}.")]
    if any(_final(region, leaf) for leaf in inside):
        return True
    elsewhere = [leaf for leaf in region.flat.leaves if leaf in states and leaf not in (state.path, *inside)]
    return not elsewhere


def _final(region: LocalRegion, leaf: str) -> bool:
    return any(region.region.states[path].final for path in region.region.lineage(leaf))


def stops(context: Context) -> Iterator[Finding]:
    """`estop` leads to `estopped` from every leaf of the first region, whatever any guard says."""
    region = context.space.regions[0]
    for node, options in enumerate(region.options):
        leaf = region.nodes[node].leaf
        arrow = options[ESTOP][0].arrow if ESTOP in options else None
        stays = leaf == ESTOPPED and arrow is not None and arrow.transition.dest is None
        leads = arrow is not None and (stays or arrow.transition.dest == ESTOPPED)
        if arrow is None or not leads or arrow.transition.guard is not None:
            where = region.flat.states[leaf].where
            yield error("estop", where, f"'estop' does not lead from {leaf} to {ESTOPPED}")


def ways_back(context: Context) -> Iterator[Finding]:
    """What can never be again, whatever is done, once the robot got somewhere."""
    for place, missing in lost(context.exploration):
        region = next(one for _, one in context.regions() if missing[0] in one.region.states)
        leaves = context.space.leaves(context.exploration.order[place])
        yield error(
            "no-way-back",
            region.region.states[missing[0]].where,
            f"{listed(missing)} can never be again from {' and '.join(leaves)}: no stop and reset lead back",
            "add a transition back, or say 'final: true' where it is meant to end",
            context.tracer.to(place),
        )


def invariants(context: Context) -> Iterator[Finding]:
    """`never` and `always` over states alone are proven; what asks for readings is watched in simulation."""
    for invariant in context.subject.invariants:
        worst = next(_breaking(context, invariant), None)
        if worst is None:
            continue
        place, certain = worst
        if certain:
            yield error(
                "never-broken",
                invariant.where,
                f"'{invariant.text}' " + ("can hold" if invariant.kind == "never" else "can fail to hold"),
                None,
                context.tracer.to(place),
            )
        else:
            yield note(
                "never-broken",
                invariant.where,
                f"'{invariant.text}' depends on readings: it is not proven, but watched in simulation",
            )


def _breaking(context: Context, invariant: Invariant) -> Iterator[tuple[int, bool]]:
    """The places where it is, or with some readings may be, broken; nearest first."""
    expression = invariant.expression
    for mask, place in context.exploration.watched.items():
        literal = replace(context.space.literal(expression, mask, invariant.kind == "never"), fresh=True)
        if not expression.readings:
            if invariant.broken({}, literal.states):
                yield place, True
        elif context.space.solver.solve((literal,), NO_PAYLOAD) is not Unsolved.NO:
            yield place, False
