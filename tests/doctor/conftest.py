"""A machine on which all is well, for tests to spoil one thing at a time."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from robotd.doctor import Finding, Robot, Severity, User, examine
from robotd.doctor import Machine as Examined
from tests.machine import Machine

NOW_S = 1_800_000_000.0
UPTIME_S = 3600.0
DIALOUT = os.getgid()
"""Every file of a test belongs to it."""
STRANGER = os.getuid() + 1
"""No file of a test belongs to that user."""
GIB = 1 << 30


class Patient(Machine):
    """A Raspberry Pi with an Arduino at its USB, and the robot that uses it."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.user = User("ada", STRANGER, frozenset({DIALOUT}))
        self.answers = {"timedatectl": "yes", "vcgencmd": "throttled=0x0"}
        self.free = 20 * GIB
        self.uno = self.usb_port("ttyACM0", "2341:0043", "Arduino Uno", by_id="usb-Arduino_Uno-if00")
        self.uart = self.port("ttyAMA0")
        self.robot = Robot({"arduino": "/dev/serial/by-id/usb-Arduino_Uno-if00"}, Path("/var/lib/robotd"))
        self.write("sys/devices/usb1/ttyACM0/power/control", "on\n")
        self.write("etc/group", f"+:::\n\ndialout:x:{DIALOUT}:ada\nrobotd:x:{DIALOUT + 7}:\n")
        self.write(
            "etc/passwd", f"root:x:0:0:root:/root:/bin/sh\nrobotd:x:{STRANGER}:{DIALOUT + 7}::/:/bin/false\n"
        )
        self.write("proc/cmdline", "coherent_pool=1M console=tty1 root=PARTUUID=1 rootwait\n")
        self.write("proc/mounts", "/dev/mmcblk0p2 / ext4 rw,noatime 0 0\ntmpfs /run tmpfs rw 0 0\n")
        self.write("proc/uptime", f"{UPTIME_S} 7000.00\n")
        self.write("sys/class/rtc/rtc0/name", "rtc-ds1307\n")
        self.write("sys/class/hwmon/hwmon0/in0_lcrit_alarm", "0\n")
        self.write("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "ondemand\n")
        self.write("dev/kmsg", "6,1,0,-;Booting Linux on physical CPU 0x0\n")
        self.made("run/motd.dynamic", NOW_S - UPTIME_S + 2)

    def made(self, path: str, at_s: float) -> None:
        """A file that bears this time."""
        file = self.write(path)
        os.utime(file, (at_s, at_s))

    def examined(self) -> Examined:
        """As an examination sees it."""

        def ask(command: Sequence[str]) -> str | None:
            return self.answers.get(command[0])

        return Examined(NOW_S, self.root, self.user, ask, free_bytes=lambda folder: self.free)

    def findings(self) -> list[Finding]:
        """All that the doctor says of it."""
        return examine(self.examined(), self.robot)

    def finding(self, code: str, severity: Severity) -> Finding:
        """The only thing that it says."""
        (found,) = self.findings()
        assert (found.code, found.severity) == (code, severity)
        assert found.mend
        return found


@pytest.fixture
def patient(tmp_path: Path) -> Patient:
    return Patient(tmp_path / "machine")
