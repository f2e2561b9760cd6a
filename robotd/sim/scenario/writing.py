"""From a scenario to the text of its file, as a person would write it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from robotd.config.document import resolve
from robotd.sim.scenario.model import (
    OPERATOR,
    TCP,
    Action,
    Amount,
    Answered,
    BoardIs,
    Bound,
    Cancel,
    Connect,
    Counted,
    DeviceIs,
    Disconnect,
    Expect,
    Fact,
    Fault,
    Gap,
    Inject,
    InOrder,
    InState,
    Lease,
    Mend,
    ReadingIs,
    Reset,
    Scenario,
    Send,
    SetWorld,
    StageIs,
    Step,
    Stop,
    Told,
    Wait,
    WorldIs,
    Write,
)

SCHEMA_LINE = "# yaml-language-server: $schema=scenario.schema.json"
FREE = "free"
STALE = "stale"

_PLAIN = re.compile(r"-?[A-Za-z0-9_./](?:[A-Za-z0-9_ ./%*+()=<>-]|:(?=\w))*(?<! )")


def to_yaml(scenario: Scenario) -> str:
    """The text of a file that reads as `scenario`."""
    top: dict[str, Any] = {"robot": scenario.robot, "scenario": scenario.title}
    if scenario.seed:
        top["seed"] = scenario.seed
    if scenario.faults:
        top["faults"] = scenario.faults
    if scenario.world:
        top["set"] = _world(scenario.world)
    lines = [SCHEMA_LINE, *(f"{key}: {flow(value)}" for key, value in top.items()), "steps:"]
    for step in scenario.steps:
        lines += step_lines(step)
    for key, texts in (("never", scenario.never), ("always", scenario.always)):
        if texts:
            lines += [f"{key}:", *(f"  - {flow(text)}" for text in texts)]
    return "\n".join(lines) + "\n"


def step_lines(step: Step) -> list[str]:
    """One step, as it stands in the file."""
    first, *rest = [f"{key}: {flow(value)}" for key, value in _step(step)]
    return [f"  - {first}", *(f"    {entry}" for entry in rest)]


def flow(value: Any) -> str:
    """Plain data on one line."""
    match value:
        case str():
            plain = _PLAIN.fullmatch(value) and resolve(value) == value
            return value if plain else _quoted(value)
        case Mapping():
            return f"{{{', '.join(f'{flow(key)}: {flow(item)}' for key, item in value.items())}}}"
        case Sequence() if not isinstance(value, Amount | Bound):
            return f"[{', '.join(flow(item) for item in value)}]"
        case None | bool() | int() | float():
            return json.dumps(value)
        case _:
            return flow(str(value))


def _quoted(text: str) -> str:
    """In double quotes: YAML's escapes are JSON's, and one more for what does not fit into 16 bits."""
    return "".join(
        char if char.isprintable() else f"\\U{ord(char):08x}" for char in json.dumps(text, ensure_ascii=False)
    )


def seconds(time_s: float) -> str:
    """A time as a person writes it."""
    milliseconds = float(f"{time_s * 1000:.12g}")
    if 0 < time_s < 1 and milliseconds / 1000 == time_s:
        return str(Amount(milliseconds, "ms"))
    return str(Amount(time_s, "s"))


def _step(step: Step) -> Iterator[tuple[str, Any]]:
    for key, time_s in (("at", step.at_s), ("within", step.within_s)):
        if time_s is not None:
            yield key, seconds(time_s)
    yield from _action(step.do)
    if step.for_s is not None:
        yield "for", seconds(step.for_s)


def _action(action: Action) -> Iterator[tuple[str, Any]]:
    match action:
        case Send():
            yield from _send(action)
        case Stop():
            yield "stop", action.reason
        case Reset():
            yield "reset", action.latch_id
        case Lease():
            yield "lease", action.what
        case Cancel():
            yield "cancel", action.command
        case Write():
            yield "write", action.line
        case Connect():
            yield "connect", action.client
            if action.over != TCP:
                yield "over", action.over
        case Disconnect():
            yield "disconnect", action.client
        case Gap():
            yield "gap", seconds(action.duration_s)
        case SetWorld():
            yield "set", _world(action.values)
        case Fault():
            yield "fault", {action.board: action.text}
        case Mend():
            yield "mend", action.board or "all"
        case Inject():
            yield "inject", {action.event: action.payload} if action.payload else action.event
        case Wait():
            yield "wait", seconds(action.duration_s)
        case Expect():
            yield "expect", _facts(action.facts)
    if isinstance(action, Send | Stop | Reset | Lease | Cancel | Write) and action.client != OPERATOR:
        yield "from", action.client


def _send(send: Send) -> Iterator[tuple[str, Any]]:
    yield "send", {send.type: send.payload} if send.payload else send.type
    if send.valid_for_s is not None:
        yield "valid_for", seconds(send.valid_for_s)
    for key, value in (
        ("as", send.name),
        ("id", send.id),
        ("priority", send.priority),
        ("version", send.version),
        ("times", send.times if send.times != 1 else None),
    ):
        if value is not None:
            yield key, value


def _world(values: Mapping[str, Amount | bool | None]) -> dict[str, Any]:
    return {
        name: FREE if value is None else value if isinstance(value, bool) else _quantity(value)
        for name, value in values.items()
    }


def _quantity(value: Amount | Bound) -> Any:
    """A plain number stays one."""
    if isinstance(value, Bound) and value.relation != "=":
        return str(value)
    return str(value) if value.unit else value.value


def _facts(facts: Sequence[Fact]) -> dict[str, Any]:
    """Facts of one kind are gathered under its key. Of two about one thing only the last can be said."""
    listed: dict[str, list[Any]] = {}
    said: dict[str, Any] = {}
    for fact in facts:
        match fact:
            case InState():
                said["state"] = listed.setdefault("state", [])
                listed["state"].append(fact.state)
            case Told():
                key = "event" if fact.happened else "no_event"
                said[key] = listed.setdefault(key, [])
                listed[key].append(fact.event)
            case InOrder():
                said["order"] = list(fact.events)
            case Answered():
                said["answer"] = fact.parts
            case StageIs(command=None):
                said["stage"] = _stage(fact)
            case StageIs():
                others = said.get("stage")
                said["stage"] = {**(others if isinstance(others, dict) else {}), fact.command: _stage(fact)}
            case Counted():
                said.setdefault("count", {})[fact.event] = fact.times
            case WorldIs():
                said.setdefault("world", {})[fact.name] = _wanted(fact.value)
            case BoardIs():
                said.setdefault("board", {})[fact.board] = fact.state
            case DeviceIs():
                said.setdefault("device", {})[fact.device] = fact.state
            case ReadingIs():
                said[fact.name] = _wanted(fact.value)
    return said | {key: names[0] for key, names in listed.items() if len(names) == 1}


def _stage(fact: StageIs) -> str:
    return fact.stage if fact.reason is None else f"{fact.stage} {fact.reason}"


def _wanted(value: Bound | bool | None) -> Any:
    if value is None:
        return STALE
    return value if isinstance(value, bool) else _quantity(value)
