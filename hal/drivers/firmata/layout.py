"""Which device hangs on which pin of a board: who hears a report, who answers for a pin, what stops all."""

from __future__ import annotations

from hal.device import DeviceSpec
from hal.drivers.firmata import codec
from hal.drivers.firmata.fittings import (
    FITTINGS,
    AnalogInputFitting,
    DigitalInputFitting,
    Fitting,
    Pin,
    Send,
)
from hal.errors import DeviceRefused
from hal.kinds import AnalogInput, DigitalInput

SAMPLING_MS = range(10, 1 << 14)


class Layout:
    """The devices of the board `board`, in the order in which they were added. `send` writes to it."""

    def __init__(self, board: str, send: Send) -> None:
        self.fittings: dict[str, Fitting] = {}
        """By the name of the device."""
        self.analog: dict[int, AnalogInput] = {}
        """By channel."""
        self.digital: dict[int, list[tuple[int, DigitalInput]]] = {}
        """By port, each with its bit."""
        self.acting: dict[int, Fitting] = {}
        """The actuators, by the pin that says what they do."""
        self.stop = codec.END_ANYTHING
        """What makes every actuator safe. 0xF7 first, since an unterminated sysex swallows what follows."""
        self._board = board
        self._send = send

    def add(self, name: str, spec: DeviceSpec) -> Fitting:
        """One more, of one of the kinds in `FITTINGS`; any other is refused with `DeviceRefused`."""
        make = FITTINGS.get(spec.kind)
        if make is None:
            raise DeviceRefused(name, f"a Firmata board has no {spec.kind}; it has {', '.join(FITTINGS)}")
        fitting = self.fittings[name] = make(name, spec, self._send)
        self.stop += fitting.stop()
        if isinstance(fitting, AnalogInputFitting):
            self.analog[fitting.spec.channel] = fitting.input
        elif isinstance(fitting, DigitalInputFitting):
            self.digital.setdefault(fitting.port, []).append((fitting.bit, fitting.input))
        elif fitting.stop_pin is not None:
            self.acting[fitting.stop_pin] = fitting
        return fitting

    def assign(self, mapping: bytes) -> None:
        """Find the analog inputs' pins; no two devices may share one, by whichever name: `DeviceRefused`."""
        taken: dict[int, str] = {}
        for name, fitting in self.fittings.items():
            if isinstance(fitting, AnalogInputFitting):
                fitting.pin = mapping.find(fitting.spec.channel)
                if fitting.pin < 0:
                    raise DeviceRefused(name, f"{self._board} has no analog pin {fitting.spec.pin}")
            for pin in fitting.modes():
                if pin in taken:
                    raise DeviceRefused(name, f"pin {pin} of {self._board} is used by {taken[pin]} already")
                taken[pin] = name

    def pins(self) -> list[Pin]:
        """Every pin in use, with the mode that it should have now."""
        return [
            Pin(number, mode, name)
            for name, fitting in self.fittings.items()
            for number, mode in fitting.prepared().items()
        ]

    def reporting(self) -> bytes:
        """Starts all reports; the present values come at once."""
        frames = [codec.report_analog(channel, on=True) for channel in self.analog]
        frames += [codec.report_digital(port, on=True) for port in self.digital]
        if self.analog:
            shortest_ms = round(min(device.spec.sample for device in self.analog.values()) * 1000)
            frames.append(codec.sampling_interval(min(max(shortest_ms, SAMPLING_MS[0]), SAMPLING_MS[-1])))
        return b"".join(frames)
