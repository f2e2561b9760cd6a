"""How each kind of device hangs on its unit: what is read of it, what stops it, what proves the stop."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from hal.device import Evidence
from hal.drivers.bus import Priority
from hal.drivers.modbus.fitting import ActingFitting, Fitting, Memory, Place, Send
from hal.drivers.modbus.specs import (
    ModbusBeltSpec,
    ModbusDigitalInputSpec,
    ModbusDigitalOutputSpec,
    ModbusRelaySpec,
    ModbusWeigherSpec,
    float_of,
)
from hal.drivers.modbus.words import Function, Request
from hal.kinds import Belt, DigitalInput, DigitalOutput, Relay, Weigher

RAMP_LOOK_S = 0.1
"""Of two speeds so close together, the second tells whether a drive is on its ramp to a standstill."""


class BeltFitting(ActingFitting):
    """A drive's registers."""

    def __init__(self, name: str, spec: ModbusBeltSpec, send: Send) -> None:
        self.belt = Belt(name, spec, self)
        place = Place(spec.unit, Function.READ_HOLDING, *spec.block, spec.sample)
        super().__init__(self.belt, place, send)
        self._spec = spec
        self._stop = Request(spec.unit, Function.WRITE_REGISTER, spec.control, 1, (spec.stop_word,))
        self._judged = (0.0, -math.inf)
        """The speed that was seen when a stop was last to be proved, and when that was."""

    def write(self, value: float) -> None:
        """A speed in m/s."""
        spec = self._spec
        counts = round(abs(value) / spec.scale.factor)
        if counts == 0:
            self._expected = {spec.control: spec.stop_word}
            self._again()
            return
        word = spec.run_word if value > 0 else spec.reverse_word
        expected = {spec.control: word, spec.setpoint: counts}
        if (
            expected != self._expected
        ):  # or it is told already, and what is read of it says whether it took it
            self._expected = expected
            self._again()

    def _again(self) -> None:
        if self._spec.setpoint in self._expected:
            self._run(self._expected[self._spec.control], self._expected[self._spec.setpoint])
            return
        if self._under_way:  # a speed that waits for its turn must not come after the stop
            self._tell(self._stop, Priority.SETPOINT, "control")
        self._tell(self._stop, Priority.STOP, "stop")

    def _run(self, word: int, counts: int) -> None:
        spec = self._spec
        if spec.setpoint == spec.control + 1:
            both = Request(spec.unit, Function.WRITE_REGISTERS, spec.control, 2, (word, counts))
            self._tell(both, Priority.SETPOINT, "control")
            return
        speed = Request(spec.unit, Function.WRITE_REGISTER, spec.setpoint, 1, (counts,))
        control = Request(spec.unit, Function.WRITE_REGISTER, spec.control, 1, (word,))
        self._tell(speed, Priority.SETPOINT, "setpoint")
        self._tell(control, Priority.SETPOINT, "control")

    def setup(self) -> Request | None:
        """The stop word."""
        request = super().setup()
        self._expected = {self._spec.control: self._spec.stop_word}
        return request

    def stop(self) -> Request:
        """The stop word."""
        return self._stop

    def halt(self) -> None:
        """A speed of zero."""
        self.write(0.0)

    def watchdog(self, count: int) -> Request | None:
        """The count, into its register."""
        if self._spec.watchdog is None:
            return None
        return Request(self._spec.unit, Function.WRITE_REGISTER, self._spec.watchdog, 1, (count & 0xFFFF,))

    def take(self, memory: Memory, now: float) -> str | None:
        """Its speed, and what its status says."""
        spec = self._spec
        self._look(memory)
        self.belt.update(self._speed_m_s(memory), now)
        status = memory[spec.status]
        if status >> spec.fault_bit & 1:
            return (
                f"its drive tells a fault (status 0x{status:04X}); read its display, and acknowledge it there"
            )
        return None

    def judge(self, memory: Memory, now: float) -> Evidence:
        """Safe is the stop word and a speed of zero, or one that falls: the drive is on its ramp."""
        spec, speed_m_s = self._spec, self._speed_m_s(memory)
        before, self._judged = self._judged, (abs(speed_m_s), now)
        if memory[spec.control] != spec.stop_word:
            why = f"register {spec.control} of unit {spec.unit} still says {memory[spec.control]}"
            return Evidence(False, speed_m_s, why=why)
        if speed_m_s and not (now - before[1] <= RAMP_LOOK_S and abs(speed_m_s) < before[0]):
            return Evidence(False, speed_m_s, why=f"it is told to stop, and has {speed_m_s:g} m/s yet")
        return Evidence(True, speed_m_s)

    def _speed_m_s(self, memory: Memory) -> float:
        counts = memory[self._spec.actual]
        return (counts - (counts >> 15 << 16)) * self._spec.scale.factor


class OutputFitting(ActingFitting):
    """One coil."""

    def __init__(self, name: str, spec: ModbusDigitalOutputSpec | ModbusRelaySpec, send: Send) -> None:
        self.output = (
            Relay(name, spec, self) if isinstance(spec, ModbusRelaySpec) else DigitalOutput(name, spec, self)
        )
        place = Place(spec.unit, Function.READ_COILS, spec.coil, spec.coil, spec.sample)
        super().__init__(self.output, place, send)
        self._spec = spec
        self._off = int(spec.active == "low")

    def write(self, value: float) -> None:
        """The level, 0 or 1."""
        self._expected = {self._spec.coil: int(value > 0)}
        self._again()

    def _again(self) -> None:
        level = self._expected[self._spec.coil]
        stops = level == self._off and self._spec.on_stop == "off"
        if stops and self._under_way:
            self._tell(self._switch(level), Priority.SETPOINT, "coil")
        self._tell(self._switch(level), Priority.STOP if stops else Priority.SETPOINT, "coil")

    def setup(self) -> Request | None:
        """Off, unless it keeps its level through a stop: then it is left as it is found."""
        request = super().setup()
        if request is not None:
            self._expected = {self._spec.coil: self._off}
        return request

    def stop(self) -> Request | None:
        """Off, unless it shall keep its level."""
        return self._switch(self._off) if self._spec.on_stop == "off" else None

    def halt(self) -> None:
        """Off, unless it shall keep its level."""
        if self._spec.on_stop == "off":
            self.write(float(self._off))

    def take(self, memory: Memory, now: float) -> str | None:
        """Its level."""
        level = memory[self._spec.coil]
        self._expected.setdefault(self._spec.coil, level)
        self._look(memory)
        self.output.felt(float(level != self._off), now)
        return None

    def judge(self, memory: Memory, now: float) -> Evidence:
        """Safe is off, or what it keeps."""
        on = memory[self._spec.coil] != self._off
        if on and self._spec.on_stop == "off":
            return Evidence(False, 1.0, why=f"coil {self._spec.coil} of unit {self._spec.unit} is still on")
        return Evidence(True, float(on))

    def _switch(self, level: int) -> Request:
        return Request(self._spec.unit, Function.WRITE_COIL, self._spec.coil, 1, (level,))


class InputFitting(Fitting):
    """One input."""

    def __init__(self, name: str, spec: ModbusDigitalInputSpec) -> None:
        self.input = DigitalInput(name, spec)
        place = Place(spec.unit, Function.READ_INPUTS, spec.input, spec.input, spec.sample)
        super().__init__(self.input, place)
        self._address = spec.input

    def take(self, memory: Memory, now: float) -> str | None:
        """Its level."""
        self.input.update(bool(memory[self._address]), now)
        return None


class WeigherFitting(Fitting):
    """A float32 in two registers."""

    def __init__(self, name: str, spec: ModbusWeigherSpec) -> None:
        self.weigher = Weigher(name, spec)
        function = Function.READ_INPUT_REGISTERS if spec.table == "input" else Function.READ_HOLDING
        place = Place(spec.unit, function, spec.address, spec.address + 1, spec.sample)
        super().__init__(self.weigher, place)
        self._spec = spec

    def take(self, memory: Memory, now: float) -> str | None:
        """Its mass. Where that cannot be one, the other order of its halves is tried, for the hint alone."""
        spec, halves = self._spec, (memory[self._spec.address], memory[self._spec.address + 1])
        mass_kg = float_of(halves[0], halves[1], spec.word_order)
        other_kg = float_of(halves[1], halves[0], spec.word_order)
        hint = "are its address and its table right?"
        if spec.plausible(other_kg):
            other = "low_first" if spec.word_order == "high_first" else "high_first"
            hint = f"with word_order: {other} it would be {other_kg:.6g} kg"
        return self.weigher.update(mass_kg, now, hint)


FITTINGS: Mapping[str, Callable[[str, Any, Send], Fitting]] = {
    "belt": BeltFitting,
    "relay": OutputFitting,
    "digital_output": OutputFitting,
    "digital_input": lambda name, spec, _: InputFitting(name, spec),
    "weigher": lambda name, spec, _: WeigherFitting(name, spec),
}
"""By kind: makes one of a device's name, its spec, and what asks its unit."""
