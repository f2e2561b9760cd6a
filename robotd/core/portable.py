"""A chart and its rules as plain data and back, so that a journal can say which machine made its decisions.

The data is what JSON has: objects, lists, texts, numbers, flags. It says all that decides, and nothing of
where it stood in a file. A key that has nothing to say is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from robotd.core.chart import Chart, Do, Mode, Region, State, Step, Timeout, Transition
from robotd.core.expression import Expression, compile_expression
from robotd.core.rules import Rule

_PLAIN = ("initial", "history", "unattended", "final")
"""What of a state is a text or a flag already."""


def to_data(chart: Chart) -> dict[str, Any]:
    """All of `chart`. Equal charts have equal data."""
    return {
        "version": chart.version,
        "regions": [_region(region) for region in chart.regions],
        "commands": sorted(chart.commands),
    }


def from_data(data: Mapping[str, Any]) -> Chart:
    """The chart that `to_data` wrote, which decides as the first one does.

    It was checked when its file was loaded. Raises `ValueError` for data that `to_data` cannot have written.
    """
    try:
        regions = tuple(_read_region(region) for region in data["regions"])
        return Chart(data["version"], regions, frozenset(data["commands"]))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"this is no chart: {error!r}") from error


def rules_to_data(rules: Iterable[Rule]) -> list[dict[str, Any]]:
    """When the events of a file happen. Equal rules have equal data."""
    return [_rule(rule) for rule in rules]


def do_to_data(do: Do) -> dict[str, Any]:
    """What a state or a transition does."""
    return {"name": do.name, "steps": [_step(step) for step in do.steps]}


def _rule(rule: Rule) -> dict[str, Any]:
    data: dict[str, Any] = {"name": rule.name, "when": _guard(rule.when), "lane": rule.lane.name.lower()}
    if rule.clear is not None:
        data["clear"] = _guard(rule.clear)
    return data


def _region(region: Region) -> dict[str, Any]:
    return {
        "name": region.name,
        "initial": region.initial,
        "states": [_state(state) for state in region.states.values()],
        "transitions": [_transition(transition) for transition in region.transitions],
    }


def _state(state: State) -> dict[str, Any]:
    data: dict[str, Any] = {"path": state.path}
    data |= {name: value for name in _PLAIN if (value := getattr(state, name))}
    if state.active is not None:
        data["active"] = state.active if state.active == "all" else list(state.active)
    if state.do is not None:
        data["do"] = do_to_data(state.do)
    if state.timeout is not None:
        data["timeout"] = {"after_s": state.timeout.after_s, "trigger": state.timeout.trigger}
    return data


def _transition(transition: Transition) -> dict[str, Any]:
    data: dict[str, Any] = {"triggers": list(transition.triggers), "sources": list(transition.sources)}
    if transition.dest is not None:
        data["dest"] = transition.dest
    if transition.guard is not None:
        data["guard"] = _guard(transition.guard)
    if transition.do is not None:
        data["do"] = do_to_data(transition.do)
    return data


def _guard(guard: Expression) -> dict[str, Any]:
    return {"text": guard.text, "units": dict(guard.units), "states": sorted(guard.states)}


def _step(step: Step) -> dict[str, Any]:
    data: dict[str, Any] = {"action": step.action}
    if step.arguments:
        data["arguments"] = dict(step.arguments)
    if step.mode is not Mode.RESTART:
        data["mode"] = step.mode.value
    return data


def _read_region(data: Mapping[str, Any]) -> Region:
    states = (_read_state(state) for state in data["states"])
    return Region(
        data["name"],
        data["initial"],
        {state.path: state for state in states},
        tuple(_read_transition(transition) for transition in data["transitions"]),
    )


def _read_state(data: Mapping[str, Any]) -> State:
    active = data.get("active")
    return State(
        data["path"],
        active=tuple(active) if isinstance(active, list) else active,
        do=_read_do(data["do"]) if "do" in data else None,
        timeout=Timeout(**data["timeout"]) if "timeout" in data else None,
        **{name: data[name] for name in _PLAIN if name in data},
    )


def _read_transition(data: Mapping[str, Any]) -> Transition:
    return Transition(
        tuple(data["triggers"]),
        tuple(data["sources"]),
        data.get("dest"),
        _read_guard(data["guard"]) if "guard" in data else None,
        _read_do(data["do"]) if "do" in data else None,
    )


def _read_guard(data: Mapping[str, Any]) -> Expression:
    return compile_expression(data["text"], readings=data["units"], states=data["states"])


def _read_do(data: Mapping[str, Any]) -> Do:
    return Do(data["name"], tuple(_read_step(step) for step in data["steps"]))


def _read_step(data: Mapping[str, Any]) -> Step:
    return Step(data["action"], data.get("arguments", {}), Mode(data.get("mode", Mode.RESTART)))
