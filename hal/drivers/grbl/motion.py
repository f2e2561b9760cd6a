"""How a simulated Grbl machine moves, brakes, homes and locks itself. Pure.

Its habits (`doc/markdown/interface.md` of github.com/gnea/grbl): it wakes up locked when it can home, and a
reset in motion loses its position.
"""

from __future__ import annotations

from collections import deque

from hal.drivers.grbl import words
from hal.drivers.grbl.bench import ACCEL_MM_S2, SEEK_MM_S, Bench
from hal.drivers.grbl.interpreter import Done, Modes, Way
from hal.drivers.grbl.words import MachineState, Point
from hal.drivers.grbl.world import STEP_S, Part, Path

BANNER = b"\r\nGrbl 1.1h ['$' for help]\r\n"
SLIP_MM = (0.4, -0.3, 0.0)
"""What a reset in motion costs: the axes coast a little, uncounted."""
RUNAWAY_MM_S = 80.0
RUNAWAY_BEYOND_MM = 20.0
SWITCHES = ("x_switch", "y_switch", "z_switch")


class Motion:
    """The machine with its state. It has no clock: somebody takes its steps."""

    def __init__(self, bench: Bench) -> None:
        self.path = Path(ACCEL_MM_S2)
        self.part = Part(bench.part)
        self.coolant = False
        self.runs_away = False
        self.switched = dict.fromkeys(SWITCHES, False)
        """Its limit switches."""
        self.pinned: dict[str, float | bool] = {}
        """What inputs feel, whatever is there."""
        self._bench = bench
        self._error = bench.start
        """Where it really is, beyond where it counts itself."""
        self._modes = Modes()
        self.begin(MachineState.IDLE)

    def power_up(self) -> None:
        """It counts from nothing, wherever it is."""
        self._error = self.place
        self.path = Path(ACCEL_MM_S2)
        self._modes = Modes()
        self.begin(MachineState.ALARM if self._bench.homes else MachineState.IDLE)

    def begin(self, state: MachineState) -> None:
        """As after a reset: nothing received, nothing planned, everything off."""
        self._state = state
        self._braking = False
        self._cancelling = False
        self._blocked = False
        self._door_restores = False
        self._received = bytearray()
        self._ways: deque[Way] = deque()
        self._waiting: Done | None = None
        self._answer_due = False
        self._dwells_s = 0.0
        self._homing: deque[Point] = deque()
        self._until_offset = self._until_overrides = 0
        self.path.forget()
        self._set_coolant(False)
        self._modes = Modes(offset=self._modes.offset, position=self.path.position)

    @property
    def place(self) -> Point:
        """Where it really is."""
        x, y, z = (at + off for at, off in zip(self.path.position, self._error, strict=True))
        return x, y, z

    @property
    def active(self) -> bool:
        """Whether the next step changes anything."""
        if self.runs_away or self._dwells_s > 0:
            return True
        return self._state in (MachineState.RUN, MachineState.JOG, MachineState.HOME) or self._braking

    @property
    def driven(self) -> bool:
        """Whether it is driven: what brakes is not."""
        moves = self._state in (MachineState.RUN, MachineState.JOG, MachineState.HOME)
        return (moves and not self._braking) or self.runs_away

    def feels(self, name: str) -> bool:
        """Whether an input is triggered."""
        pinned = self.pinned.get(name)
        return (self._bench.inputs[name][1] and self.part.held) if pinned is None else bool(pinned)

    def _set_coolant(self, on: bool) -> None:
        if on is not self.coolant:
            self._until_overrides = 0
        self.coolant = on
        self.part.follow(self.place, vacuum=on)

    # ------------------------------------------------------------------ time passes

    def step(self) -> bytes:
        """Go on by `STEP_S`; returns what it says."""
        if self.runs_away:
            self._run_away()
            return b""
        if self._dwells_s > 0:
            self._dwells_s -= STEP_S
        self.path.advance(STEP_S, braking=self._braking)
        self.part.follow(self.place, vacuum=self.coolant)
        said = b""
        if self.path.speed_mm_s > 0 and any(self.switched.values()) and self._state != MachineState.HOME:
            return self._alarm(1)
        if self._braking and self.path.speed_mm_s == 0:
            self._stand()
        elif self._state is MachineState.HOME and not self.path.blocks:
            said = self._home_on()
        elif self._state in (MachineState.RUN, MachineState.JOG) and not self.path.blocks and not self._ways:
            self._state = MachineState.IDLE
        return said

    def _run_away(self) -> None:
        x, y, z = self.path.position
        x = min(x + RUNAWAY_MM_S * STEP_S, self._bench.high[0] + RUNAWAY_BEYOND_MM)
        self.path.position = x, y, z

    def _stand(self) -> None:
        """It has braked."""
        self._braking = False
        if self._cancelling:
            self._cancelling = False
            self.path.forget()
            self._ways.clear()
            self._modes.position = self.path.position
            if self._state is MachineState.JOG:
                self._state = MachineState.IDLE
        if self._state is MachineState.DOOR:
            self._close_down()

    def _close_down(self) -> None:
        self._door_restores = self.coolant
        self._set_coolant(False)

    def _home_on(self) -> bytes:
        """One leg of a homing cycle is done."""
        if self._homing:
            self.path.add(self._homing.popleft(), SEEK_MM_S)
            return b""
        self._state = MachineState.IDLE
        self._modes.position = self.path.position
        return b"ok\r\n"

    def _alarm(self, code: int) -> bytes:
        self.begin(MachineState.ALARM)
        self._blocked = code in words.BLOCKING_ALARMS
        said = f"ALARM:{code}\r\n".encode()
        if self._blocked:
            return said + b"[MSG:Reset to continue]\r\n"
        return said

    def greet(self) -> bytes:
        """What it says when it begins."""
        locked = f"[MSG:{words.LOCKED}]\r\n".encode() if self._state is MachineState.ALARM else b""
        return BANNER + locked

    def _lose_position(self, code: int) -> bytes:
        x, y, z = (error + slip for error, slip in zip(self._error, SLIP_MM, strict=True))
        self._error = x, y, z
        return self._alarm(code) + self.greet()
