"""Which serial ports there are, who holds them, and why one cannot be opened. Opens none of them."""

from __future__ import annotations

import errno
import grp
import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from hal.errors import LinkError, LinkHeld
from hal.links.holders import ROOT, Holder, find_holders

BY_ID = Path("dev/serial/by-id")
"""Where udev keeps names that stay the same however the ports are plugged."""
BY_PATH = Path("dev/serial/by-path")
"""And names that stay as long as each port is plugged in where it is."""
HELD = frozenset({errno.EBUSY, errno.EAGAIN})
"""What opening a port fails with while another program has it."""
USB_PORT = re.compile(r"usb:([0-9a-f]{4}):([0-9a-f]{4})", re.IGNORECASE)
NO_CHIP = "0"
"""What `type` says of a built-in port that only the kernel's table has (`PORT_UNKNOWN`, serial_core.h)."""


@dataclass(frozen=True, slots=True)
class PortInfo:
    """One serial port of this machine."""

    device: str
    """`/dev/ttyACM0`: may be another one after the next plugging."""
    by_id: str | None
    """The stable name to put into the robot's file, if udev made one for this port alone.

    Adapters without a serial number have one name between them, and that means the one plugged in last.
    """
    usb_id: str | None
    """`2341:0043`, vendor and product; None where it is no USB port."""
    description: str
    by_path: str | None = None
    """The name of where it is plugged in, if udev made one."""
    root: Path = field(default=ROOT, compare=False, repr=False)
    """Where the machine that has it begins."""

    @property
    def name(self) -> str:
        """What to write into a robot's file."""
        return self.by_id or self.by_path or self.device

    @property
    def holders(self) -> tuple[Holder, ...]:
        """Who has it open now. Looks through all processes that this user may see."""
        return find_holders(self.device, self.root)

    @property
    def permitted(self) -> bool:
        """Whether this process may read and write it."""
        return os.access(self.device, os.R_OK | os.W_OK)

    @property
    def mend(self) -> str:
        """How this user would come to be permitted, for example by joining the port's group."""
        return _permission(self.device)


def list_ports(root: Path = ROOT) -> list[PortInfo]:
    """The serial ports of this machine that have hardware behind them, by device name."""
    by_id, by_path = names_in(root / BY_ID), names_in(root / BY_PATH)
    found = []
    for entry in sorted((root / "sys/class/tty").glob("*")):
        device = root / "dev" / entry.name
        if (entry / "device").exists() and device.exists() and text_of(entry / "type") != NO_CHIP:
            usb = usb_folder(str(device), root)
            found.append(
                PortInfo(
                    str(device),
                    by_id.get(os.path.realpath(device)),
                    f"{text_of(usb / 'idVendor')}:{text_of(usb / 'idProduct')}" if usb else None,
                    _description(usb, (entry / "device").resolve()),
                    by_path.get(os.path.realpath(device)),
                    root,
                )
            )
    nameless = {_make(info) for info in found if info.usb_id is not None and info.by_id is None}
    return [replace(info, by_id=None) if _make(info) in nameless else info for info in found]


def _make(info: PortInfo) -> tuple[str | None, str]:
    """What is the same of adapters that are alike."""
    return info.usb_id, info.description


def usb_folder(port: str, root: Path = ROOT) -> Path | None:
    """The folder in `/sys` of the USB device that `port` belongs to; None where it belongs to none."""
    hardware = (root / "sys/class/tty" / os.path.basename(os.path.realpath(port)) / "device").resolve()
    return next((folder for folder in (hardware, *hardware.parents) if (folder / "idVendor").exists()), None)


def text_of(file: Path) -> str:
    """What one of the kernel's small files says; nothing where there is none or it may not be read."""
    try:
        return file.read_text(errors="replace").strip()
    except OSError:
        return ""


def _description(usb: Path | None, hardware: Path) -> str:
    """Of a USB port its product, and which of its ports it is where it has several."""
    if usb is None:
        return ""
    product = text_of(usb / "product")
    interfaces = (text_of(folder / "interface") for folder in (hardware, hardware.parent))
    interface = next(filter(None, interfaces), product)
    return product if interface == product else f"{product} - {interface}"


def names_in(links: Path) -> dict[str, str]:
    """The names that udev keeps in this folder, by the device that each means."""
    if not links.is_dir():
        return {}
    return {os.path.realpath(link): str(link) for link in sorted(links.iterdir())}


def device_of(port: str) -> str:
    """The path that `port` stands for now: itself, or of `usb:VID:PID` the device. Raises `LinkError`."""
    return find_usb(port, list_ports()) if port.startswith("usb:") else port


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
        names = ", ".join(info.name for info in found)
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
        case errno.ENOENT if (ROOT / "dev" / port).exists() and not os.path.isabs(port):
            return f"there is no such port; did you mean {ROOT / 'dev' / port}?"
        case errno.ENOENT:
            return f"there is no such port; is it plugged in? `ls -l {ROOT / BY_ID}` shows what is there"
        case errno.EACCES | errno.EPERM:
            return f"no permission to use it; {_permission(port)}"
        case _ if number in HELD:
            return _in_use(port)
        case errno.EIO | errno.ENXIO | errno.ENODEV:
            return "the port is there, but nothing answers behind it; pull its plug and put it back"
    if os.path.exists(port) and not _is_terminal(port):
        return "this is not a serial port; `ls -l /dev/serial/by-id` shows what is there"
    return f"it cannot be opened: {error}"


def _is_terminal(port: str) -> bool:
    """Whether the system has it among its terminals, which a serial port is to it."""
    device = Path(os.path.realpath(port))
    return device.parent == ROOT / "dev/pts" or (ROOT / "sys/class/tty" / device.name).exists()


def _permission(port: str) -> str:
    try:
        info = os.stat(port)
    except OSError:
        return "it is gone; plug it in again"
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
