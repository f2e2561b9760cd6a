"""One X series servo, simulated: its control table, what it obeys and refuses, what protects it.

Where the e-Manual says nothing it does what is safest to be prepared for: torque that is switched on goes to
whatever goal was written last, wherever the shaft was turned meanwhile.
"""

from __future__ import annotations

import math
import struct

from hal.drivers.dynamixel import models
from hal.drivers.dynamixel.codec import Error
from hal.drivers.dynamixel.models import ACCELERATION_RAD_S2, VELOCITY_RAD_S, HardwareError, Model
from hal.drivers.servo_twin import SmartServo
from hal.drivers.shaft import STEP_S

TABLE_BYTES = 148
FIRMWARE = 52
FIRST_RAM = models.TORQUE_ENABLE
EXAMINE_STEPS = 20
"""How often it looks whether something is wrong with it: ten times a second."""
WATCHED_STEPS = round(models.WATCHDOG_S / STEP_S)
"""No watchdog is content with less: until then it need not look."""
STEP_MS = round(1000 * STEP_S)
TICK_MS = 32_768
"""Where the realtime tick begins anew."""
TICK = struct.Struct("<H")
MOTION = struct.Struct("<B3xhii")
"""From `MOVING` on: whether it moves, current, velocity, position."""

_WORDS = {
    1: (7, 8, 9, 10, 11, 12, 13, 31, 60, 62, 63, 64, 65, 68, 98),
    2: (32, 34, 36, 38, 76, 78, 80, 82, 84, 88, 90, 100, 102),
    4: (20, 24, 40, 44, 48, 52, 104, 108, 112, 116),
}
WRITABLE = {address: size for size, addresses in _WORDS.items() for address in addresses}
"""By address, how many bytes are written together."""


class SimulatedServo(SmartServo):
    """One servo on the wire. `write` returns what its answer says about it."""

    def __init__(self, model: Model, servo: int, *, angle_rad: float = 0.0) -> None:
        super().__init__(model, angle_rad)
        self.model = model
        self._table = bytearray(TABLE_BYTES)
        self._registered: tuple[int, bytes] | None = None
        self._steps = 0
        self._quiet_steps = 0
        self._shown = -1
        """`changes` of the shaft as it was written into the table."""
        self._set_up(servo)

    @property
    def id(self) -> int:
        """By which it is called."""
        return self._table[models.ID]

    @property
    def status_level(self) -> int:
        """0: it answers pings; 1: questions too; 2: everything."""
        return self._table[models.STATUS_RETURN_LEVEL]

    @property
    def has_torque(self) -> bool:
        """Whether it holds its goal."""
        return self._table[models.TORQUE_ENABLE] == 1

    @property
    def alert(self) -> bool:
        """Whether its hardware error status is not 0."""
        return self._table[models.HARDWARE_ERROR] != 0

    # ------------------------------------------------------------------ what happens to it

    def power_on(self) -> None:
        """It starts anew, limp, with its goal where it stands; a hardware error is forgotten."""
        self._registered = None
        self._steps = self._quiet_steps = 0
        table = self._table
        table[FIRST_RAM : models.GOAL_POSITION] = bytes(models.GOAL_POSITION - FIRST_RAM)
        table[models.STATUS_RETURN_LEVEL] = 2
        self._put(models.GOAL_POSITION, self._position())
        self.shaft.release()

    def advance(self, steps: int) -> None:
        """So many steps of its shaft."""
        while steps:
            some = min(steps, EXAMINE_STEPS - self._steps % EXAMINE_STEPS)
            steps -= some
            self._steps += some
            self._quiet_steps += some
            self.shaft.advance(some)
            if self._quiet_steps > WATCHED_STEPS:
                self._watch()
            if self._steps % EXAMINE_STEPS == 0:
                self._examine()

    def heard(self) -> None:
        """There was an instruction on the bus, for whomever: its watchdog is content."""
        self._quiet_steps = 0

    def _examine(self) -> None:
        self._table[models.HARDWARE_ERROR] |= self._wrong()
        if self.has_torque and self._shuts_down():
            self._table[models.TORQUE_ENABLE] = 0
            self._obey()

    def _wrong(self) -> int:
        lowest_v = self._get(models.MIN_VOLTAGE_LIMIT, 2) * models.VOLT
        highest_v = self._get(models.MAX_VOLTAGE_LIMIT, 2) * models.VOLT
        wrong = 0
        if not lowest_v <= self.supply_v <= highest_v:
            wrong |= HardwareError.INPUT_VOLTAGE.value
        if self.temperature_degc > self._table[models.TEMPERATURE_LIMIT]:
            wrong |= HardwareError.OVERHEATING.value
        if self.shaft.overloaded:
            wrong |= HardwareError.OVERLOAD.value
        return wrong

    def _shuts_down(self) -> bool:
        return bool(self._table[models.HARDWARE_ERROR] & self._table[models.SHUTDOWN])

    def _watch(self) -> None:
        limit = self._table[models.BUS_WATCHDOG]
        if limit in (0, models.WATCHDOG_TRIPPED) or not self.has_torque:
            return
        if self._quiet_steps * STEP_S > limit * models.WATCHDOG_S:
            self._table[models.BUS_WATCHDOG] = models.WATCHDOG_TRIPPED
            self._put(models.GOAL_POSITION, self._position())
            self._obey()

    # ------------------------------------------------------------------ its control table

    def read(self, address: int, count: int) -> bytes | None:
        """What stands there now; None where there is nothing."""
        end = address + count
        if end > TABLE_BYTES:
            return None
        self._show(end)
        return bytes(self._table[address:end])

    def write(self, address: int, data: bytes) -> Error:
        """Take what may be written, all or nothing, and do what it means."""
        error = self._check(address, data)
        if error is Error.NONE:
            self._table[address : address + len(data)] = data
            self._obey()
        return error

    def register(self, address: int, data: bytes) -> Error:
        """Keep a write for `action`."""
        error = self._check(address, data)
        if error is Error.NONE:
            self._registered = (address, data)
            self._table[models.REGISTERED] = 1
        return error

    def action(self) -> Error:
        """Do what was kept."""
        if self._registered is None:
            return Error.INSTRUCTION
        kept, self._registered = self._registered, None
        self._table[models.REGISTERED] = 0
        return self.write(*kept)

    def _check(self, address: int, data: bytes) -> Error:
        at, end = address, address + len(data)
        while at < end:
            size = WRITABLE.get(at)
            if size is None or (at < FIRST_RAM and self.has_torque):
                return Error.ACCESS
            if at + size > end:
                return Error.DATA_LENGTH
            error = self._check_value(at, models.signed(data[at - address : at - address + size]))
            if error is not Error.NONE:
                return error
            at += size
        return Error.NONE if data else Error.DATA_LENGTH

    def _check_value(self, address: int, value: int) -> Error:
        if address == models.GOAL_POSITION:
            if self._table[models.BUS_WATCHDOG] == models.WATCHDOG_TRIPPED:
                return Error.DATA_RANGE
            if self._table[models.OPERATING_MODE] != models.POSITION_CONTROL:
                return Error.NONE
            low, high = self._get(models.MIN_POSITION_LIMIT, 4), self._get(models.MAX_POSITION_LIMIT, 4)
            return Error.NONE if low <= value <= high else Error.DATA_LIMIT
        if address == models.TORQUE_ENABLE:
            if value not in (0, 1):
                return Error.DATA_RANGE
            return Error.RESULT_FAIL if value and self._shuts_down() else Error.NONE
        return Error.NONE

    def _obey(self) -> None:
        """Let the shaft feel what the table says."""
        if self._run_away:
            self.shaft.drive(math.pi)
        elif not self.has_torque:
            self.shaft.release()
        else:
            velocity = self._get(models.PROFILE_VELOCITY, 4) * VELOCITY_RAD_S
            acceleration = self._get(models.PROFILE_ACCELERATION, 4) * ACCELERATION_RAD_S2
            goal_rad = models.angle_of(self._get(models.GOAL_POSITION, 4))
            self.shaft.drive(goal_rad, velocity or math.inf, acceleration or math.inf)

    def _show(self, end: int) -> None:
        """Write into the table what there is to be read before `end`."""
        shaft, table = self.shaft, self._table
        TICK.pack_into(table, models.REALTIME_TICK, self._steps * STEP_MS % TICK_MS)
        if self._shown != shaft.changes:
            self._shown = shaft.changes
            current_a = self.model.current_a
            MOTION.pack_into(
                table,
                models.MOVING,
                bool(shaft.speed_rad_s),
                0 if current_a is None else round(shaft.current_a / current_a),
                round(shaft.speed_rad_s / VELOCITY_RAD_S),
                self._position(),
            )
        if end > models.PRESENT_VOLTAGE:
            self._put(models.PRESENT_VOLTAGE, round(self.supply_v / models.VOLT), 2)
            table[models.PRESENT_TEMPERATURE] = max(0, round(self.temperature_degc))

    def _position(self) -> int:
        return models.position_of(self.shaft.angle_rad)

    def _get(self, address: int, size: int) -> int:
        return models.signed(bytes(self._table[address : address + size]))

    def _put(self, address: int, number: int, size: int = 4) -> None:
        self._table[address : address + size] = number.to_bytes(size, "little", signed=True)

    def _set_up(self, servo: int) -> None:
        """As it comes out of its box, but for its id and its speed of 1 Mb/s."""
        table, model = self._table, self.model
        self._put(models.MODEL_NUMBER, model.number, 2)
        table[models.FIRMWARE] = FIRMWARE
        table[models.ID] = servo
        table[models.BAUD_RATE] = models.BAUD_RATES.index(1_000_000)
        table[models.RETURN_DELAY] = 250
        table[models.OPERATING_MODE] = models.POSITION_CONTROL
        table[models.TEMPERATURE_LIMIT] = model.hottest_degc
        self._put(models.MAX_VOLTAGE_LIMIT, round(model.highest_v / models.VOLT), 2)
        self._put(models.MIN_VOLTAGE_LIMIT, round(model.lowest_v / models.VOLT), 2)
        self._put(models.MAX_POSITION_LIMIT, models.STEPS - 1)
        table[models.SHUTDOWN] = model.shutdown
        self.power_on()
