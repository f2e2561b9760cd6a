"""What the daemon says of itself: `status` and `describe`, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hal import Actuator, Device, verbs
from robotd.config import RobotConfig
from robotd.core.chart import BUILT_IN_STATES, BUILT_IN_TRIGGERS, Do, Region, State, Transition
from robotd.core.graph import mermaid
from robotd.daemon import watched
from robotd.daemon.engine import Engine
from robotd.version import VERSION

PROGRESS = "progress"
"""The reading of a device that tells how far a program is, in per cent."""


def regions(engine: Engine) -> dict[str, Any]:
    """Where each region is, since when, and what led there."""
    now = engine.clock()
    said = {}
    for place, region in enumerate(engine.config.chart.regions):
        cause = engine.last_cause.get(region.name)
        why = None
        if cause is not None:
            message = cause.message
            why = {
                "trigger": message.type,
                "id": message.id,
                "source": message.source,
                "trace_id": message.trace_id,
            }
        said[region.name] = {
            "state": engine.machine.leaves[place],
            "since_s": round(now - engine.since.get(region.name, now), 3),
            "why": why,
        }
    return said


def latch(engine: Engine) -> dict[str, Any] | None:
    """Why the robot is stopped, or None."""
    latch = engine.stop.latch
    return None if latch is None else latch.as_data(engine.clock())


def latch_file(engine: Engine) -> dict[str, Any]:
    """Where a stop is kept over restarts, and what is wrong with that."""
    store = engine.stop.store
    return {"path": None if store.path is None else str(store.path.absolute()), "trouble": store.trouble}


def state(engine: Engine) -> dict[str, Any]:
    """What the topic `state` tells."""
    return {"state": engine.state(), "regions": regions(engine), "latch": latch(engine)}


def readings(device: Device, now: float) -> dict[str, Any]:
    """Every reading of a device with its unit and age; None for one that was never heard."""
    said: dict[str, Any] = {}
    for name in device.readings_units():
        reading = device.reading(name)
        said[name] = (
            None
            if reading is None
            else {
                "value": reading.value,
                "unit": reading.unit,
                "age_ms": round((now - reading.at) * 1000, 1),
            }
        )
    return said


def status(engine: Engine, simulated: frozenset[str], clients: int, started_at: float) -> dict[str, Any]:
    """Where everything stands now."""
    now = engine.clock()
    rig = engine.rig
    return {
        "robot": engine.config.robot,
        "version": VERSION,
        "simulated": bool(rig.boards) and simulated == frozenset(rig.boards),
        "uptime_s": round(now - started_at, 3),
        **state(engine),
        "boards": {
            name: {
                "state": board.state.value,
                "simulated": name in simulated,
                "detail": board.detail,
                "since_s": round(now - board.since, 3),
            }
            for name, board in rig.boards.items()
        },
        "devices": {
            name: {
                "kind": device.KIND,
                "board": device.spec.board,
                "state": device.state.value,
                "fault": device.fault,
                **({"feedback": device.feedback} if isinstance(device, Actuator) else {}),
                "readings": readings(device, now),
            }
            for name, device in rig.devices.items()
        },
        "queue": engine.queue.depths(),
        "epoch": engine.stop.epoch,
        "latch_file": latch_file(engine),
        "lease": engine.leasing.as_data(),
        "guard": watched.as_data(engine),
        "journal": journal(engine),
        "latency": {
            "slowest_stop_ms": round(engine.stop.slowest_s * 1000, 3),
            "slowest_safety_wait_ms": round(engine.dispatcher.slowest_safety_s * 1000, 3),
        },
        "counters": {
            "decisions": engine.dispatcher.count,
            "actions_running": engine.executor.running,
            "actions_ignoring_cancellation": engine.executor.zombies,
            "commands_open": len(engine.ledger),
            "commands": dict(engine.ledger.counts),
            "queue": dict(engine.queue.counters),
        },
        "clients": clients,
    }


def journal(engine: Engine) -> dict[str, Any]:
    """Where it is kept, how far it has come, and what the last start found in it."""
    written, opened = engine.journal, engine.opened
    return {
        "path": None if opened.path is None else str(opened.path.absolute()),
        "trouble": None if written.trouble is None else str(written.trouble),
        "boot": written.boot,
        "seq": written.seq,
        "durable_seq": written.durable_seq,
        "lag_ms": round(written.lag_s * 1000, 1),
        "slowest_ms": round(written.slowest_s * 1000, 1),
        "size_bytes": opened.size_bytes(),
        "recovered": dict(engine.recovered),
        "quarantined": list(opened.beginning.quarantined),
    }


def describe(config: RobotConfig, devices: Mapping[str, Device], simulated: frozenset[str]) -> dict[str, Any]:
    """The robot as it is built: the machine, the commands, the devices."""
    return {
        "robot": config.robot,
        "machine": {
            "version": config.chart.version,
            "regions": {region.name: _region(region) for region in config.chart.regions},
            "built_in": {
                "states": sorted(BUILT_IN_STATES),
                "triggers": sorted(BUILT_IN_TRIGGERS),
            },
            "mermaid": mermaid(config.chart),
        },
        "commands": {
            name: {
                "payload": info.json_schema(),
                "moves": info.moves,
                "streamed": info.streamed,
                "valid_for_ms": round(info.valid_for_s * 1000),
                **_progress(name, config, devices),
            }
            for name, info in config.commands.items()
        },
        "devices": {
            name: _device(device, _is_simulated(device, devices, simulated))
            for name, device in devices.items()
        },
    }


def _progress(command: str, config: RobotConfig, devices: Mapping[str, Device]) -> dict[str, Any]:
    """Under `progress` the devices that tell how far a program is which this command has them carry out."""
    steps = [
        step
        for region in config.chart.regions
        for transition in region.transitions
        if command in transition.triggers and transition.do is not None
        for step in transition.do.steps
    ]
    told: dict[str, None] = {}
    for step in steps:
        name, _, verb = step.action.partition(".")
        device = devices.get(name)
        if device is None or PROGRESS not in device.readings_units():
            continue
        if verbs(device)[verb].verb_info.lasting:  # type: ignore[attr-defined]  # hal's @verb sets it
            told[name] = None
    return {PROGRESS: [*told]} if told else {}


def _region(region: Region) -> dict[str, Any]:
    return {
        "initial": region.initial,
        "states": {path: _state(found) for path, found in region.states.items()},
        "transitions": [_transition(transition) for transition in region.transitions],
    }


def _state(found: State) -> dict[str, Any]:
    timeout = found.timeout
    return {
        "initial": found.initial,
        "history": found.history,
        "active": found.active,
        "do": _do(found.do),
        "timeout": None if timeout is None else {"after_s": timeout.after_s, "trigger": timeout.trigger},
        "unattended": found.unattended,
    }


def _transition(transition: Transition) -> dict[str, Any]:
    return {
        "triggers": transition.triggers,
        "sources": transition.sources,
        "dest": transition.dest,
        "when": None if transition.guard is None else transition.guard.text,
        "do": _do(transition.do),
    }


def _do(do: Do | None) -> list[dict[str, Any]] | None:
    if do is None:
        return None
    return [
        {"action": step.action, "arguments": dict(step.arguments), "mode": step.mode} for step in do.steps
    ]


def _is_simulated(device: Device, devices: Mapping[str, Device], simulated: frozenset[str]) -> bool:
    """Whether a twin stands behind it; behind a drive base, whether one stands behind both wheels."""
    if parts := device.spec.parts():
        return all(_is_simulated(devices[part], devices, simulated) for part in parts)
    return device.spec.board in simulated


def _device(device: Device, simulated: bool) -> dict[str, Any]:
    return {
        "kind": device.KIND,
        "board": device.spec.board,
        "simulated": simulated,
        "actuator": isinstance(device, Actuator),
        "readings": dict(device.readings_units()),
        "verbs": sorted(verbs(device)),
        "limits": device.spec.model_dump(mode="json", exclude={"kind", "board"}, exclude_none=True),
    }
