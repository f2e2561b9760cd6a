"""The units of a simulated line: what each answers, bytes in and bytes out."""

from __future__ import annotations

from typing import Any

import pytest

from hal import Twin, UnknownQuantity
from hal.drivers.modbus import codec
from hal.drivers.modbus.codec import Decoder
from hal.drivers.modbus.words import BROADCAST, Answer, Function, Refusal, Request
from tests.hal.drivers.modbus import cell
from tests.hal.drivers.modbus.slow_line import twin_of

CONTROL, SETPOINT, STATUS, ACTUAL, WATCHDOG = 0, 1, 2, 3, 8


def line(**board: Any) -> Twin:
    twin = twin_of(cell.LINE | board, cell.DEVICES)
    assert twin.power_on(0.0) == b""
    return twin


def ask(twin: Twin, request: Request, now: float = 0.0) -> Answer | None:
    twin.advance(now)
    frames = Decoder.of_answers().feed(twin.receive(codec.encode_request(request), now))
    return codec.parse_answer(frames[0]) if frames else None


def write(twin: Twin, unit: int, address: int, *values: int, now: float = 0.0) -> Answer | None:
    request = Request(unit, Function.WRITE_REGISTERS, address, len(values), values)
    return ask(twin, request, now)


def read(twin: Twin, address: int, now: float) -> int:
    answer = ask(twin, Request(1, Function.READ_HOLDING, address), now)
    assert answer is not None
    return answer.values[0]


def test_a_drive_runs_by_its_control_word_and_tells_its_speed_and_status() -> None:
    twin = line(deadman="none")
    write(twin, 1, CONTROL, 1, 300)
    assert (read(twin, ACTUAL, 0.1), read(twin, STATUS, 0.1)) == (100, 0b0011)
    assert (read(twin, ACTUAL, 0.5), read(twin, STATUS, 0.5)) == (300, 0b0111)
    write(twin, 1, CONTROL, 0, now=0.5)

    assert (read(twin, ACTUAL, 2.0), read(twin, STATUS, 2.0)) == (0, 0b0101)


def test_a_drive_stops_when_its_watchdog_register_is_not_written_any_more() -> None:
    twin = line()
    for now in (0.0, 1.0, 2.0):
        write(twin, 1, CONTROL, 1, 300, now=now)
        write(twin, 1, WATCHDOG, 7, now=now)
    assert read(twin, ACTUAL, 3.4) == 300
    assert read(twin, ACTUAL, 4.5) == 0

    assert read(twin, STATUS, 4.5) & 0b10000


def test_opening_the_port_resets_and_stops_nothing() -> None:
    twin = line()
    write(twin, 1, CONTROL, 1, 300)
    twin.advance(1.0)
    twin.power_on(1.0)

    assert read(twin, CONTROL, 1.0) == 1
    assert twin.world()["conveyor_speed"] == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("request_", "refusal"),
    [
        (Request(1, Function.READ_HOLDING, 100), Refusal.ILLEGAL_DATA_ADDRESS),
        (Request(1, Function.READ_HOLDING, 0, 60), Refusal.ILLEGAL_DATA_ADDRESS),
        (Request(1, Function.READ_COILS, 0), Refusal.ILLEGAL_FUNCTION),
        (Request(2, Function.WRITE_REGISTER, 0, 1, (1,)), Refusal.ILLEGAL_FUNCTION),
        (Request(3, Function.READ_INPUT_REGISTERS, 1, 2), Refusal.ILLEGAL_DATA_ADDRESS),
    ],
)
def test_what_a_unit_does_not_have_is_refused_by_name(request_: Request, refusal: Refusal) -> None:
    assert ask(line(), request_) == Answer(request_.unit, request_.function, refusal=refusal)


def test_nobody_answers_for_a_unit_that_is_not_there_or_to_a_broadcast_which_is_obeyed() -> None:
    twin = line()
    write(twin, 1, CONTROL, 1, 300)

    assert ask(twin, Request(9, Function.READ_HOLDING)) is None
    assert ask(twin, Request(BROADCAST, Function.WRITE_REGISTER, CONTROL, 1, (0,))) is None
    assert read(twin, CONTROL, 0.0) == 0


def test_a_unit_that_refuses_answers_questions_all_the_same() -> None:
    twin = line()
    twin.refusing = True
    answer = write(twin, 1, CONTROL, 1, 300)

    assert answer == Answer(1, Function.WRITE_REGISTERS, refusal=Refusal.SERVER_DEVICE_FAILURE)
    assert read(twin, CONTROL, 0.0) == 0


def test_a_curtain_is_seen_at_its_level_and_a_pinned_input_as_it_is_pinned() -> None:
    twin = line()
    inputs = Request(2, Function.READ_INPUTS, 0, 4)
    clear = ask(twin, inputs)
    twin.set_world("curtain", True)
    twin.set_world("jam", True)
    interrupted = ask(twin, inputs)

    assert clear is not None
    assert interrupted is not None
    assert clear.values[:4] == (1, 0, 0, 0)
    assert interrupted.values[:4] == (0, 1, 0, 0)
    with pytest.raises(UnknownQuantity):
        twin.set_world("battery", 12.0)


def test_a_drive_that_runs_away_says_so_with_its_speed_alone() -> None:
    twin = line()
    twin.run_away("conveyor", on=True)
    assert (read(twin, CONTROL, 2.0), read(twin, ACTUAL, 2.0)) == (0, 500)
    twin.run_away("conveyor", on=False)

    assert read(twin, ACTUAL, 4.0) == 0
    with pytest.raises(UnknownQuantity):
        twin.run_away("scale", on=True)


def test_an_output_that_runs_away_is_on_whatever_it_is_told() -> None:
    twin = line()
    twin.run_away("beacon", on=True)
    ask(twin, Request(2, Function.WRITE_COIL, 1, 1, (0,)))
    assert twin.world()["beacon"] is True
    twin.run_away("beacon", on=False)

    assert twin.world()["beacon"] is False
