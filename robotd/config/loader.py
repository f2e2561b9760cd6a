"""From the path of a robot's file to everything the daemon is built of, or to all that is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hal import BoardSpec, DeviceSpec
from robotd.config.actions import Actions
from robotd.config.document import Document, read
from robotd.config.errors import ConfigErrors
from robotd.config.events import read_rules
from robotd.config.handlers import load_handlers
from robotd.config.hardware import read_hardware
from robotd.config.invariants import read_invariants
from robotd.config.journal import JournalSettings, read_journal
from robotd.config.listen import Listen, read_limits, read_listen
from robotd.config.machine import Known, read_regions
from robotd.config.models import FileModel
from robotd.config.place import Place
from robotd.config.safety import (
    AccessSettings,
    GuardSettings,
    LeaseSettings,
    read_access,
    read_guard,
    read_lease,
)
from robotd.config.triggers import read_commands
from robotd.core.action import ActionInfo, CommandInfo
from robotd.core.chart import Chart, Where
from robotd.core.invariant import Invariant
from robotd.core.limits import Limits
from robotd.core.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotConfig:
    """A robot's file, checked: no name in it is unknown, no quantity without its SI value."""

    path: Path
    robot: str
    boards: Mapping[str, BoardSpec]
    devices: Mapping[str, DeviceSpec]
    rules: tuple[Rule, ...]
    handlers: Mapping[str, Callable[..., Any]]
    """The user's functions by name, those included that the chart never runs."""
    actions: Mapping[str, ActionInfo]
    """Every handler and verb that the chart may run."""
    commands: Mapping[str, CommandInfo]
    """What a client may send, by type; the built-in triggers aside."""
    chart: Chart
    listen: Listen
    limits: Limits
    journal: JournalSettings
    guard: GuardSettings
    lease: LeaseSettings
    access: AccessSettings
    hosts: tuple[str, ...]
    origins: tuple[str, ...]
    readings: Mapping[str, str]
    """Every `device.reading` that an expression may name, and its unit (`bool` for a flag)."""
    invariants: tuple[Invariant, ...]
    """What the file says under `never` and `always`."""
    places: Mapping[str, Where] = field(repr=False, compare=False)
    """Where each board, device and event stands, by section and name: `devices.left`; `guard`, `lease`."""
    document: Document = field(repr=False, compare=False)
    """The text, for whoever shows a line of it."""


def load(path: Path) -> RobotConfig:
    """Read and check a robot's file. Opens nothing but it and the handlers' files.

    Raises `ConfigErrors` with every fault, in the order of the file.
    """
    document = read(path)
    root = Place(document)
    file = root.read(FileModel, gaps=True)
    hardware = read_hardware(root / "boards", root / "devices")
    handlers, handlers_sound = load_handlers(root / "handlers", path.parent)
    actions = Actions(handlers, hardware.verbs, doubtful=hardware.doubtful, handlers_sound=handlers_sound)
    known = Known(hardware.device_names, hardware.doubtful, hardware.readings, actions)
    rules = read_rules(root / "events", known)
    drafts = read_regions(root / "machine", known, dict(hardware.device_names)) if "machine" in root else []
    commands = read_commands(drafts, actions, rules, hardware.board_names)
    access = read_access(root / "access", path.parent)
    listen, limits = read_listen(root / "listen", access), read_limits(root / "limits")
    journal = read_journal(root / "journal")
    guard, lease = read_guard(root / "guard"), read_lease(root / "lease")
    invariants = read_invariants(
        root,
        readings=known.readings,
        states=[path for draft in drafts for path in draft.paths],
        doubtful=hardware.doubtful,
    )
    if document.errors or file is None:
        raise ConfigErrors.of(document.errors)
    return RobotConfig(
        path=path,
        robot=file.robot,
        boards=hardware.boards,
        devices=hardware.devices,
        rules=tuple(rule for rule in rules.values() if rule),
        handlers=handlers,
        actions=actions.used,
        commands=commands,
        chart=Chart(_version(root), tuple(draft.region() for draft in drafts), frozenset(commands)),
        listen=listen,
        limits=limits,
        journal=journal,
        guard=guard,
        lease=lease,
        access=access,
        hosts=tuple(file.hosts),
        origins=tuple(file.origins),
        readings=known.readings,
        invariants=invariants,
        places=_places(root),
        document=document,
    )


def _places(root: Place) -> dict[str, Where]:
    sections = {name: root / name for name in ("guard", "lease") if name in root}
    return {
        f"{section}.{place.name}": place.document.where(place.steps, key=True)
        for section in ("boards", "devices", "events")
        for place in (root / section).members()
    } | {name: place.document.where(place.steps, key=True) for name, place in sections.items()}


def _version(root: Place) -> int:
    version = (root / "machine" / "version").value
    return version if isinstance(version, int) else 1
