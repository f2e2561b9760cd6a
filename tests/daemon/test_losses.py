"""What hardware takes away: reports, the whole board, the battery; and how it comes back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from hal import Device, DeviceState
from hal.drivers.firmata import codec
from hal.links.memory import TwinLink
from tests.daemon.story import Story, robot_file, tell
from tests.daemon.tap import Gag, Tap

DRIVE = {"linear": 0.3, "angular": 0.0}
STALE_S = {"battery": 0.2, "range": 0.15}
CHANNELS = {"battery": 1, "range": 2}
LATE_S = 0.02
BOARD_EVENTS = ("arduino.silent", "arduino.lost", "arduino.back", "arduino.refused")


def link_of(story: Story) -> TwinLink:
    link = story.rig.boards["arduino"].link
    assert isinstance(link, TwinLink)
    return link


def _note_fault(device: Device, at: list[float]) -> None:
    if device.state is DeviceState.FAULTED:
        at.append(asyncio.get_running_loop().time())


def of_the_arduino(story: Story) -> list[Device]:
    return [device for device in story.rig.devices.values() if device.spec.board != "gps"]


def states(story: Story) -> set[str]:
    return {device.state.value for device in of_the_arduino(story)}


@pytest.mark.parametrize("sensor", STALE_S)
def test_a_sensor_whose_reports_stop_takes_its_board_down_in_its_stale_time_and_20_ms(sensor: str):
    async def body(story: Story) -> None:
        await story.arm()
        driving = story.send("drive", DRIVE, valid_for_s=20.0)
        await asyncio.sleep(0.3)
        tap = Tap(story.rig)
        device = story.rig.devices[sensor]
        link_of(story).write(codec.report_analog(CHANNELS[sensor], on=False))
        last = device.reading()
        assert last is not None
        while (newer := device.reading()) is not None and newer.at > last.at:
            last = newer
            await asyncio.sleep(0.001)

        faulted_at: list[float] = []
        for each in of_the_arduino(story):
            each.life_listeners.append(lambda one: _note_fault(one, faulted_at))

        await story.until(lambda: len(faulted_at) == len(of_the_arduino(story)), 1.0)

        now = faulted_at[0]
        assert now - last.at <= STALE_S[sensor] + LATE_S
        assert story.stands_still()
        await story.settle()
        assert story.names(driving)[-1] == "failed"
        assert story.stages[driving][-1].reason == "device_unavailable"
        await asyncio.sleep(1)
        assert states(story) == {"inactive"}
        assert story.events(*BOARD_EVENTS) == ["arduino.silent", "arduino.back"]
        assert tap.moved_since(now) == []

    tell(body)


def test_a_board_that_says_nothing_is_stopped_all_the_same():
    async def body(story: Story) -> None:
        gag = Gag(story.rig)
        await story.arm()
        driving = story.send("drive", DRIVE, valid_for_s=20.0)
        await asyncio.sleep(0.3)

        gag.on = True
        await story.until(story.stands_still, min(STALE_S.values()) + LATE_S + 0.002)

        await story.settle()
        assert story.names(driving)[-1] == "failed"
        refused = await story.do("drive", DRIVE)
        assert (refused.stage, refused.reason) == ("rejected", "guard_false")
        await story.do("disarm")
        refused = await story.do("arm")
        assert refused.reason == "guard_false"
        assert refused.error is not None
        assert refused.error["data"]["why"] == "stale"

        gag.on = False
        await asyncio.sleep(10)
        assert story.events(*BOARD_EVENTS)[0] == "arduino.silent"
        assert story.events(*BOARD_EVENTS)[-1] == "arduino.back"
        await story.arm()
        assert (await story.do("drive", DRIVE)).stage == "started"

    tell(body)


def test_a_cable_pulled_twice_is_told_twice_and_never_moves_by_itself():
    async def body(story: Story) -> None:
        tap = Tap(story.rig)
        link = link_of(story)
        for _ in range(2):
            await story.arm()
            driving = story.send("drive", DRIVE, valid_for_s=20.0)
            await asyncio.sleep(0.2)
            link.cut()
            await asyncio.sleep(3)
            assert story.names(driving)[-1] == "failed"
            mended_at = asyncio.get_running_loop().time()
            link.mend()
            await asyncio.sleep(6)
            assert tap.moved_since(mended_at) == []
            await story.do("disarm")

        assert story.events(*BOARD_EVENTS) == ["arduino.lost", "arduino.back"] * 2

    tell(body)


def test_a_machine_may_wait_for_a_loss_and_for_the_return(tmp_path: Path):
    machine = """
    machine:
      version: 1
      initial: disarmed
      states:
        disarmed: {}
        armed: {active: all, unattended: true, do: {base.forward: {distance: 5 m, speed: 0.2 m/s}}}
        alone: {}
      transitions:
        - {trigger: arm, source: disarmed, dest: armed}
        - {trigger: [arduino.lost, arduino.silent], source: armed, dest: alone}
        - {trigger: arduino.back, source: alone, dest: armed}
        - {trigger: base.forward.failed, source: armed, dest: disarmed}
    """

    async def body(story: Story) -> None:
        await story.arm()
        await asyncio.sleep(0.5)
        link_of(story).close()
        await asyncio.sleep(0.1)
        assert story.state == "alone"
        await asyncio.sleep(2)

        # Entered again, so its devices are active again and its motion begins afresh.
        assert story.state == "armed"
        assert not story.stands_still()
        # How the first stay's motion ended came after that stay.
        assert [d.note for d in story.decisions if d.message.type == "base.forward.failed"] == ["outdated"]

    tell(body, robot_file(tmp_path, machine=machine, events="events: {}\n"))


def test_a_condition_that_begins_to_hold_in_a_short_loss_is_told_when_the_last_of_its_readings_is_back(
    tmp_path: Path,
):
    """The battery says what it said before the loss, and sooner than that would be stale."""
    file = robot_file(tmp_path, events="events: {stuck: {when: bumper.active and battery.value < 11.5}}\n")
    file.write_text(file.read_text().replace("stale: 200 ms", "stale: 5 s"))

    async def body(story: Story) -> None:
        story.rig.set_world("battery", 11.0)
        await asyncio.sleep(0.5)
        before = story.reading("battery.value")
        link = link_of(story)
        link.cut()
        link.mend()
        story.rig.set_world("bumper", True)
        await asyncio.sleep(1.0)

        assert story.reading("battery.value") == before
        assert story.events("stuck", *BOARD_EVENTS) == ["arduino.lost", "arduino.back", "stuck"]

    tell(body, file)


async def ramp(story: Story, *volts: float) -> None:
    for value in volts:
        story.rig.set_world("battery", value)
        await asyncio.sleep(0.2)


def test_a_battery_around_its_threshold_is_one_event_each_way():
    async def body(story: Story) -> None:
        await ramp(story, 12.0, 11.0, 10.9)
        assert story.events("battery_low") == []
        await ramp(story, 10.7, 10.9, 10.7, 11.3, 10.7, 11.39)
        assert story.events("battery_low") == ["battery_low"]
        await ramp(story, 11.5, 11.0, 10.9)
        assert story.events("battery_low") == ["battery_low"]
        await ramp(story, 10.7, 10.5)
        assert story.events("battery_low") == ["battery_low"] * 2

    tell(body)


def test_a_flat_battery_docks_the_rover_where_only_the_mast_moves():
    async def body(story: Story) -> None:
        await story.arm()
        look = story.send("look", {"angle": 1.0})
        driving = story.send("drive", DRIVE, valid_for_s=20.0)
        await asyncio.sleep(0.5)
        await ramp(story, 10.5)

        assert story.state == "docked"
        assert story.stands_still()
        assert {story.names(command)[-1] for command in (look, driving)} == {"cancelled"}
        devices = story.rig.devices
        assert [name for name, device in devices.items() if device.state.value == "active"] == [
            "mast",
            "position",
        ]
        await asyncio.sleep(2)
        assert abs(story.rig.world()["mast"]) < 0.02
        assert (await story.do("drive", DRIVE)).reason == "not_in_this_state"
        assert (await story.do("disarm")).stage == "done"
        assert (await story.do("arm")).reason == "guard_false"
        await ramp(story, 12.0)
        await story.arm()

    tell(body)


def test_a_state_with_history_goes_on_where_it_was_left_but_not_after_a_reset(tmp_path: Path):
    machine = """
    machine:
      version: 1
      initial: rest
      states:
        rest: {}
        go:
          active: all
          history: shallow
          initial: slow
          states: {slow: {}, fast: {}}
      transitions:
        - {trigger: switch, source: rest, dest: go}
        - {trigger: switch, source: go, dest: rest}
        - {trigger: faster, source: go.slow, dest: go.fast}
    """

    async def body(story: Story) -> None:
        for command in ("switch", "faster", "switch", "switch"):
            await story.do(command)
        assert story.state == "go.fast"

        evidence = await story.service.estop("test", "test")
        await asyncio.sleep(0.5)
        story.service.reset(evidence["latch_id"], "test")
        await story.settle()
        await story.do("switch")
        assert story.state == "go.slow"

    tell(body, robot_file(tmp_path, machine=machine, events="events: {}\n"))


WAITS = """
    from robotd import Robot, handler

    @handler
    async def patrol(robot: Robot) -> None:
        while True:
            await robot.sleep(60)
"""


@pytest.mark.no_cover
def test_a_patrol_ends_after_ten_minutes_counted_from_its_last_beginning(tmp_path: Path):
    async def body(story: Story) -> None:
        await story.arm()
        await story.do("patrol")
        await asyncio.sleep(599)
        story.rig.set_world("bumper", True)
        await asyncio.sleep(0.5)
        story.rig.set_world("bumper", False)
        await asyncio.sleep(0.5)
        assert story.state == "armed.teleop"

        await story.do("patrol")
        await asyncio.sleep(599.9)
        assert story.state == "armed.auto"
        await asyncio.sleep(0.2)

        assert story.state == "armed.teleop"
        assert story.events("patrol_timeout") == ["patrol_timeout"]
        assert story.engine.executor.running == 0

    tell(body, robot_file(tmp_path, handlers=WAITS))


def test_a_device_that_cannot_be_activated_is_an_event_of_its_board():
    """The arm command itself is carried out: it does not look at the servo, only at battery and bumper."""

    async def body(story: Story) -> None:
        mast = story.rig.devices["mast"]
        mast.fail("its horn came off")

        await story.arm()

        refused = [d.message for d in story.decisions if d.message.type == "arduino.refused"]
        assert [m.payload["reason"] for m in refused] == ["device_refused"]
        assert "its horn came off" in refused[0].payload["message"]
        stage = await story.do("look", {"angle": 0.5})
        assert (stage.stage, stage.reason) == ("failed", "device_unavailable")
        assert (await story.do("drive", DRIVE)).stage == "started"

    tell(body)


def test_arming_without_the_board_is_told_once_for_each_device(tmp_path: Path):
    machine = """
    machine:
      version: 1
      initial: disarmed
      states:
        disarmed: {}
        armed: {active: [base, mast]}
        hurt: {}
      transitions:
        - {trigger: arm, source: disarmed, dest: armed}
        - {trigger: arduino.refused, source: armed, dest: hurt}
    """

    async def body(story: Story) -> None:
        link_of(story).cut()
        await asyncio.sleep(0.1)
        await story.do("arm")

        assert story.state == "hurt"
        assert story.events("arduino.refused") == ["arduino.refused"] * 2

    tell(body, robot_file(tmp_path, machine=machine, events="events: {}\n"))
