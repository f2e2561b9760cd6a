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
ORIGIN_AT_SWITCHES = "Z"
"""Among the letters of its build: 0 is where its switches are. Else it counts every axis from minus its
travel to 0, also one that homes to its low end."""
UNLOCKED_AT_FIRST = "L"
"""Among the letters of its build: it takes blocks before it was homed."""
SLACK_M = 0.0005
"""The travel of the file may be so much longer than that of the settings: people round."""


def require_version(board: str, version: str) -> None:
    """Compare it with what this driver speaks. Raises `DeviceRefused`."""
    if tuple(int(part) for part in version[:3].split(".") if part.isdigit()) < OLDEST:
        raise DeviceRefused(board, f"it runs Grbl {version}, too old for robotd; put Grbl 1.1 on it")


def require_firmware(board: str, facts: Facts) -> None:
    """Compare it with what this driver speaks. Raises `DeviceRefused`."""
    require_version(board, facts.build.version)
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
    if not spec.homing and facts[Setting.HOMING] and UNLOCKED_AT_FIRST not in facts.options.letters:
        raise DeviceRefused(gantry, "it wakes up locked ($22=1); write 'homing: true', or send it $22=0")
    if spec.homing:
        _require_origin(gantry, spec, facts)
    for number in (*Setting.MAX_RATE, *Setting.ACCELERATION):
        if facts[number] <= 0:
            raise DeviceRefused(
                gantry, f"by its settings it cannot move, ${number}={facts[number]:g}; correct that"
            )
    for axis, number, travel in zip(words.AXES, Setting.TRAVEL, (spec.x, spec.y, spec.z), strict=True):
        if travel > facts[number] / 1000 + SLACK_M:
            raise DeviceRefused(
                gantry,
                f"{axis}: {travel * 1000:g} mm is more than the travel of its settings, "
                f"${number}={facts[number]:g}; correct one of them",
            )


def counts_upwards(facts: Facts) -> tuple[bool, bool, bool]:
    """For each axis: whether it counts from 0 up to its travel, and not from minus that up to 0."""
    mask = int(facts[Setting.HOMING_DIRECTIONS]) if ORIGIN_AT_SWITCHES in facts.options.letters else 0
    return bool(mask & 1), bool(mask & 2), bool(mask & 4)


def _require_origin(gantry: str, spec: GantrySpec, facts: Facts) -> None:
    for axis, upwards in zip(words.AXES, counts_upwards(facts), strict=True):
        if upwards and spec.switches != "low":
            raise DeviceRefused(
                gantry,
                f"it counts {axis} from 0 up to its travel ($23={facts[Setting.HOMING_DIRECTIONS]:g}); "
                "write 'switches: low'",
            )
        if not upwards and spec.switches != "high":
            raise DeviceRefused(
                gantry,
                f"it counts {axis} from minus its travel up to 0, wherever its switches are; "
                "write 'switches: high'",
            )
