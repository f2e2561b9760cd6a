"""The habits of the product, and the model behind them."""

import pytest

from robotd_gadget.codec import (
    Booted,
    Decoder,
    Duty,
    DutyQuery,
    Frame,
    Hello,
    Identity,
    Voltage,
    encode,
)
from robotd_gadget.specs import DEADMAN_S
from robotd_gadget.twin import GadgetTwin


@pytest.fixture
def twin() -> GadgetTwin:
    twin = GadgetTwin({1: "left"}, {1: "battery"})
    assert Decoder().feed(twin.power_on(0.0)) == [Booted()]
    return twin


def said(twin: GadgetTwin, *frames: Frame, now: float = 0.01) -> list[Frame]:
    return Decoder().feed(twin.receive(b"".join(map(encode, frames)), now))


def test_it_says_who_it_is(twin: GadgetTwin) -> None:
    assert said(twin, Hello()) == [Identity(1, 0)]


def test_a_motor_speeds_up_to_its_duty(twin: GadgetTwin) -> None:
    assert said(twin, Duty(1, 500)) == [Duty(1, 500)]
    twin.advance(0.4)

    assert twin.world()["left_duty"] == 0.5
    assert twin.world()["left_speed"] == pytest.approx(0.5, abs=0.02)


def test_a_channel_that_does_not_exist_is_not_answered(twin: GadgetTwin) -> None:
    assert said(twin, Duty(4, 500), DutyQuery(4)) == []


def test_a_duty_beyond_full_power_is_refused(twin: GadgetTwin) -> None:
    assert said(twin, Duty(1, 1001)) == [Duty(1, 0)]


def test_it_stops_by_itself_when_nobody_talks_to_it(twin: GadgetTwin) -> None:
    said(twin, Duty(1, 500))
    twin.advance(0.01 + DEADMAN_S)

    assert twin.world()["left_duty"] == 0


def test_it_reports_its_battery_twenty_times_a_second(twin: GadgetTwin) -> None:
    reports = [Decoder().feed(twin.advance(step / 100)) for step in range(1, 102)]

    assert [frame for frames in reports for frame in frames] == [Voltage(1, 12000)] * 20
