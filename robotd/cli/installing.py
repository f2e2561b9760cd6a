"""What a service consists of: which files go where, what each becomes there, and the commands that follow."""

from __future__ import annotations

import difflib
import grp
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from robotd.doctor.ports import SERIAL_GROUPS

if TYPE_CHECKING:
    from robotd.config import RobotConfig

UNIT = Path("etc/systemd/system/robotd.service")
RULES = Path("etc/udev/rules.d/60-robotd.rules")
USERS = Path("etc/sysusers.d/robotd.conf")
FOLDER = Path("etc/robotd")
ROBOT = FOLDER / "robot.yaml"
RECORDINGS = FOLDER / "recordings"
TEMPLATE_PROGRAM = "/opt/robotd/bin/robotd"
TEMPLATE_USER = "robotd"
GPIO_GROUP = "gpio"

CODE = frozenset({".py", ".yaml", ".json"})
"""Files that are named and are no programs: handlers, robots, schemas."""
MOST_PROGRAMS = 1000
"""More are left behind: that is no folder of jobs."""
_FILE_NAME = re.compile(r"(?<![\w./-])\w[\w./-]*\.\w+")

LOOPBACK_ONLY = "IPAddressDeny=any\nIPAddressAllow=localhost\n"

Command = tuple[str, ...]


class State(StrEnum):
    """What writing a file would do."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    KEPT = "kept"
    """What is there is a person's own, and stays."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One file of the service."""

    path: Path
    content: bytes
    owned: bool = True
    """It belongs to the installation, and a newer one replaces it. Else it is a person's once it is there."""

    @property
    def state(self) -> State:
        """How it compares to what is there. Raises `OSError`."""
        there = self.there
        if there is None:
            return State.NEW
        if there == self.content:
            return State.UNCHANGED
        return State.CHANGED if self.owned else State.KEPT

    @property
    def there(self) -> bytes | None:
        """What is in its place now. Raises `OSError`."""
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return None

    @property
    def text(self) -> str:
        """For people."""
        return self.content.decode(errors="replace")

    def difference(self) -> Iterator[str]:
        """The lines that would change, as `diff -u` shows them."""
        before = (self.there or b"").decode(errors="replace").splitlines()
        name = str(self.path)
        yield from difflib.unified_diff(before, self.text.splitlines(), name, f"{name} (new)", lineterm="")

    def write(self) -> None:
        """Put it in its place, whole or not at all. Raises `OSError`."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_name(f".{self.path.name}.new")
        beside.write_bytes(self.content)
        beside.chmod(0o644)
        beside.replace(self.path)


@dataclass(frozen=True, slots=True)
class Service:
    """How a robot's daemon is to run on one machine."""

    prefix: Path
    """`/`, or the folder that a packager makes look like it."""
    user: str
    program: Command
    groups: tuple[str, ...]
    """Of devices, beside its own."""
    network: bool = False
    """The robot's file lets in other machines, or talks to boards on the network."""

    @property
    def for_this_machine(self) -> bool:
        """Not for a package: then the commands are run as well."""
        return self.prefix == Path("/")

    def files(self, robot: Iterable[Planned]) -> list[Planned]:
        """All of them; `robot`: its file and what belongs to it, where they are to be written."""
        return [
            self._made(UNIT, self._unit(_template(UNIT.name))),
            self._made(RULES, _template(RULES.name).replace(f'"{TEMPLATE_USER}"', f'"{self.user}"')),
            self._made(
                USERS, _template("robotd-sysusers.conf").replace(f"u {TEMPLATE_USER} ", f"u {self.user} ")
            ),
            *robot,
        ]

    def robot(self, file: Path, handlers: Collection[str], secrets: Collection[str]) -> list[Planned]:
        """The robot's file, the Python beside it, and its jobs, but none of its `secrets`.

        Raises `OSError`; `ValueError` for handlers that lie elsewhere.
        """
        for name in handlers:
            if Path(name).is_absolute() or ".." in Path(name).parts:
                raise ValueError(
                    f"the handlers in {name} lie outside of {file.parent}; put them beside {file.name}"
                )
        others = [name for name in programs(file, handlers) if name not in secrets]
        return [
            Planned(self.prefix / ROBOT, file.read_bytes(), owned=False),
            *(
                Planned(self.prefix / FOLDER / name, (file.parent / name).read_bytes(), owned=False)
                for name in (*handlers, *others)
            ),
        ]

    def commands(self) -> list[Command]:
        """What makes the files known to the system. Each may be run again."""
        return [
            _make_user(self.user),
            # Others may look, and what root writes there, tokens and keys, belongs to the daemon's group.
            ("install", "-d", "-m", "2755", "-g", self.user, f"/{FOLDER}"),
            # The one folder beside the robot's file that the daemon itself writes: what an arm is taught.
            ("install", "-d", "-m", "2775", "-g", self.user, f"/{RECORDINGS}"),
            ("udevadm", "control", "--reload"),
            ("udevadm", "trigger", "--subsystem-match=tty", "--subsystem-match=usb-serial"),
            ("systemctl", "daemon-reload"),
        ]

    def unreachable(self) -> Path | None:
        """A folder on the way to the program that the service's user may not enter, or None."""
        package = Path(__file__).parents[1]
        for path in (
            Path(self.program[0]),
            Path(os.path.realpath(self.program[0])),
            *_interpreter(),
            package,
        ):
            for folder in path.parents:
                if folder.is_dir() and not folder.stat().st_mode & 0o001:
                    return folder
        return None

    def _made(self, path: Path, text: str) -> Planned:
        return Planned(self.prefix / path, text.encode())

    def _unit(self, template: str) -> str:
        text = template.replace(TEMPLATE_PROGRAM, " ".join(map(_word, self.program)))
        for key in ("User", "Group"):
            text = text.replace(f"{key}={TEMPLATE_USER}\n", f"{key}={self.user}\n")
        groups = f"SupplementaryGroups={' '.join(self.groups)}\n" if self.groups else ""
        text = text.replace("SupplementaryGroups=dialout\n", groups)
        if self.network:
            text = text.replace(LOOPBACK_ONLY, "")
        if any(path.is_relative_to("/home") for path in (Path(self.program[0]), *_interpreter())):
            text = text.replace("ProtectHome=yes\n", "ProtectHome=read-only\n")
        return text


def programs(file: Path, handlers: Collection[str]) -> list[str]:
    """What the robot's verbs are told by name: the files below its folder that its file or its handlers name.

    With one in a folder of its own come those beside it that are of its sort: all of `jobs/*.nc`. At most
    `MOST_PROGRAMS`. Raises `OSError`.
    """
    folder = file.parent
    found: dict[str, None] = {}
    for source in (file, *(folder / name for name in handlers)):
        for name in _FILE_NAME.findall(source.read_text(encoding="utf-8")):
            named = Path(name)
            if ".." in named.parts or named.suffix in CODE or not (folder / named).is_file():
                continue
            beside = (folder / named.parent).glob(f"*{named.suffix}") if len(named.parts) > 1 else ()
            sort = (path.relative_to(folder) for path in sorted(beside) if path.is_file())
            found |= dict.fromkeys(path.as_posix() for path in (named, *sort))
    return sorted(found)[:MOST_PROGRAMS]


def uses_the_network(config: RobotConfig) -> bool:
    """Whether the robot of this file talks to other machines."""
    boards = [urlsplit(board.port) for board in config.boards.values()]
    hosts = [port.hostname or "" for port in boards if port.scheme == "tcp"]
    hosts += [address.host for address in (config.listen.websocket, config.listen.tcp) if address is not None]
    return not all(_is_here(host) for host in hosts)


def this_program() -> Command:
    """How the present installation starts robotd."""
    script = Path(sys.executable).with_name("robotd")
    return (str(script),) if script.is_file() else (sys.executable, "-I", "-m", "robotd")


def device_groups() -> tuple[str, ...]:
    """Who may open the ports here, and GPIO lines: with a group that is not there no unit starts."""
    known = {group.gr_name for group in grp.getgrall()}
    serial = [name for name in SERIAL_GROUPS if name in known][:1]
    return (*serial, *({GPIO_GROUP} & known))


def templates_folder() -> Path:
    """Where the unit and the rules are: inside an installed package, or systemd/ of a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "systemd_units"
    return installed if installed.is_dir() else package.parent / "systemd"


def carried_out(command: Command) -> bool:
    """Run it and wait for its end. False: it failed, or is not there."""
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode == 0
    except OSError:
        return False


def shown(command: Command) -> str:
    """As one would type it."""
    return shlex.join(command)


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _template(name: str) -> str:
    return (templates_folder() / name).read_text()


def _interpreter() -> tuple[Path, Path]:
    return Path(sys.executable), Path(os.path.realpath(sys.executable))


def _make_user(name: str) -> Command:
    if shutil.which("systemd-sysusers") is not None:
        return ("systemd-sysusers", f"/{USERS}")
    return ("useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", name)


def _word(word: str) -> str:
    """A word of `ExecStart=`: systemd.service(5), "Command lines"."""
    word = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{word}"' if set(word) & set(" \t'\";\\") else word
