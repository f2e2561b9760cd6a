"""A machine in a folder: the files of /sys, /proc, /dev, /etc and /run that somebody looks into."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


class Machine:
    """Calm and empty at first: nothing is plugged in, and nothing is wrong."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "proc").mkdir(parents=True)

    def write(self, path: str, text: str = "") -> Path:
        """A file with its folders."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def link(self, path: str, to: str) -> None:
        """A link, and what it leads to written as it will stand there."""
        link = self.root / path
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(to)

    def port(self, name: str, *, mode: int = 0o660) -> str:
        """A built-in serial port."""
        self.write(f"sys/devices/platform/uart/tty/{name}/type", "4\n")
        self.link(f"sys/devices/platform/uart/tty/{name}/device", "../..")
        return self._plugged(name, f"platform/uart/tty/{name}", mode)

    def usb_port(
        self,
        name: str,
        usb_id: str,
        product: str,
        *,
        by_id: str | None = None,
        by_path: str | None = None,
        interface: str = "",
        mode: int = 0o660,
    ) -> str:
        """A USB serial port, as `cdc_acm` shows it."""
        vendor, _, number = usb_id.partition(":")
        usb = f"sys/devices/usb1/{name}"
        self.write(f"{usb}/idVendor", f"{vendor}\n")
        self.write(f"{usb}/idProduct", f"{number}\n")
        self.write(f"{usb}/product", f"{product}\n")
        if interface:
            self.write(f"{usb}/1-1:1.0/interface", f"{interface}\n")
        (self.root / usb / "1-1:1.0/tty" / name).mkdir(parents=True)
        self.link(f"{usb}/1-1:1.0/tty/{name}/device", "../..")
        if by_id is not None:
            self.link(f"dev/serial/by-id/{by_id}", f"../../{name}")
        if by_path is not None:
            self.link(f"dev/serial/by-path/{by_path}", f"../../{name}")
        return self._plugged(name, f"usb1/{name}/1-1:1.0/tty/{name}", mode)

    def process(
        self, pid: int, command: Iterable[str], *, name: str = "", opened: Iterable[str] = ()
    ) -> None:
        """A process with its command line and what it has open."""
        self.write(f"proc/{pid}/cmdline", "\0".join([*command, ""]))
        self.write(f"proc/{pid}/comm", f"{name}\n")
        (self.root / f"proc/{pid}/fd").mkdir()
        for number, file in enumerate(opened):
            self.link(f"proc/{pid}/fd/{number}", file)

    def lock(self, pid: int, file: str) -> None:
        """As the kernel tells of `flock`: device and inode."""
        info = os.stat(file)
        where = f"{os.major(info.st_dev):02x}:{os.minor(info.st_dev):02x}:{info.st_ino}"
        self.write(
            "proc/locks",
            f"1: POSIX  ADVISORY  READ 1 00:1a:9 0 EOF\n2: FLOCK  ADVISORY  WRITE {pid} {where} 0 EOF\n",
        )

    def _plugged(self, name: str, folder: str, mode: int) -> str:
        self.link(f"sys/class/tty/{name}", f"../../devices/{folder}")
        device = self.write(f"dev/{name}")
        device.chmod(mode)
        return str(device)
