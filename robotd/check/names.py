"""Proofs about triggers by their names: what nobody takes, what nobody sends, failures nobody asks about."""

from __future__ import annotations

from collections.abc import Iterator

from robotd.check.context import Context, error, warning
from robotd.check.finding import Finding
from robotd.check.origins import Running
from robotd.core.chart import NOWHERE

LETTERS_SWAPPED = 4
ONE_LETTER_MORE = 5
ONE_OTHER_LETTER = 6
"""In shorter names than these it makes another word: `arm` and `ram`, `lift` and `left`."""


def untaken(context: Context) -> Iterator[Finding]:
    """Events and time-outs that no transition takes; commands that were meant to be one of them."""
    chart, commands = context.subject.chart, sorted(context.subject.chart.commands)
    taken = {
        trigger: transition
        for region in reversed(chart.regions)
        for transition in reversed(region.transitions)
        for trigger in transition.triggers
    }
    come_by_themselves = [rule.name for rule in context.subject.rules]
    come_by_themselves += [state.timeout.trigger for state in chart.states if state.timeout]
    for rule in context.subject.rules:
        if rule.name not in taken:
            where = context.subject.places.get(f"events.{rule.name}", NOWHERE)
            meant = next((one for one in commands if slipped(one, rule.name)), None)
            hint = f"did you mean '{meant}' to be it, in line {taken[meant].where.line}?" if meant else None
            yield error("unknown-trigger", where, f"no transition takes the event '{rule.name}'", hint)
    for state in chart.states:
        if state.timeout and state.timeout.trigger not in taken:
            sentence = f"no transition takes '{state.timeout.trigger}'"
            yield error("unknown-trigger", state.timeout.where, sentence)
    for command in commands:
        meant = next((one for one in come_by_themselves if slipped(command, one)), None)
        if meant is not None and command in taken:
            yield error(
                "unknown-trigger",
                taken[command].where,
                f"nothing but a client sends '{command}'",
                f"did you mean '{meant}'? If not, give the command a name that is less like it",
            )


def slipped(name: str, meant: str) -> bool:
    """Whether `name` is `meant` with one slip of the fingers; `homed` for `home` is none."""
    if name == meant or name.startswith(meant) or meant.startswith(name):
        return False
    if len(name) == len(meant):
        differ = [place for place, (one, other) in enumerate(zip(name, meant, strict=True)) if one != other]
        if len(differ) == 1:
            return len(name) >= ONE_OTHER_LETTER
        first = differ[0]
        swapped = differ == [first, first + 1] and name[first : first + 2] == meant[first : first + 2][::-1]
        return swapped and len(name) >= LETTERS_SWAPPED
    short, long = sorted((name, meant), key=len)
    return (
        len(long) - len(short) == 1
        and len(long) >= ONE_LETTER_MORE
        and any(long[:place] + long[place + 1 :] == short for place in range(len(long)))
    )


def failures(context: Context) -> Iterator[Finding]:
    """Motions that no client asked for, and whose failure nothing takes in a state where they run."""
    for running in context.origins.running:
        moves = any(
            (info := context.subject.actions.get(step.action)) is not None and info.moves
            for step in running.do.steps
        )
        if running.commands_only or not moves:
            continue
        for path in running.states:
            leaf = _unhandled(context, running, path)
            if leaf is not None:
                name = f"{running.do.name}.failed"
                yield warning(
                    "unhandled-failure",
                    running.do.where,
                    f"nothing takes '{name}' in {leaf}",
                    "a transition with this trigger says what then",
                    context.tracer.to(context.reached[leaf]),
                )
                break


def _unhandled(context: Context, running: Running, path: str) -> str | None:
    """A leaf inside `path` where no transition at all asks for the failure; guards aside."""
    failed = f"{running.do.name}.failed"
    for number, region in context.regions():
        if path in region.region.states:
            if _everywhere(context, failed, other_than=number):
                return None
            for node, _ in context.exploration.local[number]:
                if path in region.present(node) and failed not in region.options[node]:
                    return region.nodes[node].leaf
    return None


def _everywhere(context: Context, trigger: str, *, other_than: int) -> bool:
    """Whether some other region takes the trigger wherever it can be."""
    return any(
        all(trigger in region.options[node] for node, _ in context.exploration.local[number])
        for number, region in context.regions()
        if number != other_than
    )
