"""The pins of the simulated Uno: what each of them is, what it was told, and what is soldered to it."""

from __future__ import annotations

from collections.abc import Collection

from hal.drivers.firmata import uno
from hal.drivers.firmata.wiring import FULL_DUTY, End, Shaft, Wiring
from hal.drivers.firmata.words import PinMode
from hal.drivers.rover_world import World
from hal.twin import UnknownQuantity

ATTACHED_PULSE_US = 1500
SHORTEST_PULSE_US = 544
LONGEST_PULSE_US = 2400
"""The pulses of 0 and 180 degrees; a servo value below the shortest is an angle (Arduino's `Servo.write`)."""


class Pins:
    """What a sketch does to its pins, the world feels at once. A pin that an Uno does not have is nothing."""

    def __init__(self, world: World, wiring: Wiring) -> None:
        self._world = world
        self._wiring = wiring
        self._wheel_of = {pin: wheel for wheel in wiring.wheels for pin in wheel[:2]}
        self._runaways: dict[int, End] = {}
        """By pin: what it does, in the mode in which it can, whatever it is told."""
        self.forget()

    def forget(self) -> None:
        """As after a reset."""
        self.modes = list(uno.FIRST_MODES)
        self._state = [0] * uno.PINS
        self._pulses = [(SHORTEST_PULSE_US, LONGEST_PULSE_US)] * uno.PINS
        for pin in range(uno.PINS):
            self._apply(pin)

    def set_mode(self, pin: int, mode: int) -> bool:
        """Make it another; False for what it cannot be. A servo goes to its middle at once."""
        if mode not in uno.modes_of(pin):
            return False
        self.modes[pin] = PinMode(mode)
        self._state[pin] = int(mode == PinMode.PULLUP)
        if mode == PinMode.SERVO:
            self._state[pin] = ATTACHED_PULSE_US
            self._apply(pin)
            self._state[pin] = 0
        else:
            self._apply(pin)
        return True

    def set_pulses(self, pin: int, shortest_us: int, longest_us: int) -> None:
        """What means 0 and 180 degrees to its servo."""
        if pin < uno.PINS:
            self._pulses[pin] = (shortest_us, longest_us)

    def write(self, pin: int, value: int, modes: Collection[PinMode]) -> None:
        """Tell it a value, which it takes in one of these modes."""
        if pin < uno.PINS and self.modes[pin] in modes:
            self._state[pin] = value
            self._apply(pin)

    def does(self, pin: int) -> int:
        """Its state: what it was told last, or what it does all the same."""
        end = self._runaways.get(pin)
        return self._state[pin] if end is None or end.mode != self.modes[pin] else end.state

    def run_away(self, name: str, *, on: bool) -> None:
        """As `Twin.run_away`."""
        end = self._wiring.ends.get(name)
        if end is None:
            raise UnknownQuantity(name, self._wiring.ends)
        if on:
            self._runaways[end.pin] = end
        else:
            self._runaways.pop(end.pin, None)
        self._apply(end.pin)

    def _apply(self, pin: int) -> None:
        """Let the world feel what the pin does now."""
        wheel = self._wheel_of.get(pin)
        if wheel is not None:
            runs = self.modes[wheel.pwm_pin] == PinMode.PWM
            duty = min(self.does(wheel.pwm_pin), FULL_DUTY) / FULL_DUTY if runs else 0.0
            wheel.turns(self._world, -duty if self._state[wheel.direction_pin] else duty)
        shaft = self._wiring.shafts.get(pin)
        if shaft is not None:
            shaft.joint.target_rad = (
                self._target_rad(pin, shaft) if self.modes[pin] == PinMode.SERVO else None
            )

    def _target_rad(self, pin: int, shaft: Shaft) -> float:
        value, (shortest_us, longest_us) = self.does(pin), self._pulses[pin]
        if value < SHORTEST_PULSE_US:
            value = round(shortest_us + min(value, 180) / 180 * (longest_us - shortest_us))
        pulse_us = min(max(value, shortest_us), longest_us)
        return max(-shaft.travel_rad / 2, min(shaft.travel_rad / 2, shaft.angle_rad(pulse_us)))
