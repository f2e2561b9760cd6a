"""The words of Grbl 1.1: its real-time bytes, its states, its messages as data, what its numbers mean.

Source: github.com/gnea/grbl, `doc/markdown/interface.md`, `commands.md` and `doc/csv/*.csv` of version 1.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

Point = tuple[float, float, float]
"""x, y, z; in millimetres on the wire."""

AXES = "xyz"

# Real-time bytes are picked out of the stream as they arrive: they never wait for a line before them.
STATUS_QUERY = b"?"
FEED_HOLD = b"!"
CYCLE_START = b"~"
SOFT_RESET = b"\x18"
SAFETY_DOOR = b"\x84"
JOG_CANCEL = b"\x85"
TOGGLE_FLOOD = b"\xa0"

BUILD_QUERY = b"$I\n"
SETTINGS_QUERY = b"$$\n"
HOME = b"$H\n"
END_OF_JOB = b"G0G17G21G40G49G54G90G94G4P0\n"
"""The modes that a reset sets (`commands.md`), so that no job depends on the one before it; and a dwell of
nothing, whose answer comes when everything before it has been done (`interface.md`)."""
COOLANT_ON = b"M8\n"
COOLANT_OFF = b"M9\n"

LOCKED = "'$H'|'$X' to unlock"
"""The message of a machine that does not know where it is."""


class MachineState(StrEnum):
    """The first field of a status report."""

    IDLE = "Idle"
    RUN = "Run"
    HOLD = "Hold"
    JOG = "Jog"
    ALARM = "Alarm"
    DOOR = "Door"
    CHECK = "Check"
    HOME = "Home"
    SLEEP = "Sleep"


class Setting:
    """Numbers of the settings that a host needs (`settings.md`)."""

    REPORT_INCHES = 13
    SOFT_LIMITS = 20
    HARD_LIMITS = 21
    HOMING = 22
    HOMING_DIRECTIONS = 23
    """A bit for each axis, x first: it homes towards its low end."""
    MAX_RATE = (110, 111, 112)
    """mm/min for each axis."""
    ACCELERATION = (120, 121, 122)
    """mm/s2 for each axis."""
    TRAVEL = (130, 131, 132)
    """mm for each axis."""


class Answer(NamedTuple):
    """`ok` or `error:N`: one for each line, in their order."""

    error: int | None


class Alarm(NamedTuple):
    """`ALARM:N`: it stopped by itself and takes no line any more."""

    code: int


class Banner(NamedTuple):
    """`Grbl 1.1h ['$' for help]`: it has just started, or was reset; every line before it is forgotten."""

    version: str


class Message(NamedTuple):
    """`[MSG:...]`."""

    text: str


class Build(NamedTuple):
    """`[VER:...]`: version, date and the owner's text."""

    version: str
    text: str


class Options(NamedTuple):
    """`[OPT:...]`: how it was built, and the sizes of its buffers."""

    letters: str
    blocks: int
    receive_bytes: int


class SettingValue(NamedTuple):
    """`$130=200.000`."""

    number: int
    value: float


class Status(NamedTuple):
    """`<Idle|MPos:0.000,0.000,0.000|...>`. None for what this report does not tell."""

    state: MachineState
    substate: int | None = None
    machine_mm: Point | None = None
    work_mm: Point | None = None
    offset_mm: Point | None = None
    """Machine minus work position."""
    feed_mm_min: float | None = None
    spindle_rpm: float | None = None
    free_blocks: int | None = None
    free_bytes: int | None = None
    overrides: tuple[int, int, int] | None = None
    accessories: str | None = None
    """`F` while the coolant is on, `S` or `C` while the spindle turns. Told with the overrides only; then
    empty where nothing is on."""
    pins: str = ""
    """Letters of the inputs that are triggered now."""

    @property
    def stands(self) -> bool:
        """Whether nothing moves and nothing will until it is told something."""
        if self.state in (MachineState.HOLD, MachineState.DOOR):
            return self.substate in (0, 1) if self.state is MachineState.DOOR else self.substate == 0
        return self.state not in (MachineState.RUN, MachineState.JOG, MachineState.HOME)


Frame = Answer | Alarm | Banner | Message | Build | Options | SettingValue | Status

ERRORS: Mapping[int, str] = {
    1: "a letter is missing",
    2: "a number is missing or is none",
    3: "a '$' command it does not know",
    4: "a negative value where none may be",
    5: "homing is switched off ($22=0)",
    8: "it is not idle",
    9: "it takes no G-code in an alarm or while it jogs",
    10: "soft limits need homing",
    11: "the line is longer than 80 characters",
    13: "its door is open",
    15: "the target of a jog lies beyond its travel",
    16: "a jog with something in it that may not be there",
    20: "an unsupported or invalid G-code command",
    21: "two commands of one modal group",
    22: "no feed rate was set",
    23: "a whole number is due",
    24: "two commands that both want axis words",
    25: "a word comes twice",
    26: "axis words are missing",
    27: "an invalid line number",
    28: "a value word is missing",
    29: "G59.x is not supported",
    30: "G53 goes with G0 and G1 only",
    31: "axis words that no command uses",
    32: "an arc without an axis word",
    33: "an invalid target",
    34: "an invalid radius",
    35: "an arc without an offset",
    36: "value words that no command uses",
    37: "a tool length offset for another axis",
    38: "a tool number that is too large",
}
"""What `error:N` means (`error_codes_en_US.csv`)."""

ALARMS: Mapping[int, str] = {
    1: "a limit switch was hit",
    2: "a target lies beyond its travel",
    3: "it was reset while it moved",
    4: "the probe was not in its first state",
    5: "the probe touched nothing",
    6: "homing was reset",
    7: "its door was opened while it was homing",
    8: "it could not get off a limit switch while it was homing",
    9: "it found no limit switch while it was homing",
}
"""What `ALARM:N` means (`alarm_codes_en_US.csv`)."""

BLOCKING_ALARMS = frozenset({1, 2})
"""After these it does nothing, and reports nothing, until it is reset."""


def explain_error(code: int) -> str:
    """`error:20 (an unsupported or invalid G-code command)`."""
    return f"error:{code} ({ERRORS.get(code, 'its manual says what that is')})"


def explain_alarm(code: int) -> str:
    """`ALARM:3 (it was reset while it moved)`."""
    return f"ALARM:{code} ({ALARMS.get(code, 'its manual says what that is')})"
