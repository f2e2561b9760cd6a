"""Which triggers are a client's commands and what those take; which come by themselves; whether all fits."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from robotd.config.actions import Actions
from robotd.config.errors import nearest
from robotd.config.machine import Draft
from robotd.config.place import NAME, NAME_HINT, Place
from robotd.core.action import CommandInfo, Parameter, SignatureError, merge_parameters
from robotd.core.chart import BUILT_IN_TRIGGERS, OPERATOR_LOST, Do, State, Transition

BOARD_EVENTS = ("lost", "back", "silent", "refused", "degraded")
OUTCOMES = ("done", "failed")


def read_commands(
    drafts: Sequence[Draft], actions: Actions, rules: Collection[str], boards: Collection[str]
) -> dict[str, CommandInfo]:
    """Every command that a client may send, by its type. Checks all triggers, arguments and payloads."""
    return _Triggers(drafts, actions, rules, boards).read()


class _Triggers:
    def __init__(
        self, drafts: Sequence[Draft], actions: Actions, rules: Collection[str], boards: Collection[str]
    ) -> None:
        self._drafts = drafts
        self._actions = actions
        self._takers: dict[str, list[tuple[Draft, Transition, Place]]] = {}
        """The transitions that take each trigger."""
        for draft in drafts:
            for transition, place in draft.transitions:
                for trigger in transition.triggers:
                    self._takers.setdefault(trigger, []).append((draft, transition, place))
        outcomes = (f"{do.name}.{outcome}" for do in self._dos() for outcome in OUTCOMES)
        losses = (f"{board}.{event}" for board in boards for event in BOARD_EVENTS)
        timeouts = (state.timeout.trigger for state in self._states() if state.timeout)
        self._spoken = {*rules, *timeouts, *outcomes, *losses, OPERATOR_LOST}
        """What comes by itself and is no command."""
        self._commands: dict[str, CommandInfo] = {}

    def read(self) -> dict[str, CommandInfo]:
        for draft in self._drafts:
            self._check_timeouts(draft)
            for _, place in draft.transitions:
                self._check_triggers(place / "trigger")
        for trigger in self._takers:
            if trigger not in self._spoken and NAME.match(trigger):
                self._commands[trigger] = self._command(trigger)
        for draft in self._drafts:
            self._check_states(draft)
            for transition, place in draft.transitions:
                self._check_transition(transition, place)
        return self._commands

    # --- commands

    def _command(self, name: str) -> CommandInfo:
        takers = self._takers[name]
        dos = [do for draft, transition, _ in takers for do in _started(draft, transition)]
        steps = [step for do in dos for step in do.steps]
        infos = [self._actions.used[step.action] for step in steps]
        moving = [info for info in infos if info.moves]
        groups: list[Iterable[Parameter]] = []
        for step, info in zip(steps, infos, strict=True):
            # An argument of the file stands where the payload says nothing, so it is the default.
            given = step.arguments
            groups.append(
                [
                    replace(parameter, required=False, default=given[parameter.name])
                    if parameter.name in given
                    else parameter
                    for parameter in info.signature.parameters
                ]
            )
        if not any(info.signature.parameters for info in infos):
            groups += (_guard_parameters(transition) for _, transition, _ in takers)
        parameters: tuple[Parameter, ...] = ()
        try:
            parameters = merge_parameters(groups)
        except SignatureError as error:
            (takers[0][2] / "trigger").refuse(
                f"the command '{name}' fits nobody: {error.sentence}", error.hint
            )
        return CommandInfo(
            name, parameters, bool(moving), bool(moving) and all(info.streamed for info in moving)
        )

    def _are_commands(self, transition: Transition) -> bool:
        """Whether only clients trigger it."""
        return bool(transition.triggers) and all(name in self._commands for name in transition.triggers)

    # --- checks

    def _check_triggers(self, place: Place) -> None:
        for element in place.one_or_more():
            name = element.value
            if not isinstance(name, str) or name in self._spoken or name in BUILT_IN_TRIGGERS:
                continue
            cause, dot, _ = name.rpartition(".")
            if dot and self._actions.sound:
                hint = nearest(name, self._spoken, what="events") or f"no state or transition does '{cause}'"
                element.refuse(f"nothing ever says '{name}'", hint, code="unknown-trigger")
            elif not dot and not NAME.match(name):
                element.refuse(f"'{name}' cannot be the name of a trigger", NAME_HINT)

    def _check_timeouts(self, draft: Draft) -> None:
        for path, place in draft.paths.items():
            timeout = draft.states[path].timeout
            if timeout is None:
                continue
            entry = place / "timeout" / "trigger"
            if timeout.trigger in BUILT_IN_TRIGGERS:
                hint = "choose another name"
                entry.refuse(f"the trigger '{timeout.trigger}' is built in", hint, code="estop")
            elif not NAME.match(timeout.trigger):
                entry.refuse(f"'{timeout.trigger}' cannot be the name of a trigger", NAME_HINT)
            elif timeout.trigger not in self._takers:
                entry.refuse(
                    f"no transition takes '{timeout.trigger}'",
                    nearest(timeout.trigger, self._takers, what="triggers"),
                    code="unknown-trigger",
                )

    def _check_states(self, draft: Draft) -> None:
        for path, state in draft.states.items():
            missing = state.do and self._actions.incomplete(state.do)
            if missing and not self._entered_by_commands(draft, path):
                step, parameter = missing
                sentence = f"{step.action} needs '{parameter}', and not every way into {path} brings it"
                hint = f"write {{{step.action}: {{{parameter}: ...}}}}"
                (draft.paths[path] / "do").refuse(sentence, hint)

    def _entered_by_commands(self, draft: Draft, path: str) -> bool:
        by_history = any(draft.states[around].history for around in _upwards(path)[1:])
        if by_history or path in _descent(draft, draft.initial):
            return False
        ways = [transition for transition, _ in draft.transitions if path in _entered(draft, transition)]
        return bool(ways) and all(map(self._are_commands, ways))

    def _check_transition(self, transition: Transition, place: Place) -> None:
        if self._are_commands(transition):
            for name in sorted(transition.guard.payload) if transition.guard else ():
                self._check_payload(transition, name, place / "when")
        elif transition.do and (missing := self._actions.incomplete(transition.do)):
            step, parameter = missing
            sentence = f"{step.action} needs '{parameter}', and no command brings it here"
            (place / "do").refuse(sentence, f"write {{{step.action}: {{{parameter}: ...}}}}")

    def _check_payload(self, transition: Transition, name: str, when: Place) -> None:
        """Every command that the guard at `when` is for carries the parameter `name`."""
        for command in transition.triggers:
            parameters = self._commands[command].parameters
            known = [parameter.wire_name for parameter in parameters if parameter.type is not dict]
            if name not in known:
                offset = str(when.value).find(f"payload.{name}") + len("payload.")
                sentence = f"the command '{command}' has no parameter '{name}'"
                when.refuse(sentence, nearest(name, known, what="parameters"), offset=offset)
                return

    # --- walks

    def _states(self) -> Iterator[State]:
        for draft in self._drafts:
            yield from draft.states.values()

    def _dos(self) -> Iterator[Do]:
        yield from (state.do for state in self._states() if state.do)
        yield from (one.do for draft in self._drafts for one, _ in draft.transitions if one.do)


def _guard_parameters(transition: Transition) -> Iterator[Parameter]:
    """What a guard looks at, for a command that runs nothing with parameters."""
    if transition.guard:
        for name in sorted(transition.guard.payload):
            yield Parameter(name, name, bool if name in transition.guard.payload_flags else float)


def _started(draft: Draft, transition: Transition) -> Iterator[Do]:
    """Everything that taking a transition may start."""
    if transition.do:
        yield transition.do
    for path in _entered(draft, transition):
        do = draft.states[path].do
        if do:
            yield do


def _entered(draft: Draft, transition: Transition) -> list[str]:
    """The states that taking it may enter: those around its dest, its dest, and those that begin inside."""
    if transition.dest is None:
        return []
    around = [
        path
        for path in _upwards(transition.dest)[1:]
        if not all(path in _upwards(source) for source in transition.sources)
    ]
    return [*around, *_descent(draft, transition.dest)]


def _upwards(path: str) -> list[str]:
    parts = path.split(".")
    return [".".join(parts[:count]) for count in range(len(parts), 0, -1)]


def _descent(draft: Draft, path: str) -> list[str]:
    """A state and the initial states inside it."""
    found = []
    current: str | None = path
    while current and current in draft.states:
        found.append(current)
        current = draft.states[current].initial
    return found
