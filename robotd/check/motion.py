"""Proofs about what moves: it stops when it is told to stop, and it ends."""

from __future__ import annotations

from collections.abc import Iterator

from hal import KINDS, ActuatorSpec, verbs
from robotd.check.context import Context, error, note
from robotd.check.finding import Finding
from robotd.check.local import LocalRegion
from robotd.check.origins import Running
from robotd.core.chart import NOWHERE, Step


def stop_values(context: Context) -> Iterator[Finding]:
    """What goes on moving until it is told otherwise must not be kept as it is by a stop."""
    for name, spec in context.subject.devices.items():
        if not isinstance(spec, ActuatorSpec) or spec.on_stop != "keep":
            continue
        if moves(spec, streamed=True):
            yield error(
                "no-stop-value",
                context.subject.places.get(f"devices.{name}", NOWHERE),
                f"{name} goes on as it is after a stop: it is a {spec.kind} and says 'on_stop: keep'",
                "leave 'on_stop' out; what must keep running through a stop belongs on a digital_output",
            )


def moves(spec: ActuatorSpec, *, streamed: bool = False) -> bool:
    """Whether some verb of its kind moves it, or lets it go on moving: one that is `streamed`."""
    kind = KINDS.get(spec.kind)
    infos = [verb.verb_info for verb in verbs(kind).values()] if kind else []  # type: ignore[attr-defined]  # set on every verb
    return any(info.moves and (info.streamed or not streamed) for info in infos)


def bounds(context: Context) -> Iterator[Finding]:
    """A setpoint lapses and a verb ends by itself; a handler needs the time-out of a state that it leaves."""
    for running in context.origins.running:
        for step in running.do.steps:
            info = context.subject.actions.get(step.action)
            if info is None or not info.moves or "." in step.action:
                continue
            found = next(
                (path for path in running.states if path in context.reached and not _ends(context, path)),
                None,
            )
            if found is not None:
                yield _unbounded(context, running, step, found)
                break


def _unbounded(context: Context, running: Running, step: Step, path: str) -> Finding:
    states = [state for state in context.subject.chart.states if state.path == path]
    timeout = states[0].timeout
    if timeout is None:
        sentence = f"nothing bounds how long {step.action} may run: {path} has no time-out"
        hint = f"give {path} a time-out that leads out of it: timeout: {{after: 10 min, trigger: ...}}"
    else:
        sentence = (
            f"nothing bounds how long {step.action} may run: '{timeout.trigger}' need not lead out of {path}"
        )
        hint = "let an unguarded transition take it there"
    where = running.do.where if running.do.where != NOWHERE else states[0].where
    return error("unbounded-motion", where, sentence, hint, context.tracer.to(context.reached[path]))


def _ends(context: Context, path: str) -> bool:
    """Whether a time-out, its own or of a state around it, surely leads out of the state."""
    for number, region in context.regions():
        if path in region.region.states:
            return any(
                _leads_out(context, number, region, around, path) for around in region.region.lineage(path)
            )
    return False


def _leads_out(context: Context, number: int, region: LocalRegion, around: str, path: str) -> bool:
    timeout = region.region.states[around].timeout
    if timeout is None:
        return False
    for node, mask in context.exploration.local[number]:
        if path not in region.present(node):
            continue
        choices = context.space.choices(number, node, timeout.trigger, mask)
        if not choices or any(
            choice.option is None or path not in region.leaves(choice.option, node) for choice in choices
        ):
            return False
    return True


def leaseless(context: Context) -> Iterator[Finding]:
    """A robot that several people move at once."""
    lease = context.subject.lease
    if lease is not None and not lease.on:
        where = context.subject.places.get("lease", NOWHERE)
        yield note("no-lease", where, "several clients may move the robot at once, and none is ever missed")


def unattended(context: Context) -> Iterator[Finding]:
    """The states in which the robot may move without an operator."""
    for state in context.subject.chart.states:
        if state.unattended:
            yield note("unattended", state.where, f"in {state.path} the robot may move without an operator")
