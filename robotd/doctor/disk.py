"""Where the journal is kept: without it a robot does not start."""

from __future__ import annotations

import os
from collections.abc import Iterator

from robotd.doctor.finding import Finding, Severity
from robotd.doctor.machine import Machine
from robotd.doctor.robot import Robot

LITTLE_BYTES = 1 << 30
"""A journal takes 256 MiB, unless the file says otherwise, and the system needs some, too."""
TOO_LITTLE_BYTES = 64 << 20
IN_MEMORY = ("tmpfs", "ramfs", "overlay")


def space(machine: Machine, robot: Robot) -> Iterator[Finding]:
    """A disk that is nearly full."""
    folder = machine.at(robot.state)
    while not os.path.exists(folder):
        folder = folder.parent
    free = machine.free_bytes(folder)
    if free < LITTLE_BYTES:
        yield Finding(
            "disk-full",
            Severity.ERROR if free < TOO_LITTLE_BYTES else Severity.WARNING,
            f"{robot.state} has {free >> 20} MiB left, and nothing moves when the journal cannot be written",
            "make room, or let the robot's file say how much is kept (journal: {size: 64 MiB})",
            ("sudo journalctl --vacuum-size=100M", "sudo apt-get clean"),
        )


def kept(machine: Machine, robot: Robot) -> Iterator[Finding]:
    """A file system that cannot be written, or that is gone with the power."""
    mount = machine.mount_of(machine.at(robot.state))
    if mount is None:
        return
    if "ro" in mount.options:
        yield Finding(
            "disk-read-only",
            Severity.ERROR,
            f"{robot.state} is on {machine.shown(mount.folder)}, which cannot be written",
            "let it be written, give the journal a place on another disk (--journal FOLDER), or keep none "
            "(--journal memory)",
            (f"sudo mount -o remount,rw {machine.shown(mount.folder)}",),
        )
    elif mount.kind in IN_MEMORY:
        yield Finding(
            "disk-forgets",
            Severity.NOTE,
            f"{robot.state} is on a file system that forgets all when the machine ends ({mount.kind})",
            "give the journal a place on a disk (--journal FOLDER)",
        )
