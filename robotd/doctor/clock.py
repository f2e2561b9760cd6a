"""The wall clock. Nothing that moves goes by it, but the journal, certificates and tokens do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from robotd.doctor.finding import Finding, Severity
from robotd.doctor.machine import Machine
from robotd.doctor.robot import Robot

SYNCHRONISED = ("timedatectl", "show", "--property=NTPSynchronized", "--value")
RUN = "run"
"""A file system in memory, made anew at each start: its files bear the time at which they were made."""
JUMP_S = 60.0
"""So far a clock may be set without anybody wondering."""


def synchronised(machine: Machine, robot: Robot) -> Iterator[Finding]:
    """A clock that nobody sets."""
    if machine.ask(SYNCHRONISED) == "no":
        yield Finding(
            "clock-unsynchronised",
            Severity.WARNING,
            "the network does not set the clock: the journal's times may be wrong, certificates refused",
            "let the network set it",
            ("sudo timedatectl set-ntp true",),
        )


def jumped(machine: Machine, robot: Robot) -> Iterator[Finding]:
    """A clock that was wrong when the machine started: what was written then bears another time."""
    jump_s = jump(machine)
    if jump_s is not None and abs(jump_s) > JUMP_S:
        way = "forward" if jump_s > 0 else "back"
        yield Finding(
            "clock-jumped",
            Severity.WARNING,
            f"the clock was set {way} by {timedelta(seconds=round(abs(jump_s)))} after the start; what was "
            "written before bears the old time",
            "let services wait until the clock is set, or fit a clock with a battery",
            ("sudo systemctl enable systemd-time-wait-sync",),
        )


def battery(machine: Machine, robot: Robot) -> Iterator[Finding]:
    """A machine that forgets the time when it is switched off."""
    if not machine.glob("sys/class/rtc/rtc*"):
        yield Finding(
            "clock-no-battery",
            Severity.NOTE,
            "there is no clock with a battery: after each start the time is wrong until the network sets it",
            "fit one; on a Raspberry Pi a DS3231, by `dtoverlay=i2c-rtc,ds3231` in /boot/firmware/config.txt",
        )


def jump(machine: Machine) -> float | None:
    """By how much (s) the clock was set since the start; None where nothing tells."""
    uptime = machine.text("proc/uptime").split()
    made = [path.lstat().st_mtime for path in machine.glob(f"{RUN}/*")]
    # Inside of an image, where it is no file system of its own, files are of any age.
    in_memory = any(mount.folder == machine.at(RUN) and mount.kind == "tmpfs" for mount in machine.mounts())
    if not uptime or not made or not in_memory:
        return None
    started_at = machine.now_s - float(uptime[0])
    if min(made) < started_at:  # made before the start, by a clock that was behind
        return started_at - min(made)
    return min(machine.now_s - max(made), 0.0)  # or in the future, by one that was ahead
