"""An arm whose servos say where they stand, for the tests of its kinds: outputs that move, and write down."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from typing import Any

from hal.kinds import Gripper, GripperSpec, Joint, JointGroup, JointGroupSpec, JointSpec
from tests import virtual

REPORTS_S = 0.02
TOP_SPEED_RAD_S = 4.0
LIMITS: dict[str, Any] = {"min": "-90 deg", "max": "90 deg", "max_rate": "1 rad/s", "max_accel": "4 rad/s2"}


class Shaft:
    """The far end of one servo: keeps what came and when, and follows its goal while it has torque."""

    def __init__(self, angle_rad: float = 0.0) -> None:
        self.angle_rad = angle_rad
        self.velocity_rad_s = 0.0
        self.goal_rad: float | None = None
        self.has_torque = False
        self.stops_at: Callable[[float], float] = lambda angle_rad: angle_rad
        """What is in its way."""
        self.goals: list[tuple[float, float]] = []
        self.switched: list[bool] = []
        self.refusal: Exception | None = None

    def write(self, value: float) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.goals.append((now(), value))
        self.goal_rad = value

    def torque(self, on: bool) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.switched.append(on)
        self.has_torque = on

    def advance(self, elapsed_s: float) -> None:
        before = self.angle_rad
        if self.has_torque and self.goal_rad is not None:
            reach = TOP_SPEED_RAD_S * elapsed_s
            to_go = self.goal_rad - self.angle_rad
            self.angle_rad = self.stops_at(self.angle_rad + min(max(to_go, -reach), reach))
        self.velocity_rad_s = (self.angle_rad - before) / elapsed_s

    @property
    def told(self) -> list[float]:
        return [value for _, value in self.goals]


class Arm:
    """Joints `a`, `b`... as a group, and a gripper, all active."""

    def __init__(self, joints: int = 3, starts: tuple[float, ...] = (), **spec: Any) -> None:
        names = "abcdefgh"[:joints]
        self.shafts = {
            name: Shaft(start) for name, start in zip(names, starts or (0.0,) * joints, strict=True)
        }
        self.joints = {
            name: Joint(name, JointSpec.model_validate(LIMITS | spec), shaft)
            for name, shaft in self.shafts.items()
        }
        self.group = JointGroup(
            "arm", JointGroupSpec.model_validate({"joints": tuple(names)}), [*self.joints.values()]
        )
        self.fingers = Shaft()
        self.gripper = Gripper(
            "gripper", GripperSpec.model_validate({"closed": "0 deg", "open": "60 deg"}), self.fingers
        )
        self.warmth_degc = 30.0
        self.silent: set[str] = set()

    @property
    def a(self) -> Joint:
        return self.joints["a"]

    @property
    def shaft(self) -> Shaft:
        return self.shafts["a"]

    def report(self, elapsed_s: float = REPORTS_S) -> None:
        pairs = [(self.joints[name], shaft) for name, shaft in self.shafts.items()]
        for device, shaft in (*pairs, (self.gripper, self.fingers)):
            shaft.advance(elapsed_s)
            if device.name not in self.silent:
                device.update(
                    shaft.angle_rad,
                    shaft.velocity_rad_s,
                    0.1 if shaft.has_torque else 0.0,
                    self.warmth_degc,
                    at=now(),
                )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Present, active, and reporting 50 times a second."""
        self.report()
        for device in (*self.joints.values(), self.gripper):
            device.present()
            device.update_torque(False, now())
            device.activate()
        self.group.activate()
        reporting = asyncio.create_task(self._report_on())
        try:
            yield
        finally:
            reporting.cancel()
            with suppress(asyncio.CancelledError):
                await reporting

    async def _report_on(self) -> None:
        while True:
            await asyncio.sleep(REPORTS_S)
            self.report()


def story(arm: Arm, body: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run `body` in virtual time while the arm reports."""

    async def whole() -> None:
        async with arm.running():
            await body()

    virtual.run(whole())


def now() -> float:
    return asyncio.get_running_loop().time()


def value(device: Joint | JointGroup | Gripper, reading: str) -> float | bool:
    known = device.reading(reading)
    assert known is not None
    return known.value


def steps(shaft: Shaft) -> list[float]:
    """How far each goal lies from the one before."""
    return [abs(after - before) for before, after in pairwise(shaft.told)]


def deg(degrees: float) -> float:
    return math.radians(degrees)
