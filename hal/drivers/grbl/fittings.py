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
from hal.drivers.grbl.words import MachineState, Status, explain_error
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

    While it moves it takes neither, but for its job's own lines: then switching is refused.
    """

    def __init__(self, name: str, spec: GrblDigitalOutputSpec | GrblRelaySpec, board: BoardOfOutput) -> None:
        self._spec = spec
        self._board = board
        self._on = False
        """What it is, as far as is known..."""
        self._wanted = False
        """...and what it was told, or what a job made of it."""
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
        """1 or 0."""
        on = (value > 0) is (self._spec.active == "high")
        state = self._board.status.state if self._board.status is not None else None
        if state is MachineState.IDLE or (state is None and self._board.lines.idle):
            self._wanted = on
            self._send(on)
        elif state in (MachineState.HOLD, MachineState.DOOR):
            self._wanted = on
            if on is not self._on:
                self._board.tell(words.TOGGLE_FLOOD)
                self._on = on
        elif not on:
            self._wanted = False  # as soon as it can be, or by the reset behind a stop
        else:
            raise DeviceRefused(self.device.name, "it cannot be switched on while the machine moves")

    def reported(self, status: Status, now: float) -> None:
        """A report came; some tell what is on."""
        if status.accessories is not None:
            self._on = "F" in status.accessories
            if status.state in (MachineState.RUN, MachineState.CHECK):
                self._wanted = self._on  # a job switched it
            self.device.update(self._on, now)
        if status.state is MachineState.IDLE and self._on and not self._wanted and self._board.lines.idle:
            with suppress(HalError):
                self._send(False)

    def was_reset(self, now: float) -> None:
        """It is off now; what must not be let go is switched on again at once."""
        held, self._on = self.holds, False
        if held:
            with suppress(HalError):
                self._send(True)
        else:
            self._wanted = False
        self.device.update(self._on, now)

    def forget(self) -> None:
        """Its wire was lost; the reset that follows switches it off."""
        self._on = self._wanted = False

    def judge(self, proof: Evidence | None, why: str) -> Evidence:
        """What is known of it after a stop."""
        if self._spec.on_stop == "keep":
            return Evidence(True, float(self._on))
        if self._on:
            return Evidence(False, 1.0, why="it is still on" if proof else why)
        return proof._replace(value=0.0) if proof else Evidence(False, why=why)

    def _send(self, on: bool) -> None:
        def answered(error: int | None) -> None:
            if error is not None:
                self._on = False
                self.device.fail(f"its board refused to switch it: {explain_error(error)}")

        line = words.COOLANT_ON if on else words.COOLANT_OFF
        self._board.lines.offer(Line(line, answered), asyncio.get_running_loop().time())
        self._on = on
