"""A pick-and-place machine with Grbl 1.1h on an Arduino Uno, without the Uno and the machine.

What it answers follows `doc/markdown/interface.md` and `commands.md` of github.com/gnea/grbl, with its
habits: opening the port resets it, it wakes up locked when it can home, what its receive buffer has no room
for is lost, it says nothing while it homes, and a reset in motion loses its position.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from hal.drivers.grbl import words
from hal.drivers.grbl.codec import LINE_LIMIT_BYTES, RECEIVE_BUFFER_BYTES
from hal.drivers.grbl.gcode import BlockError, parse_block, strip
from hal.drivers.grbl.interpreter import Done, Modes, Way
from hal.drivers.grbl.words import MachineState, Point
from hal.drivers.grbl.world import PLANNER_BLOCKS, STEP_S, Part, Path
from hal.twin import UnknownQuantity

BOOT_S = 0.05
"""Kept short, so that a simulation starts at once; a real bootloader takes about a second and a half."""
BANNER = b"\r\nGrbl 1.1h ['$' for help]\r\n"
MAX_RATE_MM_S = 100.0
ACCEL_MM_S2 = 1000.0
SEEK_MM_S = 50.0
PULL_OFF_MM = 1.0
SLIP_MM = (0.4, -0.3, 0.0)
"""What a reset in motion costs: the axes coast a little, uncounted."""
RUNAWAY_MM_S = 80.0
RUNAWAY_BEYOND_MM = 20.0
TELL_OFFSET_EVERY = 10
TELL_OVERRIDES_EVERY = 10
SWITCHES = ("x_switch", "y_switch", "z_switch")


@dataclass(frozen=True)
class Bench:
    """What stands there: names as the robot's file has them, lengths in millimetres."""

    gantry: str = "gantry"
    low: Point = (-300.0, -200.0, -80.0)
    high: Point = (0.0, 0.0, 0.0)
    homes: bool = True
    start: Point = (-140.0, -90.0, -20.0)
    """Where it really is when it is switched on..."""
    output: str | None = None
    """...the name of what hangs on its coolant output..."""
    inputs: Mapping[str, tuple[str, bool]] = field(default_factory=dict)
    """...and of what on its inputs: the letter of each, and whether it feels a part at the gripper."""
    part: Point = (-200.0, -150.0, -60.0)

    @classmethod
    def between(cls, gantry: str, low: Point, high: Point, **more: Any) -> Self:
        """A gantry with this travel, somewhere in its middle, and a part to pick at a quarter of its way."""

        def at(*shares: float) -> Point:
            x, y, z = (
                end + (begin - end) * share for begin, end, share in zip(low, high, shares, strict=True)
            )
            return x, y, z

        return cls(gantry, low, high, start=at(0.5, 0.5, 0.25), part=at(2 / 3, 0.75, 0.75), **more)


class GrblTwin:
    """The far end of a Grbl wire. `garbage` is what its serial line says while it starts."""

    def __init__(self, bench: Bench, *, garbage: bytes = b"") -> None:
        self.refusing = False
        self.overruns = 0
        """How many bytes its receive buffer had no room for."""
        self.fullest_bytes = 0
        """The most that was in there."""
        self._bench = bench
        self._garbage = garbage
        self._epoch: float | None = None
        self._steps = 0
        self._boots_at: float | None = None
        self._path = Path(ACCEL_MM_S2, position=(0.0, 0.0, 0.0))
        self._error = bench.start
        """Where it really is, beyond where it counts itself."""
        self._part = Part(bench.part)
        self._coolant = False
        self._runs_away = False
        self._switched = dict.fromkeys(SWITCHES, False)
        self._pinned: dict[str, float | bool] = {}
        self._modes = Modes()
        self._begin(MachineState.IDLE)

    # ------------------------------------------------------------------ the contract of a twin

    def power_on(self, now: float) -> bytes:
        """The port is opened: the Uno resets, and greets when its bootloader is done."""
        if self._epoch is None:
            self._epoch = now
        self.advance(now)
        self._boots_at = now + BOOT_S
        self._error = self._place
        self._path = Path(ACCEL_MM_S2)
        self._modes = Modes()
        self._begin(MachineState.ALARM if self._bench.homes else MachineState.IDLE)
        return self._garbage

    def receive(self, data: bytes, now: float) -> bytes:
        """Real-time bytes act at once, wherever they stand; all others go into the receive buffer."""
        if self._epoch is None or self._boots_at is not None:
            return b""
        said = bytearray()
        for byte in data:
            act = _REAL_TIME.get(byte)
            if act is not None:
                said += act(self)
            elif byte < 0x80 and byte != 0x0D:
                if len(self._received) < RECEIVE_BUFFER_BYTES:
                    self._received.append(byte)
                    self.fullest_bytes = max(self.fullest_bytes, len(self._received))
                else:
                    self.overruns += 1
                if byte == 0x0A:
                    said += self._consume()
        return bytes(said)

    def advance(self, now: float) -> bytes:
        """Take all steps that are due by `now`."""
        if self._epoch is None:
            return b""
        said = bytearray()
        if self._boots_at is not None:
            if now < self._boots_at:
                return b""
            self._boots_at = None
            said += self._greet()
        due = int((now - self._epoch) / STEP_S + 1e-6)
        while self._steps < due and self._active:
            self._steps += 1
            said += self._step()
        self._steps = max(self._steps, due)
        return bytes(said)

    def wakes_at(self) -> float | None:
        """The next step while something happens by itself."""
        if self._epoch is None or self._boots_at is not None:
            return self._boots_at
        return self._epoch + (self._steps + 1) * STEP_S if self._active else None

    def world(self) -> dict[str, float | bool]:
        """Where it really is (m), its speed (m/s), what hangs on it, its switches, the part, its buffers."""
        x, y, z = (value / 1000 for value in self._place)
        part_x, part_y, part_z = (value / 1000 for value in self._part.place)
        known: dict[str, float | bool] = {
            "x": x,
            "y": y,
            "z": z,
            "speed": self._path.speed_mm_s / 1000,
            "driven": self._driven,
            "part_x": part_x,
            "part_y": part_y,
            "part_z": part_z,
            "part_held": self._part.held,
            "planned": float(len(self._path.blocks)),
            "overruns": float(self.overruns),
            **self._switched,
            **{name: self._feels(name) for name in self._bench.inputs},
        }
        if self._bench.output is not None:
            known[self._bench.output] = self._coolant
        return known

    def set_world(self, name: str, value: float | bool | None) -> None:
        """Pin what an input feels, or press a limit switch."""
        if name in self._switched:
            self._switched[name] = bool(value)
        elif name not in self._bench.inputs:
            raise UnknownQuantity(name, [*self._bench.inputs, *SWITCHES])
        elif value is None:
            self._pinned.pop(name, None)
        else:
            self._pinned[name] = value

    def run_away(self, name: str, *, on: bool) -> None:
        """Its x axis goes to its far end and beyond, and is counted."""
        if name != self._bench.gantry:
            raise UnknownQuantity(name, [self._bench.gantry])
        self._runs_away = on

    # ------------------------------------------------------------------ its state

    def _begin(self, state: MachineState) -> None:
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
        self._path.forget()
        self._set_coolant(False)
        self._modes = Modes(offset=self._modes.offset, position=self._path.position)

    @property
    def _place(self) -> Point:
        x, y, z = (at + off for at, off in zip(self._path.position, self._error, strict=True))
        return x, y, z

    @property
    def _active(self) -> bool:
        """Whether the next step changes anything."""
        if self._runs_away or self._dwells_s > 0:
            return True
        return self._state in (MachineState.RUN, MachineState.JOG, MachineState.HOME) or self._braking

    @property
    def _driven(self) -> bool:
        moves = self._state in (MachineState.RUN, MachineState.JOG, MachineState.HOME)
        return (moves and not self._braking) or self._runs_away

    def _feels(self, name: str) -> bool:
        pinned = self._pinned.get(name)
        return (self._bench.inputs[name][1] and self._part.held) if pinned is None else bool(pinned)

    def _set_coolant(self, on: bool) -> None:
        if on is not self._coolant:
            self._until_overrides = 0
        self._coolant = on
        self._part.follow(self._place, vacuum=on)

    # ------------------------------------------------------------------ time passes

    def _step(self) -> bytes:
        if self._runs_away:
            self._run_away()
            return b""
        if self._dwells_s > 0:
            self._dwells_s -= STEP_S
        self._path.advance(STEP_S, braking=self._braking)
        self._part.follow(self._place, vacuum=self._coolant)
        said = b""
        if self._path.speed_mm_s > 0 and any(self._switched.values()) and self._state != MachineState.HOME:
            return self._alarm(1)
        if self._braking and self._path.speed_mm_s == 0:
            self._stand()
        elif self._state is MachineState.HOME and not self._path.blocks:
            said = self._home_on()
        elif self._state in (MachineState.RUN, MachineState.JOG) and not self._path.blocks and not self._ways:
            self._state = MachineState.IDLE
        return said + self._consume()

    def _run_away(self) -> None:
        x, y, z = self._path.position
        x = min(x + RUNAWAY_MM_S * STEP_S, self._bench.high[0] + RUNAWAY_BEYOND_MM)
        self._path.position = x, y, z

    def _stand(self) -> None:
        """It has braked."""
        self._braking = False
        if self._cancelling:
            self._cancelling = False
            self._path.forget()
            self._ways.clear()
            self._modes.position = self._path.position
            if self._state is MachineState.JOG:
                self._state = MachineState.IDLE
        if self._state is MachineState.DOOR:
            self._close_down()

    def _close_down(self) -> None:
        self._door_restores = self._coolant
        self._set_coolant(False)

    def _home_on(self) -> bytes:
        """One leg of a homing cycle is done."""
        if self._homing:
            self._path.add(self._homing.popleft(), SEEK_MM_S)
            return b""
        self._state = MachineState.IDLE
        self._modes.position = self._path.position
        return b"ok\r\n"

    def _alarm(self, code: int) -> bytes:
        self._begin(MachineState.ALARM)
        self._blocked = code in words.BLOCKING_ALARMS
        said = f"ALARM:{code}\r\n".encode()
        if self._blocked:
            return said + b"[MSG:Reset to continue]\r\n"
        return said

    def _greet(self) -> bytes:
        locked = f"[MSG:{words.LOCKED}]\r\n".encode() if self._state is MachineState.ALARM else b""
        return BANNER + locked

    # ------------------------------------------------------------------ real-time bytes

    def _tell_status(self) -> bytes:
        if self._blocked or self._state is MachineState.HOME:
            return b""
        x, y, z = self._path.position
        state = str(MachineState.RUN if self._runs_away else self._state)
        if self._state is MachineState.HOLD:
            state += ":1" if self._braking else ":0"
        elif self._state is MachineState.DOOR:
            state += ":2" if self._braking else ":0"
        fields = [state, f"MPos:{x:.3f},{y:.3f},{z:.3f}", f"FS:{self._path.speed_mm_s * 60:.0f},0"]
        pins = "".join(name[0].upper() for name, on in self._switched.items() if on)
        pins += "".join(
            letter
            for name, (letter, _) in self._bench.inputs.items()
            if self._feels(name) and letter not in pins
        )
        if pins:
            fields.append(f"Pn:{pins}")
        if self._until_offset == 0:
            self._until_offset = TELL_OFFSET_EVERY
            fields.append("WCO:" + ",".join(f"{value:.3f}" for value in self._modes.offset))
        elif self._until_overrides == 0:
            self._until_overrides = TELL_OVERRIDES_EVERY
            fields.append("Ov:100,100,100")
            if self._coolant:
                fields.append("A:F")
        self._until_offset = max(0, self._until_offset - 1)
        self._until_overrides = max(0, self._until_overrides - 1)
        return f"<{'|'.join(fields)}>\r\n".encode()

    def _feed_hold(self) -> bytes:
        if self._state is MachineState.IDLE:
            self._state = MachineState.HOLD
        elif self._state is MachineState.RUN:
            self._state, self._braking = MachineState.HOLD, True
        elif self._state is MachineState.JOG:
            self._jog_cancel()
        return b""

    def _jog_cancel(self) -> bytes:
        if self._state is MachineState.JOG:
            self._braking = self._cancelling = True
        return b""

    def _cycle_start(self) -> bytes:
        if self._state in (MachineState.HOLD, MachineState.DOOR) and not self._braking:
            if self._door_restores:
                self._door_restores = False
                self._set_coolant(True)
            self._state = MachineState.RUN if self._path.blocks or self._ways else MachineState.IDLE
            return self._consume()
        return b""

    def _safety_door(self) -> bytes:
        if self._state is MachineState.HOME:
            return self._lose_position(7)
        if self._state in (MachineState.ALARM, MachineState.CHECK, MachineState.SLEEP):
            return b""
        self._braking = self._path.speed_mm_s > 0
        self._cancelling = self._cancelling or self._state is MachineState.JOG
        self._state = MachineState.DOOR
        if not self._braking:
            self._stand()
        return b"[MSG:Check Door]\r\n"

    def _soft_reset(self) -> bytes:
        if self._state is MachineState.HOME:
            return self._lose_position(6)
        if self._path.speed_mm_s > 0 and not self._runs_away:
            return self._lose_position(3)
        self._begin(MachineState.ALARM if self._state in _LOCKED else MachineState.IDLE)
        return self._greet()

    def _lose_position(self, code: int) -> bytes:
        x, y, z = (error + slip for error, slip in zip(self._error, SLIP_MM, strict=True))
        self._error = x, y, z
        return self._alarm(code) + self._greet()

    def _toggle_flood(self) -> bytes:
        if self._state in (MachineState.IDLE, MachineState.RUN, MachineState.HOLD):
            self._set_coolant(not self._coolant)
        return b""

    # ------------------------------------------------------------------ lines

    def _consume(self) -> bytes:
        """Take lines out of the receive buffer for as long as there is one, and room for what it asks for."""
        said = bytearray()
        while True:
            said += self._plan()
            if self._answer_due or self._suspended:
                return bytes(said)
            line, end, rest = bytes(self._received).partition(b"\n")
            if not end:
                return bytes(said)
            self._received = bytearray(rest)
            said += self._take(line.decode("ascii", "replace"))

    @property
    def _suspended(self) -> bool:
        return self._blocked or self._state in (MachineState.HOLD, MachineState.DOOR, MachineState.HOME)

    def _plan(self) -> bytes:
        """Go on with the line that is being taken; its `ok` when all of it is planned or done."""
        if not self._answer_due or self._suspended:
            return b""
        done = self._waiting
        if done is not None:
            if self._path.blocks or self._ways:
                return b""
            if done.dwell_s is not None and self._dwells_s > 0:
                return b""
            self._waiting = None
            self._finish(done)
            if done.pause:
                self._state = MachineState.HOLD
                return b""
        while self._ways and not self._path.full:
            way = self._ways.popleft()
            self._path.add(way.target, min(way.feed_mm_s, MAX_RATE_MM_S))
        if self._path.blocks and self._state is MachineState.IDLE:
            self._state = MachineState.RUN
        if self._ways:
            return b""
        self._answer_due = False
        ended = b"[MSG:Pgm End]\r\n" if done is not None and done.end else b""
        return ended + b"ok\r\n"

    def _finish(self, done: Done) -> None:
        if done.coolant is not None:
            self._set_coolant(done.coolant)

    def _take(self, line: str) -> bytes:
        if len(line) >= LINE_LIMIT_BYTES:
            return b"error:11\r\n"
        block = strip(line)
        if not block:
            return b"ok\r\n"
        try:
            if block.startswith("$"):
                return self._command(block)
            if self.refusing or self._state in (MachineState.ALARM, MachineState.JOG):
                raise BlockError(9, block)
            return self._block(block)
        except BlockError as error:
            return f"error:{error.code}\r\n".encode()

    def _block(self, block: str) -> bytes:
        modes = self._modes
        before = modes.position
        done = modes.run(block)
        if self._bench.homes and any(self._is_beyond(way.target) for way in done.ways):
            modes.position = before
            return self._alarm(2)
        self._ways.extend(done.ways)
        self._waiting = done if done.waits else None
        self._dwells_s = done.dwell_s or 0.0
        self._answer_due = True
        return b""

    def _is_beyond(self, target: Point) -> bool:
        ends = zip(target, self._bench.low, self._bench.high, strict=True)
        return any(not low - 1e-3 <= value <= high + 1e-3 for value, low, high in ends)

    def _command(self, command: str) -> bytes:
        if command.startswith("$J="):
            return self._jog(command[3:])
        if command in ("$$", "$I") and self._state not in (MachineState.IDLE, MachineState.ALARM):
            raise BlockError(8, command)
        if command == "$$":
            return self._settings() + b"ok\r\n"
        if command == "$I":
            return (
                f"[VER:1.1h.20190825:]\r\n[OPT:V,{PLANNER_BLOCKS},{RECEIVE_BUFFER_BYTES}]\r\nok\r\n".encode()
            )
        if self.refusing:
            raise BlockError(9, command)
        if command == "$H":
            return self._home()
        if command == "$X":
            if self._state is MachineState.ALARM:
                self._state = MachineState.IDLE
            return b"[MSG:Caution: Unlocked]\r\nok\r\n"
        raise BlockError(3, command)

    def _home(self) -> bytes:
        if not self._bench.homes:
            raise BlockError(5, "$H")
        if self._state not in (MachineState.IDLE, MachineState.ALARM):
            raise BlockError(8, "$H")
        self._state = MachineState.HOME
        x, y, z = self._place
        self._path.position, self._error = (x, y, z), (0.0, 0.0, 0.0)
        ends, pulled = self._switch_place()
        self._homing.extend([(x, y, ends[2]), ends, pulled])
        return b""

    def _switch_place(self) -> tuple[Point, Point]:
        high = self._bench.high == (0.0, 0.0, 0.0)
        pull = -PULL_OFF_MM if high else PULL_OFF_MM
        return (0.0, 0.0, 0.0), (pull, pull, pull)

    def _jog(self, block: str) -> bytes:
        if self.refusing:
            raise BlockError(9, block)
        if self._state not in (MachineState.IDLE, MachineState.JOG):
            raise BlockError(8 if self._state is not MachineState.ALARM else 9, block)
        told = parse_block(block)
        g = {word.value for word in told if word.letter == "G"}
        values = {word.letter: word.value for word in told if word.letter != "G"}
        if not g <= {20, 21, 53, 90, 91} or not set(values) <= set("XYZF"):
            raise BlockError(16, block)
        if values.get("F", 0.0) <= 0:
            raise BlockError(22, block)
        own = self._modes
        scale = 25.4 if 20 in g else 1.0 if 21 in g else own.scale_mm
        absolute = True if 90 in g else False if 91 in g else own.absolute
        modes = Modes(0, absolute, scale, None, own.offset, own.position)
        target = modes.target(values, machine=53 in g)
        if self._is_beyond(target):
            raise BlockError(15, block)
        own.position = target
        self._path.add(target, min(values["F"] * scale / 60, MAX_RATE_MM_S))
        if self._path.blocks:
            self._state = MachineState.JOG
        return b"ok\r\n"

    def _settings(self) -> bytes:
        travel = [high - low for low, high in zip(self._bench.low, self._bench.high, strict=True)]
        homes = int(self._bench.homes)
        values: dict[int, float] = {
            0: 10,
            1: 25,
            2: 0,
            3: 0,
            4: 0,
            5: 0,
            6: 0,
            10: 1,
            11: 0.01,
            12: 0.002,
            13: 0,
            20: homes,
            21: homes,
            22: homes,
            23: 0,
            24: 25,
            25: SEEK_MM_S * 60,
            26: 250,
            27: PULL_OFF_MM,
            30: 1000,
            31: 0,
            32: 0,
            100: 250,
            101: 250,
            102: 250,
            **dict.fromkeys(words.Setting.MAX_RATE, MAX_RATE_MM_S * 60),
            **dict.fromkeys(words.Setting.ACCELERATION, ACCEL_MM_S2),
            **dict(zip(words.Setting.TRAVEL, travel, strict=True)),
        }
        return "".join(
            f"${number}={value}\r\n" if isinstance(value, int) else f"${number}={value:.3f}\r\n"
            for number, value in values.items()
        ).encode()


_LOCKED = frozenset({MachineState.ALARM, MachineState.SLEEP})

_REAL_TIME: Mapping[int, Callable[[GrblTwin], bytes]] = {
    ord("?"): GrblTwin._tell_status,
    ord("!"): GrblTwin._feed_hold,
    ord("~"): GrblTwin._cycle_start,
    0x18: GrblTwin._soft_reset,
    0x84: GrblTwin._safety_door,
    0x85: GrblTwin._jog_cancel,
    0xA0: GrblTwin._toggle_flood,
}
