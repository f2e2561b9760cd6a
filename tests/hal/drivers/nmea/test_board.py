"""A receiver that only talks: who it is, what it tells, and why nothing is heard. In virtual time."""

import asyncio
import random
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from hal import BoardEvent, BoardSpec, DeviceRefused, DeviceState, MotorSpec, Rig, find_driver
from hal.drivers.nmea import codec
from hal.drivers.nmea.twin import STANDS_M_S
from hal.links.memory import memory_pair
from tests import virtual
from tests.hal.rover import BOARDS, WHEELS

GPS: Mapping[str, Any] = {"driver": "nmea", "port": "/dev/gps"}
POSITION: Mapping[str, Any] = {"kind": "gnss", "board": "gps"}
SILENT = codec.write("GPGSV", "1", "1", "00")


def receiver() -> Rig:
    return Rig.of({"gps": GPS}, {"position": POSITION}, simulated=["gps"])


class Nobody:
    def data_received(self, data: bytes) -> None: ...

    def connection_lost(self, reason: Exception | None) -> None: ...


async def told_by(says: bytes) -> BoardEvent:
    """What a board makes of a far end that says this ten times a second."""
    near, far = memory_pair("/dev/gps")
    await far.open(Nobody())
    driver = find_driver("nmea")
    spec: BoardSpec = driver.board_spec.model_validate(GPS)
    board = driver.board("gps", spec, lambda: near, random.Random(0))
    told: asyncio.Future[BoardEvent] = asyncio.get_running_loop().create_future()
    board.listener = told.set_result
    task = asyncio.create_task(board.run())
    while not told.done():
        await asyncio.sleep(0.1)
        if says and not told.done():
            far.write(says)
    task.cancel()
    await asyncio.wait({task})
    return told.result()


@pytest.mark.parametrize(
    ("says", "kind", "sentence"),
    [
        (b"", "lost", "nothing came from /dev/gps at 9600 baud; is it powered, is this its port, is its TX"),
        (b"\x80\xf8\x00\x9e", "lost", "no NMEA sentence; is the baud rate right?"),
        (b"\xb5\x62\x01\x07\x00\x00", "refused", "is UBX, not NMEA; switch on NMEA"),
        (SILENT, "refused", "of GPGSV nothing says where it is; switch on its GGA or RMC"),
    ],
)
def test_what_is_no_receiver_is_told_with_a_cause_and_a_next_step(
    says: bytes, kind: str, sentence: str
) -> None:
    async def story() -> None:
        event = await told_by(says)

        assert event.kind == kind
        assert sentence in event.detail

    virtual.run(story())


def test_it_is_known_by_its_talker_and_tells_all_readings() -> None:
    async def story() -> None:
        rig = receiver()
        async with rig:
            await rig.online()
            await asyncio.sleep(0.01)
            position = rig.devices["position"]
            told = {name: position.reading(name) for name in position.readings_units()}

            assert rig.boards["gps"].detail == "GPS receiver"
            assert [name for name, reading in told.items() if reading is None] == ["course"]

    virtual.run(story())


def test_other_kinds_are_refused() -> None:
    driver = find_driver("nmea")
    near, _ = memory_pair("/dev/gps")
    board = driver.board("gps", driver.board_spec.model_validate(GPS), lambda: near, random.Random(0))

    with pytest.raises(DeviceRefused, match="has no motor; it has gnss"):
        board.add("wheel", MotorSpec())


@pytest.mark.parametrize("rate_hz", [1, 5, 10])
def test_its_twin_rides_on_the_robot(rate_hz: int) -> None:
    async def story() -> None:
        base: Any
        rig = Rig.of(
            {"gps": {**GPS, "rate": f"{rate_hz} Hz"}, **BOARDS},
            {"position": POSITION, **WHEELS},
            simulated=["gps", "arduino"],
        )
        async with rig:
            base = (await rig.online())["base"]
            base.activate()
            await base.turn(0.5, rate_rad_s=1.0)
            await base.forward(0.6, speed_m_s=0.3)
            speed, course = (rig.devices["position"].reading(name) for name in ("speed", "course"))
            await asyncio.sleep(3)
            latitude = rig.devices["position"].reading("latitude")

            assert speed is not None
            assert course is not None
            assert latitude is not None
            assert speed.value == pytest.approx(0.3, abs=0.2)
            assert course.value == pytest.approx(1.5708 - 0.5, abs=0.05)
            assert latitude.value == pytest.approx(48.137 + rig.world()["y"] / 111_195, abs=2e-7)
            assert rig.world()["ground_speed"] < STANDS_M_S

    virtual.run(story())


def test_a_receiver_without_a_fix_says_so_and_its_last_position_grows_old() -> None:
    async def story() -> None:
        rig = receiver()
        async with rig:
            await rig.online()
            rig.set_world("fix", False)
            await asyncio.sleep(3.5)
            fix, latitude = (rig.devices["position"].reading(name) for name in ("fix", "latitude"))
            now = asyncio.get_running_loop().time()

            assert fix is not None
            assert latitude is not None
            assert not fix.value
            assert now - fix.at < 1.1
            assert now - latitude.at > 3.0
            assert rig.devices["position"].state is DeviceState.INACTIVE

    virtual.run(story())


def test_a_board_on_which_nothing_acts_asks_nobody_to_stop_it() -> None:
    class Keeper:
        kept: list[str]

        def __init__(self) -> None:
            self.kept = []

        async def keep(self, board: Any) -> None:
            self.kept.append(board.name)

        async def give_back(self, board: Any) -> None: ...

    async def story() -> None:
        rig = Rig.of({"gps": GPS, **BOARDS}, {"position": POSITION, **WHEELS}, simulated=["gps", "arduino"])
        keeper = Keeper()
        for board in rig.boards.values():
            board.keeper = keeper
        async with rig:
            await rig.online()

            assert keeper.kept == ["arduino"]

    virtual.run(story())


async def found_by(probe: int, find: Callable[[], Any]) -> list[Any]:
    return [found async for found in find_driver("nmea").probes[probe].find(find())]


def test_a_scan_finds_it_and_says_what_it_sees() -> None:
    async def story() -> None:
        from hal import TwinLink

        twin = receiver().twins["gps"]
        (found,) = await found_by(0, lambda: TwinLink("/dev/gps", twin))
        twin.set_world("fix", False)
        (lost,) = await found_by(0, lambda: TwinLink("/dev/gps", twin))

        assert (found.model, found.baud, found.trouble) == ("GPS receiver", 9600, None)
        assert found.details["sentences"] == "GPGGA GPGSA GPRMC GPVTG"
        assert found.device == {"kind": "gnss"}
        assert lost.trouble == "it has no fix; does its antenna see the sky?"

    virtual.run(story())


def test_a_scan_of_a_quiet_port_finds_nothing() -> None:
    async def story() -> None:
        near, _ = memory_pair("/dev/gps")

        assert await found_by(1, lambda: near) == []

    virtual.run(story())
