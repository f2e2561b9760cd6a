"""A machine over its wire: what it is told, what it does, and how it is stopped."""

import asyncio
import random
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from hal import BoardState, DeviceRefused, HalError, Halted, OutOfRange
from hal.drivers.grbl.bench import Bench
from hal.drivers.grbl.board import GrblBoard
from hal.drivers.grbl.specs import GrblBoardSpec, GrblGantrySpec
from hal.drivers.grbl.twin import GrblTwin
from hal.links.memory import TwinLink
from hal.twin import Twin
from tests import virtual
from tests.hal.drivers.grbl.bench import GANTRY, Machine, now, tell

FINE = [f"G1X{-100 - 0.2 * n:.3f}Y{-100 + n % 2 * 0.3:.3f}" for n in range(500)]
LONG = "\n".join(["G21G90", "F2400", *(f"G1X{-100 if n % 2 else -200}" for n in range(20))])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "fine.nc").write_text("\n".join(["G21G90", "F3000", *FINE]))
    (tmp_path / "long.nc").write_text(LONG)
    (tmp_path / "mist.nc").write_text("G21 G90\nG0 X-50\n; mist is an option\nM7\nG0 X-150\nM2\n")
    return tmp_path


async def expect_failure(task: asyncio.Future[Any], error: type[HalError], *parts: str) -> None:
    with pytest.raises(error) as caught:
        await task
    for part in parts:
        assert part in str(caught.value)


def test_a_job_fills_the_receive_buffer_and_never_overruns_it(folder: Path) -> None:
    async def story(machine: Machine) -> None:
        await machine.ready()
        lines = await machine.gantry.run_job("fine.nc")

        assert lines == 502
        assert 100 < machine.most_outstanding() <= 128
        assert machine.world("overruns") == 0
        assert (machine.value("progress"), machine.value("line")) == (100.0, 502.0)
        assert machine.world("x") == pytest.approx(-0.1998)

    tell(story, folder)


def test_a_job_that_is_cancelled_while_it_is_read_is_read_no_further_and_moves_nothing(folder: Path) -> None:
    (folder / "wrong.nc").write_text("\n".join(["G21G90", *FINE, "no G-code"]))

    async def story(machine: Machine) -> None:
        await machine.ready()
        begin = now()
        job = asyncio.ensure_future(machine.gantry.run_job("wrong.nc"))
        for _ in range(3):
            await asyncio.sleep(0)
        machine.gantry.cancel()
        await expect_failure(job, Halted, "while it read wrong.nc")
        await asyncio.sleep(1.0)

        assert machine.told(begin).strip(b"?") == b""
        assert machine.world("speed") == 0.0

    tell(story, folder)


def test_reports_are_asked_for_five_times_a_second_at_most_and_ten_in_motion(folder: Path) -> None:
    async def story(machine: Machine) -> None:
        await machine.ready(home=False)
        await asyncio.sleep(5)
        at_rest = machine.most_in_a_second(b"?")
        await machine.gantry.home()
        for _ in range(4):
            job = asyncio.ensure_future(machine.gantry.run_job("long.nc"))
            await asyncio.sleep(1.3)
            machine.rig.halt()
            await machine.rig.confirm_stop()
            with suppress(HalError):
                await job
            await asyncio.sleep(0.2)

        assert 3 <= at_rest <= 5
        assert 7 <= machine.most_in_a_second(b"?") <= 10

    tell(story, folder)


def test_a_stop_in_a_job_is_a_feed_hold_and_a_reset_when_it_is_held(folder: Path) -> None:
    async def story(machine: Machine) -> None:
        await machine.ready()
        job = asyncio.ensure_future(machine.gantry.run_job("long.nc"))
        await asyncio.sleep(2)
        begin = now()
        machine.rig.halt()
        assert machine.told(begin) == b"!"
        await expect_failure(job, Halted)
        await asyncio.sleep(0.5)

        assert machine.told(begin) == b"!\x18"
        assert b"<Hold:0" in machine.heard(begin)
        assert b"ALARM" not in machine.heard(begin)
        assert machine.value("homed") is True
        assert (machine.world("speed"), machine.world("planned")) == (0.0, 0.0)

    tell(story, folder)


def test_a_stop_may_brake_for_150_ms_unless_its_file_says_otherwise(folder: Path) -> None:
    async def story(machine: Machine) -> None:
        await machine.ready()
        machine.brakes_at(100.0)
        job = asyncio.ensure_future(machine.gantry.run_job("long.nc"))
        await asyncio.sleep(2)
        begin = now()
        machine.rig.halt()
        await expect_failure(job, Halted)
        await asyncio.sleep(0.149)
        assert machine.told(begin) == b"!"
        await asyncio.sleep(0.002)

        assert machine.told(begin) == b"!\x18"

    tell(story, folder)


def test_what_still_brakes_when_the_time_for_that_is_over_is_reset_and_can_only_be_homed(
    folder: Path,
) -> None:
    async def story(machine: Machine) -> None:
        await machine.ready()
        job = asyncio.ensure_future(machine.gantry.run_job("long.nc"))
        await asyncio.sleep(2)
        begin = now()
        machine.rig.halt()
        with suppress(HalError):
            await job
        await asyncio.sleep(0.021)
        assert machine.told(begin) == b"!\x18"
        await asyncio.sleep(0.5)

        assert b"ALARM:3" in machine.heard(begin)
        assert (machine.value("homed"), machine.value("alarm")) == (False, 3.0)
        assert machine.world("speed") == 0.0
        for refused in (machine.gantry.move_to(-0.1), machine.gantry.run_job("long.nc")):
            await expect_failure(asyncio.ensure_future(refused), DeviceRefused, "home it first")
        with pytest.raises(DeviceRefused, match="home it first"):
            machine.gantry.jog(0.01)
        assert b"$X" not in machine.told()
        await machine.gantry.home()
        assert (machine.value("homed"), machine.value("alarm")) == (True, 0.0)
        assert machine.world("x") == pytest.approx(-0.001)

    tell(story, folder, brake="20 ms")


def test_a_stop_while_it_homes_is_a_reset_since_nothing_else_is_heard() -> None:
    async def story(machine: Machine) -> None:
        await machine.ready(home=False)
        homing = asyncio.ensure_future(machine.gantry.home())
        await asyncio.sleep(1)
        assert machine.board.stop_frames() == b"\x18"
        machine.rig.halt()
        await expect_failure(homing, Halted)

        assert machine.world("driven") is False
        await asyncio.sleep(0.5)
        assert machine.value("homed") is False

    tell(story)


def test_a_jog_is_streamed_and_cancelled_within_30_ms_of_its_lapse() -> None:
    async def story(machine: Machine) -> None:
        await machine.ready()
        for _ in range(20):
            machine.gantry.jog(-0.05, y_m_s=-0.03)
            await asyncio.sleep(0.05)
        assert machine.world("speed") == pytest.approx(0.0583, abs=0.001)
        lapses = now() - 0.05 + 0.4
        await asyncio.sleep(0.36)
        cancels = [at for at, way, data in machine.wire if way == "to" and b"\x85" in data]
        assert lapses <= cancels[0] <= lapses + 0.03
        await asyncio.sleep(0.5)

        assert machine.world("speed") == 0.0
        assert b"\x18" not in machine.told(lapses)
        assert machine.value("homed") is True

    tell(story)


def test_a_jog_that_is_cancelled_may_brake_for_longer_than_a_stop_and_its_position_is_kept() -> None:
    async def story(machine: Machine) -> None:
        await machine.ready()
        machine.brakes_at(200.0)
        for _ in range(30):
            machine.gantry.jog(-0.08)
            await asyncio.sleep(0.05)
        assert float(machine.world("speed")) > 0.06
        begin = now()
        machine.gantry.cancel()
        await asyncio.sleep(0.2)
        assert float(machine.world("speed")) > 0.01
        await asyncio.sleep(0.8)

        assert set(machine.told(begin)) == {0x85}
        assert (machine.world("speed"), machine.value("homed")) == (0.0, True)

    tell(story)


def test_a_cancel_that_was_lost_on_the_way_is_put_again_by_the_next_report() -> None:
    async def story(machine: Machine) -> None:
        await machine.ready()
        moving = asyncio.ensure_future(machine.gantry.move_to(-0.28))
        await asyncio.sleep(1)
        machine.rig.inject("cnc", "drop 100% for 50 ms")
        machine.gantry.cancel()
        await expect_failure(moving, Halted)
        await asyncio.sleep(0.4)

        assert (machine.world("speed"), machine.value("homed")) == (0.0, True)

    tell(story)


def test_a_jog_turns_round_and_ends_at_the_end_of_the_travel() -> None:
    async def story(machine: Machine) -> None:
        await machine.ready()
        for speed in (-0.05, 0.08):
            for _ in range(30):
                machine.gantry.jog(speed)
                await asyncio.sleep(0.05)

        assert machine.world("x") == pytest.approx(0.0, abs=1e-6)
        assert b"error" not in machine.heard(1.0)

    tell(story)


def test_cancelling_while_paused_sends_no_byte_that_could_move_it(folder: Path) -> None:
    async def story(machine: Machine) -> None:
        await machine.ready()
        job = asyncio.ensure_future(machine.gantry.run_job("long.nc"))
        await asyncio.sleep(2)
        machine.gantry.pause()
        await asyncio.sleep(0.5)
        assert machine.value("held") is True
        begin = now()
        machine.gantry.cancel()
        await expect_failure(job, Halted, "cancelled")
        await asyncio.sleep(3)

        assert machine.told(begin) == b"\x18"
        assert (machine.value("held"), machine.value("homed")) == (False, True)

    tell(story, folder)


def test_a_paused_job_goes_on_and_ends(folder: Path) -> None:
    async def story(machine: Machine) -> None:
        await machine.ready()
        job = asyncio.ensure_future(machine.gantry.run_job("fine.nc"))
        await asyncio.sleep(4)
        machine.gantry.pause()
        with pytest.raises(DeviceRefused, match="not held"):
            machine.gantry.resume()
        await asyncio.sleep(2)
        x = machine.world("x")
        await asyncio.sleep(2)
        assert machine.world("x") == x
        machine.gantry.resume()

        assert await job == 502
        assert machine.world("overruns") == 0

    tell(story, folder)


def test_a_job_means_the_same_whatever_the_one_before_it_left(folder: Path) -> None:
    (folder / "first.nc").write_text("G20 G91\nG1 F100 X-0.5\nG2 X-0.1 I-0.05")
    (folder / "second.nc").write_text("X-100 Y-50\nG1 F3000 Z-20\n")

    async def story(machine: Machine) -> None:
        await machine.ready()
        await machine.gantry.run_job("first.nc")
        await machine.gantry.run_job("second.nc")

        place = [machine.world(axis) for axis in "xyz"]
        assert place == pytest.approx([-0.1, -0.05, -0.02])

    tell(story, folder)


def test_a_refused_line_ends_the_job_and_nothing_behind_it_is_carried_out(folder: Path) -> None:
    async def story(machine: Machine) -> None:
        await machine.ready()
        job = asyncio.ensure_future(machine.gantry.run_job("mist.nc"))
        await expect_failure(job, DeviceRefused, "error:20", "line 4 of mist.nc", "'M7'")
        await asyncio.sleep(3)

        assert float(machine.world("x")) > -0.06
        assert machine.value("homed") is True

    tell(story, folder)


def test_a_restart_in_a_job_is_told_with_its_line_and_costs_the_position(folder: Path) -> None:
    async def story(machine: Machine) -> None:
        await machine.ready()
        job = asyncio.ensure_future(machine.gantry.run_job("long.nc"))
        await asyncio.sleep(2)
        machine.rig.inject("cnc", "reboot")
        await expect_failure(job, HalError, "restarted by itself", "at line ", " of long.nc")
        await asyncio.sleep(0.3)

        assert machine.value("homed") is False
        assert machine.board.state is BoardState.ONLINE
        assert b"$X" not in machine.told()

    tell(story, folder)


@pytest.mark.parametrize(
    "said", ["Grbl 1.1h ['$' for help]", "[MSG:'$H'|'$X' to unlock]"], ids=["a greeting", "being locked"]
)
def test_what_tells_of_a_restart_that_nobody_saw_costs_the_position_whatever_its_state_says(
    said: str,
) -> None:
    async def story(machine: Machine) -> None:
        await machine.ready()
        machine.board.received(said.encode() + b"\r\n", now())

        assert machine.board.homed is False

    tell(story)


def test_a_report_that_was_asked_for_before_a_move_does_not_end_it() -> None:
    async def story(machine: Machine) -> None:
        await machine.ready()
        machine.rig.inject("cnc", "delay 39..40 ms")
        for n in range(25):
            await asyncio.sleep(0.013 * n)
            place = await machine.gantry.move_to(-0.002 * (n % 2) - 0.001)
            assert place.x_m == pytest.approx(-0.002 * (n % 2) - 0.001)

    tell(story)


def test_a_limit_switch_ends_the_job_with_its_line_and_the_machine_is_reset_but_never_unlocked(
    folder: Path,
) -> None:
    async def story(machine: Machine) -> None:
        await machine.ready()
        job = asyncio.ensure_future(machine.gantry.run_job("long.nc"))
        await asyncio.sleep(2)
        machine.rig.set_world("y_switch", True)
        await expect_failure(job, DeviceRefused, "ALARM:1 (a limit switch was hit) at line ", "home it")
        await asyncio.sleep(0.5)

        assert (machine.value("homed"), machine.value("alarm")) == (False, 1.0)
        assert b"$X" not in machine.told()

    tell(story, folder)


@pytest.mark.parametrize("errand", ["move", "job"])
def test_a_stop_does_not_let_go_of_what_the_vacuum_holds(folder: Path, errand: str) -> None:
    async def story(machine: Machine) -> None:
        gantry = machine.gantry
        await machine.ready()
        await gantry.move_to(-0.2, -0.15, -0.06)
        machine.vacuum.write(True)
        await asyncio.sleep(0.3)
        begin = now()
        going = gantry.run_job("long.nc") if errand == "job" else gantry.move_to(-0.05)
        task = asyncio.ensure_future(going)
        await asyncio.sleep(1)
        assert machine.board.stop_frames() == b"!"
        machine.rig.halt()
        await expect_failure(task, Halted)
        await asyncio.sleep(2)
        assert b"\x18" not in machine.told(begin)
        assert machine.world("part_held") is True
        assert machine.world("speed") == 0.0

        await gantry.move_to(z_m=-0.02)  # what was planned is forgotten before that
        assert machine.world("part_held") is True
        assert machine.world("part_z") == pytest.approx(-0.02)

    tell(story, folder)


def test_a_stop_switches_off_what_shall_not_be_kept_and_so_does_the_guard() -> None:
    async def story(machine: Machine) -> None:
        await machine.ready()
        machine.vacuum.write(True)
        await asyncio.sleep(0.3)
        assert machine.board.stop_frames() == b"\x84"
        machine.rig.halt()
        await asyncio.sleep(0.5)

        assert machine.world("vacuum") is False
        evidence = await machine.rig.confirm_stop()
        assert all(proof.confirmed for proof in evidence.values())

    tell(story, relay={"kind": "relay", "board": "cnc", "on_stop": "off"})


def test_whenever_it_is_stopped_at_rest_a_report_proves_that_in_time() -> None:
    async def story(machine: Machine) -> None:
        await machine.ready()
        for n in range(20):
            await asyncio.sleep(1.1 + 0.013 * n)
            machine.rig.halt()
            proof = (await machine.rig.confirm_stop())["gantry"]

            assert proof.confirmed, n
            assert proof.value == 0.0

    tell(story)


def test_an_answer_that_was_lost_ends_what_waits_for_it_and_the_count_begins_anew(folder: Path) -> None:
    async def story(machine: Machine) -> None:
        await machine.ready()
        machine.rig.inject("cnc", "drop 100% for 150 ms")
        job = asyncio.ensure_future(machine.gantry.run_job("fine.nc"))
        await expect_failure(job, HalError, "line ")
        await asyncio.sleep(2)

        assert machine.board.lines.idle
        machine.activate()
        await machine.gantry.home()

    tell(story, folder)


def test_beyond_the_travel_or_too_fast_is_refused_with_the_limit_and_nothing_is_sent() -> None:
    async def story(machine: Machine) -> None:
        await machine.ready()
        begin = now()
        await expect_failure(asyncio.ensure_future(machine.gantry.move_to(-0.31)), OutOfRange, "-0.3 m")
        await expect_failure(asyncio.ensure_future(machine.gantry.move_to(0.01)), OutOfRange)
        await expect_failure(
            asyncio.ensure_future(machine.gantry.move_to(-0.1, speed_m_s=0.2)), OutOfRange, "0.08 m/s"
        )
        with pytest.raises(OutOfRange):
            machine.gantry.jog(float("nan"))
        with pytest.raises(OutOfRange):
            machine.gantry.jog(0.07, 0.07)
        assert machine.told(begin) == b""

    tell(story)


def test_a_newer_goal_begins_when_the_older_motion_has_come_to_rest() -> None:
    async def story(machine: Machine) -> None:
        await machine.ready()
        older = asyncio.ensure_future(machine.gantry.move_to(-0.2))
        await asyncio.sleep(1)
        newer = asyncio.ensure_future(machine.gantry.move_to(-0.01))
        await expect_failure(older, Halted, "a newer goal")

        assert (await newer).x_m == pytest.approx(-0.01)
        assert machine.value("homed") is True

    tell(story)


@pytest.mark.parametrize("name", ["../fine.nc", "/etc/passwd", "", "no-such.nc"])
def test_a_job_lies_in_the_robots_folder(folder: Path, name: str) -> None:
    async def story(machine: Machine) -> None:
        await machine.ready()
        await expect_failure(asyncio.ensure_future(machine.gantry.run_job(name)), DeviceRefused)

    (folder / "inner").mkdir()
    tell(story, folder / "inner")


def expect_refusal(twin: Twin, spec: dict[str, object], why: str) -> None:
    """A gantry with this spec and that far end never comes online, and says why."""

    async def story() -> None:
        link = TwinLink("cnc", twin)
        board = GrblBoard("cnc", GrblBoardSpec(driver="grbl", port="cnc"), lambda: link, random.Random(0))
        board.add("gantry", GrblGantrySpec.model_validate({**GANTRY, **spec}))
        task = asyncio.create_task(board.run())
        await asyncio.sleep(3)
        task.cancel()
        await asyncio.wait({task})

        assert isinstance(board.trouble, DeviceRefused)
        with pytest.raises(DeviceRefused, match=why):
            raise board.trouble

    virtual.run(story())


@pytest.mark.parametrize(
    ("bench", "spec", "why"),
    [
        ({}, {"x": "400 mm"}, r"x: 400 mm is more than .* \$130=300"),
        ({"homes": False}, {}, r"its homing is switched off \(\$22=0\)"),
        ({}, {"homing": False}, r"it wakes up locked \(\$22=1\); write 'homing: true', or send it \$22=0"),
        ({}, {"switches": "low"}, r"counts x from minus its travel up to 0, .* write 'switches: high'"),
        (
            {"low": (0.0, 0.0, 0.0), "high": (300.0, 200.0, 80.0)},
            {},
            r"counts x from 0 up to its travel \(\$23=7\); write 'switches: low'",
        ),
    ],
)
def test_a_file_that_does_not_fit_the_machine_is_told_so(
    bench: dict[str, Any], spec: dict[str, object], why: str
) -> None:
    expect_refusal(GrblTwin(Bench(**bench)), spec, why)


class Older(GrblTwin):
    """Grbl 0.9 greets as its successor does, and tells its version in another way."""

    def receive(self, data: bytes, now: float) -> bytes:
        return self._as_it_says(super().receive(data, now))

    def advance(self, now: float) -> bytes:
        return self._as_it_says(super().advance(now))

    def _as_it_says(self, said: bytes) -> bytes:
        said = said.replace(b"Grbl 1.1h", b"Grbl 0.9j")
        return re.sub(rb"\[VER:.*\]\r\n\[OPT:.*\]", b"[0.9j.20160316:]", said)


def test_an_older_grbl_is_told_that_it_is_too_old() -> None:
    expect_refusal(Older(Bench()), {}, r"it runs Grbl 0\.9j, too old for robotd; put Grbl 1\.1 on it")


def test_an_alarm_of_a_machine_that_cannot_home_is_told_with_a_way_out(folder: Path) -> None:
    async def story(machine: Machine) -> None:
        await machine.ready(home=False)
        job = asyncio.ensure_future(machine.gantry.run_job("plain.nc"))
        await asyncio.sleep(1)
        machine.rig.set_world("x_switch", True)
        await expect_failure(job, DeviceRefused, "ALARM:1 (a limit switch was hit)", WAY_OUT)
        machine.rig.set_world("x_switch", False)
        await asyncio.sleep(0.5)
        await expect_failure(
            asyncio.ensure_future(machine.gantry.move_to(-0.1)), DeviceRefused, "locked by an alarm", WAY_OUT
        )
        assert b"$" not in machine.told(1.0).replace(b"$J=", b"")

    (folder / "plain.nc").write_text("G21 G90\nG1 X-200 F3000\n")
    tell(story, folder, gantry={"homing": False})


WAY_OUT = "see where it stands, then switch it off and on"
