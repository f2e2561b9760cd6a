"""A robot's boards and devices together."""

import asyncio
import random

import pytest
from pydantic import ValidationError

from hal import (
    Actuator,
    BoardEvent,
    DeviceRefused,
    DeviceState,
    DriveBase,
    DriverNotFound,
    FaultError,
    LinkFull,
    Motor,
    Rig,
    TwinLink,
    UnknownQuantity,
    find_driver,
    serve_tcp,
)
from tests import virtual
from tests.hal.rover import BOARDS, DEVICES, LAMP, MAST, WHEELS, simulated_rover

TWO_BOARDS = {"arduino": BOARDS["arduino"], "arm": {"driver": "firmata", "port": "/dev/arm"}}
TWO_BOARDS_DEVICES = {**DEVICES, "lift": {**MAST, "board": "arm"}}


def test_devices_stand_in_the_order_of_the_file() -> None:
    assert list(simulated_rover().devices) == list(DEVICES)


@pytest.mark.parametrize(
    ("devices", "sentence"),
    [
        ({**WHEELS, "left": LAMP}, "base: its wheel 'left' is no motor"),
        ({"base": WHEELS["base"]}, "base: its wheel 'left' is no motor"),
    ],
)
def test_a_base_without_its_motors_is_refused(devices, sentence: str) -> None:
    with pytest.raises(DeviceRefused, match=sentence):
        simulated_rover(devices)


def test_a_device_on_a_board_that_is_not_there_is_refused() -> None:
    lamp = find_driver("firmata").device_specs["digital_output"].model_validate({**LAMP, "board": "uno"})

    with pytest.raises(DeviceRefused, match="there is no board 'uno'"):
        Rig.build({}, {"lamp": lamp}, rng=random.Random())


def test_a_device_without_a_board_is_refused() -> None:
    lamp = find_driver("firmata").device_specs["digital_output"].model_validate({**LAMP, "board": None})

    with pytest.raises(DeviceRefused, match="a digital_output needs a board"):
        Rig.build({}, {"lamp": lamp}, rng=random.Random())


def test_plain_data_is_checked_as_a_file_is() -> None:
    with pytest.raises(DriverNotFound):
        Rig.of({"arduino": {"driver": "firmatta", "port": "x"}}, {})
    with pytest.raises(ValidationError, match="max_speed"):
        simulated_rover({**WHEELS, "base": {**WHEELS["base"], "max_speed": "80 cm"}})
    with pytest.raises(FaultError):
        simulated_rover(faults=["gremlins"])
    with pytest.raises(FaultError, match="there is no board 'leg'"):
        Rig.of(BOARDS, {}, faults={"leg": ["split"]})


def test_a_simulated_board_gets_its_twin_and_another_its_port() -> None:
    rig = Rig.of(TWO_BOARDS, TWO_BOARDS_DEVICES, simulated=["arduino"])

    assert set(rig.twins) == {"arduino"}
    assert set(rig.twins["arduino"].world()) >= {
        "x",
        "y",
        "heading",
        "battery",
        "range",
        "bumper",
        "mast",
        "lamp",
    }


def test_a_port_may_be_given_in_place_of_the_one_in_the_file() -> None:
    driver = find_driver("firmata")
    spec = driver.board_spec.model_validate(BOARDS["arduino"])

    rig = Rig.build({"arduino": spec}, {}, ports={"arduino": "tcp://127.0.0.1:9"}, rng=random.Random())

    assert rig.boards["arduino"].spec.port == "tcp://127.0.0.1:9"


def test_the_worlds_of_all_twins_are_one_to_whoever_sets_the_scene() -> None:
    rig = Rig.of(TWO_BOARDS, TWO_BOARDS_DEVICES, simulated=["arduino", "arm"])
    rig.set_world("battery", 10.2)
    assert rig.world()["battery"] == rig.twins["arduino"].world()["battery"] == 10.2
    assert "lift" in rig.world()

    rig.set_world("battery", None)
    assert rig.world()["battery"] > 12
    with pytest.raises(UnknownQuantity, match="no 'batery'; it has battery, bumper, range"):
        rig.set_world("batery", 10.2)


def test_a_fault_is_let_happen_and_mended_at_the_board_that_it_names() -> None:
    async def story() -> None:
        events: list[BoardEvent] = []
        rig = Rig.of(TWO_BOARDS, TWO_BOARDS_DEVICES, simulated=["arduino", "arm"])
        rig.listen(events.append)
        async with rig:
            await rig.online()
            rig.inject("arm", "unplug 1 h after 1 s")
            await asyncio.sleep(2)
            rig.mend("arm")
            await asyncio.sleep(2)

            assert [(event.kind, event.board) for event in events] == [("lost", "arm"), ("back", "arm")]
            with pytest.raises(FaultError, match="leg is no board"):
                rig.inject("leg", "split")
            with pytest.raises(FaultError, match="did you mean 'unplug'"):
                rig.inject("arm", "unplugg 1 s")

    virtual.run(story())


def test_what_waits_on_the_wire_to_a_simulated_board_can_be_flushed_and_is_bounded() -> None:
    async def story() -> None:
        async with simulated_rover() as rig:
            await rig.online()
            link = rig.boards["arduino"].link
            assert link is not None
            rig.inject("arduino", "stall 100 ms")
            link.write(bytes(4000))
            assert link.pending == 4000
            with pytest.raises(LinkFull, match="4000 bytes wait already"):
                link.write(bytes(100))
            link.flush_output()
            assert link.pending == 0

    virtual.run(story())


async def test_a_real_board_has_the_faults_of_its_wire_and_no_others() -> None:
    served = simulated_rover().twins["arduino"]
    async with serve_tcp(served) as port:
        board = {"arduino": {"driver": "firmata", "port": port}}
        rig = Rig.of(board, {"lamp": LAMP}, faults={"arduino": ["split", "delay 1..2 ms"]})
        events: list[BoardEvent] = []
        rig.listen(events.append)
        async with asyncio.timeout(20), rig:
            await rig.online()
            rig.inject("arduino", "unplug 100 ms")
            while len(events) < 2:  # noqa: ASYNC110  # the events come from the loop
                await asyncio.sleep(0.01)
            assert [event.kind for event in events] == ["lost", "back"]
            with pytest.raises(FaultError, match="'nak' is a fault of a simulated board; tcp://"):
                rig.inject("arduino", "nak")


async def test_a_real_board_that_was_built_without_faults_cannot_have_any() -> None:
    rig = Rig.of(BOARDS, {"lamp": LAMP})

    with pytest.raises(FaultError, match="arduino is real and was built without faults"):
        rig.inject("arduino", "split")


def test_the_board_uses_its_own_link_again_after_every_loss() -> None:
    async def story() -> None:
        rig = Rig.of(BOARDS, {"lamp": LAMP}, simulated=["arduino"])
        async with rig:
            await rig.online()
            link = rig.boards["arduino"].link
            assert isinstance(link, TwinLink)
            link.cut()
            await asyncio.sleep(0.1)
            link.mend()
            await rig.online()
            assert rig.boards["arduino"].link is link

    virtual.run(story())


def test_boards_come_and_go_alone_and_every_event_says_whose_it_is() -> None:
    async def story() -> None:
        events: list[BoardEvent] = []
        rig = Rig.of(TWO_BOARDS, TWO_BOARDS_DEVICES, simulated=["arduino", "arm"])
        rig.listen(events.append)
        async with rig:
            devices = await rig.online()
            link = rig.boards["arm"].link
            assert isinstance(link, TwinLink)
            link.cut()
            await asyncio.sleep(1)

            assert [(event.kind, event.board) for event in events] == [("lost", "arm")]
            assert devices["lift"].state is DeviceState.ABSENT
            assert devices["base"].state is DeviceState.INACTIVE

    virtual.run(story())


def test_a_halt_stops_every_board_in_the_same_turn_of_the_loop() -> None:
    async def story() -> None:
        async with simulated_rover() as rig:
            devices = await rig.online()
            base = devices["base"]
            assert isinstance(base, DriveBase)
            base.activate()
            for _ in range(10):
                base.drive(0.5, 0.5)
                await asyncio.sleep(0.05)
            rig.halt()

            world = rig.twins["arduino"].world()
            assert world["left_duty"] == world["right_duty"] == 0.0
            assert all(device.at_rest for device in devices.values() if isinstance(device, Actuator))

    virtual.run(story())


def test_what_ended_the_boards_before_their_time_is_raised() -> None:
    async def story() -> None:
        def listener_with_a_bug(event: BoardEvent) -> None:
            raise ZeroDivisionError(event.kind)

        async def lose_the_board() -> None:
            async with simulated_rover() as rig:
                rig.listen(listener_with_a_bug)
                await rig.online()
                link = rig.boards["arduino"].link
                assert link is not None
                link.close()
                await asyncio.sleep(1)

        with pytest.raises(ExceptionGroup) as caught:
            await lose_the_board()
        assert caught.group_contains(ZeroDivisionError)

    virtual.run(story())


def test_the_same_seed_gives_the_same_history() -> None:
    async def story(seed: int) -> list[object]:
        history: list[object] = []
        rig = simulated_rover(faults=["corrupt 1%", "drop 1%", "delay 1..9 ms"], seed=seed)
        for device in rig.devices.values():
            device.listeners.append(lambda device, name: history.append((device.name, device.reading(name))))
        rig.listen(history.append)
        async with rig:
            await asyncio.sleep(2)
            left = rig.devices["left"]
            if isinstance(left, Motor) and left.state is DeviceState.INACTIVE:
                left.activate()
            await asyncio.sleep(2)
        return history

    assert virtual.run(story(7)) == virtual.run(story(7))
    assert virtual.run(story(7)) != virtual.run(story(8))
