"""An arm of several joints: they are led together and arrive together, or follow what they were shown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from hal.device import verb
from hal.device.files import NotWithin, read_within, require_writable, write_within
from hal.errors import DeviceRefused
from hal.kinds.joint import Joint
from hal.kinds.joints import JointGroupSpec, Joints
from hal.kinds.leading import FULL_PERCENT
from hal.kinds.recording import (
    LIMIT_BYTES,
    LONGEST_S,
    NotARecording,
    Recorder,
    read_table,
)
from hal.kinds.ticker import PERIOD_S
from hal.kinds.trajectory import Chain, Playback

RECORDING = ".csv"
"""With this ends what a recording may be called."""
READ_AT_ONCE = 50
"""So many lines of a recording are read before others have their turn."""


class JointGroup(Joints):
    """An arm: it is led to goals and along what it was shown by hand.

    A joint's own state says only whether that joint takes setpoints by itself.
    """

    KIND = "joint_group"
    READINGS: ClassVar[Mapping[str, str]] = {**Joints.READINGS, "recording": "bool"}
    INITIAL: ClassVar[Mapping[str, float | bool]] = {**Joints.INITIAL, "recording": False}

    def __init__(self, name: str, spec: JointGroupSpec, joints: Sequence[Joint]) -> None:
        super().__init__(name, spec, joints)
        self._recorder: Recorder | None = None
        self._into = ""
        """The file into which it records."""

    def _to_stop_value(self, now: float) -> None:
        self._recorder = None
        super()._to_stop_value(now)
        self._publish("recording", False, now)

    @verb(moves=True, timeout_s=None)
    async def move_to(
        self, joints_rad: dict[str, float], speed_percent: float = FULL_PERCENT
    ) -> dict[str, float]:
        """Bring the named joints to these angles, all at the same time; the others stay.

        None is beyond its rate and acceleration, and the slowest at `speed_percent` of the one or the other.
        Returns where all joints stand when they have arrived. The newest goal wins: it brakes, and sets off
        from there; what shall follow a stick is a `jog`.

        Raises:
            DeviceUnavailable: it is not active.
            OutOfRange: beyond a joint's limits (unless that says `on_limit: clamp`), or not a finite number.
            DeviceRefused: it has no such joint, one moves by itself, or one does not come to its goal.
            Halted: a stop or something newer ended it before.
            DeviceGone, LinkFull: the wire did not take it.
        """
        self._require_active()
        asked = {self._named(name): joint_rad for name, joint_rad in joints_rad.items()}
        goals = {joint: joint.limited(angle_rad) for joint, angle_rad in asked.items()}
        share = self._share(speed_percent)
        await self._travel([goals.get(joint) for joint in self._parts], share)
        return self._positions()

    @verb(moves=True, streamed=True)
    def jog(self, rates_rad_s: dict[str, float]) -> dict[str, float]:
        """Turn the named joints at these rates, each up to its limit; the others stand. Lapses after 400 ms.

        Returns the rates. Raises: as `move_to`, except that it waits for nothing.
        """
        self._require_active()
        asked = {self._named(name): rate for name, rate in rates_rad_s.items()}
        rates = {joint: joint.limited_rate(rate) for joint, rate in asked.items()}
        self._require_free()
        self._jog([rates.get(joint, 0.0) for joint in self._parts])
        return {joint.name: rate for joint, rate in rates.items()}

    @verb(moves=True)
    def hold(self) -> dict[str, float]:
        """Have torque and stay: each joint where it stands, if it was limp or moved. Returns the angles.

        Raises:
            DeviceUnavailable: it is not active.
            DeviceRefused: a joint moves by itself, or where one stands is not known.
            DeviceGone, LinkFull: the wire did not take it.
        """
        now = self._stand("it was told to hold")
        for joint in self._parts:
            joint.engage(now)
        return self._positions()

    @verb(moves=True)
    def release(self) -> None:
        """Go limp, whatever it carries: the arm falls.

        Raises:
            DeviceUnavailable: it is not active.
            DeviceRefused: a joint moves by itself.
            DeviceGone, LinkFull: the wire did not take it.
        """
        now = self._stand("it was told to release")
        for joint in self._parts:
            joint.go_limp(now)

    @verb(moves=True, timeout_s=None)
    async def record(self, file: str) -> float:
        """Go limp and write down how somebody leads the arm by hand, until `save` or for five minutes.

        Holds then where it is, writes `file` into the folder of the robot's file, and returns the time in s.
        What lies beyond a limit is written down as that limit.

        Raises:
            DeviceUnavailable: it is not active.
            DeviceRefused: a joint moves by itself, or `file` cannot be written or is not called `*.csv`: the
                robot's own files are in that folder too.
            Halted: a stop ended it; nothing was written, and it holds.
            DeviceGone, LinkFull: the wire did not take it.
        """
        self._require_active()
        if not file.endswith(RECORDING):
            sentence = f"'{file}' is no name for a recording; let it end with {RECORDING}"
            raise DeviceRefused(self.name, sentence)
        try:
            if self.drafts is None:
                require_writable(self.folder, file)
        except NotWithin as error:
            raise DeviceRefused(self.name, str(error)) from None
        now = self._stand("it was told to record")
        self._fresh_for_ever()
        limits = [(joint.spec.min, joint.spec.max) for joint in self._parts]
        self._recorder = Recorder(list(self._joints), limits, now)
        self._into = file
        self._resting(now, False)
        self._publish("recording", True, now)
        self._publish("moving", True, now)
        try:
            for joint in self._parts:
                joint.guide(now)
        except Exception:
            self._to_stop_value(now)
            raise
        self._ticker.start(now + PERIOD_S)
        return await self._until_reached()

    @verb(moves=True)
    def save(self) -> float:
        """End `record` well; returns the time that was recorded, in s.

        Raises:
            DeviceRefused: it does not record; or `file` cannot be written, or where a joint stands is not
                known: then it goes on recording.
            DeviceGone, LinkFull: the wire did not take it.
        """
        if self._recorder is None:
            raise DeviceRefused(self.name, "it does not record; begin with record")
        now = asyncio.get_running_loop().time()
        self._require_known(now)
        return self._save(self._recorder, now)

    @verb(moves=True, timeout_s=None)
    async def play(self, file: str, speed_percent: float = FULL_PERCENT) -> float:
        """Go where a recording begins, and then as it was recorded; returns how long that took, in s.

        At `speed_percent` of the recorded speed, and never beyond the rate of a joint.

        Raises:
            DeviceRefused: there is no such file, or a line of it is wrong; the message names it.
            The rest as `move_to`.
        """
        self._require_active()
        self._require_free()
        share = self._share(speed_percent)
        go_on = self._newest(f"read {file}")
        try:
            again = await self._recorded(file, share, go_on)
        except NotWithin as error:
            raise DeviceRefused(self.name, str(error)) from None
        except NotARecording as error:
            raise DeviceRefused(self.name, f"{file}: {error}") from None
        self._require_active()
        began = asyncio.get_running_loop().time()
        await self._follow_on(lambda starts: Chain(self._straight(starts, again.start), lambda _: again))
        return asyncio.get_running_loop().time() - began

    async def _recorded(self, file: str, share: float, go_on: Callable[[], None]) -> Playback:
        """The whole of it, each point within the limits. Others have their turn while it is read."""
        again: Playback | None = None
        before_s = 0.0
        for number, point in enumerate(read_table(self._read(file), list(self._joints)), start=1):
            if point is not None:
                goals = [
                    joint.limited(angle_rad)
                    for joint, angle_rad in zip(self._parts, point.angles_rad, strict=True)
                ]
                if again is None:
                    again = Playback(goals, [joint.spec.rate for joint in self._parts])
                else:
                    again.add((point.time_s - before_s) / share, goals)
                before_s = point.time_s
            if number % READ_AT_ONCE == 0:
                await asyncio.sleep(0)
                go_on()
        assert again is not None  # without any point it is no recording
        return again

    def _read(self, file: str) -> str:
        if self.drafts is not None and file in self.drafts:
            return self.drafts[file]
        return read_within(self.folder, file, LIMIT_BYTES)

    def _step(self, now: float, elapsed_s: float) -> None:
        """As for every motion; while it records, it looks."""
        if self._recorder is None:
            super()._step(now, elapsed_s)
            return
        if self._recorder.length_s < LONGEST_S:
            self._recorder.look([joint.axis.present for joint in self._parts], now)
            return
        try:
            self._require_known(now)
        except DeviceRefused:
            return  # the next tick asks again
        self._save(self._recorder, now)

    def _require_known(self, now: float) -> None:
        for joint in self._parts:
            joint.axis.known(now)

    def _save(self, recorder: Recorder, now: float) -> float:
        """Write down what was seen, and hold."""
        try:
            self._write(recorder.table)
        except NotWithin as error:
            raise DeviceRefused(self.name, str(error)) from None
        self._recorder = None
        for joint in self._parts:
            joint.engage(now)
        self._rest(now)
        self._publish("recording", False, now)
        self._reached(recorder.length_s)
        return recorder.length_s

    def _write(self, text: str) -> None:
        if self.drafts is not None:
            self.drafts[self._into] = text
        else:
            write_within(self.folder, self._into, text)
