"""How each kind of device hangs on its pins: what prepares them, what stops them, what proves the stop."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from hal.device import Device, Evidence
from hal.drivers.firmata import codec
from hal.drivers.firmata.codec import PinState
from hal.drivers.firmata.specs import (
    FirmataAnalogInputSpec,
    FirmataDigitalInputSpec,
    FirmataDigitalOutputSpec,
    FirmataMotorSpec,
    FirmataServoSpec,
)
from hal.drivers.firmata.words import PinMode
from hal.kinds import AnalogInput, DigitalInput, DigitalOutput, Motor, Servo

FULL_DUTY = 255
HALF_STEP = 0.5 / FULL_DUTY

Send = Callable[[bytes], None]


class Pin(NamedTuple):
    """A pin in use."""

    number: int
    mode: PinMode
    """What it should be now."""
    device: str


class Fitting(ABC):
    """One device on its pins."""

    device: Device
    stop_pin: int | None = None
    """The pin whose state proves that it stopped; None for a sensor."""

    @abstractmethod
    def modes(self) -> Mapping[int, PinMode]:
        """What its pins must be able to do."""

    def setup(self) -> bytes:
        """What makes its pins ready. Moves nothing."""
        return b"".join(codec.pin_mode(pin, mode) for pin, mode in self.modes().items())

    def prepared(self) -> Mapping[int, PinMode]:
        """The modes that its pins should have since `setup`."""
        return self.modes()

    def stop(self) -> bytes:
        """What makes it safe, whatever it does now."""
        return b""

    def judge(self, state: PinState) -> Evidence:
        """What the state of `stop_pin` says about the stop."""
        return Evidence(confirmed=False, why="it is a sensor")

    def again(self, state: PinState) -> bytes:
        """What to say once more, since by the state of `stop_pin` it was lost on the way, or refused."""
        return b""

    def feel(self, state: PinState, now: float) -> bool:
        """Compare the state of `stop_pin` with the limits; whether it is to be asked for again at once.

        A pin in another mode than it should have is the audit's matter.
        """
        return False


class MotorFitting(Fitting):
    """PWM and direction. Every write says both, so that one lost on a bad wire is mended by the next."""

    def __init__(self, name: str, spec: FirmataMotorSpec, send: Send) -> None:
        self._spec = spec
        self._send = send
        self.stop_pin: int = spec.pwm_pin
        forward = codec.pin_value(spec.direction_pin, high=False)
        backward = codec.pin_value(spec.direction_pin, high=True)
        # Indexed by duty in 255ths: those below zero stand where a negative index finds them.
        self._frames = [forward + codec.analog(spec.pwm_pin, level) for level in range(FULL_DUTY + 1)]
        self._frames += [backward + codec.analog(spec.pwm_pin, level) for level in range(FULL_DUTY, 0, -1)]
        self.motor = Motor(name, spec, self)
        self.device = self.motor

    def write(self, value: float) -> None:
        """A duty from -1 to 1."""
        self._send(self._frames[round(value * FULL_DUTY)])

    def modes(self) -> Mapping[int, PinMode]:
        """A level and a PWM."""
        return {self._spec.direction_pin: PinMode.OUTPUT, self._spec.pwm_pin: PinMode.PWM}

    def stop(self) -> bytes:
        """Duty 0; the direction may stay."""
        return b"" if self._spec.on_stop == "keep" else codec.analog(self._spec.pwm_pin, 0)

    def judge(self, state: PinState) -> Evidence:
        """Safe is a duty of 0."""
        duty = state.state / FULL_DUTY
        if duty and self._spec.on_stop != "keep":
            return Evidence(
                False, duty, 0.0, f"pin {state.pin} still has a duty of {state.state} of {FULL_DUTY}"
            )
        return Evidence(True, duty)

    def again(self, state: PinState) -> bytes:
        """Its stop."""
        return self.stop() if self.motor.at_rest and not self.judge(state).confirmed else b""

    def feel(self, state: PinState, now: float) -> bool:
        """Its duty; which way round the other pin says."""
        if state.mode != PinMode.PWM:
            return False
        return self.motor.felt(state.state / FULL_DUTY, now, slack=HALF_STEP)


class ServoFitting(Fitting):
    """Attached by its first setpoint, not before: a servo that is attached jumps to its middle at once."""

    def __init__(self, name: str, spec: FirmataServoSpec, send: Send) -> None:
        self._spec = spec
        self._send = send
        self.stop_pin = spec.pin
        self._shortest_us = round(spec.min_pulse * 1e6)
        self._longest_us = round(spec.max_pulse * 1e6)
        self._attached = False
        self.servo = Servo(name, spec, self)
        self.device = self.servo

    def write(self, value: float) -> None:
        """An angle in rad; 0 is the middle."""
        frame = codec.analog(self._spec.pin, self._pulse_us(value))
        if not self._attached:
            frame = codec.servo_config(self._spec.pin, self._shortest_us, self._longest_us) + frame
        self._send(frame)
        self._attached = True

    def modes(self) -> Mapping[int, PinMode]:
        """A servo."""
        return {self._spec.pin: PinMode.SERVO}

    def setup(self) -> bytes:
        """Limp, until the first setpoint."""
        self._attached = False
        return codec.pin_mode(self._spec.pin, PinMode.OUTPUT)

    def prepared(self) -> Mapping[int, PinMode]:
        """An output that stays low, without pulses, until it is attached."""
        return {self._spec.pin: PinMode.SERVO if self._attached else PinMode.OUTPUT}

    def stop(self) -> bytes:
        """It holds its last pulse by itself, unless it shall go to zero."""
        if self._spec.on_stop != "zero":
            return b""
        return codec.analog(self._spec.pin, self._pulse_us(min(max(0.0, self._spec.min), self._spec.max)))

    def judge(self, state: PinState) -> Evidence:
        """Its pulse is where it holds."""
        if state.mode != PinMode.SERVO:
            return Evidence(True)  # limp: it was not moved yet
        return Evidence(True, self._angle_rad(state.state))

    def feel(self, state: PinState, now: float) -> bool:
        """The angle of its pulse. 0 is none: it was attached, and its first angle was lost on the way."""
        if state.mode != PinMode.SERVO or not state.state:
            return False
        return self.servo.felt(self._angle_rad(state.state), slack=self._angle_rad(1) - self._angle_rad(0))

    def _angle_rad(self, pulse_us: int) -> float:
        span_us = self._longest_us - self._shortest_us
        return ((pulse_us - self._shortest_us) / span_us - 0.5) * self._spec.travel

    def _pulse_us(self, angle_rad: float) -> int:
        share = angle_rad / self._spec.travel + 0.5
        return round(self._shortest_us + share * (self._longest_us - self._shortest_us))


class DigitalOutputFitting(Fitting):
    """One level."""

    def __init__(self, name: str, spec: FirmataDigitalOutputSpec, send: Send) -> None:
        self._spec = spec
        self._send = send
        self.stop_pin = spec.pin
        self._off = codec.pin_value(spec.pin, high=spec.active == "low")
        self.output = DigitalOutput(name, spec, self)
        self.device = self.output

    def write(self, value: float) -> None:
        """0 or 1."""
        self._send(codec.pin_value(self._spec.pin, high=value > 0))

    def modes(self) -> Mapping[int, PinMode]:
        """A level."""
        return {self._spec.pin: PinMode.OUTPUT}

    def setup(self) -> bytes:
        """Off."""
        return super().setup() + self._off

    def stop(self) -> bytes:
        """Off, unless it shall keep its level."""
        return self._off if self._spec.on_stop == "off" else b""

    def judge(self, state: PinState) -> Evidence:
        """Safe is off."""
        on = self._is_on(state)
        if on and self._spec.on_stop == "off":
            return Evidence(False, 1.0, why=f"pin {state.pin} is still on")
        return Evidence(True, float(on))

    def again(self, state: PinState) -> bytes:
        """That it is off."""
        told = self.output.reading("on")
        return self._off if self._is_on(state) and not (told and told.value) else b""

    def _is_on(self, state: PinState) -> bool:
        return bool(state.state) is (self._spec.active == "high")

    def feel(self, state: PinState, now: float) -> bool:
        """Its level: 1 for on, 0 for off."""
        if state.mode != PinMode.OUTPUT:
            return False
        return self.output.felt(float(state.state if self._spec.active == "high" else 1 - state.state), now)


class DigitalInputFitting(Fitting):
    """One bit of its port's report."""

    def __init__(self, name: str, spec: FirmataDigitalInputSpec) -> None:
        self._spec = spec
        self.port, self.bit = divmod(spec.pin, 8)
        self.input = DigitalInput(name, spec)
        self.device = self.input

    def modes(self) -> Mapping[int, PinMode]:
        """An input, pulled up or not."""
        return {self._spec.pin: PinMode.PULLUP if self._spec.pull == "up" else PinMode.INPUT}


class AnalogInputFitting(Fitting):
    """One analog channel. Which pin that is, the board's analog mapping tells."""

    def __init__(self, name: str, spec: FirmataAnalogInputSpec) -> None:
        self.spec = spec
        self.input = AnalogInput(name, spec)
        self.device = self.input
        self.pin: int | None = None

    def modes(self) -> Mapping[int, PinMode]:
        """An analog input."""
        return {} if self.pin is None else {self.pin: PinMode.ANALOG}


FITTINGS: Mapping[str, Callable[[str, Any, Send], Fitting]] = {
    "motor": MotorFitting,
    "servo": ServoFitting,
    "digital_output": DigitalOutputFitting,
    "digital_input": lambda name, spec, _: DigitalInputFitting(name, spec),
    "analog_input": lambda name, spec, _: AnalogInputFitting(name, spec),
}
"""By kind: makes one of a device's name, its spec, and what writes to the board."""
