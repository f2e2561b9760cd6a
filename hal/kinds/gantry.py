"""A gantry: three straight axes behind a controller that plans its motion and knows where it is."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from typing import ClassVar

from hal.device import SETPOINT_FRESHNESS_S, Actuator, verb
from hal.device.files import NotWithin, read_within
from hal.errors import DeviceGone, DeviceRefused, HalError, Halted, OutOfRange
from hal.kinds.three_axes import STILL, GantryController, GantrySpec, GantryState, Position, Velocity
from hal.kinds.ticker import Ticker

JOB_LIMIT_BYTES = 4 << 20
"""A longer job is refused."""
SLACK_M = 0.0005
"""So far beyond its travel a reading is nothing: a controller rounds."""


class Gantry(Actuator):
    """A gantry with three axes. Whatever it is told ends what it did before, and begins when that stands.

    After an alarm that lost its position it takes nothing but `home`.
    """

    KIND = "gantry"
    READINGS: ClassVar[Mapping[str, str]] = {
        "x": "m",
        "y": "m",
        "z": "m",
        "speed": "m/s",
        "moving": "bool",
        "held": "bool",
        "homed": "bool",
        "alarm": "",
        "progress": "%",
        "line": "",
    }

    spec: GantrySpec

    def __init__(
        self, name: str, spec: GantrySpec, controller: GantryController, stale_after_s: float
    ) -> None:
        super().__init__(name, spec)
        self.stale_after_s = stale_after_s
        self.controller = controller
        self._state: GantryState | None = None
        self._velocity = STILL
        self._in_job = False
        self._ticker = Ticker(self._jog_on)

    # ------------------------------------------------------------------ what it can be told

    @verb(moves=True, timeout_s=None)
    async def home(self) -> Position:
        """Find the limit switches, slowly, and return where it stands then. The way out of every alarm.

        Raises:
            DeviceUnavailable: it is not active.
            DeviceRefused: it cannot home, or did not find a switch.
            Halted: a stop or something newer ended it before; where it is, is not known then.
            DeviceGone, LinkFull: the wire did not take it.
        """
        self._require_active()
        if not self.spec.homing:
            raise DeviceRefused(self.name, "it has no switches to find: its file says 'homing: false'")
        self._begin("it was told to home")
        self._set_out(self.controller.home)
        await self._until_reached()
        return self._position()

    @verb(moves=True, timeout_s=None)
    async def move_to(
        self,
        x_m: float | None = None,
        y_m: float | None = None,
        z_m: float | None = None,
        speed_m_s: float | None = None,
    ) -> Position:
        """Go straight to a place, and return where it stands then. An axis that is not named stays.

        Raises:
            OutOfRange: beyond its travel or `max_speed` (unless `on_limit: clamp`), or not a finite number.
            DeviceRefused: its position is lost, or it cannot get there.
            The rest as `home`.
        """
        self._require_active()
        self._require_homed()
        asked = zip("xyz", (x_m, y_m, z_m), self._position(), self.spec.spans, strict=True)
        target = Position(
            *(
                present if value is None else self._limited(axis, value, span.low_m, span.high_m, "m")
                for axis, value, present, span in asked
            )
        )
        speed = self.spec.max_speed if speed_m_s is None else self._speed(speed_m_s)
        self._begin("a newer goal ended its motion")
        self._set_out(self.controller.move, target, speed)
        await self._until_reached()
        return self._position()

    @verb(moves=True, streamed=True)
    def jog(self, x_m_s: float = 0.0, y_m_s: float = 0.0, z_m_s: float = 0.0) -> Velocity:
        """Move along the axes at these speeds, as far as its travel; returns them. Lapses after 400 ms.

        Raises:
            OutOfRange: together faster than `max_speed` (unless `on_limit: clamp`), or not finite numbers.
            The rest as `move_to`.
        """
        self._require_active()
        self._require_homed()
        asked = Velocity(x_m_s, y_m_s, z_m_s)
        speed = math.hypot(*asked)
        taken = self._limited("speed", speed, 0.0, self.spec.max_speed, "m/s")
        velocity = asked if taken == speed else Velocity(*(each * taken / speed for each in asked))
        loop = asyncio.get_running_loop()
        now = loop.time()
        self.generation += 1
        if velocity == STILL:
            if not self.at_rest:
                self.stop_because(Halted(self.name, "it was told to stand still"))
            return velocity
        if self._motion is not None or self._in_job:
            self._begin("a newer setpoint ended its motion")
        self.controller.jog(velocity, now)
        self._velocity = velocity
        self._resting(now, False)
        if not self._ticker.running:
            self._ticker.start(now)
        self._stop_no_more()
        self._fresh_until(now + SETPOINT_FRESHNESS_S, loop)
        return velocity

    @verb(moves=True, timeout_s=None, lasting=True)
    async def run_job(self, file: str) -> int:
        """Carry out a G-code file from the folder of the robot's file; returns how many lines it had.

        It is read through first: what is wrong with it is told before anything moves, as far as that can be
        known. It begins with the modes of a controller that was just reset, whatever the job before it left.
        `progress` and `line` tell how far its lines were taken.

        Raises:
            DeviceRefused: there is no such file, a line of it is wrong, or the controller refused one; the
                message names it.
            The rest as `move_to`.
        """
        self._require_active()
        self._require_homed()
        go_on = self._newest(f"read {file}")
        try:
            text = read_within(self.folder, file, JOB_LIMIT_BYTES)
        except NotWithin as error:
            raise DeviceRefused(self.name, str(error)) from None
        job = await self.controller.load(file, text, go_on)
        go_on()
        self._require_active()
        self._begin("a newer job ended its motion")
        self._in_job = True
        self.progress(0, 1, asyncio.get_running_loop().time())
        self._set_out(self.controller.run, job)
        return int(await self._until_reached())

    @verb(moves=False)
    def pause(self) -> None:
        """Brake and hold a job, which `resume` goes on with. What it switched stays as it is.

        A job that is still read cannot be held: it is given up.

        Raises:
            DeviceUnavailable: it is not active.
            DeviceRefused: there is no job.
            DeviceGone, LinkFull: the wire did not take it.
        """
        self._require_active()
        if not self._in_job:
            self.generation += 1
        self._require_job()
        self.controller.pause()

    @verb(moves=True)
    def resume(self) -> None:
        """Go on with a job that is held. Raises: as `pause`."""
        self._require_active()
        self._require_job()
        self.controller.resume()

    @verb(moves=False)
    def cancel(self) -> None:
        """End a job, also one that is still read, or whatever it does; one that is held moves no more."""
        self.generation += 1
        if not self.at_rest:
            self.stop_because(Halted(self.name, "it was cancelled"))

    # ------------------------------------------------------------------ what its driver tells

    def update(self, state: GantryState, at: float) -> bool:
        """Its controller reports. Returns whether it is to be asked again at once, as `_felt`."""
        self._state = state
        told = {
            "x": state.position.x_m,
            "y": state.position.y_m,
            "z": state.position.z_m,
            "speed": state.speed_m_s,
            "moving": state.moving,
            "held": state.held,
            "homed": state.homed,
            "alarm": float(state.alarm),
        }
        for name, value in told.items():
            self._renew(name, value, at)
        for name in ("progress", "line"):
            known = self._values.get(name)
            self._renew(name, known[0] if known else 0.0, at)
        if not state.homed:
            return False
        doubts = [
            self._felt(axis, value, span.low_m, span.high_m, "m", SLACK_M)
            for axis, value, span in zip("xyz", state.position, self.spec.spans, strict=True)
        ]
        return any(doubts)

    def progress(self, line: int, share: float, at: float) -> None:
        """A job has come to this line of its file, and so far."""
        self._renew("line", float(line), at)
        self._renew("progress", float(math.floor(share * 100)), at)

    def finished(self, value: float = 0.0) -> None:
        """What was under way is done."""
        self._in_job = False
        self._resting(self._now(), True)
        self._reached(value)

    def broke(self, error: HalError) -> None:
        """What was under way ended before its end, and is being stopped."""
        self.stop_because(error)

    def vanish(self) -> None:
        """As for every actuator; where it is, nobody knows."""
        super().vanish()
        self._state = None

    # ------------------------------------------------------------------ within

    def _begin(self, why: str) -> None:
        """End what is under way; what comes next begins when that stands."""
        self.generation += 1
        if not self.at_rest:
            self.stop_because(Halted(self.name, why))
        self._fresh_for_ever()
        self._stop_no_more()
        self._resting(self._now(), False)

    def _set_out(self, begin: Callable[..., None], *args: object) -> None:
        try:
            begin(*args)
        except Exception:
            self._in_job = False
            self._resting(self._now(), True)
            raise

    def _jog_on(self, now: float) -> None:
        try:
            self.controller.jog(self._velocity, now)
        except HalError as error:
            self.stop_because(error)

    def _to_stop_value(self, now: float) -> None:
        self._ticker.stop()
        self._velocity = STILL
        self._in_job = False
        self._surely(self.controller.stop)

    def _position(self) -> Position:
        if self._state is None:
            raise DeviceGone(self.name, "where it is, is not known; is its board connected?")
        return self._state.position

    def _speed(self, speed_m_s: float) -> float:
        if speed_m_s <= 0:
            raise OutOfRange(
                self.name, f"speed must be more than zero, not {speed_m_s}", limit=0.0, unit="m/s"
            )
        return self._limited("speed", speed_m_s, 0.0, self.spec.max_speed, "m/s")

    def _require_homed(self) -> None:
        if self._state is None or (self.spec.homing and not self._state.homed):
            raise DeviceRefused(self.name, "it does not know where it is; home it first")

    def _require_job(self) -> None:
        if not self._in_job:
            raise DeviceRefused(self.name, "it is in no job")

    def _renew(self, name: str, value: float | bool, at: float) -> None:
        self._values[name] = (value, at)
        self._tell(name)
