"""What hangs on a Grbl board beside its axes: the coolant output and the inputs of its status reports."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Protocol

from hal.device import Evidence
from hal.drivers.grbl import words
from hal.drivers.grbl.brake import Brake
from hal.drivers.grbl.lines import Line, Lines
from hal.drivers.grbl.specs import PIN_LETTERS, GrblDigitalInputSpec, GrblDigitalOutputSpec, GrblRelaySpec
from hal.drivers.grbl.words import MachineState, Status
from hal.errors import DeviceRefused, HalError
from hal.kinds import DigitalInput, DigitalOutput, Relay


class BoardOfOutput(Protocol):
    """What an output needs of its board."""

    lines: Lines
    brake: Brake
    status: Status | None

    def tell(self, data: bytes) -> None:
        """Write real-time bytes."""


class InputFitting:
    """One letter of the field `Pn`."""

    def __init__(self, name: str, spec: GrblDigitalInputSpec) -> None:
        self._letter = PIN_LETTERS[spec.pin]
        self.input = DigitalInput(name, spec)

    def update(self, status: Status, now: float) -> None:
        """A report came; it names the inputs that are triggered."""
        self.input.update(self._letter in status.pins, now)


class CoolantFitting:
    """The coolant output: M8 and M9 where lines are taken, a real-time byte where the machine is held.

    While it moves it takes neither, but for the lines of its job: then switching is refused.
    """

    def __init__(self, name: str, spec: GrblDigitalOutputSpec | GrblRelaySpec, board: BoardOfOutput) -> None:
        self._spec = spec
        self._board = board
        self._on = False
        """What it is, as far as is known..."""
        self._wanted = False
        """...and what it was told, or what a job made of it."""
        self._switching = False
        """It was told, and has not answered: a report may tell of before."""
        make = Relay if isinstance(spec, GrblRelaySpec) else DigitalOutput
        self.device: DigitalOutput = make(name, spec, self)

    @property
    def holds(self) -> bool:
        """Whether it is on and a stop must leave it so."""
        return self._on and self._spec.on_stop == "keep"

    @property
    def must_go_off(self) -> bool:
        """Whether it is on and a stop must switch it off."""
        return self._on and self._spec.on_stop == "off"

    def write(self, value: float) -> None:
        """1 or 0. Raises `DeviceRefused` while the machine moves; off is then remembered."""
        on = (value > 0) is (self._spec.active == "high")
        state = self._board.status.state if self._board.status is not None else None
        if state is MachineState.IDLE:
            self._wanted = on
            self._send(on)
        elif state is MachineState.HOLD:
            self._wanted = on
            if on is not self._on:
                self._board.tell(words.TOGGLE_FLOOD)
                self._on = on
        elif on:
            raise DeviceRefused(self.device.name, "it can only be switched on while the machine stands")
        else:
            self._wanted = False
            raise DeviceRefused(self.device.name, "it is switched off as soon as the machine stands")

    def reported(self, status: Status, now: float) -> None:
        """A report came; some tell what is on."""
        if status.accessories is not None and not self._switching:
            self._on = "F" in status.accessories
            if status.state in (MachineState.RUN, MachineState.CHECK):
                self._wanted = self._on  # a job switched it
            self.device.update(self._on, now)
        if status.state is MachineState.IDLE and self._on and not self._wanted and self._board.lines.idle:
            with suppress(HalError):
                self._send(False)
                self.device.update(False, now)

    def was_reset(self, now: float) -> None:
        """It is off now; what must not be let go is switched on again at once."""
        held, self._on, self._switching = self.holds, False, False
        if held:
            with suppress(HalError):
                self._send(True)
        else:
            self._wanted = False
        self.device.update(self._on, now)

    def forget(self) -> None:
        """Its wire was lost; the reset that follows switches it off."""
        self._on = self._wanted = self._switching = False

    def judge(self, proof: Evidence | None, why: str) -> Evidence:
        """What is known of it after a stop."""
        if self._spec.on_stop == "keep":
            return Evidence(True, float(self._on))
        if self._on:
            return Evidence(False, 1.0, why="it is still on" if proof else why)
        return proof._replace(value=0.0) if proof else Evidence(False, why=why)

    def _send(self, on: bool) -> None:
        def answered(error: int | None) -> None:
            self._switching = False
            if error is not None:  # it has locked itself meanwhile
                self._on = not on
                self.device.update(self._on, asyncio.get_running_loop().time())

        line = words.COOLANT_ON if on else words.COOLANT_OFF
        self._board.lines.offer(Line(line, answered), asyncio.get_running_loop().time())
        self._on, self._switching = on, True
