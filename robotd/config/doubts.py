"""What a file may say and hardly means: `check` tells it as warnings, and the robot runs all the same."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from robotd.config.errors import ConfigError, nearest
from robotd.config.machine import Draft
from robotd.config.place import Place
from robotd.core.action import ActionInfo
from robotd.core.chart import Do


def find_doubts(
    root: Place,
    drafts: Collection[Draft],
    actions: Mapping[str, ActionInfo],
    commands: Collection[str],
    rules: Iterable[str],
) -> list[ConfigError]:
    """Everything that is doubtful in a file without faults, in no order."""
    takers = {trigger for draft in drafts for one, _ in draft.transitions for trigger in one.triggers}
    return [*_boards(root / "boards"), *_events(root / "events", rules, takers, commands)] + [
        place.warning(
            f"nothing takes '{do.name}.failed'",
            "a transition with this trigger says what then",
        )
        for do, place in _unasked(drafts, commands)
        if f"{do.name}.failed" not in takers and any(actions[step.action].moves for step in do.steps)
    ]


def _boards(boards: Place) -> Iterator[ConfigError]:
    for board in boards.members():
        if (board / "deadman").value == "none":
            yield (board / "deadman").warning(
                f"{board.name} is unprotected if the host dies: it has no deadman of its own"
            )


def _events(
    events: Place, rules: Iterable[str], takers: Collection[str], commands: Collection[str]
) -> Iterator[ConfigError]:
    """A misspelt trigger is a command for clients, so the event that it should be is left alone."""
    for rule in rules:
        if rule not in takers:
            yield (events / rule).warning(
                f"no transition takes the event '{rule}'", nearest(rule, commands, what="triggers"), key=True
            )


def _unasked(drafts: Collection[Draft], commands: Collection[str]) -> Iterator[tuple[Do, Place]]:
    """What no client's command starts, so that nobody hears how it ends."""
    for draft in drafts:
        for path, place in draft.paths.items():
            if do := draft.states[path].do:
                yield do, place / "do"
        for transition, place in draft.transitions:
            if transition.do and not all(trigger in commands for trigger in transition.triggers):
                yield transition.do, place / "do"
