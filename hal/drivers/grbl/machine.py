"""What a gantry is told, as lines for Grbl: one errand at a time, the next when the machine stands.

Moves are jogs (`$J=`): they change no mode of the parser, and a stop leaves nothing behind that could go on.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from enum import StrEnum

from hal.drivers.grbl import words
from hal.drivers.grbl.brake import HELD
from hal.drivers.grbl.codec import jog_line
from hal.drivers.grbl.facts import Facts
from hal.drivers.grbl.job import BadLine, Job, JobLine, read_job
from hal.drivers.grbl.jogging import Jogging
from hal.drivers.grbl.lines import Line
from hal.drivers.grbl.requirements import require_machine
from hal.drivers.grbl.specs import GrblGantrySpec
from hal.drivers.grbl.streaming import Stream
from hal.drivers.grbl.turn import BoardOfMachine, Turn
from hal.drivers.grbl.words import MachineState, Setting, Status, explain_alarm, explain_error
from hal.errors import DeviceGone, DeviceRefused, DeviceSilent, HalError
from hal.kinds.gantry import Gantry
from hal.kinds.three_axes import GantryState, Position, Velocity

ARRIVED_M = 0.0005
READ_AT_ONCE = 50
"""So many lines of a job are read before others have their turn."""
STALE_S = 1.0
"""At which age a report means nothing."""


class Errand(StrEnum):
    """What the machine does for us."""

    NOTHING = "nothing"
    HOMING = "homing"
    MOVING = "moving"
    JOGGING = "jogging"
    JOB = "job"


class GantryFitting:
    """The gantry of a board; the driver's side of the kind (`GantryController`)."""

    def __init__(self, name: str, spec: GrblGantrySpec, board: BoardOfMachine) -> None:
        self._spec = spec
        self._board = board
        self._errand = Errand.NOTHING
        self._target = Position(0.0, 0.0, 0.0)
        self._taken_at: float | None = None
        """When the last line of an errand was answered: the next report tells how it ended."""
        self._result = 0.0
        self._job = Job("", (), 0)
        self._stream: Stream | None = None
        self._moves = False
        self._held = False
        self._position = Position(0.0, 0.0, 0.0)
        self._jogging = Jogging(spec.spans)
        self._braking_s = 0.0
        """From its greatest speed, by its settings."""
        self.gantry = Gantry(name, spec, self, STALE_S)
        self._way_out = "home it" if spec.homing else "see where it stands, then switch it off and on"
        self._turn = Turn(name, board, self._way_out, self.gantry.broke)

    @property
    def busy(self) -> bool:
        """Whether it does something, or shall, or still moves."""
        return self.occupied or self._moves

    @property
    def occupied(self) -> bool:
        """Whether it does something that it was told to, or shall."""
        return self._errand is not Errand.NOTHING or self._turn.taken

    def require(self, facts: Facts) -> None:
        """Compare the file with the machine's settings. Raises `DeviceRefused` with the mend."""
        require_machine(self.gantry.name, self._spec, facts)
        self._jogging.rates_m_s = [facts[number] / 60_000 for number in Setting.MAX_RATE]
        self._jogging.accel_m_s2 = accel_m_s2 = min(facts[number] for number in Setting.ACCELERATION) / 1000
        self._braking_s = self._spec.max_speed / accel_m_s2

    # ------------------------------------------------------------------ what the kind asks for

    def home(self) -> None:
        """Find the limit switches."""
        self._when_at_rest(self._begin_homing, homes=True)

    def move(self, target: Position, speed_m_s: float) -> None:
        """Go straight to a place."""

        def begin(now: float) -> None:
            self._errand, self._target = Errand.MOVING, target
            self._send(Line(jog_line(target, speed_m_s), self._move_answered, self._lost), now)

        self._when_at_rest(begin)

    def jog(self, velocity: Velocity, now: float) -> None:
        """Go on like this; the first time as soon as the machine is at rest."""
        self._jogging.velocity = velocity
        if self._errand is not Errand.JOGGING:
            if not self._turn.taken:
                self._when_at_rest(self._begin_jogging)
        elif self._board.lines.idle and (line := self._jogging.next_line(now)) is not None:
            self._send(Line(line, self._jog_answered, self._lost), now)

    async def load(self, file: str, text: str, go_on: Callable[[], None]) -> Job:
        """Read a job through. Raises `DeviceRefused` for the first line that cannot be run, or as `go_on`."""
        lines: list[JobLine] = []
        length = 0
        try:
            for line in read_job(text, self._spec.spans, self._board.offset_mm):
                length += 1
                if line is not None:
                    lines.append(line)
                if length % READ_AT_ONCE == 0:
                    await asyncio.sleep(0)
                    go_on()
        except BadLine as bad:
            raise DeviceRefused(self.gantry.name, f"{file}, {bad}") from None
        return Job(file, lines, length)

    def run(self, job: object) -> None:
        """Carry out a job."""
        if not isinstance(job, Job):
            raise TypeError(f"{job!r} was not made by load")
        self._job = job
        self._when_at_rest(self._begin_job)

    def pause(self) -> None:
        """A feed hold."""
        if self._errand is not Errand.JOB:
            raise DeviceRefused(self.gantry.name, "its job has not begun yet")
        self._board.tell(words.FEED_HOLD)
        self._board.unsettle(asyncio.get_running_loop().time())

    def resume(self) -> None:
        """A cycle start, once it is held."""
        status = self._board.status
        if status is None or status.state not in HELD or not status.stands:
            raise DeviceRefused(self.gantry.name, "it is not held; wait until it has come to rest")
        self._board.tell(words.CYCLE_START)
        self._board.unsettle(asyncio.get_running_loop().time())

    def stop(self) -> None:
        """End whatever is under way, or was to come."""
        errand, self._errand = self._errand, Errand.NOTHING
        self._turn.give_up()
        self._taken_at = None
        self._board.lines.forget_waiting()
        status = self._board.status
        if errand is Errand.HOMING:
            self._board.brake.reset()
        elif errand in (Errand.MOVING, Errand.JOGGING):
            self._board.brake.cancel(self._braking_s)
        elif errand is Errand.JOB and status is not None and status.state is MachineState.HOLD:
            self._board.brake.held(status)
        elif errand is Errand.JOB or self._moves:
            self._board.brake.stop()

    # ------------------------------------------------------------------ what the board tells

    def reported(self, status: Status, asked_at: float, now: float) -> None:
        """A report came, to a question of `asked_at`."""
        place = status.machine_mm
        if place is None and status.work_mm is not None and self._board.offset_mm is not None:
            x, y, z = (work + off for work, off in zip(status.work_mm, self._board.offset_mm, strict=True))
            place = x, y, z
        if place is None:
            return
        self._position = Position(*(value / 1000 for value in place))
        self._moves = not status.stands
        self._held = status.state is MachineState.HOLD
        self._tell(status.feed_mm_min or 0.0, now)
        if self._moves and not self.occupied and not self._board.brake.busy:
            self._board.brake.stop()  # nobody told it to
        if self._taken_at is not None and asked_at >= self._taken_at and status.state is MachineState.IDLE:
            self._arrive()

    def alarmed(self, code: int) -> None:
        """It locked itself, and has lost its position."""
        self._moves = False
        self._tell(0.0, asyncio.get_running_loop().time())
        if self.occupied:
            where = f" at line {self.line} of {self._job.file}" if self._errand is Errand.JOB else ""
            self._fail(DeviceRefused(self.gantry.name, f"{explain_alarm(code)}{where}; {self._way_out}"))

    def proceed(self, now: float) -> None:
        """Begin what is to come, if the machine is at rest by now."""
        self._turn.proceed(now)

    @property
    def line(self) -> int:
        """The line of the file that a job has come to."""
        return int(known.value) if (known := self.gantry.reading("line")) else 0

    # ------------------------------------------------------------------ errands

    def _when_at_rest(self, begin: Callable[[float], None], *, homes: bool = False) -> None:
        try:
            self._turn.take(begin, asyncio.get_running_loop().time(), homes=homes)
        except HalError:
            self.stop()
            raise

    def _send(self, line: Line, now: float) -> None:
        self._board.unsettle(now)
        self._board.lines.offer(line, now)

    def _begin_homing(self, now: float) -> None:
        self._errand = Errand.HOMING
        self._send(Line(words.HOME, self._home_answered, self._lost), now)
        self._board.homing_since = now

    def _home_answered(self, error: int | None) -> None:
        self._board.homing_since = None
        if self._errand is Errand.HOMING:
            self._board.homed = error is None
            self._end(error, "home")

    def _move_answered(self, error: int | None) -> None:
        if self._errand is Errand.MOVING:
            self._end(error, "move")

    def _begin_jogging(self, now: float) -> None:
        self._errand = Errand.JOGGING
        self._jogging.begin(self._position, now)
        self.jog(self._jogging.velocity, now)

    def _jog_answered(self, error: int | None) -> None:
        if self._errand is Errand.JOGGING:
            now = asyncio.get_running_loop().time()
            self._board.unsettle(now)
            if error is not None:
                self._end(error, "jog")
            else:
                self._attempt(self.jog, self._jogging.velocity, now)

    def _begin_job(self, now: float) -> None:
        self._errand = Errand.JOB
        self._stream = stream = Stream(self._job, self)
        self._board.unsettle(now)
        self._board.lines.supply = stream.next_line
        self._board.lines.pump(now)

    def taken(self, stream: Stream, line: JobLine, share: float) -> None:
        """A line of a job was taken."""
        if self._streams(stream):
            self.gantry.progress(line.number, share, asyncio.get_running_loop().time())

    def refused(self, stream: Stream, line: JobLine, error: int) -> None:
        """A line of a job was refused; those behind it must not be carried out."""
        if self._streams(stream):
            said = f"{explain_error(error)} at line {line.number} of {stream.job.file}: {line.block!r}"
            self._fail(DeviceRefused(self.gantry.name, said))

    def lost(self, stream: Stream, number: int, reason: HalError) -> None:
        """A line of a job was forgotten by the far end."""
        if self._streams(stream):
            self._lost(reason, f" at line {number} of {stream.job.file}")

    def ended(self, stream: Stream, error: int | None) -> None:
        """All of a job is done."""
        if self._streams(stream):
            self._end(error, "wait for the end of its job", result=stream.job.length)

    def _streams(self, stream: Stream) -> bool:
        return self._errand is Errand.JOB and self._stream is stream

    def _end(self, error: int | None, what: str, result: float = 0.0) -> None:
        """The last line of an errand was answered."""
        if error is not None:
            self._fail(DeviceRefused(self.gantry.name, f"it refused to {what}: {explain_error(error)}"))
            return
        now = asyncio.get_running_loop().time()
        self._taken_at, self._result = now, result
        self._board.unsettle(now)
        self._board.ask_status(now)

    def _arrive(self) -> None:
        """It stands, and nothing of the errand is left."""
        errand, self._errand, self._taken_at = self._errand, Errand.NOTHING, None
        away_m = math.dist(self._position, self._target)
        if errand is Errand.MOVING and away_m > ARRIVED_M:
            said = f"it stopped {away_m * 1000:.1f} mm before the end of its way"
            self._fail(DeviceRefused(self.gantry.name, said))
            return
        if errand is Errand.JOB:
            self.gantry.progress(self._job.length, 1.0, asyncio.get_running_loop().time())
        self.gantry.finished(self._result)

    def _lost(self, reason: HalError, where: str = "") -> None:
        """A line was forgotten by the far end."""
        if self._errand is not Errand.NOTHING:
            said = reason.sentence if isinstance(reason, DeviceGone | DeviceSilent) else str(reason)
            self._fail(DeviceGone(self.gantry.name, f"{said}{where}"))

    def _fail(self, error: HalError) -> None:
        self.gantry.broke(error)

    def _attempt(self, step: Callable[..., None], *args: object) -> None:
        try:
            step(*args)
        except HalError as error:
            self._fail(error)

    def _tell(self, feed_mm_min: float, now: float) -> None:
        board = self._board
        again = self.gantry.update(
            GantryState(
                position=self._position,
                speed_m_s=feed_mm_min / 60_000,
                moving=self._moves,
                held=self._held,
                homed=board.homed,
                alarm=board.alarm,
            ),
            now,
        )
        if again:
            board.ask_status(now)
