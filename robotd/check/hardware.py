"""Proofs about hardware: each device is used, and nothing goes on moving when the host dies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Any

from hal import ActuatorSpec, DeviceSpec, Feedback
from robotd.check.context import Context, listed, note, warning
from robotd.check.finding import Finding
from robotd.check.motion import moves
from robotd.check.subject import Subject
from robotd.core.chart import NOWHERE


def unused(context: Context) -> Iterator[Finding]:
    """Devices that no expression, action, state, other device or handler names."""
    used = _used(context.subject)
    for name in context.subject.devices:
        if name not in used:
            yield warning(
                "unused-device",
                context.subject.places.get(f"devices.{name}", NOWHERE),
                f"nothing uses {name}",
                f"leave it out; if clients are to read it, a state that says 'active: [{name}]' names it",
            )


def _used(subject: Subject) -> set[str]:
    expressions = [rule.when for rule in subject.rules]
    expressions += [rule.clear for rule in subject.rules if rule.clear]
    expressions += [invariant.expression for invariant in subject.invariants]
    for region in subject.chart.regions:
        expressions += [one.guard for one in region.transitions if one.guard]
    found = {name.partition(".")[0] for one in expressions for name in one.readings}
    found |= {action.partition(".")[0] for action in subject.actions}
    for state in subject.chart.states:
        if state.active not in (None, "all"):
            found.update(state.active or ())
    for spec in subject.devices.values():
        found |= _parts(spec)
    for handler in subject.handlers.values():
        found |= _named_by(handler)
    return found


def _parts(spec: DeviceSpec) -> set[str]:
    """Other devices that it is made of or works with: every text about it in the file that names one."""
    return {*spec.parts(), *(value for value in dict(spec).values() if isinstance(value, str))}


def _named_by(handler: Callable[..., Any]) -> set[str]:
    """Every name and text in the code of a handler and of the functions and texts beside it."""
    found: set[str] = set()
    beside = getattr(handler, "__globals__", {}).values()
    codes = [
        one.__code__
        for one in beside
        if isinstance(one, FunctionType) and one.__globals__ is getattr(handler, "__globals__", None)
    ]
    found.update(one for one in beside if isinstance(one, str))
    for code in codes:  # it grows meanwhile
        found.update(code.co_names)
        found.update(one for one in code.co_consts if isinstance(one, str))
        codes += [one for one in code.co_consts if isinstance(one, CodeType)]
    return found


def feedback(context: Context) -> Iterator[Finding]:
    """Actuators of which nobody hears what they really do: no limit is held by that."""
    for board in context.subject.boards:
        silent: dict[Feedback, list[str]] = {}
        for name, spec in context.subject.devices.items():
            if spec.board == board and isinstance(spec, ActuatorSpec) and moves(spec):
                silent.setdefault(spec.FEEDBACK, []).append(name)
        where = context.subject.places.get(f"boards.{board}", NOWHERE)
        if "none" in silent:
            sentence = f"{listed(silent['none'])}: nothing comes back, so no limit is held by feedback"
            yield note("no-feedback", where, sentence)
        if "output" in silent:
            sentence = (
                f"{listed(silent['output'])}: limits are held by what {board} puts out, not by what moves"
            )
            yield note("no-feedback", where, sentence)


def unprotected(context: Context) -> Iterator[Finding]:
    """Boards with actuators and no deadman of their own: `none` is a fact, nothing said is a gap."""
    for name, spec in context.subject.boards.items():
        actuators = [
            device
            for device, one in context.subject.devices.items()
            if one.board == name and isinstance(one, ActuatorSpec)
        ]
        if not actuators or spec.deadman not in (None, "none"):
            continue
        where = context.subject.places.get(f"boards.{name}", NOWHERE)
        sentence = f"{listed(actuators)}: unprotected if the host dies"
        if "deadman" in spec.model_fields_set and spec.deadman is not None:
            yield note("unprotected", where, f"{sentence}; {name} has no deadman of its own")
        else:
            hint = "write 'deadman: 300 ms' if its firmware has one, else 'deadman: none'"
            yield warning(
                "unprotected", where, f"{sentence}; {name} does not say whether it has a deadman", hint
            )


def unguarded(context: Context) -> Iterator[Finding]:
    """Actuators that the guard does not stop: it is switched off, or has no wire to their board."""
    subject = context.subject
    actuators = {name: one for name, one in subject.devices.items() if isinstance(one, ActuatorSpec)}
    if subject.guard is not None and not subject.guard.on and actuators:
        where = subject.places.get("guard", NOWHERE)
        sentence = "nothing stops the robot when the daemon is killed or hangs"
        yield warning("no-guard", where, sentence, "leave 'guard: off' out where the robot is real")
        return
    for name, spec in subject.boards.items():
        on_it = [device for device, one in actuators.items() if one.board == name]
        if on_it and spec.port.startswith("tcp://") and spec.deadman in (None, "none"):
            where = subject.places.get(f"boards.{name}", NOWHERE)
            sentence = f"{listed(on_it)}: the guard cannot stop them, since {name} is reached over TCP"
            yield warning(
                "no-guard", where, sentence, "give its firmware a deadman, and say so: deadman: 300 ms"
            )
