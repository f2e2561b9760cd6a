"""The life of a board: here on a Firmata board with its twin, in virtual time."""

import asyncio
import random

import pytest

from hal import (
    Actuator,
    BoardEvent,
    BoardState,
    DeviceGone,
    DeviceState,
    DriveBase,
    Link,
    LinkError,
    LinkFull,
    Motor,
    Peer,
    Rig,
    find_driver,
)
from hal.board import LONGEST_PAUSE_S, SHORTEST_PAUSE_S
from tests import virtual
from tests.hal.rover import BOARDS, simulated_rover


def arduino_link(rig: Rig) -> Link:
    link = rig.boards["arduino"].link
    assert link is not None
    return link


async def driving(rig: Rig) -> DriveBase:
    """The base, active and at 0.4 m/s."""
    base = (await rig.online())["base"]
    assert isinstance(base, DriveBase)
    base.activate()
    for _ in range(20):
        base.drive(0.4)
        await asyncio.sleep(0.05)
    return base


def listen(rig: Rig) -> list[BoardEvent]:
    events: list[BoardEvent] = []
    rig.listen(events.append)
    return events


def test_the_first_connection_says_nothing_but_its_state() -> None:
    async def story() -> None:
        rig = simulated_rover()
        events = listen(rig)
        board = rig.boards["arduino"]
        assert board.state is BoardState.CLOSED
        async with rig:
            await rig.online()

            assert (board.state, board.detail) == (BoardState.ONLINE, "StandardFirmata 2.5")
            assert {device.state for device in rig.devices.values()} == {DeviceState.INACTIVE}
            assert events == []
        assert board.state is BoardState.CLOSED
        assert {device.state for device in rig.devices.values()} == {DeviceState.ABSENT}

    virtual.run(story())


def test_a_cable_pulled_in_a_motion_ends_it_and_the_board_comes_back_inactive_and_still() -> None:
    async def story() -> None:
        async with simulated_rover() as rig:
            events = listen(rig)
            loop = asyncio.get_running_loop()
            base = await driving(rig)
            motion = asyncio.create_task(base.forward(0.5, speed_m_s=0.4))
            await asyncio.sleep(0.2)
            rig.inject("arduino", "unplug 5 s")

            with pytest.raises(DeviceGone, match="wire was lost"):
                await motion
            assert base.state is DeviceState.ABSENT
            assert rig.boards["arduino"].state is BoardState.LOST
            await asyncio.sleep(5)
            replugged_at = loop.time()
            await rig.online()

            assert loop.time() - replugged_at < 2
            assert [event.kind for event in events] == ["lost", "back"]
            assert "check the cable" in events[0].detail
            assert {device.state for device in rig.devices.values()} == {DeviceState.INACTIVE}
            await asyncio.sleep(1)
            assert rig.twins["arduino"].world()["left_speed"] == 0.0

    virtual.run(story())


@pytest.mark.parametrize("away_s", [0.3, 1, 5, 12, 60])
@pytest.mark.parametrize("seed", range(5))
def test_a_board_is_back_soon_however_long_it_was_away(away_s: float, seed: int) -> None:
    async def story() -> None:
        async with simulated_rover(seed=seed) as rig:
            await rig.online()
            rig.inject("arduino", f"unplug {away_s} s")
            await asyncio.sleep(away_s + 0.001)
            async with asyncio.timeout(min(0.75 + away_s / 5, LONGEST_PAUSE_S + 0.5)):
                await rig.online()

    virtual.run(story())


class NoLink(Link):
    """A port that is not there."""

    def __init__(self) -> None:
        self.name = "/dev/nothing"
        self.opened_at: list[float] = []

    async def open(self, peer: Peer) -> None:
        self.opened_at.append(asyncio.get_running_loop().time())
        raise LinkError("/dev/nothing: there is no such port; is the cable in?")

    def write(self, data: bytes) -> None:
        raise AssertionError("written to a port that is not open")

    def flush_output(self) -> None: ...

    def close(self) -> None: ...

    @property
    def pending(self) -> int:
        return 0


def test_a_port_that_is_not_there_is_tried_for_ever_ever_rarer_and_told_once() -> None:
    async def story() -> None:
        driver, link, events = find_driver("firmata"), NoLink(), list[BoardEvent]()
        spec = driver.board_spec.model_validate(BOARDS["arduino"])
        board = driver.board("arduino", spec, lambda: link, random.Random(1))
        board.listener = events.append
        task = asyncio.create_task(board.run())
        await asyncio.sleep(120)

        pauses = [later - earlier for earlier, later in zip(link.opened_at, link.opened_at[1:], strict=False)]
        assert min(pauses) >= SHORTEST_PAUSE_S - 1e-9
        assert max(pauses) <= LONGEST_PAUSE_S + 1e-9
        assert pauses[-1] > 3 > 1 > pauses[2]
        assert len(set(pauses)) > 5
        assert [(event.kind, event.detail) for event in events] == [
            ("lost", "/dev/nothing: there is no such port; is the cable in?")
        ]
        assert board.state is BoardState.LOST
        task.cancel()
        await asyncio.wait({task})

    virtual.run(story())


def test_closing_halts_what_moves() -> None:
    async def story() -> None:
        async with simulated_rover() as rig:
            base = await driving(rig)
            assert not base.at_rest
        twin = rig.twins["arduino"]

        assert twin.world()["left_duty"] == twin.world()["right_duty"] == 0.0

    virtual.run(story())


def test_a_stop_may_be_called_at_any_time_and_never_raises() -> None:
    async def story() -> None:
        rig = simulated_rover()
        rig.halt()
        async with rig:
            rig.halt()
            await rig.online()
            rig.inject("arduino", "full 200 ms")
            await asyncio.sleep(0.01)
            rig.halt()
            rig.inject("arduino", "unplug 1 s")
            await asyncio.sleep(0.01)
            rig.halt()
        rig.halt()

    virtual.run(story())


def test_a_setpoint_that_a_full_wire_does_not_take_is_refused_with_the_next_step() -> None:
    async def story() -> None:
        async with simulated_rover() as rig:
            left = (await rig.online())["left"]
            assert isinstance(left, Motor)
            left.activate()
            rig.inject("arduino", "full 200 ms")
            await asyncio.sleep(0.01)

            with pytest.raises(LinkFull, match="arduino takes no more bytes"):
                left.set_duty(0.5)

    virtual.run(story())


def test_a_setpoint_without_a_wire_is_refused_with_the_next_step() -> None:
    async def story() -> None:
        async with simulated_rover() as rig:
            await rig.online()
            board = rig.boards["arduino"]
            arduino_link(rig).close()

            with pytest.raises(DeviceGone, match="check the cable"):
                board.send(b"\xf9")
            await asyncio.sleep(0.01)
            with pytest.raises(DeviceGone, match="not connected"):
                board.send(b"\xf9")

    virtual.run(story())


def test_a_silent_board_is_faulted_halted_and_back_when_it_speaks_again() -> None:
    async def story() -> None:
        async with simulated_rover() as rig:
            events = listen(rig)
            base = await driving(rig)
            loop = asyncio.get_running_loop()
            rig.inject("arduino", "stall 3 s")
            silent_since = loop.time()
            heard = asyncio.Event()
            rig.listen(lambda _: heard.set())
            await heard.wait()

            assert loop.time() - silent_since < 0.2
            assert events[0].kind == "silent"
            assert "no report of" in events[0].detail
            assert rig.boards["arduino"].state is BoardState.SILENT
            assert base.state is DeviceState.FAULTED
            assert all(d.state is DeviceState.FAULTED for d in rig.devices.values())
            await rig.online()
            assert [event.kind for event in events] == ["silent", "back"]
            assert {device.state for device in rig.devices.values()} == {DeviceState.INACTIVE}
            await asyncio.sleep(0.5)
            assert rig.twins["arduino"].world()["left_speed"] == 0.0

    virtual.run(story())


def test_a_silent_board_that_is_then_unplugged_is_lost_too() -> None:
    async def story() -> None:
        async with simulated_rover() as rig:
            events = listen(rig)
            await rig.online()
            rig.inject("arduino", "stall 2 s")
            await asyncio.sleep(1)
            rig.inject("arduino", "unplug 1 s")
            await asyncio.sleep(3)

            assert [event.kind for event in events] == ["silent", "lost", "back"]

    virtual.run(story())


def test_every_actuator_is_at_rest_after_a_loss() -> None:
    async def story() -> None:
        async with simulated_rover() as rig:
            await driving(rig)
            rig.inject("arduino", "unplug 1 s")
            await asyncio.sleep(0.01)

            assert all(d.at_rest for d in rig.devices.values() if isinstance(d, Actuator))

    virtual.run(story())
