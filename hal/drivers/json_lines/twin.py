"""A board that speaks JSON lines, with a rover around it, without the board and the rover.

With the dialect `plain` it does what `json_rover.ino` does; with `waveshare` what that driver board does: it
reports when it is asked, until it is told to go on by itself. Opening the port resets it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from hal.drivers.json_lines import codec, plain, waveshare
from hal.drivers.json_lines.codec import Lines, Object, number, short
from hal.drivers.json_lines.dialect import Value
from hal.drivers.json_lines.wiring import CHIP_DEGC, GRAVITY_M_S2, Wiring
from hal.drivers.rover_twin import NEVER, RoverTwin
from hal.drivers.rover_world import STEP_S, World
from hal.twin import UnknownQuantity

NAME = "json_rover"
BOOT_STEPS = 10
"""Kept short, so that a simulation starts at once; a real bootloader takes about a second and a half."""
DEADMAN_MS = 500
REPORT_MS = 50
"""Until it is told otherwise."""


class JsonTwin(RoverTwin):
    """The far end of a wire with JSON lines."""

    def __init__(self, world: World, wiring: Wiring, dialect: Literal["plain", "waveshare"]) -> None:
        super().__init__(world, wiring.inputs.values())
        self._wiring = wiring
        self._plain = dialect == "plain"
        self._obey: Callable[[Object], bytes] = self._obey_plain if self._plain else self._obey_waveshare
        self._inputs = wiring.inputs
        self._runaways: set[str] = set()
        self._lines_said: dict[str, tuple[Value, bytes]] = {}
        """What was said of each channel last."""
        self._boots_at: int | None = None
        self._start()

    def _start(self) -> None:
        self._lines = Lines()
        self._deadman_steps = _steps(DEADMAN_MS)
        self._report_steps = _steps(REPORT_MS)
        self._reports_at = self._steps + self._report_steps if self._plain else NEVER
        self._stops_at = NEVER
        self._out = {
            **dict.fromkeys(self._wiring.motors, 0.0),
            **{channel: 1.0 - on for channel, (_, on) in self._wiring.lamps.items()},
        }
        self._said: dict[str, float | bool] = {}
        """What switches were when they were reported last."""
        self._turn()

    # ------------------------------------------------------------------ the contract of a twin

    def power_on(self, now: float) -> bytes:
        """The port is opened: the board resets, and greets when its bootloader is done."""
        self._switch_on(now)
        self._start()
        self._boots_at = self._steps + BOOT_STEPS
        return b""

    def receive(self, data: bytes, now: float) -> bytes:
        """What it does with these bytes. While the bootloader runs they are lost."""
        if self._epoch is None or self._boots_at is not None:
            return b""
        return b"".join([self._obey(found) for found in self._lines.feed(data)])

    def world(self) -> dict[str, float | bool]:
        """As of every rover; besides each motor's duty, and each lamp."""
        return {
            **super().world(),
            **{f"{name}_duty": self._does(channel) for channel, name in self._wiring.motors.items()},
            **{name: self._out[channel] == on for channel, (name, on) in self._wiring.lamps.items()},
        }

    def run_away(self, name: str, *, on: bool) -> None:
        """A fault of the output stage: the motor `name` turns as fast as it can, and the board sees that."""
        channels = {device: channel for channel, device in self._wiring.motors.items()}
        if name not in channels:
            raise UnknownQuantity(name, channels)
        (self._runaways.add if on else self._runaways.discard)(channels[name])
        self._turn()

    # ------------------------------------------------------------------ the sketch's loop

    def _next_look(self) -> int:
        if self._boots_at is not None:
            return self._boots_at
        look = min(self._reports_at, self._stops_at)
        if self._plain:
            look = min(look, self._steps + self._world.clear_steps)
        if self._looks:
            look = self._steps + 1
        return max(self._steps + 1, look)

    def _look(self) -> bytes:
        if self._boots_at is not None:
            if self._steps < self._boots_at:
                return b""
            self._boots_at = None
            return plain.hello(NAME, self._channels, started=True) if self._plain else b""
        if self._steps >= self._stops_at:
            self._out |= dict.fromkeys(self._wiring.motors, 0.0)
            self._stops_at = NEVER
            self._turn()
        if self._steps >= self._reports_at:
            self._reports_at = self._steps + self._report_steps
            return self._report()
        if not (self._looks or self._stirred):
            return b""
        self._looks = self._stirred = False
        changed = [name for name, said in self._said.items() if said != self._see(self._inputs[name])]
        return b"".join(map(self._report_channel, changed))

    @property
    def _channels(self) -> tuple[str, ...]:
        return (*self._out, *self._inputs, *self._wiring.imus)

    def _does(self, channel: str) -> float:
        return 1.0 if channel in self._runaways else self._out[channel]

    def _turn(self) -> None:
        """Let the world feel what the wheels do now."""
        for channel, turn in self._wiring.turns.items():
            turn(self._world, self._does(channel))

    def _report(self) -> bytes:
        """All that it knows."""
        if self._plain:
            return b"".join(map(self._report_channel, self._channels))
        left, right = (self._does(side) if side in self._out else 0.0 for side in waveshare.SIDES)
        battery = self._inputs.get(waveshare.VOLTAGE)
        voltage = self._world.battery_v if battery is None else battery.say(self._see(battery))
        return waveshare.report(left, right, self._imu(), voltage if isinstance(voltage, float) else 0.0)

    def _report_channel(self, channel: str) -> bytes:
        if channel in self._out:
            return self._say(channel, self._does(channel))
        if channel in self._wiring.imus:
            return self._say(channel, self._imu())
        one = self._inputs[channel]
        seen = self._see(one)
        if isinstance(seen, bool):
            self._said[channel] = seen
        return self._say(channel, one.say(seen))

    def _say(self, channel: str, value: Value) -> bytes:
        """At rest it is the same for hours."""
        if isinstance(value, float):
            value = short(value)
        known = self._lines_said.get(channel)
        if known is not None and known[0] == value:
            return known[1]
        if isinstance(value, Mapping):
            readings = list(value.items())
            parts = [dict(readings[n : n + 3]) for n in range(0, len(readings), 3)]
            said = b"".join(plain.report(channel, part) for part in parts)
        else:
            said = plain.report(channel, value)
        self._lines_said[channel] = (value, said)
        return said

    def _imu(self) -> dict[str, float]:
        world = self._world
        return {
            "roll": 0.0,
            "pitch": 0.0,
            "yaw": world.heading_rad,
            "rate_z": (world.right_m_s - world.left_m_s) / world.track_m,
            "acceleration_z": GRAVITY_M_S2,
            "temperature": CHIP_DEGC,
        }

    # ------------------------------------------------------------------ what it obeys

    def _set(self, outputs: Mapping[str, object]) -> None:
        for channel, wanted in outputs.items():
            value = number(wanted)
            if value is not None and channel in self._wiring.motors:
                self._out[channel] = min(max(value, -1.0), 1.0)
            elif value is not None and channel in self._wiring.lamps:
                self._out[channel] = float(value > 0)
        moves = any(self._out[channel] for channel in self._wiring.motors)
        self._stops_at = self._steps + self._deadman_steps if moves else NEVER
        self._turn()

    def _obey_plain(self, found: Object) -> bytes:
        if "hello" in found:
            return plain.hello(NAME, self._channels)
        if "ask" in found:
            return self._report()
        if self.refusing:
            return b""
        outputs = found.get("set")
        if isinstance(outputs, dict):
            values = [value for channel in self._out if (value := number(outputs.get(channel))) is not None]
            if plain.total(values) != found.get("sum"):
                return b""
            self._set(outputs)
            return b"".join(self._report_channel(channel) for channel in outputs if channel in self._out)
        deadman_ms, report_ms = number(found.get("deadman_ms")), number(found.get("report_ms"))
        if deadman_ms is None or report_ms is None:
            return b""
        self._deadman_steps, self._report_steps = _steps(deadman_ms), _steps(report_ms)
        self._reports_at = self._steps + self._report_steps
        return codec.write({"deadman_ms": round(deadman_ms), "report_ms": round(report_ms)})

    def _obey_waveshare(self, found: Object) -> bytes:
        command, amount = found.get("T"), number(found.get("cmd"))
        if command == waveshare.REPORT_ONCE:
            return self._report()
        if self.refusing:
            return b""
        if command == waveshare.SPEED:
            speeds = {side: number(found.get(side)) for side in waveshare.SIDES if side in self._out}
            self._set({side: speed / waveshare.FULL for side, speed in speeds.items() if speed is not None})
        elif amount is not None and command == waveshare.REPORT_FLOW:
            self._reports_at = self._steps + self._report_steps if amount else NEVER
        elif amount is not None and command == waveshare.REPORT_INTERVAL:
            self._report_steps = _steps(amount)
        elif amount is not None and command == waveshare.DEADMAN:
            self._deadman_steps = _steps(amount)
        return b""


def _steps(duration_ms: float) -> int:
    return max(1, min(round(duration_ms / 1000 / STEP_S), NEVER >> 1))
