"""What a machine must be for the robot's file: compared once, and each difference told with its mend. Pure.

Source: github.com/gnea/grbl, `doc/markdown/settings.md`.
"""

from __future__ import annotations

from hal.drivers.grbl import words
from hal.drivers.grbl.codec import LINE_LIMIT_BYTES
from hal.drivers.grbl.facts import Facts
from hal.drivers.grbl.words import Setting
from hal.errors import DeviceRefused
from hal.kinds.three_axes import GantrySpec

OLDEST = (1, 1)
SLACK_M = 0.0005
"""The travel of the file may be so much longer than that of the settings: people round."""


def require_firmware(board: str, facts: Facts) -> None:
    """Compare it with what this driver speaks. Raises `DeviceRefused`."""
    version = facts.build.version
    if tuple(int(part) for part in version[:3].split(".") if part.isdigit()) < OLDEST:
        raise DeviceRefused(board, f"it runs Grbl {version}, too old for robotd; put Grbl 1.1 on it")
    if facts[Setting.REPORT_INCHES]:
        raise DeviceRefused(board, "it reports in inches; send it $13=0")
    if facts.options.receive_bytes < LINE_LIMIT_BYTES:
        raise DeviceRefused(board, "its receive buffer holds less than one line")


def require_machine(gantry: str, spec: GantrySpec, facts: Facts) -> None:
    """Compare its settings with the file. Raises `DeviceRefused`."""
    if spec.homing and not facts[Setting.HOMING]:
        raise DeviceRefused(
            gantry,
            "its homing is switched off ($22=0); if it has limit switches, send it $22=1, "
            "else write 'homing: false'",
        )
    for axis, number, travel in zip(words.AXES, Setting.TRAVEL, (spec.x, spec.y, spec.z), strict=True):
        if travel > facts[number] / 1000 + SLACK_M:
            raise DeviceRefused(
                gantry,
                f"{axis}: {travel * 1000:g} mm is more than the travel of its settings, "
                f"${number}={facts[number]:g}; correct one of them",
            )
