"""A gantry by itself: what it takes, what it passes on to its controller, and what ends a motion."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from hal.errors import (
    DeviceGone,
    DeviceRefused,
    DeviceUnavailable,
    HalError,
    Halted,
    LinkFull,
    OutOfRange,
)
from hal.kinds import Gantry, GantrySpec, Position, Velocity
from hal.kinds.three_axes import GantryState
from tests import virtual

SPEC = {"x": "300 mm", "y": "200 mm", "z": "80 mm", "max_speed": "80 mm/s"}
PLACE = Position(-0.1, -0.05, -0.02)
STALE_S = 1.0


def now() -> float:
    return asyncio.get_running_loop().time()


class Controller:
    """The driver's side: writes down what it is told, and reports when it is asked to."""

    def __init__(self, **spec: Any) -> None:
        self.told: list[Any] = []
        self.refusal: HalError | None = None
        self.gantry = Gantry("gantry", GantrySpec.model_validate(SPEC | spec), self, STALE_S)

    def home(self) -> None:
        self._keep("home")

    def move(self, target: Position, speed_m_s: float) -> None:
        self._keep((target, speed_m_s))

    def jog(self, velocity: Velocity, now: float) -> None:
        self._keep(velocity)

    async def load(self, file: str, text: str, go_on: Callable[[], None]) -> object:
        await asyncio.sleep(0.1)
        if "long" in text:
            go_on()
            await asyncio.sleep(1.0)
        if "bad" in text:
            raise DeviceRefused("gantry", f"{file}, line 1: bad")
        return text

    def run(self, job: object) -> None:
        self._keep(f"run {job}")

    def pause(self) -> None:
        self._keep("pause")

    def resume(self) -> None:
        self._keep("resume")

    def stop(self) -> None:
        self._keep("stop")

    def _keep(self, what: Any) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.told.append(what)

    def report(self, place: Position = PLACE, *, homed: bool = True, speed_m_s: float = 0.0) -> bool:
        state = GantryState(place, speed_m_s, moving=speed_m_s > 0, held=False, homed=homed, alarm=0)
        return self.gantry.update(state, now())


def story(
    told: Callable[[Controller], Coroutine[Any, Any, None]], *, homed: bool = True, **spec: Any
) -> Controller:
    """One of an active gantry that has reported where it stands."""
    controller = Controller(**spec)

    async def begin() -> None:
        controller.gantry.present()
        controller.gantry.activate()
        controller.report(homed=homed)
        await told(controller)

    virtual.run(begin())
    return controller


async def begun(verb: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    task = asyncio.create_task(verb)
    await asyncio.sleep(0)
    return task


def test_an_axis_that_is_not_named_stays_and_the_place_where_it_arrived_is_returned() -> None:
    async def told(controller: Controller) -> None:
        gantry = controller.gantry
        moving = await begun(gantry.move_to(x_m=-0.2))
        assert not gantry.at_rest
        controller.report(Position(-0.2, -0.05, -0.02))
        gantry.finished()

        assert await moving == Position(-0.2, -0.05, -0.02)
        assert gantry.at_rest

    assert story(told).told == [(Position(-0.2, -0.05, -0.02), 0.08)]


@pytest.mark.parametrize(
    ("asked", "limit"),
    [
        ({"x_m": -0.3001}, "x -0.3001 is beyond the limit of -0.3 m"),
        ({"y_m": 0.001}, "y 0.001 is beyond the limit of 0 m"),
        ({"z_m": math.nan}, "z must be a finite number, not nan; its limit is 0 m"),
        ({"x_m": -0.1, "speed_m_s": 0.081}, "speed 0.081 is beyond the limit of 0.08 m/s"),
        ({"x_m": -0.1, "speed_m_s": 0.0}, "speed must be more than zero"),
        ({"x_m": -0.1, "speed_m_s": math.inf}, "speed must be a finite number"),
    ],
)
def test_a_goal_beyond_a_limit_is_refused_with_the_limit_and_nothing_is_told(
    asked: dict[str, float], limit: str
) -> None:
    async def told(controller: Controller) -> None:
        with pytest.raises(OutOfRange, match=limit):
            await controller.gantry.move_to(**asked)

    assert story(told).told == []


def test_with_its_switches_at_the_other_end_it_counts_from_there() -> None:
    async def told(controller: Controller) -> None:
        controller.report(Position(0.0, 0.0, 0.0))
        await begun(controller.gantry.move_to(x_m=0.3))
        with pytest.raises(OutOfRange):
            await controller.gantry.move_to(x_m=-0.001)

    assert story(told, switches="low").told == [(Position(0.3, 0.0, 0.0), 0.08), "stop"]


def test_limits_that_clamp_cut_a_goal_and_a_jog_keeps_its_direction() -> None:
    async def told(controller: Controller) -> None:
        await begun(controller.gantry.move_to(x_m=-9.0, speed_m_s=1.0))
        assert controller.gantry.jog(0.3, 0.4) == pytest.approx(Velocity(0.048, 0.064, 0.0))

    controller = story(told, on_limit="clamp")

    assert controller.told[:2] == [(Position(-0.3, -0.05, -0.02), 0.08), "stop"]
    assert controller.told[2] == pytest.approx(Velocity(0.048, 0.064, 0.0))


def test_one_that_does_not_know_where_it_is_only_homes() -> None:
    async def told(controller: Controller) -> None:
        gantry = controller.gantry
        for refused in (gantry.move_to(x_m=-0.1), gantry.run_job("part.nc")):
            with pytest.raises(DeviceRefused, match="home it first"):
                await refused
        with pytest.raises(DeviceRefused, match="home it first"):
            gantry.jog(0.01)
        homing = await begun(gantry.home())
        controller.report(Position(-0.001, -0.001, -0.001))
        gantry.finished()

        assert await homing == Position(-0.001, -0.001, -0.001)

    assert story(told, homed=False).told == ["home"]


def test_one_without_switches_moves_at_once_and_is_never_homed() -> None:
    async def told(controller: Controller) -> None:
        with pytest.raises(DeviceRefused, match="its file says 'homing: false'"):
            await controller.gantry.home()
        await begun(controller.gantry.move_to(x_m=-0.2))

    assert story(told, homed=False, homing=False).told == [(Position(-0.2, -0.05, -0.02), 0.08), "stop"]


def test_whatever_it_is_told_ends_what_it_did_before() -> None:
    async def told(controller: Controller) -> None:
        gantry = controller.gantry
        older = await begun(gantry.move_to(x_m=-0.2))
        newer = await begun(gantry.home())
        with pytest.raises(Halted, match="it was told to home"):
            await older
        gantry.jog(0.01)
        with pytest.raises(Halted, match="a newer setpoint"):
            await newer

    place, jog = Position(-0.2, -0.05, -0.02), Velocity(0.01, 0.0, 0.0)
    assert list(dict.fromkeys(story(told).told)) == [(place, 0.08), "stop", "home", jog]


def test_a_jog_is_passed_on_fifty_times_a_second_until_nobody_renews_it() -> None:
    async def told(controller: Controller) -> None:
        for _ in range(3):
            controller.gantry.jog(y_m_s=-0.02)
            await asyncio.sleep(0.3)
        assert "stop" not in controller.told
        await asyncio.sleep(0.09)
        assert "stop" not in controller.told
        passed_on = len(controller.told)
        await asyncio.sleep(0.02)
        assert controller.told[-1] == "stop"
        assert passed_on == pytest.approx(50, abs=5)
        stopped = len(controller.told)
        await asyncio.sleep(1)
        assert len(controller.told) == stopped
        assert controller.gantry.at_rest

    story(told)


def test_a_jog_of_nothing_stands_still() -> None:
    async def told(controller: Controller) -> None:
        controller.gantry.jog()
        assert controller.told == []
        controller.gantry.jog(0.02)
        controller.gantry.jog()

    assert story(told).told == [Velocity(0.02, 0.0, 0.0), "stop"]


def test_a_jog_that_the_controller_cannot_go_on_with_ends() -> None:
    async def told(controller: Controller) -> None:
        controller.gantry.jog(0.02)
        controller.refusal = DeviceRefused("gantry", "its door is open")
        await asyncio.sleep(0.05)
        assert controller.gantry.at_rest
        controller.refusal = None
        await asyncio.sleep(0.5)

    assert story(told).told == [Velocity(0.02, 0.0, 0.0)]


def test_a_job_is_read_runs_and_tells_how_far_it_is(tmp_path: Path) -> None:
    (tmp_path / "part.nc").write_text("G0X-1")

    async def told(controller: Controller) -> None:
        gantry = controller.gantry
        gantry.folder = tmp_path
        job = await begun(gantry.run_job("part.nc"))
        await asyncio.sleep(0.2)
        gantry.progress(3, 0.599, now())
        assert [reading.value for name in ("line", "progress") if (reading := gantry.reading(name))] == [
            3,
            59,
        ]
        gantry.pause()
        gantry.resume()
        gantry.finished(5)

        assert await job == 5
        for verb in (gantry.pause, gantry.resume):
            with pytest.raises(DeviceRefused, match="it is in no job"):
                verb()
        gantry.cancel()

    assert story(told).told == ["run G0X-1", "pause", "resume"]


def refused_pause(gantry: Gantry) -> None:
    with pytest.raises(DeviceRefused, match="it is in no job"):
        gantry.pause()


def test_a_long_job_that_is_cancelled_is_not_read_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "part.nc").write_text("long")

    async def told(controller: Controller) -> None:
        controller.gantry.folder = tmp_path
        job = await begun(controller.gantry.run_job("part.nc"))
        controller.gantry.cancel()
        began = now()
        with pytest.raises(Halted, match=r"while it read part\.nc"):
            await job
        assert now() - began < 0.2

    assert "run long" not in story(told).told


@pytest.mark.parametrize(
    "newer",
    [
        lambda gantry: gantry.halt(),
        lambda gantry: gantry.cancel(),
        refused_pause,
        lambda gantry: gantry.jog(x_m_s=-0.01),
        lambda gantry: gantry.jog(),
        lambda gantry: asyncio.ensure_future(gantry.home()),
        lambda gantry: asyncio.ensure_future(gantry.move_to(x_m=-0.1)),
        lambda gantry: asyncio.ensure_future(gantry.run_job("other.nc")),
    ],
    ids=["halt", "cancel", "pause", "jog", "jog of nothing", "home", "move_to", "another job"],
)
def test_a_job_never_begins_if_something_newer_is_told_while_it_is_read(
    tmp_path: Path, newer: Callable[[Gantry], object]
) -> None:
    (tmp_path / "part.nc").write_text("G0X-1")
    (tmp_path / "other.nc").write_text("G0X-2")

    async def told(controller: Controller) -> None:
        controller.gantry.folder = tmp_path
        job = await begun(controller.gantry.run_job("part.nc"))
        newer(controller.gantry)
        with pytest.raises(Halted, match=r"while it read part\.nc"):
            await job
        await asyncio.sleep(0.1)

    assert "run G0X-1" not in story(told).told


def test_a_job_that_is_cancelled_stops(tmp_path: Path) -> None:
    (tmp_path / "part.nc").write_text("G0X-1")

    async def told(controller: Controller) -> None:
        controller.gantry.folder = tmp_path
        job = await begun(controller.gantry.run_job("part.nc"))
        await asyncio.sleep(0.2)
        controller.gantry.cancel()
        with pytest.raises(Halted, match="it was cancelled"):
            await job

    assert story(told).told == ["run G0X-1", "stop"]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("bad.nc", "bad.nc, line 1"),
        ("none.nc", "cannot be read"),
        ("../part.nc", "does not lie in the folder of the robot's file"),
        ("/etc/hosts", "does not lie in the folder of the robot's file"),
        ("link.nc", "does not lie in the folder of the robot's file"),
    ],
)
def test_a_job_that_cannot_be_read_is_refused_and_leaves_what_moves_alone(
    tmp_path: Path, name: str, why: str
) -> None:
    folder = tmp_path / "robot"
    folder.mkdir()
    (folder / "bad.nc").write_text("bad")
    (tmp_path / "part.nc").write_text("G0X-1")
    (folder / "link.nc").symlink_to(tmp_path / "part.nc")

    async def told(controller: Controller) -> None:
        controller.gantry.folder = folder
        moving = await begun(controller.gantry.move_to(x_m=-0.2))
        with pytest.raises(DeviceRefused, match=why):
            await controller.gantry.run_job(name)
        assert not moving.done()
        assert "stop" not in controller.told

    story(told)


def test_who_gives_up_waiting_stops_it() -> None:
    async def told(controller: Controller) -> None:
        moving = await begun(controller.gantry.move_to(x_m=-0.2))
        moving.cancel()
        await asyncio.wait({moving})

    assert story(told).told[1:] == ["stop"]


def test_a_motion_that_its_controller_refuses_leaves_it_at_rest() -> None:
    async def told(controller: Controller) -> None:
        controller.refusal = DeviceGone("gantry", "its wire was lost")
        with pytest.raises(DeviceGone):
            await controller.gantry.move_to(x_m=-0.2)
        assert controller.gantry.at_rest

    story(told)


def test_a_stop_that_a_full_wire_does_not_take_is_told_again() -> None:
    async def told(controller: Controller) -> None:
        controller.gantry.jog(0.02)
        controller.refusal = LinkFull("full")
        controller.gantry.halt()
        controller.refusal = None
        assert "stop" not in controller.told
        await asyncio.sleep(0.05)

    assert story(told).told == [Velocity(0.02, 0.0, 0.0), "stop"]


def test_two_reports_from_beyond_its_travel_stop_it_and_one_is_asked_about_at_once() -> None:
    async def told(controller: Controller) -> None:
        found: list[tuple[str, float, float, str]] = []
        controller.gantry.limit_listeners.append(lambda *violation: found.append(violation))
        beyond = Position(-0.3006, -0.05, -0.02)
        moving = await begun(controller.gantry.move_to(x_m=-0.3))
        assert controller.report(Position(-0.3004, -0.05, -0.02)) is False
        assert controller.report(beyond) is True
        assert not moving.done()
        controller.report(beyond)
        with pytest.raises(OutOfRange, match=r"its feedback says x -0\.3006 m, beyond the limit of -0\.3 m"):
            await moving
        assert found == [("x", -0.3006, -0.3, "m")]

    assert story(told).told[-1] == "stop"


def test_where_it_is_not_homed_its_place_means_nothing() -> None:
    async def told(controller: Controller) -> None:
        for _ in range(3):
            assert controller.report(Position(9.0, 9.0, 9.0), homed=False) is False
        assert not controller.gantry.violations

    story(told, homed=False)


def test_one_whose_wire_is_lost_has_to_be_told_again_where_it_is() -> None:
    async def told(controller: Controller) -> None:
        gantry = controller.gantry
        moving = await begun(gantry.move_to(x_m=-0.2))
        gantry.vanish()
        with pytest.raises(DeviceGone, match="its wire was lost"):
            await moving
        with pytest.raises(DeviceUnavailable):
            await gantry.move_to(x_m=-0.1)
        gantry.present()
        gantry.activate()
        with pytest.raises(DeviceRefused, match="does not know where it is"):
            await gantry.move_to(x_m=-0.1)

    story(told)
