"""What there is to prove something about: the robot's file, as far as the proofs look at it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Protocol

from hal import BoardSpec, DeviceSpec
from robotd.core.action import ActionInfo, CommandInfo
from robotd.core.chart import Chart, Where
from robotd.core.invariant import Invariant
from robotd.core.rules import Rule


class Switched(Protocol):
    """What the file says of something that it may switch off."""

    @property
    def on(self) -> bool:
        """False for `lease: off` and its like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A robot's file without faults. A chart alone is enough; what is left out is not there."""

    chart: Chart
    actions: Mapping[str, ActionInfo] = field(default_factory=dict)
    """Every handler (`patrol`) and verb (`base.drive`) that the chart may run."""
    commands: Mapping[str, CommandInfo] = field(default_factory=dict)
    """What the commands of the chart take; one that is missing takes whatever its guards look at."""
    rules: tuple[Rule, ...] = ()
    invariants: tuple[Invariant, ...] = ()
    readings: Mapping[str, str] = field(default_factory=dict)
    """Every reading that an expression may name, with its unit."""
    boards: Mapping[str, BoardSpec] = field(default_factory=dict)
    devices: Mapping[str, DeviceSpec] = field(default_factory=dict)
    handlers: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    """The user's functions: what their code names counts as used."""
    guard: Switched | None = None
    """Whether a second process stops the robot when the daemon cannot; None: so it is."""
    lease: Switched | None = None
    """Whether somebody has to have the lease to move the robot; None: so it is."""
    places: Mapping[str, Where] = field(default_factory=dict)
    """Where each board, device and event stands, by section and name: `devices.left`; `guard`, `lease`."""

    @classmethod
    def of(cls, file: Any) -> Subject:
        """What the proofs look at of a `RobotConfig`, or of anything else that has these fields."""
        return cls(**{part.name: getattr(file, part.name) for part in fields(cls)})
