"""What an examination knows of the robot: its ports and where its journal lies. And findings about those."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import filterfalse
from pathlib import Path

from hal import Holder, LinkError, find_holders, find_usb, list_ports
from robotd.doctor.finding import Finding, Severity
from robotd.doctor.machine import Machine, User

UNIT = "etc/systemd/system/robotd.service"
GUARD = ["-I", "-S", "guard.py"]
"""How a daemon starts its guard, after the name of the interpreter."""
_SETTING = re.compile(r"^(User|SupplementaryGroups)=(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Robot:
    """The robot of a file, or none in particular."""

    ports: Mapping[str, str] = field(default_factory=dict)
    """By board: as the file names it."""
    state: Path = Path("/var/lib/robotd")
    """Where its journal lies."""
    file: str | None = None
    """As a command takes it; None for no robot in particular, and for that of the service."""

    def serial_ports(self, machine: Machine) -> dict[str, Path]:
        """By board, the path of each serial port as it is now. One that cannot be found is left out."""
        found = {}
        for board, port in self.ports.items():
            if port.startswith("usb:"):
                try:
                    found[board] = Path(find_usb(port, list_ports(machine.root)))
                except LinkError:
                    continue
            elif "://" not in port:
                found[board] = machine.at(port)
        return {board: path for board, path in found.items() if os.path.exists(path)}

    def devices(self, machine: Machine) -> frozenset[str]:
        """The names of its serial devices, links followed: `ttyAMA0` for `/dev/serial0`."""
        return frozenset(path.resolve().name for path in self.serial_ports(machine).values())


def install(machine: Machine, robot: Robot) -> str:
    """The command that makes the robot a service, with its user and the rules for serial ports."""
    file = [] if robot.file is None else [robot.file]
    return shlex.join(["sudo", *machine.program, "service", "install", *file])


def missing_ports(machine: Machine, robot: Robot) -> Iterator[Finding]:
    """Ports that the file names and this machine does not have."""
    present = robot.serial_ports(machine)
    for board, port in robot.ports.items():
        if "://" not in port and board not in present:
            yield Finding(
                "port-missing",
                Severity.ERROR,
                f"{board}: {_why_missing(machine, port)}",
                "plug it in, or write its name into the file",
                ("robotd ports",),
            )


def _why_missing(machine: Machine, port: str) -> str:
    if port.startswith("usb:"):
        try:
            find_usb(port, list_ports(machine.root))
        except LinkError as error:
            return str(error)
    return f"there is no port {port}"


def shaky_names(machine: Machine, robot: Robot) -> Iterator[Finding]:
    """Ports named by the order of their plugging, where a better name is known."""
    known = {info.device: info for info in list_ports(machine.root)}
    for board, port in robot.ports.items():
        named = machine.at(port)
        info = known.get(os.path.realpath(named))
        if info is None or info.name == info.device:
            continue
        if str(named) == info.device or (info.by_id is None and named.parent.name == "by-id"):
            yield Finding(
                "port-name",
                Severity.WARNING,
                f"{board}: {port} may be another device after the next plugging",
                f"write into the file: port: {machine.shown(info.name)}",
            )


def held_ports(machine: Machine, robot: Robot) -> Iterator[Finding]:
    """Ports that somebody has open: the robot itself is fine, anybody else is in its way."""
    for board, path in robot.serial_ports(machine).items():
        holders = find_holders(str(path), machine.root)
        for ours in [*filter(is_ours, holders)][:1]:  # the guard goes without saying: its daemon started it
            sentence = f"{board}: {robot.ports[board]} belongs to {ours}"
            yield Finding("port-held", Severity.NOTE, sentence, "nothing: it runs")
        for holder in filterfalse(is_ours, holders):
            yield Finding(
                "port-held",
                Severity.ERROR,
                f"{board}: {robot.ports[board]} is in use by {holder}",
                "end that first",
                (f"sudo kill {holder.pid}",),
            )


def is_ours(holder: Holder) -> bool:
    """Whether it is a robotd, or the guard of one: that ends with it, and stops the robot first."""
    words = holder.command.split()
    return "robotd" in words or words[1:4] == GUARD


def service_user(machine: Machine, robot: Robot) -> Iterator[Finding]:
    """Where the service is installed: whether its user may use the robot's ports."""
    settings = dict(_SETTING.findall(machine.text(UNIT)))
    name = settings.get("User")
    if name is None:
        return
    user = _named(machine, name, settings.get("SupplementaryGroups", "").split())
    if user is None:
        yield Finding(
            "service-user",
            Severity.ERROR,
            f"the service runs as {name}, and there is no such user",
            "install it again",
            (install(machine, robot),),
        )
        return
    for board, path in robot.serial_ports(machine).items():
        if not may_use(path, user):
            yield Finding(
                "service-permission",
                Severity.ERROR,
                f"{board}: the service runs as {name}, who may not use {robot.ports[board]}",
                "install its rules for serial ports, or add it to the port's group",
                (install(machine, robot), f"sudo usermod -aG {group_of(machine, path)} {name}"),
            )


def may_use(port: Path, user: User) -> bool:
    """Whether the mode of `port` lets `user` read and write it."""
    info = os.stat(port)
    if user.uid == 0:
        return True
    if info.st_uid == user.uid:
        return info.st_mode & 0o600 == 0o600
    if info.st_gid in user.groups:
        return info.st_mode & 0o060 == 0o060
    return info.st_mode & 0o006 == 0o006


def group_of(machine: Machine, port: Path) -> str:
    """The name of the group that `port` belongs to, or its number."""
    number = os.stat(port).st_gid
    return next((name for name, (known, _) in machine.groups().items() if known == number), str(number))


def _named(machine: Machine, name: str, more: Sequence[str]) -> User | None:
    """The user of that name, who has `more` groups besides those of the system's files."""
    if name not in machine.users():
        return None
    uid, gid = machine.users()[name]
    groups = machine.groups().items()
    joined = {number for group, (number, members) in groups if name in members or group in more}
    return User(name, uid, frozenset({gid, *joined}))
