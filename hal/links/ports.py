"""Which serial ports there are, who holds them, and why one cannot be opened. Opens none of them."""

from __future__ import annotations

import errno
import grp
import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hal.errors import LinkError, LinkHeld

BY_ID = Path("/dev/serial/by-id")
"""Where udev keeps names that stay the same however the ports are plugged."""
PROCESSES = Path("/proc")
COMMAND_LENGTH = 60
"""How much of a holder's command line is told."""
HELD = frozenset({errno.EBUSY, errno.EAGAIN})
"""What opening a port fails with while another program has it."""
USB_PORT = re.compile(r"usb:([0-9a-f]{4}):([0-9a-f]{4})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has a port open."""

    pid: int
    command: str

    def __str__(self) -> str:
        who = "this process" if self.pid == os.getpid() else self.command
        return f"{who} (pid {self.pid})"


@dataclass(frozen=True, slots=True)
class PortInfo:
    """One serial port of this machine."""

    device: str
    """`/dev/ttyACM0`: may be another one after the next plugging."""
    by_id: str | None
    """The stable name to put into the robot's file, if udev made one."""
    usb_id: str | None
    """`2341:0043`, vendor and product; None where it is no USB port."""
    description: str

    @property
    def holders(self) -> tuple[Holder, ...]:
        """Who has it open now. Looks through all processes that this user may see."""
        return find_holders(self.device)

    @property
    def permitted(self) -> bool:
        """Whether this process may read and write it."""
        return os.access(self.device, os.R_OK | os.W_OK)


def by_id_names() -> dict[str, str]:
    """The stable name of each port that has one, by its device."""
    if not BY_ID.is_dir():
        return {}
    return {os.path.realpath(link): str(link) for link in sorted(BY_ID.iterdir())}


def find_holders(port: str) -> tuple[Holder, ...]:
    """The processes that have `port` open, as far as this user may see them."""
    device = os.path.realpath(port)
    processes = [process for process in PROCESSES.iterdir() if process.name.isdecimal()]
    found = [Holder(int(process.name), _command(process)) for process in processes if _has(process, device)]
    return tuple(sorted(found, key=lambda holder: holder.pid))


def _has(process: Path, device: str) -> bool:
    try:
        return any(os.readlink(process / "fd" / number) == device for number in os.listdir(process / "fd"))
    except OSError:  # it ended meanwhile, or it is another user's
        return False


def _command(process: Path) -> str:
    try:
        words = (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return "a process"
    # The folders of the interpreter and of its script would fill the line.
    words[:2] = [word.rpartition(b"/")[2] for word in words[:2]]
    return b" ".join(words).decode(errors="replace").strip()[:COMMAND_LENGTH] or "a process"


def find_usb(port: str, present: Iterable[PortInfo]) -> str:
    """The device that `usb:VID:PID` means among the `present` ones. Raises `LinkError`."""
    match = USB_PORT.fullmatch(port)
    if match is None:
        raise LinkError(f"{port}: write usb:VID:PID, four hex digits each, for example usb:2341:0043")
    wanted = f"{match[1]}:{match[2]}".lower()
    usb = [info for info in present if info.usb_id is not None]
    found = [info for info in usb if info.usb_id == wanted]
    if len(found) == 1:
        return found[0].device
    if found:
        names = ", ".join(info.by_id or info.device for info in found)
        raise LinkError(f"{port}: {len(found)} ports are of that kind; name the one you mean: {names}")
    there = ", ".join(f"{info.usb_id} ({info.device})" for info in usb) or "none"
    raise LinkError(f"{port}: no such USB serial port is plugged in; there are: {there}")


def explain(port: str, error: Exception) -> LinkError:
    """Why `port` could not be opened and what to do next, as a sentence."""
    held = isinstance(error, OSError) and error.errno in HELD
    return (LinkHeld if held else LinkError)(f"{port}: {_sentence(port, error)}")


def _sentence(port: str, error: Exception) -> str:
    number = error.errno if isinstance(error, OSError) else None
    match number:
        case errno.ENOENT:
            return f"there is no such port; is it plugged in? `ls -l {BY_ID}` shows what is there"
        case errno.EACCES | errno.EPERM:
            return f"no permission to use it; {_permission(port)}"
        case _ if number in HELD:
            return _in_use(port)
        case errno.EIO | errno.ENXIO | errno.ENODEV:
            return "the port is there, but nothing answers behind it; pull its plug and put it back"
    if os.path.exists(port) and not stat.S_ISCHR(os.stat(port).st_mode):
        return "this is not a serial port; `ls -l /dev/serial/by-id` shows what is there"
    return f"it cannot be opened: {error}"


def _permission(port: str) -> str:
    info = os.stat(port)
    if info.st_mode & 0o060 != 0o060:
        return f"its mode is {stat.S_IMODE(info.st_mode):04o}: a udev rule should give it to a group"
    try:
        group = grp.getgrgid(info.st_gid).gr_name
    except KeyError:
        group = str(info.st_gid)
    return f"add yourself to its group with `sudo usermod -aG {group} $USER` and log in again"


def _in_use(port: str) -> str:
    holders = find_holders(port)
    if not holders:
        return f"in use by a program of another user; `sudo fuser -v {port}` names it, then end it"
    names = " and ".join(map(str, holders))
    return f"in use by {names}; end that first, or choose another port"
