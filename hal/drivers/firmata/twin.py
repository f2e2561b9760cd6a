"""An Arduino Uno with StandardFirmata 2.5 and a rover soldered to it, without the Arduino and the rover.

What it answers follows the sketch, `StandardFirmata.ino` of github.com/firmata/arduino, with its habits:
opening the port resets it, what is sent while it starts is lost, a reset forgets all pins, a servo that is
attached goes to 1500 us at once, and closing the port stops nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hal.drivers.firmata import codec, uno, words
from hal.drivers.firmata.codec import Decoder
from hal.drivers.firmata.pins import Pins
from hal.drivers.firmata.wiring import Probe, Wiring
from hal.drivers.firmata.words import PinMode
from hal.drivers.rover_twin import NEVER, RoverTwin
from hal.drivers.rover_world import STEP_MS, World

PROTOCOL = (2, 5)
SKETCH = "StandardFirmata.ino"
BOOT_MS = 50
"""Kept short, so that a simulation starts at once; a real bootloader takes about a second and a half."""
SAMPLING_MS = 19
SHORTEST_SAMPLING_MS = 10
REFUSAL = codec.sysex(words.STRING, b"".join(codec.two_sevens(ord(letter)) for letter in "refused"))
"""Firmata has no refusal: what its sketch cannot do it tells as a text (`Firmata.sendString`)."""


class FirmataTwin(RoverTwin):
    """The far end of a Firmata wire. `garbage` is what its serial line says while it starts."""

    def __init__(self, world: World, wiring: Wiring, *, garbage: bytes = b"", boot_ms: int = BOOT_MS) -> None:
        super().__init__(world, (*wiring.switches.values(), *wiring.gauges.values()))
        self._wiring = wiring
        self._garbage = garbage
        self._boot_ms = boot_ms
        self._pins = Pins(world, wiring)
        self._channel_said: dict[int, tuple[float, bytes]] = {}
        """What each channel saw last, and what is said of it: at rest it is the same for hours."""
        self._boots_at_ms: int | None = None
        self._decoder = Decoder.of_requests()
        self._forget_pins()

    # ------------------------------------------------------------------ the contract of a twin

    def power_on(self, now: float) -> bytes:
        """The port is opened: the board resets, and greets when its bootloader is done."""
        self._switch_on(now)
        self._boots_at_ms = self._steps * STEP_MS + self._boot_ms
        self._decoder = Decoder.of_requests()
        self._forget_pins()
        return self._garbage

    def receive(self, data: bytes, now: float) -> bytes:
        """What the sketch does with these bytes. While the bootloader runs they are lost."""
        if self._epoch is None or self._boots_at_ms is not None:
            return b""
        obey = _REFUSE if self.refusing else _OBEY
        return b"".join([obey[type(frame)](self, frame) for frame in self._decoder.feed(data)])

    def world(self) -> dict[str, float | bool]:
        """As of every rover; besides each servo's angle (rad), and each lamp."""
        return {
            **super().world(),
            **{name: joint.angle_rad for name, joint in self._world.joints.items()},
            **{name: self._pins.does(pin) == level for name, (pin, level) in self._wiring.lamps.items()},
        }

    def run_away(self, name: str, *, on: bool) -> None:
        """A fault of the output stage: the sketch itself says so of the pin, as if it had been told."""
        self._pins.run_away(name, on=on)

    # ------------------------------------------------------------------ the sketch's loop

    def _next_look(self) -> int:
        if self._boots_at_ms is not None:
            return -(-self._boots_at_ms // STEP_MS)
        next_step = self._steps + 1
        if self._looks:
            return next_step
        look = -(-self._samples_at_ms // STEP_MS) if self._channels else NEVER
        if self._switches and self._world.rolls:
            look = min(look, self._steps + self._world.clear_steps)
        return max(next_step, look)

    def _look(self) -> bytes:
        now_ms = self._steps * STEP_MS
        if self._boots_at_ms is not None:
            if now_ms < self._boots_at_ms:
                return b""
            self._boots_at_ms = None
            self._samples_at_ms = now_ms + SAMPLING_MS
            return codec.version(*PROTOCOL) + codec.firmware(*PROTOCOL, SKETCH)
        said: list[bytes] = []
        if self._looks or self._stirred:
            self._looks = self._stirred = False
            said += [
                self._report_port(port)
                for port in self._switches
                if self._port_levels(port) != self._port_said[port]
            ]
        if now_ms >= self._samples_at_ms:
            self._samples_at_ms += self._sampling_ms * -(
                -(now_ms + 1 - self._samples_at_ms) // self._sampling_ms
            )
            said += map(self._report_channel, self._channels)
        return b"".join(said)

    def _forget_pins(self) -> None:
        self._pins.forget()
        self._port_said = [0] * uno.PORTS
        self._ports = [False] * uno.PORTS
        """Which are reported."""
        self._switches: dict[int, list[tuple[int, Probe | None]]] = {}
        """Of each port that is reported: the bits that are inputs, and what is soldered to them."""
        self._channels: dict[int, None] = {}
        """The analog channels that are reported, in their order."""
        self._sampling_ms = SAMPLING_MS
        self._samples_at_ms = self._steps * STEP_MS + SAMPLING_MS

    def _report_channel(self, channel: int) -> bytes:
        probe = self._wiring.gauges.get(channel)
        if probe is None:
            return codec.analog(channel, 0)
        value = self._see(probe)
        said = self._channel_said.get(channel)
        if said is None or said[0] != value:
            said = self._channel_said[channel] = (value, codec.analog(channel, probe.at_pin(value)))
        return said[1]

    def _report_port(self, port: int) -> bytes:
        self._port_said[port] = self._port_levels(port)
        return codec.digital(port, self._port_said[port])

    def _port_levels(self, port: int) -> int:
        """Bits of the input pins; all others read as zero, as the sketch masks them."""
        levels = 0
        for bit, probe in self._switches.get(port, ()):
            level = 1 if probe is None else probe.at_pin(self._see(probe))
            levels |= level << bit
        return levels

    def _find_switches(self) -> None:
        """Whenever a mode or a report has changed. An input with nothing on it reads as its pull-up does."""
        found: dict[int, list[tuple[int, Probe | None]]] = {}
        for port in range(uno.PORTS):
            if self._ports[port]:
                bits = found[port] = []
                for pin in range(8 * port, min(8 * port + 8, uno.PINS)):
                    probe = self._wiring.switches.get(pin)
                    mode = self._pins.modes[pin]
                    if mode == PinMode.PULLUP or (mode == PinMode.INPUT and probe is not None):
                        bits.append((pin % 8, probe))
        self._switches = found
        self._looks = True

    # ------------------------------------------------------------------ what the sketch obeys

    def _analog_write(self, frame: words.Analog) -> bytes:
        self._pins.write(frame.pin, frame.value, (PinMode.PWM, PinMode.SERVO))
        return b""

    def _write_pin(self, frame: words.SetPin) -> bytes:
        self._pins.write(frame.pin, int(frame.high), (PinMode.OUTPUT,))
        return b""

    def _write_port(self, frame: words.Digital) -> bytes:
        for pin in range(8 * frame.port, min(8 * frame.port + 8, uno.PINS)):
            high = bool(frame.levels >> pin % 8 & 1)
            if self._pins.modes[pin] == PinMode.INPUT and high:
                self._set_mode(words.SetPinMode(pin, PinMode.PULLUP))  # how hosts before 2.5 asked for it
            self._write_pin(words.SetPin(pin, high))
        return b""

    def _set_mode(self, frame: words.SetPinMode) -> bytes:
        pin = frame.pin
        if not self._pins.set_mode(pin, frame.mode):
            return b""
        self._find_switches()
        if pin >= uno.FIRST_ANALOG_PIN:
            on = frame.mode == PinMode.ANALOG
            return self._report_analog(words.ReportAnalog(pin - uno.FIRST_ANALOG_PIN, on))
        return b""

    def _report_analog(self, frame: words.ReportAnalog) -> bytes:
        if frame.channel >= uno.PINS - uno.FIRST_ANALOG_PIN:
            return b""
        self._channels.pop(frame.channel, None)
        if frame.on:
            self._channels = dict.fromkeys(sorted([*self._channels, frame.channel]))
        return self._report_channel(frame.channel) if frame.on else b""

    def _report_digital(self, frame: words.ReportDigital) -> bytes:
        if frame.port >= uno.PORTS:
            return b""
        self._ports[frame.port] = frame.on
        self._find_switches()
        return self._report_port(frame.port) if frame.on else b""

    def _tell_version(self, _: words.VersionQuery) -> bytes:
        return codec.version(*PROTOCOL)

    def _system_reset(self, _: words.SystemReset) -> bytes:
        self._forget_pins()
        return b""

    def _sysex(self, frame: words.Sysex) -> bytes:
        obey = _OBEY_SYSEX.get(frame.command)
        return obey(self, frame.data) if obey else b""

    def _refuse(self, _: object) -> bytes:
        return REFUSAL

    def _refuse_sysex(self, frame: words.Sysex) -> bytes:
        if frame.command in (words.EXTENDED_ANALOG, words.SERVO_CONFIG):
            return REFUSAL
        return self._sysex(frame)

    def _tell_firmware(self, _: bytes) -> bytes:
        return codec.firmware(*PROTOCOL, SKETCH)

    def _tell_capabilities(self, _: bytes) -> bytes:
        return uno.CAPABILITIES

    def _tell_mapping(self, _: bytes) -> bytes:
        return uno.MAPPING

    def _tell_pin_state(self, data: bytes) -> bytes:
        if not data:
            return b""
        pin = data[0]
        if pin >= uno.PINS:
            return codec.sysex(words.PIN_STATE_ANSWER, bytes([pin]))
        state = self._pins.does(pin)
        sevens = [state & 0x7F, *(bits & 0x7F for bits in (state >> 7, state >> 14) if bits)]
        return codec.sysex(words.PIN_STATE_ANSWER, bytes([pin, self._pins.modes[pin], *sevens]))

    def _extended_analog(self, data: bytes) -> bytes:
        if len(data) > 1:
            value = sum(bits << 7 * place for place, bits in enumerate(data[1:4]))
            self._analog_write(words.Analog(data[0], value))
        return b""

    def _servo_config(self, data: bytes) -> bytes:
        if len(data) > 4:
            pin = data[0]
            self._pins.set_pulses(pin, data[1] | data[2] << 7, data[3] | data[4] << 7)
            self._set_mode(words.SetPinMode(pin, PinMode.SERVO))
        return b""

    def _set_sampling(self, data: bytes) -> bytes:
        if len(data) > 1:
            self._sampling_ms = max(data[0] | data[1] << 7, SHORTEST_SAMPLING_MS)
        return b""


_OBEY: Mapping[type, Callable[[FirmataTwin, Any], bytes]] = {
    words.Analog: FirmataTwin._analog_write,
    words.SetPin: FirmataTwin._write_pin,
    words.Digital: FirmataTwin._write_port,
    words.SetPinMode: FirmataTwin._set_mode,
    words.ReportAnalog: FirmataTwin._report_analog,
    words.ReportDigital: FirmataTwin._report_digital,
    words.VersionQuery: FirmataTwin._tell_version,
    words.SystemReset: FirmataTwin._system_reset,
    words.Sysex: FirmataTwin._sysex,
}
_OBEY_SYSEX: Mapping[int, Callable[[FirmataTwin, bytes], bytes]] = {
    words.FIRMWARE: FirmataTwin._tell_firmware,
    words.CAPABILITY_QUERY: FirmataTwin._tell_capabilities,
    words.ANALOG_MAPPING_QUERY: FirmataTwin._tell_mapping,
    words.PIN_STATE_QUERY: FirmataTwin._tell_pin_state,
    words.EXTENDED_ANALOG: FirmataTwin._extended_analog,
    words.SERVO_CONFIG: FirmataTwin._servo_config,
    words.SAMPLING_INTERVAL: FirmataTwin._set_sampling,
}
_REFUSE: Mapping[type, Callable[[FirmataTwin, Any], bytes]] = {
    **_OBEY,
    **dict.fromkeys(
        (words.Analog, words.SetPin, words.Digital, words.SetPinMode, words.SystemReset), FirmataTwin._refuse
    ),
    words.Sysex: FirmataTwin._refuse_sysex,
}
