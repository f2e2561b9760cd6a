"""What stops a robot when nobody else does, and who may move it: `guard`, `lease` and `access`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from hal import PositiveDuration
from robotd.config.models import Entry
from robotd.config.place import Place
from robotd.core.role import Role

OFF = "off"
WINDOW_S = 2.0
TELEOP_WINDOW_S = 0.5
LEAST_WINDOW_S, MOST_WINDOW_S = 0.2, 10.0
"""Shorter, and an ordinary network loses it; longer, and a robot goes on for long without anybody."""
GPIO_LINES = 1024


class GuardInputModel(Entry):
    """A line that stops the robot: a control line of a serial port, or a line of a GPIO chip."""

    port: Annotated[str, Field(min_length=1)] | None = Field(
        default=None, description="a serial port whose control line is looked at: /dev/ttyUSB1"
    )
    chip: Annotated[str, Field(min_length=1)] | None = Field(
        default=None, description="a GPIO chip: /dev/gpiochip0"
    )
    line: Annotated[
        Any, WithJsonSchema({"anyOf": [{"enum": ["cts", "dsr", "dcd", "ri"]}, {"type": "integer"}]})
    ] = Field(description="cts, dsr, dcd or ri of a port; the number of a line of a chip")
    active: Literal["low", "high"] = Field(
        default="low",
        description="the level that stops; low: a cut wire stops too, where a closed circuit holds it high",
    )


class GuardModel(Entry):
    """The second process, which stops the robot when the daemon cannot."""

    input: Annotated[Any, WithJsonSchema({"allOf": [{"$ref": "#/$defs/GuardInputModel"}]})] = Field(
        default=None, description="a line that stops the robot whatever the daemon does"
    )


class LeaseModel(Entry):
    """Who moves the robot, one at a time, and how soon a lost operator is noticed."""

    window: PositiveDuration = Field(
        default=WINDOW_S, description="without a word of the operator for so long what moves halts"
    )
    teleop_window: PositiveDuration = Field(
        default=TELEOP_WINDOW_S, description="the same for who took the lease by streaming setpoints"
    )


class AccessModel(Entry):
    """How clients prove who they are."""

    tokens: Annotated[str, Field(min_length=1)] | None = Field(
        default=None, description="the file of tokens, beside this one; `robotd token add` writes it"
    )
    certificate: Annotated[str, Field(min_length=1)] | None = Field(
        default=None, description="the TLS certificate (PEM), beside this file"
    )
    key: Annotated[str, Field(min_length=1)] | None = Field(default=None, description="its private key (PEM)")
    users: dict[str, Literal["viewer", "operator", "maintainer", "admin"]] = Field(
        default={}, description="users of this machine on the Unix socket, by name or number, and their role"
    )


@dataclass(frozen=True, slots=True)
class GuardInput:
    """A line that stops the robot."""

    path: str
    """Of a serial port, or of a GPIO chip."""
    line: str | int
    """A control line of the port, or the number of a line of the chip."""
    active_low: bool


@dataclass(frozen=True, slots=True)
class GuardSettings:
    """The second process."""

    on: bool = True
    input: GuardInput | None = None


@dataclass(frozen=True, slots=True)
class LeaseSettings:
    """Who moves the robot."""

    on: bool = True
    window_s: float = WINDOW_S
    teleop_window_s: float = TELEOP_WINDOW_S


@dataclass(frozen=True, slots=True)
class AccessSettings:
    """How clients prove who they are."""

    tokens: Path | None = None
    """None: nobody is asked for one."""
    certificate: Path | None = None
    """None: no TLS."""
    key: Path | None = None
    users: Mapping[str, Role] = field(default_factory=dict)


def read_guard(place: Place) -> GuardSettings:
    """The section `guard`: a mapping, `on` or `off`."""
    if place.value is None or place.value == "on":
        return GuardSettings()
    if place.value == OFF:
        return GuardSettings(on=False)
    model = place.read(GuardModel)
    if model is None or model.input is None:
        return GuardSettings()
    return GuardSettings(input=_read_input(place / "input"))


def _read_input(place: Place) -> GuardInput | None:
    model = place.read(GuardInputModel)
    if model is None:
        return None
    if (model.port is None) is (model.chip is None):
        place.refuse("one of 'port' and 'chip' is due here", "for example: {port: /dev/ttyUSB1, line: cts}")
        return None
    if model.port is not None and model.line not in ("cts", "dsr", "dcd", "ri"):
        (place / "line").refuse("a control line of a serial port is due here", "cts, dsr, dcd or ri")
        return None
    if model.chip is not None and (type(model.line) is not int or not 0 <= model.line < GPIO_LINES):
        (place / "line").refuse("the number of a line of the chip is due here", "for example: 17")
        return None
    return GuardInput(str(model.port or model.chip), model.line, model.active == "low")


def read_lease(place: Place) -> LeaseSettings:
    """The section `lease`: a mapping, or `off`."""
    if place.value == OFF:
        return LeaseSettings(on=False)
    model = None if place.value is None else place.read(LeaseModel)
    if model is None:
        return LeaseSettings()
    for name, window_s in (("window", model.window), ("teleop_window", model.teleop_window)):
        if not LEAST_WINDOW_S <= window_s <= MOST_WINDOW_S:
            sentence = f"a lease lasts {LEAST_WINDOW_S:g} to {MOST_WINDOW_S:g} s unheard"
            (place / name).refuse(sentence, "for example: 500 ms")
    return LeaseSettings(True, model.window, model.teleop_window)


def read_access(place: Place, folder: Path) -> AccessSettings:
    """The section `access`; its files are looked for beside the robot's, in `folder`."""
    model = None if place.value is None else place.read(AccessModel)
    if model is None:
        return AccessSettings()
    if (model.certificate is None) is not (model.key is None):
        place.refuse("'certificate' and 'key' go together", "robotd tls self-signed makes both")
        return AccessSettings()

    def beside(name: str | None) -> Path | None:
        return None if name is None else folder / name

    users = {name: Role.named(role) for name, role in model.users.items()}
    return AccessSettings(beside(model.tokens), beside(model.certificate), beside(model.key), users)
