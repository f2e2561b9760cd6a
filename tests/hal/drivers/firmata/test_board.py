"""The Firmata board against its twin, and against far ends that are no Firmata board. In virtual time."""

import asyncio
import random
from collections.abc import Callable

import pytest

from hal import (
    AnalogInput,
    BoardEvent,
    BoardState,
    DeviceRefused,
    DeviceState,
    DigitalInput,
    DigitalOutput,
    DriveBase,
    Motor,
    Rig,
    Servo,
    find_driver,
)
from hal.board import Board
from hal.drivers.firmata import codec, words
from hal.drivers.firmata.twin import FirmataTwin
from hal.errors import DeviceUnavailable
from hal.links.memory import MemoryLink, memory_pair
from tests import virtual
from tests.hal import rover
from tests.hal.rover import BOARDS, DEVICES, simulated_rover


class FarEnd:
    """Somebody at the other end of a memory wire: says what `answer` returns for what it hears."""

    def __init__(self, link: MemoryLink, answer: Callable[[bytes], bytes]) -> None:
        self.link = link
        self.heard = bytearray()
        self._answer = answer

    def data_received(self, data: bytes) -> None:
        self.heard += data
        reply = self._answer(data)
        if reply:
            self.link.write(reply)

    def connection_lost(self, reason: Exception | None) -> None: ...


async def first_word(answer: Callable[[bytes], bytes], devices=DEVICES) -> tuple[Board, BoardEvent, bytes]:
    """What a board makes of a far end that answers so: the board, its first event, and what it said."""
    near, far = memory_pair("/dev/ttyACM0")
    far_end = FarEnd(far, answer)
    await far.open(far_end)
    driver = find_driver("firmata")
    board = driver.board(
        "arduino", driver.board_spec.model_validate(BOARDS["arduino"]), lambda: near, random.Random(0)
    )
    for name, data in devices.items():
        if data["kind"] in driver.device_specs:
            board.add(name, driver.device_specs[data["kind"]].model_validate(data))
    told: asyncio.Future[BoardEvent] = asyncio.get_running_loop().create_future()
    board.listener = told.set_result
    task = asyncio.create_task(board.run())
    event = await told
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    return board, event, bytes(far_end.heard)


def twin_of(rig: Rig) -> FirmataTwin:
    twin = rig.twins["arduino"].twin
    assert isinstance(twin, FirmataTwin)
    return twin


def events_of(rig: Rig) -> list[BoardEvent]:
    events: list[BoardEvent] = []
    rig.listen(events.append)
    return events


async def heard_from(rig: Rig) -> BoardEvent:
    """The next event of the rig."""
    told: asyncio.Future[BoardEvent] = asyncio.get_running_loop().create_future()
    rig.listen(lambda event: None if told.done() else told.set_result(event))
    return await told


# ------------------------------------------------------------------ who is there


def test_the_version_is_asked_for_again_and_again_each_time_behind_an_f7() -> None:
    async def story() -> None:
        _, event, heard = await first_word(lambda _: b"")

        assert heard.startswith(bytes.fromhex("f7 f9 f7 f9 f7 f9"))
        assert event.kind == "lost"
        assert event.detail == (
            "nothing came from /dev/rover at 57600 baud; "
            "is it powered, is this its port, does the cable carry data?"
        )

    virtual.run(story())


def test_a_device_that_speaks_something_else_is_told_from_a_dead_one() -> None:
    async def story() -> None:
        _, event, _ = await first_word(lambda _: b"$GPGGA,123519,4807.038,N\r\n")

        assert "is not Firmata; is StandardFirmata on it, is the baud rate right?" in event.detail

    virtual.run(story())


def test_a_device_that_stops_answering_half_way_is_said_so() -> None:
    async def story() -> None:
        _, event, _ = await first_word(lambda heard: codec.version(2, 5) if b"\xf9" in heard else b"")

        assert "stopped answering" in event.detail

    virtual.run(story())


def test_an_old_firmata_is_refused_with_what_to_upload() -> None:
    async def story() -> None:
        board, event, _ = await first_word(lambda heard: codec.version(2, 3) if b"\xf9" in heard else b"")

        assert event.kind == "refused"
        assert "Firmata 2.3, too old" in event.detail
        assert "upload StandardFirmata" in event.detail
        assert {device.state for device in board.devices.values()} == {DeviceState.ABSENT}

    virtual.run(story())


@pytest.mark.parametrize(
    ("device", "sentence"),
    [
        (
            {"kind": "motor", "board": "arduino", "pwm_pin": 4, "direction_pin": 7},
            "pin 4 of arduino cannot do PWM; these can: 3, 5, 6, 9, 10, 11",
        ),
        ({"kind": "digital_output", "board": "arduino", "pin": 1}, "pin 1 of arduino cannot do OUTPUT"),
        (
            {"kind": "digital_input", "board": "arduino", "pin": 0},
            "pin 0 of arduino cannot do INPUT; these can: 2,",
        ),
        ({"kind": "digital_output", "board": "arduino", "pin": 40}, "pin 40 of arduino cannot do OUTPUT"),
        ({**rover.RANGE, "pin": "A7"}, "arduino has no analog pin A7"),
        (
            {"kind": "digital_output", "board": "arduino", "pin": 15},
            "pin 15 of arduino is used by battery already",
        ),
    ],
)
def test_a_pin_that_cannot_do_what_the_file_asks_is_refused(device, sentence) -> None:
    async def story() -> None:
        rig = simulated_rover({"battery": rover.BATTERY, "odd": device})
        async with rig:
            event = await heard_from(rig)

            assert event.kind == "refused"
            assert sentence in event.detail
            assert rig.boards["arduino"].state is BoardState.REFUSED
            assert rig.devices["odd"].state is DeviceState.ABSENT

    virtual.run(story())


def test_power_up_garbage_is_ignored_whatever_it_is() -> None:
    async def story(seed: int) -> None:
        async with simulated_rover(seed=seed) as rig:
            events = events_of(rig)
            async with asyncio.timeout(1):
                await rig.online()
            assert events == []

    for seed in range(20):
        virtual.run(story(seed))


def test_a_device_of_a_kind_that_no_pin_can_be_is_refused() -> None:
    driver = find_driver("firmata")
    board = driver.board(
        "arduino",
        driver.board_spec.model_validate(BOARDS["arduino"]),
        lambda: memory_pair()[0],
        random.Random(),
    )
    base = simulated_rover().devices["base"]

    with pytest.raises(DeviceRefused, match="a Firmata board has no drive_base"):
        board.add("base", base.spec)


# ------------------------------------------------------------------ what it reports


def test_all_readings_are_there_as_soon_as_it_is_online() -> None:
    async def story() -> None:
        async with simulated_rover() as rig:
            devices = await rig.online()

            readings = [devices[name].reading() for name in ("bumper", "battery", "range")]
            now = asyncio.get_running_loop().time()
            assert [reading and now - reading.at for reading in readings] == pytest.approx(
                [0, 0, 0], abs=0.01
            )
            assert [reading and reading.value for reading in readings] == pytest.approx(
                [0, 12.58, 1.5], abs=0.02
            )
            assert [reading and reading.unit for reading in readings] == ["bool", "V", "m"]

    virtual.run(story())


def test_a_bumper_edge_is_heard_within_30_ms() -> None:
    async def story() -> None:
        async with simulated_rover() as rig:
            bumper = (await rig.online())["bumper"]
            edges: list[float] = []
            loop = asyncio.get_running_loop()
            bumper.listeners.append(lambda *_: edges.append(loop.time()))
            await asyncio.sleep(0.4321)
            pressed_at = loop.time()
            twin_of(rig).set_world("bumper", True)
            await asyncio.sleep(1)

            assert len(edges) == 1
            assert edges[0] - pressed_at < 0.03
            reading = bumper.reading()
            assert reading is not None
            assert reading.value is True
            assert loop.time() - reading.at < 0.06

    virtual.run(story())


def test_when_one_analog_input_is_no_longer_reported_all_is_faulted_in_time_and_comes_back() -> None:
    async def story() -> None:
        async with simulated_rover() as rig:
            await rig.online()
            await asyncio.sleep(1)
            twin, loop = twin_of(rig), asyncio.get_running_loop()
            reading = rig.devices["battery"].reading()
            assert reading is not None
            twin.receive(codec.report_analog(1, on=False), loop.time())

            event = await heard_from(rig)

            assert event.kind == "silent"
            assert loop.time() - reading.at == pytest.approx(0.2, abs=0.02)
            assert event.detail.startswith("no report of battery for 200 ms")
            assert "no report of battery" in str(rig.devices["left"].fault)
            async with asyncio.timeout(0.5):
                await rig.online()
            assert rig.devices["left"].state is DeviceState.INACTIVE

    virtual.run(story())


@pytest.mark.parametrize("devices", [{"lamp": rover.LAMP}, {"bumper": rover.BUMPER}, {}])
def test_a_board_without_analog_inputs_is_asked_for_a_sign_of_life(devices) -> None:
    async def story() -> None:
        async with simulated_rover(devices) as rig:
            events = events_of(rig)
            await rig.online()
            await asyncio.sleep(30)
            assert events == []
            rig.inject("arduino", "stall 2 s")
            stalled_at = asyncio.get_running_loop().time()

            event = await heard_from(rig)

            assert (event.kind, event.detail[:22]) == ("silent", "not a word for 300 ms;")
            assert asyncio.get_running_loop().time() - stalled_at < 0.33

    virtual.run(story())


def test_an_input_that_is_sampled_seldom_does_not_make_the_bumper_stale() -> None:
    async def story() -> None:
        devices = {"bumper": rover.BUMPER, "battery": {**rover.BATTERY, "sample": "5 s", "stale": "15 s"}}
        async with simulated_rover(devices) as rig:
            events = events_of(rig)
            bumper = (await rig.online())["bumper"]
            for _ in range(100):
                await asyncio.sleep(0.21)
                reading = bumper.reading()
                assert reading is not None
                assert asyncio.get_running_loop().time() - reading.at < 0.2
            assert events == []

    virtual.run(story())


def test_a_board_that_restarts_by_itself_is_lost_and_comes_back_configured_and_inactive() -> None:
    async def story() -> None:
        async with simulated_rover() as rig:
            events = events_of(rig)
            base = (await rig.online())["base"]
            assert isinstance(base, DriveBase)
            base.activate()
            base.drive(0.4)
            twin_of(rig).power_on(asyncio.get_running_loop().time())  # a dip of its supply
            await asyncio.sleep(0.2)

            assert [event.kind for event in events] == ["lost"]
            assert "restarted by itself" in events[0].detail
            await rig.online()
            assert base.state is DeviceState.INACTIVE
            base.activate()
            base.drive(0.4)
            await asyncio.sleep(0.3)
            assert rig.twins["arduino"].world()["left_speed"] == pytest.approx(0.4, abs=0.01)

    virtual.run(story())


@pytest.mark.parametrize(
    "damage",
    [
        bytes([words.RESET]),  # 0xF7 with one bit changed
        codec.pin_mode(4, words.PinMode.INPUT),  # a level for pin 4 with one bit changed
    ],
)
def test_a_pin_that_lost_its_mode_unseen_is_found_and_made_good(damage: bytes) -> None:
    async def story() -> None:
        async with simulated_rover({**rover.WHEELS, "bumper": rover.BUMPER}) as rig:
            events = events_of(rig)
            await rig.online()
            await asyncio.sleep(1)
            twin_of(rig).receive(damage, asyncio.get_running_loop().time())
            await asyncio.sleep(2)

            assert [event.kind for event in events] == ["lost", "back"]
            assert "lost its mode" in events[0].detail
            assert rig.devices["base"].state is DeviceState.INACTIVE

    virtual.run(story())


# ------------------------------------------------------------------ what it does


def test_a_drive_turns_the_wheels_and_lapses_after_400_ms() -> None:
    async def story() -> None:
        async with simulated_rover() as rig:
            base = (await rig.online())["base"]
            assert isinstance(base, DriveBase)
            base.activate()
            base.drive(-0.4)
            await asyncio.sleep(0.39)
            assert rig.twins["arduino"].world()["right_speed"] == pytest.approx(-0.4, abs=0.01)
            await asyncio.sleep(0.3)
            assert rig.twins["arduino"].world()["right_speed"] == 0.0

    virtual.run(story())


@pytest.mark.parametrize(
    ("duty", "bytes_hex"),
    [
        (0.0, "f5 04 00 e5 00 00"),
        (1.0, "f5 04 00 e5 7f 01"),
        (-1.0, "f5 04 01 e5 7f 01"),
        (-1 / 255, "f5 04 01 e5 01 00"),
        (0.5, "f5 04 00 e5 00 01"),
    ],
)
def test_every_write_of_a_motor_says_its_direction_and_its_duty(duty: float, bytes_hex: str) -> None:
    from hal.drivers.firmata.fittings import MotorFitting
    from hal.drivers.firmata.specs import FirmataMotorSpec

    sent: list[bytes] = []
    fitting = MotorFitting("left", FirmataMotorSpec.model_validate(rover.WHEELS["left"]), sent.append)

    fitting.write(duty)

    assert sent == [bytes.fromhex(bytes_hex)]


def test_a_servo_is_not_attached_before_its_first_move_since_that_would_turn_it() -> None:
    async def story() -> None:
        async with simulated_rover({"mast": rover.MAST}) as rig:
            mast = (await rig.online())["mast"]
            assert isinstance(mast, Servo)
            mast.activate()
            mast.halt()
            await asyncio.sleep(1)
            assert twin_of(rig).world()["mast"] == 0.0

            await mast.move_to(1.0)
            await asyncio.sleep(0.3)
            assert twin_of(rig).world()["mast"] == pytest.approx(1.0, abs=0.002)

    virtual.run(story())


def test_a_relay_that_is_on_while_its_pin_is_low_is_off_from_the_start() -> None:
    async def story() -> None:
        relay = {"kind": "digital_output", "board": "arduino", "pin": 8, "active": "low"}
        async with simulated_rover({"relay": relay}) as rig:
            device = (await rig.online())["relay"]
            assert isinstance(device, DigitalOutput)
            assert twin_of(rig).world()["relay"] is False
            device.activate()
            device.write(True)
            assert twin_of(rig).world()["relay"] is True
            device.halt()
            assert twin_of(rig).world()["relay"] is False

    virtual.run(story())


# ------------------------------------------------------------------ stopping


def test_the_stop_frames_end_a_sysex_first_and_leave_what_shall_hold_or_keep() -> None:
    keeper = {"kind": "digital_output", "board": "arduino", "pin": 12, "on_stop": "keep"}
    pump = {"kind": "motor", "board": "arduino", "pwm_pin": 3, "direction_pin": 8, "on_stop": "keep"}
    board = simulated_rover({**DEVICES, "keeper": keeper, "pump": pump}).boards["arduino"]

    assert board.stop_frames().hex(" ") == "f7 e5 00 00 e6 00 00 f5 0d 00"


def test_a_servo_may_be_told_to_go_to_zero_on_a_stop() -> None:
    board = simulated_rover({"mast": {**rover.MAST, "on_stop": "zero"}}).boards["arduino"]

    assert board.stop_frames() == codec.END_ANYTHING + codec.analog(9, 1472)


def test_a_stop_gets_through_after_half_a_sysex() -> None:
    async def story() -> None:
        async with simulated_rover() as rig:
            left = (await rig.online())["left"]
            assert isinstance(left, Motor)
            left.activate()
            left.set_duty(1.0)
            rig.boards["arduino"].send(b"\xf0\x6d")  # a writer that died in the middle
            rig.halt()

            assert twin_of(rig).world()["left_duty"] == 0.0

    virtual.run(story())


def test_a_stop_is_confirmed_by_the_state_of_each_pin() -> None:
    async def story() -> None:
        async with simulated_rover() as rig:
            devices = await rig.online()
            for device in devices.values():
                device.activate()
            base, mast, lamp = devices["base"], devices["mast"], devices["lamp"]
            assert isinstance(base, DriveBase)
            assert isinstance(mast, Servo)
            assert isinstance(lamp, DigitalOutput)
            base.drive(0.5)
            lamp.write(True)
            await mast.move_to(0.5)
            rig.halt()

            evidence = await rig.confirm_stop()

            assert set(evidence) == {"left", "right", "base", "mast", "lamp"}
            assert all(proof.confirmed for proof in evidence.values())
            assert evidence["base"].value == evidence["lamp"].value == 0.0
            assert evidence["mast"].value == pytest.approx(0.5, abs=0.002)
            assert all(proof.age_s is not None and proof.age_s < 0.1 for proof in evidence.values())

    virtual.run(story())


def test_a_stop_that_nobody_confirms_says_so_within_100_ms() -> None:
    async def story() -> None:
        async with simulated_rover() as rig:
            await rig.online()
            rig.inject("arduino", "stall 1 s")
            await asyncio.sleep(0.001)
            asked_at = asyncio.get_running_loop().time()

            evidence = await rig.confirm_stop()

            assert asyncio.get_running_loop().time() - asked_at <= 0.1
            assert not any(proof.confirmed for proof in evidence.values())
            assert evidence["left"].why == "arduino did not answer when asked for pin 5"

    virtual.run(story())


def test_a_stop_without_a_wire_is_not_confirmed_and_says_why() -> None:
    async def story() -> None:
        rig = simulated_rover()

        evidence = await rig.confirm_stop()

        assert not evidence["base"].confirmed
        assert "not connected" in str(evidence["base"].why)

    virtual.run(story())


def test_a_stop_that_was_lost_on_the_way_is_noticed_and_said_again() -> None:
    async def story() -> None:
        async with simulated_rover() as rig:
            left = (await rig.online())["left"]
            assert isinstance(left, Motor)
            left.activate()
            left.set_duty(0.5)
            rig.inject("arduino", "drop 100%")
            rig.halt()
            rig.mend("arduino")
            assert twin_of(rig).world()["left_duty"] > 0.4

            evidence = await rig.confirm_stop()

            assert evidence["left"].confirmed
            assert twin_of(rig).world()["left_duty"] == 0.0

    virtual.run(story())


@pytest.mark.parametrize("fault", ["drop 100% for 400 ms", "deaf for 1 s", "nak for 1 s"])
def test_a_stop_that_nobody_asks_to_be_confirmed_and_that_was_lost_is_said_again(fault: str) -> None:
    async def story() -> None:
        async with simulated_rover({**rover.WHEELS, "lamp": rover.LAMP}) as rig:
            left = (await rig.online())["left"]
            assert isinstance(left, Motor)
            left.activate()
            left.set_duty(0.5)
            await asyncio.sleep(0.1)
            rig.inject("arduino", fault)
            await asyncio.sleep(0.35)  # it lapses meanwhile
            assert left.at_rest
            assert twin_of(rig).world()["left_duty"] > 0.4
            await asyncio.sleep(4)

            assert twin_of(rig).world()["left_duty"] == 0.0

    virtual.run(story())


def test_a_board_that_reports_and_answers_nothing_is_lost_and_back_when_it_hears_again() -> None:
    async def story() -> None:
        async with simulated_rover() as rig:
            await rig.online()
            rig.inject("arduino", "deaf for 10 s")
            deaf_at = asyncio.get_running_loop().time()

            event = await heard_from(rig)

            assert (event.kind, event.detail.partition(";")[0]) == ("lost", "it reports, but answers nothing")
            assert asyncio.get_running_loop().time() - deaf_at < 2.6
            async with asyncio.timeout(12):
                await rig.online()

    virtual.run(story())


def test_a_faulted_wheel_takes_no_setpoint() -> None:
    async def story() -> None:
        async with simulated_rover() as rig:
            base = (await rig.online())["base"]
            assert isinstance(base, DriveBase)
            base.activate()
            rig.devices["left"].fail("its gear is broken")

            with pytest.raises(DeviceUnavailable, match="faulted"):
                base.drive(0.1)

    virtual.run(story())


def test_reports_of_pins_that_nobody_asked_for_are_left_out() -> None:
    async def story() -> None:
        async with simulated_rover() as rig:
            devices = await rig.online()
            board = rig.boards["arduino"]
            now = asyncio.get_running_loop().time()
            bumper, battery = devices["bumper"], devices["battery"]
            assert isinstance(bumper, DigitalInput)
            assert isinstance(battery, AnalogInput)
            known = battery.reading()
            board.received(
                codec.analog(5, 9) + codec.digital(4, 1) + codec.sysex(words.STRING, b"H\x00i\x00"), now
            )
            board.received(codec.sysex(words.PIN_STATE_ANSWER), now)

            assert battery.reading() == known

    virtual.run(story())
