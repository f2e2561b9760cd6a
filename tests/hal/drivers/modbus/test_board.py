"""A Modbus line against its twin, at its real speed, and against units that are odd. In virtual time."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest

from hal import (
    Belt,
    BoardEvent,
    BoardState,
    DeviceRefused,
    DeviceState,
    DigitalOutput,
    HalError,
    Halted,
    Relay,
    Rig,
    find_driver,
)
from hal.board import Board
from hal.drivers.modbus import codec
from hal.drivers.modbus.words import GAP_BYTES, Function, Request
from hal.links.memory import memory_pair
from tests import virtual
from tests.hal.drivers.modbus import cell
from tests.hal.drivers.modbus.slow_line import BUSY, BYTE_S, LONGEST_S, STOP, THINKS_S, Devices, at_its_speed

RUN = codec.encode_request(Request(1, Function.WRITE_REGISTERS, 0, 2, (1, 300)))


def line(devices: Devices = cell.DEVICES, *faults: str, seed: int = 0, **board: Any) -> Rig:
    return Rig.of(
        {"line": cell.LINE | board}, devices, simulated=["line"], faults={"line": faults}, seed=seed
    )


def events_of(rig: Rig) -> list[BoardEvent]:
    events: list[BoardEvent] = []
    rig.listen(events.append)
    return events


def belt_of(rig: Rig | Board) -> Belt:
    belt = rig.devices["conveyor"]
    assert isinstance(belt, Belt)
    return belt


def running(rig: Rig | Board, speed_m_s: float = 0.3) -> asyncio.Task[float]:
    belt = belt_of(rig)
    belt.activate()
    return asyncio.create_task(belt.run(speed_m_s))


async def ended(task: asyncio.Task[float]) -> None:
    await asyncio.wait({task})
    task.exception()


# ------------------------------------------------------------------------------------ the line


def test_nobody_speaks_while_another_does_and_the_line_is_silent_in_between() -> None:
    async def story() -> None:
        async with at_its_speed(cell.DEVICES) as (board, slow):
            task = running(board)
            await asyncio.sleep(3)
            task.cancel()
            await asyncio.sleep(1)
            words = sorted(slow.words, key=lambda word: word.began)

        assert len(words) > 200
        for before, after in pairwise(words):
            quiet_s = THINKS_S if after not in slow.requests else GAP_BYTES * BYTE_S
            assert after.began - before.ended >= quiet_s - 1e-9

    virtual.run(story())


def test_a_stop_is_on_the_bus_within_one_transaction_and_10_ms_although_30_reads_wait() -> None:
    async def story() -> None:
        async with at_its_speed(BUSY) as (board, slow):
            loop, rng = asyncio.get_running_loop(), random.Random(1)
            for _ in range(10):
                task = running(board)
                await asyncio.sleep(rng.uniform(0.5, 0.6))
                halted_at = loop.time()
                belt_of(board).halt()
                await ended(task)
                await asyncio.sleep(1)
                later = [word for word in slow.requests if word.began >= halted_at]
                stopped_at = next(word.began for word in later if word.data == STOP)

                assert stopped_at - halted_at <= LONGEST_S + 0.010
                assert len({word.data for word in later[:40]}) >= 30

    virtual.run(story())


def test_a_speed_that_waits_for_its_turn_does_not_come_after_the_stop() -> None:
    async def story() -> None:
        async with at_its_speed(cell.DEVICES) as (board, slow):
            rng = random.Random(1)
            for _ in range(50):
                slow.requests.clear()
                task = running(board)
                await asyncio.sleep(rng.uniform(0.0, 0.002))
                belt_of(board).halt()
                await ended(task)
                await asyncio.sleep(0.2)

                told = [word.data for word in slow.requests if word.data in (RUN, STOP)]
                assert RUN not in told[told.index(STOP) :]

    virtual.run(story())


def test_a_belt_that_somebody_left_running_is_stopped_before_the_line_is_online() -> None:
    async def story() -> None:
        rig = line(deadman="none")
        async with rig:
            await rig.online()
            task = running(rig)
            await asyncio.sleep(1)
            rig.inject("line", "unplug 300 ms")
            await asyncio.sleep(0.1)
            await ended(task)
            await rig.online()

            assert rig.world()["conveyor_goal"] == 0.0

    virtual.run(story())


def test_a_line_that_is_closed_in_the_middle_of_a_read_stops_its_belt_before() -> None:
    async def story(after_s: float) -> None:
        async with at_its_speed(cell.DEVICES) as (board, slow):
            task = running(board)
            await asyncio.sleep(after_s)
        await ended(task)

        assert slow.requests[-1].data != RUN
        assert STOP in [word.data for word in slow.requests if word.began >= after_s]
        assert slow.world()["conveyor_goal"] == 0.0

    for number in range(20):
        virtual.run(story(1.0 + 0.003 * number))


# ------------------------------------------------------------------------------------ faults


def test_an_answer_that_is_damaged_once_is_asked_for_again_and_nobody_hears_of_it() -> None:
    async def story() -> None:
        async with at_its_speed(cell.DEVICES) as (board, slow):
            events: list[BoardEvent] = []
            board.listener = events.append
            for _ in range(20):
                slow.spoils = 1
                await asyncio.sleep(0.3)

            assert slow.spoils == 0
            assert events == []
            assert board.detail == "Modbus RTU, units 1, 2, 3"

    virtual.run(story())


def test_an_answer_that_is_damaged_twice_makes_the_line_degraded_until_it_is_good_for_a_while() -> None:
    async def story() -> None:
        async with at_its_speed(cell.DEVICES) as (board, slow):
            events: list[BoardEvent] = []
            board.listener = events.append
            slow.spoils = 2
            await asyncio.sleep(0.3)
            detail = board.detail
            await asyncio.sleep(10)

            assert [event.kind for event in events] == ["degraded"]
            assert "is degraded: its answer was damaged twice; is the bus terminated" in events[0].detail
            assert detail.startswith("Modbus RTU, units 1, 2, 3; degraded: unit ")
            assert board.detail == "Modbus RTU, units 1, 2, 3"
            assert board.state is BoardState.ONLINE

    virtual.run(story())


def test_a_refused_speed_ends_the_motion_with_the_name_of_the_exception() -> None:
    async def story() -> None:
        rig = line()
        async with rig:
            await rig.online()
            rig.inject("line", "nak for 1 s")
            with pytest.raises(HalError, match=r"unit 1 refuses a write: SERVER_DEVICE_FAILURE \(it cannot"):
                async with asyncio.timeout(5):
                    await running(rig)
            await asyncio.sleep(2)

            assert rig.twins["line"].world()["conveyor_speed"] == 0.0

    virtual.run(story())


def test_a_register_that_is_not_there_is_told_by_name_and_device() -> None:
    async def story() -> None:
        async with at_its_speed({"scale": cell.SCALE | {"address": 4}}, {"scale": cell.SCALE}) as (board, _):
            events: list[BoardEvent] = []
            board.listener = events.append
            await asyncio.sleep(1)

        assert events[0].kind == "refused"
        assert events[0].detail == (
            "scale: unit 3 refuses to tell input_registers 4 to 5: "
            "ILLEGAL_DATA_ADDRESS (it has nothing at this address; its manual may count from 1)"
        )

    virtual.run(story())


@pytest.mark.parametrize(("really", "says"), [("high_first", "low_first"), ("low_first", "high_first")])
@pytest.mark.parametrize("mass_kg", [12.34, 12.5, 0.5])
def test_a_wrong_word_order_is_found_out_and_the_other_one_is_named(
    mass_kg: float, really: str, says: str
) -> None:
    told, real = ({"scale": cell.SCALE | {"word_order": order}} for order in (says, really))

    async def story() -> None:
        async with at_its_speed(told, real) as (board, slow):
            slow.set_world("scale", mass_kg)
            await asyncio.sleep(1)
            scale = board.devices["scale"]

            assert scale.state is DeviceState.FAULTED
            assert f"it weighs -1 to 20 kg; with word_order: {really} it would be {mass_kg} kg" in str(
                scale.fault
            )
            assert scale.reading() is None

    virtual.run(story())


def test_a_unit_that_is_switched_off_faults_its_own_devices_by_name_and_no_others() -> None:
    async def story() -> None:
        async with at_its_speed(cell.DEVICES) as (board, slow):
            events: list[BoardEvent] = []
            board.listener = events.append
            slow.silent = 3
            await asyncio.sleep(1.5)
            fault, others = board.devices["scale"].fault, board.devices["curtain"].state
            slow.silent = None
            await asyncio.sleep(1)

            assert fault == "unit 3 did not answer for 500 ms; is it powered?"
            assert others is DeviceState.INACTIVE
            assert board.state is BoardState.ONLINE
            assert [event.kind for event in events] == ["degraded", "silent"]
            assert events[1].detail == fault
            assert board.devices["scale"].state is DeviceState.INACTIVE

    virtual.run(story())


def test_a_unit_is_told_as_silent_20_ms_after_what_is_on_it_means_nothing_and_once_each_time() -> None:
    curtain = cell.CURTAIN | {"stale": "200 ms", "sample": "70 ms"}

    async def story() -> None:
        async with at_its_speed(cell.DEVICES | {"curtain": curtain}) as (board, slow):
            loop, told = asyncio.get_running_loop(), list[float]()

            def listen(event: BoardEvent) -> None:
                told.extend([loop.time()] if event.kind == "silent" else [])

            board.listener = listen
            for _ in range(5):
                await asyncio.sleep(1)
                told.clear()
                slow.silent = 2
                answers = [word for word in slow.words if word.data[0] == 2 and word not in slow.requests]
                await asyncio.sleep(1)
                slow.silent = None

                assert len(told) == 1
                assert 0.2 <= told[0] - answers[-1].ended + 1e-9 <= 0.22

    virtual.run(story())


def test_a_unit_that_refuses_its_reads_is_told_like_a_silent_one_and_once_each_time() -> None:
    async def story() -> None:
        async with at_its_speed(cell.DEVICES) as (board, slow):
            events: list[BoardEvent] = []
            board.listener = events.append
            name = "SERVER_DEVICE_FAILURE (it cannot do that now; does its display say why?)"
            why = f"unit 3 refuses a read: {name}"
            for _ in range(2):
                slow.refusing = 3
                await asyncio.sleep(1.5)
                fault, others = board.devices["scale"].fault, board.devices["curtain"].state
                slow.refusing = None
                await asyncio.sleep(1)

                assert fault == why
                assert others is DeviceState.INACTIVE
                assert board.devices["scale"].state is DeviceState.INACTIVE

            assert events == [BoardEvent("silent", "line", why)] * 2

    virtual.run(story())


def test_a_unit_that_is_not_there_is_named_with_what_to_look_at() -> None:
    async def story() -> None:
        driver = find_driver("modbus")
        spec = driver.board_spec.model_validate(cell.LINE)
        near, _ = memory_pair("/dev/ttyUSB0")
        board = driver.board("line", spec, lambda: near, random.Random(0))
        board.add("scale", driver.device_specs["weigher"].model_validate(cell.SCALE))
        events: list[BoardEvent] = []
        board.listener = events.append
        task = asyncio.create_task(board.run())
        await asyncio.sleep(10)
        task.cancel()
        await asyncio.wait({task})

        assert events[0] == BoardEvent(
            "lost",
            "line",
            "unit 3 does not answer on /dev/ttyUSB0 at 19200 baud, parity even; is it powered, "
            "is that its address, are A and B of the bus the right way round?",
        )

    virtual.run(story())


@pytest.mark.parametrize("devices", [cell.DEVICES, {"conveyor": cell.CONVEYOR}], ids=["cell", "belt"])
def test_an_adapter_that_hears_itself_is_refused_for_it_would_confirm_all_writes(devices: Devices) -> None:
    async def story() -> None:
        async with at_its_speed(devices, devices) as (board, slow):
            slow.echoes = True
            events: list[BoardEvent] = []
            board.listener = events.append
            await asyncio.sleep(3)

        assert events == [
            BoardEvent(
                "refused",
                "line",
                "the adapter on /dev/ttyUSB0 hears itself: a question comes back before its answer; switch "
                "its echo off (the receiver is to be disabled while it drives the line)",
            )
        ]
        assert slow.world()["conveyor_goal"] == 0.0

    virtual.run(story())


def test_a_drive_that_tells_a_fault_faults_the_belt_until_it_is_acknowledged_there() -> None:
    async def story() -> None:
        rig = line()
        async with rig:
            await rig.online()
            task = running(rig)
            await asyncio.sleep(1)
            rig.set_world("conveyor_faulted", True)
            await asyncio.sleep(0.3)

            assert "its drive tells a fault (status 0x" in str(belt_of(rig).fault)
            await ended(task)
            rig.set_world("conveyor_faulted", None)
            await asyncio.sleep(0.3)
            assert belt_of(rig).state is DeviceState.INACTIVE
            assert rig.twins["line"].world()["conveyor_goal"] == 0.0

    virtual.run(story())


# ------------------------------------------------------------------------------------ the watchdog


def test_the_watchdog_is_fed_every_500_ms_and_a_drive_that_is_not_fed_stops() -> None:
    async def story() -> None:
        async with at_its_speed(cell.DEVICES) as (board, slow):
            task = running(board)
            await asyncio.sleep(5)
            feed = bytes.fromhex("01 06 00 08")
            fed = [word.began for word in slow.requests if word.data.startswith(feed)]
            assert len(fed) >= 10
            assert max(after - before for before, after in pairwise(fed)) < 0.6
            task.cancel()
            await asyncio.wait({task})

        rig = line()
        async with rig:
            await rig.online()
            task = running(rig)
            await asyncio.sleep(1)
            rig.inject("line", "deaf for 5 s")
            await asyncio.sleep(1.0)
            assert rig.world()["conveyor_speed"] == pytest.approx(0.3)
            await asyncio.sleep(1.2)

            assert rig.world()["conveyor_speed"] == 0.0
            await ended(task)

    virtual.run(story())


# ------------------------------------------------------------------------------------ what it does


def test_a_stop_that_was_lost_on_the_way_is_told_again_as_soon_as_it_shows() -> None:
    async def story(seed: int) -> None:
        rig = line(cell.DEVICES, seed=seed)
        async with rig:
            await rig.online()
            task = running(rig)
            await asyncio.sleep(1)
            rig.inject("line", "deaf for 250 ms")
            belt_of(rig).halt()
            await ended(task)
            await asyncio.sleep(0.2)
            assert rig.world()["conveyor_goal"] == 0.3
            await asyncio.sleep(0.5)

            assert rig.world()["conveyor_goal"] == 0.0

    for seed in range(5):
        virtual.run(story(seed))


def test_a_relay_that_keeps_its_level_comes_back_as_it_was_and_shows_it() -> None:
    async def story() -> None:
        rig = line()
        relay, beacon = rig.devices["diverter"], rig.devices["beacon"]
        assert isinstance(relay, Relay)
        assert isinstance(beacon, DigitalOutput)
        async with rig:
            await rig.online()
            await asyncio.sleep(0.5)
            shown = relay.reading()
            assert shown is not None
            assert shown.value is False
            for output in (relay, beacon):
                output.activate()
                output.write(True)
            await asyncio.sleep(0.1)
            rig.halt()
            await asyncio.sleep(0.1)
            assert (rig.world()["diverter"], rig.world()["beacon"]) == (True, False)
            rig.inject("line", "unplug 1 s")
            await asyncio.sleep(0.1)
            await rig.online()
            await asyncio.sleep(0.5)

            shown = relay.reading()
            assert shown is not None
            assert shown.value is True
            assert rig.world()["diverter"] is True

    virtual.run(story())


def test_a_belt_may_be_told_its_speed_in_two_registers_that_lie_apart_and_run_backwards() -> None:
    apart = cell.CONVEYOR | {"setpoint": 5, "reversible": True}

    async def story() -> None:
        rig = line({"conveyor": apart})
        async with rig:
            await rig.online()
            task = running(rig, -0.25)
            await asyncio.sleep(1)
            speed = belt_of(rig).reading()
            assert rig.world()["conveyor_speed"] == pytest.approx(-0.25)
            assert speed is not None
            assert speed.value == pytest.approx(-0.25)
            belt_of(rig).halt()
            with suppress(Halted):
                await task
            await asyncio.sleep(1)

            assert rig.world()["conveyor_speed"] == 0.0

    virtual.run(story())


def test_the_same_cell_runs_over_modbus_tcp() -> None:
    async def story() -> None:
        rig = line(cell.DEVICES, "delay 5..40 ms", framing="tcp")
        async with rig:
            await rig.online()
            assert rig.boards["line"].detail == "Modbus TCP, units 1, 2, 3"
            task = running(rig)
            await asyncio.sleep(2)
            assert rig.world()["conveyor_speed"] == pytest.approx(0.3)
            rig.halt()
            await ended(task)
            await asyncio.sleep(2)

            assert rig.world()["conveyor_speed"] == 0.0
            evidence = await rig.confirm_stop()
            assert evidence["conveyor"].confirmed

    virtual.run(story())


def test_who_stops_it_without_listening_has_a_frame_for_each_actuator_the_belts_first() -> None:
    second = {"second": cell.CONVEYOR | {"unit": 4, "watchdog": None}}
    stops = [codec.encode_request(Request(unit, Function.WRITE_REGISTER, 0, 1, (0,))) for unit in (1, 4)]
    off = codec.encode_request(Request(2, Function.WRITE_COIL, 1, 1, (0,)))

    assert line(cell.DEVICES | second).boards["line"].stop_series() == [*stops, off]
    assert line({"scale": cell.SCALE}).boards["line"].stop_series() == []


def test_in_one_go_there_is_one_stop_frame_on_rtu_and_all_of_them_on_tcp() -> None:
    rtu, tcp = line().boards["line"], line(framing="tcp").boards["line"]
    outputs = line({name: cell.DEVICES[name] for name in ("diverter", "beacon", "scale")}).boards["line"]

    assert rtu.stop_frames() == STOP
    assert outputs.stop_frames() == codec.encode_request(Request(2, Function.WRITE_COIL, 1, 1, (0,)))
    assert tcp.stop_frames() == b"".join(tcp.stop_series())
    assert len(tcp.stop_series()) == 2


def test_a_line_has_no_motor() -> None:
    driver = find_driver("modbus")
    spec = driver.board_spec.model_validate(cell.LINE)
    board = driver.board("line", spec, lambda: memory_pair()[0], random.Random(0))

    with pytest.raises(DeviceRefused, match="a Modbus line has no motor; it has belt, relay"):
        board.add(
            "m",
            find_driver("firmata")
            .device_specs["motor"]
            .model_validate({"kind": "motor", "board": "line", "pwm_pin": 3, "direction_pin": 4}),
        )
