"""What the firmware of a simulated Grbl board hears: its real-time bytes and its lines. Pure.

Source: github.com/gnea/grbl, `doc/markdown/interface.md`, `commands.md` and `jogging.md`. It says nothing
while it homes, and a line is answered when all of it is planned.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hal.drivers.grbl import printing
from hal.drivers.grbl.bench import MAX_RATE_MM_S, PULL_OFF_MM, Bench
from hal.drivers.grbl.codec import LINE_LIMIT_BYTES, RECEIVE_BUFFER_BYTES
from hal.drivers.grbl.gcode import BlockError, parse_block, strip
from hal.drivers.grbl.interpreter import Modes
from hal.drivers.grbl.motion import Motion
from hal.drivers.grbl.words import MachineState, Point

TELL_OFFSET_EVERY = 10
TELL_OVERRIDES_EVERY = 10


class Firmware(Motion):
    """Grbl 1.1h on its machine."""

    def __init__(self, bench: Bench) -> None:
        self.refusing = False
        """Whether it takes no line that would do anything."""
        self.overruns = 0
        """How many bytes its receive buffer had no room for."""
        self.fullest_bytes = 0
        """The most that was in there."""
        super().__init__(bench)

    def step(self) -> bytes:
        """As its machine, and take the lines that there is room for now."""
        return super().step() + (b"" if self.runs_away else self._consume())

    def receive(self, data: bytes) -> bytes:
        """Real-time bytes act at once, wherever they stand; all others go into the receive buffer."""
        said = bytearray()
        for byte in data:
            act = _REAL_TIME.get(byte)
            if act is not None:
                said += act(self)
            elif byte < 0x80 and byte != ord("\r"):
                self._keep(byte)
                if byte == ord("\n"):
                    said += self._consume()
        return bytes(said)

    def _keep(self, byte: int) -> None:
        if len(self._received) < RECEIVE_BUFFER_BYTES:
            self._received.append(byte)
            self.fullest_bytes = max(self.fullest_bytes, len(self._received))
        else:
            self.overruns += 1

    # ------------------------------------------------------------------ real-time bytes

    def _tell_status(self) -> bytes:
        if self._blocked or self._state is MachineState.HOME:
            return b""
        x, y, z = self.path.position
        state = str(MachineState.RUN if self.runs_away else self._state)
        if self._state is MachineState.HOLD:
            state += ":1" if self._braking else ":0"
        elif self._state is MachineState.DOOR:
            state += ":2" if self._braking else ":0"
        fields = [state, f"MPos:{x:.3f},{y:.3f},{z:.3f}", f"FS:{self.path.speed_mm_s * 60:.0f},0"]
        pins = "".join(name[0].upper() for name, on in self.switched.items() if on)
        pins += "".join(
            letter
            for name, (letter, _) in self._bench.inputs.items()
            if self.feels(name) and letter not in pins
        )
        if pins:
            fields.append(f"Pn:{pins}")
        if self._until_offset == 0:
            self._until_offset = TELL_OFFSET_EVERY
            fields.append("WCO:" + ",".join(f"{value:.3f}" for value in self._modes.offset))
        elif self._until_overrides == 0:
            self._until_overrides = TELL_OVERRIDES_EVERY
            fields.append("Ov:100,100,100")
            if self.coolant:
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
            self._state = MachineState.RUN if self.path.blocks or self._ways else MachineState.IDLE
            return self._consume()
        return b""

    def _safety_door(self) -> bytes:
        if self._state is MachineState.HOME:
            return self._lose_position(7)
        if self._state in (MachineState.ALARM, MachineState.CHECK, MachineState.SLEEP):
            return b""
        self._braking = self.path.speed_mm_s > 0
        self._cancelling = self._cancelling or self._state is MachineState.JOG
        self._state = MachineState.DOOR
        if not self._braking:
            self._stand()
        return b"[MSG:Check Door]\r\n"

    def _soft_reset(self) -> bytes:
        if self._state is MachineState.HOME:
            return self._lose_position(6)
        if self.path.speed_mm_s > 0 and not self.runs_away:
            return self._lose_position(3)
        self.begin(MachineState.ALARM if self._state in _LOCKED else MachineState.IDLE)
        return self.greet()

    def _toggle_flood(self) -> bytes:
        if self._state in (MachineState.IDLE, MachineState.RUN, MachineState.HOLD):
            self._set_coolant(not self.coolant)
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
            if self.path.blocks or self._ways:
                return b""
            if done.dwell_s is not None and self._dwells_s > 0:
                return b""
            self._waiting = None
            if done.coolant is not None:
                self._set_coolant(done.coolant)
            if done.pause:
                self._state = MachineState.HOLD
                return b""
        while self._ways and not self.path.full:
            way = self._ways.popleft()
            self.path.add(way.target, min(way.feed_mm_s, MAX_RATE_MM_S))
        if self.path.blocks and self._state is MachineState.IDLE:
            self._state = MachineState.RUN
        if self._ways:
            return b""
        self._answer_due = False
        ended = b"[MSG:Pgm End]\r\n" if done is not None and done.end else b""
        return ended + b"ok\r\n"

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
            return self._bench.settings() + b"ok\r\n"
        if command == "$I":
            return self._bench.build() + b"ok\r\n"
        if (printed := self._print(command)) is not None:
            return f"{printed}ok\r\n".encode()
        if self.refusing:
            raise BlockError(9, command)
        if command == "$H":
            return self._home()
        if command == "$X":
            if self._state is MachineState.ALARM:
                self._state = MachineState.IDLE
            return b"[MSG:Caution: Unlocked]\r\nok\r\n"
        raise BlockError(3, command)

    def _print(self, command: str) -> str | None:
        if command == "$G":
            return printing.parser_state(self._modes, coolant=self.coolant)
        if command == "$#":
            return printing.offsets(self._modes)
        return {"$": printing.HELP, "$N": printing.STARTUP}.get(command)

    def _home(self) -> bytes:
        if not self._bench.homes:
            raise BlockError(5, "$H")
        if self._state not in (MachineState.IDLE, MachineState.ALARM):
            raise BlockError(8, "$H")
        self._state = MachineState.HOME
        x, y, z = self.place
        self.path.position, self._error = (x, y, z), (0.0, 0.0, 0.0)
        ends, pulled = self._switch_place()
        self._homing.extend([(x, y, ends[2]), ends, pulled])
        return b""

    def _switch_place(self) -> tuple[Point, Point]:
        pull = PULL_OFF_MM if self._bench.counts_up else -PULL_OFF_MM
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
        self.path.add(target, min(values["F"] * scale / 60, MAX_RATE_MM_S))
        if self.path.blocks:
            self._state = MachineState.JOG
        return b"ok\r\n"


_LOCKED = frozenset({MachineState.ALARM, MachineState.SLEEP})

_REAL_TIME: Mapping[int, Callable[[Firmware], bytes]] = {
    ord("?"): Firmware._tell_status,
    ord("!"): Firmware._feed_hold,
    ord("~"): Firmware._cycle_start,
    0x18: Firmware._soft_reset,
    0x84: Firmware._safety_door,
    0x85: Firmware._jog_cancel,
    0xA0: Firmware._toggle_flood,
}
