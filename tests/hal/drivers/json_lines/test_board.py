"""A board that speaks JSON lines, against its twin and against far ends that are none. In virtual time."""

import asyncio
import random
from collections.abc import Mapping
from typing import Any

import pytest

from hal import (
    AnalogInput,
    BoardEvent,
    DeviceRefused,
    DeviceState,
    DriveBase,
    Rig,
    TwinLink,
    find_driver,
)
from hal.drivers.json_lines import codec, plain, waveshare
from hal.drivers.json_lines.codec import Lines
from hal.drivers.json_lines.dialect import Report
from hal.links.memory import MemoryLink, memory_pair
from tests import virtual
from tests.hal.drivers.json_lines.rover import PLAIN, PLAIN_DEVICES, WAVESHARE, WAVESHARE_DEVICES


def rover(dialect: str = "plain", **board: Any) -> Rig:
    if dialect == "plain":
        return Rig.of({"mcu": {**PLAIN, **board}}, PLAIN_DEVICES, simulated=["mcu"])
    return Rig.of({"wave": {**WAVESHARE, **board}}, WAVESHARE_DEVICES, simulated=["wave"])


class FarEnd:
    """Answers each line with what `answers` has for its first key."""

    def __init__(self, link: MemoryLink, answers: Mapping[str, bytes]) -> None:
        self._link = link
        self._lines = Lines()
        self._answers = answers

    def data_received(self, data: bytes) -> None:
        for found in self._lines.feed(data):
            if (answer := self._answers.get(next(iter(found)))) is not None:
                self._link.write(answer)

    def connection_lost(self, reason: Exception | None) -> None: ...


async def told_by(answers: Mapping[str, bytes]) -> BoardEvent:
    """The first event of a board whose far end answers so."""
    near, far = memory_pair("/dev/json")
    await far.open(FarEnd(far, answers))
    driver = find_driver("json_lines")
    board = driver.board("mcu", driver.board_spec.model_validate(PLAIN), lambda: near, random.Random(0))
    for name, data in PLAIN_DEVICES.items():
        if "board" in data:
            board.add(name, driver.device_specs[data["kind"]].model_validate(data))
    told: asyncio.Future[BoardEvent] = asyncio.get_running_loop().create_future()
    board.listener = told.set_result
    task = asyncio.create_task(board.run())
    event = await told
    task.cancel()
    await asyncio.wait({task})
    return event


ALL = ("left", "right", "lamp", "bumper", "battery", "front", "imu")


@pytest.mark.parametrize(
    ("answers", "kind", "sentence"),
    [
        ({}, "lost", "nothing came from /dev/json at 115200 baud; is it powered"),
        ({"hello": b"Hello?\r\n"}, "lost", "is none of the dialect plain; is json_rover.ino"),
        ({"hello": codec.write({"hello": "x", "version": 9, "has": []})}, "refused", "version 9, robotd 1"),
        (
            {"hello": plain.hello("x", ALL[:-1])},
            "refused",
            "mcu has no channel 'imu'; it has left, right, lamp, bumper, battery, front",
        ),
        ({"hello": plain.hello("x", ALL)}, "lost", "it stopped answering on /dev/json"),
    ],
)
def test_what_is_there_instead_is_told_with_a_next_step(
    answers: Mapping[str, bytes], kind: str, sentence: str
) -> None:
    async def story() -> None:
        event = await told_by(answers)

        assert event.kind == kind
        assert sentence in event.detail

    virtual.run(story())


@pytest.mark.parametrize("dialect", ["plain", "waveshare"])
def test_it_tells_its_battery_and_its_tilt_and_drives_with_a_deadman(dialect: str) -> None:
    async def story() -> None:
        rig = rover(dialect, deadman="300 ms")
        async with rig:
            devices = await rig.online()
            await asyncio.sleep(0.3)
            battery, yaw = devices["battery"].reading(), devices["imu"].reading("yaw")
            base = devices["base"]
            assert isinstance(base, DriveBase)
            base.activate()
            base.drive(0.4)
            await asyncio.sleep(0.39)  # longer than the deadman: it is told again and again
            driven = rig.world()["left_duty"]
            rig.inject(next(iter(rig.boards)), "deaf for 2 s")
            base.drive(0.4)
            await asyncio.sleep(0.31)

            assert battery is not None
            assert yaw is not None
            assert battery.value == pytest.approx(12.57, abs=0.01)
            assert yaw.value == pytest.approx(0.0)
            assert driven == pytest.approx(0.5)
            assert rig.world()["left_duty"] == 0

    virtual.run(story())


def test_a_switch_is_told_as_soon_as_it_changes() -> None:
    async def story() -> None:
        rig = rover()
        async with rig:
            bumper = (await rig.online())["bumper"]
            await asyncio.sleep(0.105)
            rig.set_world("bumper", True)
            await asyncio.sleep(0.025)
            pressed = bumper.reading()

            assert pressed is not None
            assert pressed.value is True

    virtual.run(story())


def test_what_is_too_far_to_be_seen_is_as_far_as_it_sees() -> None:
    async def story() -> None:
        rig = rover()
        async with rig:
            front = (await rig.online())["front"]
            rig.set_world("front", 7.0)
            await asyncio.sleep(0.3)
            far = front.reading()

            assert far is not None
            assert far.value == 4.0

    virtual.run(story())


def test_a_restart_is_found_out_by_its_greeting() -> None:
    async def story() -> None:
        rig, events = rover(), list[BoardEvent]()
        rig.listen(events.append)
        async with rig:
            devices = await rig.online()
            devices["base"].activate()
            rig.inject("mcu", "reboot")
            await asyncio.sleep(2)

            assert [event.kind for event in events] == ["lost", "back"]
            assert "it restarted by itself" in events[0].detail
            assert devices["base"].state is DeviceState.INACTIVE

    virtual.run(story())


@pytest.mark.parametrize("place", range(len(plain.Plain().set({"left": 0.0, "right": 0.0}))))
def test_no_disturbed_byte_of_a_stop_makes_a_plain_board_move(place: int) -> None:
    async def story() -> None:
        twin = rover().twins["mcu"].twin
        now = asyncio.get_running_loop().time()
        twin.power_on(now)
        twin.advance(now + 1)
        for byte in range(256):
            line = bytearray(plain.Plain().set({"left": 0.0, "right": 0.0}))
            line[place] = byte
            twin.receive(bytes(line) + b"\n", now + 1)

        assert (twin.world()["left_duty"], twin.world()["right_duty"]) == (0, 0)

    virtual.run(story())


@pytest.mark.parametrize("place", range(len(waveshare.Waveshare().set({}))))
def test_no_disturbed_byte_of_a_stop_makes_a_waveshare_board_move(place: int) -> None:
    async def story() -> None:
        twin = rover("waveshare").twins["wave"].twin
        now = asyncio.get_running_loop().time()
        twin.power_on(now)
        twin.advance(now + 1)
        for byte in range(256):
            line = bytearray(waveshare.Waveshare().set({}))
            line[place] = byte
            twin.receive(bytes(line) + b"\n", now + 1)

        assert max(abs(twin.world()["left_duty"]), abs(twin.world()["right_duty"])) < 1e-3

    virtual.run(story())


def test_the_examples_of_the_waveshare_dialect_are_read_in_si() -> None:
    said = (
        b'{"T":1001,"L":0,"R":0,"r":7.005664349,"p":-4.955953598,"y":-130.1,"temp":57.2,"v":11.113}\r\n'
        b'{"T":1002,"ax":0}\r\n'
    )
    report, other = map(waveshare.Waveshare().read, Lines().feed(said))

    assert other is None
    assert isinstance(report, Report)
    assert report.values["v"] == 11.113
    assert report.values["imu"] == pytest.approx(
        {"roll": 0.12227, "pitch": -0.0865, "yaw": -2.27067, "temperature": 57.2}, abs=1e-4
    )
    assert waveshare.Waveshare().set({"L": 0.4, "R": 0.4}) == b'{"T":1,"L":0.2,"R":0.2}\n'
    assert waveshare.Waveshare().set({"L": 1e-6, "R": 0.0}) == waveshare.Waveshare().set({})


@pytest.mark.parametrize(
    "noise", [b"\xff\x00", b"[1,2]\n", b'{"a":NaN}\n', b"[" * 400 + b"\n", b"x" * 2000 + b"\n", b'{"is":\n']
)
def test_what_is_no_object_is_passed_over(noise: bytes) -> None:
    lines = Lines()

    assert (lines.feed(noise + b"\n") + lines.feed(b'{"ask":1}\r\n'))[-1:] == [{"ask": 1}]
    assert lines.discarded == 1


def test_kinds_and_channels_that_cannot_be_are_refused() -> None:
    servo = {"kind": "digital_output", "board": "wave"}
    with pytest.raises(DeviceRefused, match="in the dialect waveshare there is no digital_output; there are"):
        Rig.of({"wave": WAVESHARE}, {"lamp": servo}, simulated=["wave"])

    motor = {"kind": "motor", "board": "mcu", "channel": "left"}
    with pytest.raises(DeviceRefused, match="channel 'left' of mcu is used by left"):
        Rig.of({"mcu": PLAIN}, {"left": motor, "other": motor}, simulated=["mcu"])


@pytest.mark.parametrize(
    ("dialect", "model"), [("plain", "json_rover 1"), ("waveshare", "Waveshare driver board")]
)
def test_a_scan_finds_it_in_either_dialect_and_moves_nothing(dialect: str, model: str) -> None:
    async def story() -> None:
        (twin,) = rover(dialect).twins.values()
        probe = find_driver("json_lines").probes[0]
        (found,) = [found async for found in probe.find(TwinLink("/dev/json", twin))]

        assert (found.model, found.baud) == (model, 115200)
        assert "imu" in found.details["channels"]

    virtual.run(story())


def test_an_analog_input_is_read_with_its_own_scale() -> None:
    async def story() -> None:
        devices = {"battery": {**WAVESHARE_DEVICES["battery"], "scale": "0.01 V"}}
        rig = Rig.of({"wave": WAVESHARE}, devices, simulated=["wave"])
        async with rig:
            battery = (await rig.online())["battery"]
            await asyncio.sleep(0.2)
            reading = battery.reading()

            assert isinstance(battery, AnalogInput)
            assert reading is not None
            assert reading.value == pytest.approx(12.57, abs=0.01)

    virtual.run(story())
