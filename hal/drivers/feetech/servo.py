"""One of Feetech's servos, simulated: its memory, what it obeys, what protects it.

Where the manuals say nothing it does what is safest to be prepared for: torque that is switched on goes to
whatever goal was written last, wherever the shaft was turned meanwhile.
"""

from __future__ import annotations

import math

from hal.drivers.feetech import codec, models
from hal.drivers.feetech.models import Model, Trouble
from hal.drivers.servo_twin import SmartServo
from hal.drivers.shaft import PUSH_A

MEMORY_BYTES = 128
PROTECTS = Trouble.VOLTAGE | Trouble.TEMPERATURE | Trouble.CURRENT | Trouble.LOAD
"""What makes it let go (its "unloading condition", as it comes)."""
FIRMWARE = (3, 10)


class SimulatedServo(SmartServo):
    """One servo on the wire. Bytes are read and written where its memory table has them."""

    def __init__(self, model: Model, servo: int, *, angle_rad: float = 0.0) -> None:
        super().__init__(model, angle_rad)
        self.model = model
        self._memory = bytearray(MEMORY_BYTES)
        self._written: tuple[int, bytes] | None = None
        self._overload = False
        self._shown = -1
        """`changes` of the shaft as it was written into the memory."""
        self._set_up(servo)
        self._kept = bytes(self._memory[: models.TORQUE_ENABLE])
        """What it has again after a power-off."""

    @property
    def id(self) -> int:
        """By which it is called."""
        return self._memory[models.ID]

    @property
    def answers_writes(self) -> bool:
        """Whether it acknowledges what is written to it alone."""
        return self._memory[models.STATUS_LEVEL] > 0

    @property
    def has_torque(self) -> bool:
        """Whether it holds its goal."""
        return self._memory[models.TORQUE_ENABLE] == 1

    @property
    def trouble(self) -> int:
        """The error bits of each of its answers."""
        trouble = 0
        lowest_v, highest_v = self._memory[models.MIN_VOLTAGE], self._memory[models.MAX_VOLTAGE]
        if not lowest_v * models.VOLT <= self.supply_v <= highest_v * models.VOLT:
            trouble |= Trouble.VOLTAGE
        if self.temperature_degc > self._memory[models.MAX_TEMPERATURE]:
            trouble |= Trouble.TEMPERATURE
        if self._overload:
            trouble |= Trouble.LOAD
        return trouble

    # ------------------------------------------------------------------ what happens to it

    def power_on(self) -> None:
        """What is not kept without power starts anew: it is limp, and its goal is where it stands."""
        self._overload = False
        self._written = None
        self._memory[: models.TORQUE_ENABLE] = self._kept
        self._memory[self.model.lock] = 1
        self._memory[models.TORQUE_ENABLE] = 0
        self._memory[models.ACCELERATION] = 0
        self._put(models.GOAL_SPEED, 0)
        self._put(models.GOAL_POSITION, self._position())
        self.shaft.release()

    def advance(self, steps: int) -> None:
        """So many steps of its shaft."""
        while steps > 0:
            passing = steps if self.shaft.settled else 1
            self.shaft.advance(passing)
            steps -= passing
            self._protect()

    # ------------------------------------------------------------------ its memory

    def read(self, address: int, count: int) -> bytes:
        """What stands there now; beyond its memory there are zeros."""
        self._show()
        return bytes(self._memory[address : address + count]).ljust(count, b"\x00")

    def write(self, address: int, data: bytes) -> None:
        """Take what may be written, and do what it means; the rest is as if it had not been said."""
        for at, value in enumerate(data, start=address):
            if models.ID <= at < models.PRESENT_POSITION:
                self._memory[at] = value
        if self._memory[self.model.lock] == 0:
            self._kept = bytes(self._memory[: models.TORQUE_ENABLE])
        if address <= models.TORQUE_ENABLE < address + len(data):
            self._overload = False
        if address < models.PRESENT_POSITION and address + len(data) > models.TORQUE_ENABLE:
            self._obey()

    def reg_write(self, address: int, data: bytes) -> None:
        """Keep a write for `action`."""
        self._written = (address, data)
        self._memory[models.REG_WRITTEN] = 1

    def action(self) -> None:
        """Do what was kept."""
        if self._written is not None:
            self.write(*self._written)
            self._written = None
            self._memory[models.REG_WRITTEN] = 0

    def _protect(self) -> None:
        """Let go before something breaks."""
        self._overload = self._overload or self.shaft.overloaded
        if self.has_torque and self.trouble & PROTECTS:
            self._memory[models.TORQUE_ENABLE] = 0
            self._obey()

    def _obey(self) -> None:
        """Let the shaft feel what the memory says."""
        if self._run_away:
            self.shaft.drive(self.model.angle_rad(self.model.steps - 1))
        elif not self.has_torque:
            self.shaft.release()
        else:
            position = min(max(self._get(models.GOAL_POSITION), self._low()), self._high())
            speed = abs(self._get(models.GOAL_SPEED)) * self.model.step_rad
            count_rad_s2 = self.model.acceleration_rad_s2
            acceleration = self._memory[models.ACCELERATION] * (count_rad_s2 or 0.0)
            self.shaft.drive(
                self.model.angle_rad(position),
                speed or math.inf,
                acceleration or math.inf,
            )

    def _show(self) -> None:
        """Write into the memory what there is to be read."""
        if self._shown != self.shaft.changes:
            self._shown = self.shaft.changes
            self._show_motion()
        memory = self._memory
        memory[models.PRESENT_VOLTAGE] = round(self.supply_v / models.VOLT)
        memory[models.PRESENT_TEMPERATURE] = max(0, round(self.temperature_degc))
        memory[models.STATUS] = self.trouble

    def _show_motion(self) -> None:
        shaft, model = self.shaft, self.model
        pushes = round(shaft.current_a / PUSH_A / models.LOAD_SHARE)
        self._put(models.PRESENT_POSITION, self._position())
        self._put(models.PRESENT_SPEED, round(shaft.speed_rad_s / model.step_rad))
        self._put(models.PRESENT_LOAD, pushes, models.LOAD_SIGN_BIT)
        self._memory[models.MOVING] = bool(shaft.speed_rad_s)
        if model.current_a is not None:
            self._put(models.PRESENT_CURRENT, round(shaft.current_a / model.current_a))

    def _position(self) -> int:
        return self.model.centre + round(self.shaft.angle_rad / self.model.step_rad)

    def _low(self) -> int:
        return self._get(models.MIN_POSITION)

    def _high(self) -> int:
        """Both limits at zero: there are none."""
        return self._get(models.MAX_POSITION) or (1 << models.SIGN_BIT) - 1

    def _get(self, address: int) -> int:
        return codec.signed(self.model.number_at(self._memory, address), models.SIGN_BIT)

    def _put(self, address: int, number: int, sign_bit: int = models.SIGN_BIT) -> None:
        self._memory[address : address + 2] = self.model.word(codec.unsigned(number, sign_bit))

    def _set_up(self, servo: int) -> None:
        """As it comes out of its box, but for its id."""
        memory = self._memory
        memory[models.FIRMWARE : models.FIRMWARE + 2] = bytes(FIRMWARE)
        memory[models.VERSION : models.VERSION + 2] = bytes(self.model.version)
        memory[models.ID] = servo
        memory[models.STATUS_LEVEL] = 1
        self._put(models.MAX_POSITION, self.model.steps - 1)
        memory[models.MAX_TEMPERATURE] = 70
        memory[models.MAX_VOLTAGE] = 140
        memory[models.MIN_VOLTAGE] = 40
        self._put(models.GOAL_POSITION, self._position())
