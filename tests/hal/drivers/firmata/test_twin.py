"""The twin as a board: bytes in, bytes out, at times that the test chooses."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.drivers.firmata import codec, words
from hal.drivers.firmata.codec import Decoder, PinState
from hal.drivers.firmata.twin import FirmataTwin
from hal.drivers.firmata.wiring import Probe, Shaft, Wheel, Wiring
from hal.drivers.firmata.words import PinMode
from hal.drivers.rover_world import Joint, World
from hal.twin import UnknownQuantity
from tests.counts import cases

GREETING = [
    words.Version(2, 5),
    words.Sysex(words.FIRMWARE, codec.firmware(2, 5, "StandardFirmata.ino")[2:-1]),
]


def turn_left(world: World, duty: float) -> None:
    world.left_goal_m_s, world.left_duty = duty, duty


def turn_right(world: World, duty: float) -> None:
    world.right_goal_m_s, world.right_duty = duty, duty


def make(**extra) -> FirmataTwin:
    world = World()
    mast = world.joints["mast"] = Joint()
    wiring = Wiring(
        wheels=[Wheel(5, 4, turn_left), Wheel(6, 7, turn_right)],
        shafts={9: Shaft(mast, 544, 2400, math.pi)},
        switches={2: Probe("bumper", lambda world: world.front_pressed, lambda pressed: int(not pressed))},
        gauges={1: Probe("battery", lambda world: world.battery_v, lambda volts: round(volts / 0.0157))},
        lamps={"lamp": (13, True)},
    )
    return FirmataTwin(world, wiring, **extra)


def booted() -> FirmataTwin:
    twin = make()
    twin.power_on(0.0)
    twin.advance(0.05)
    return twin


def said(data: bytes) -> list[words.Frame]:
    return Decoder.of_reports().feed(data)


def ask(twin: FirmataTwin, data: bytes, now: float = 0.05) -> list[words.Frame]:
    return said(twin.advance(now) + twin.receive(data, now))


def pin(twin: FirmataTwin, number: int, now: float = 0.05) -> PinState | None:
    (frame,) = said(twin.receive(codec.pin_state_query(number), now))
    assert isinstance(frame, words.Sysex)
    return codec.parse_pin_state(frame.data)


def test_opening_the_port_makes_it_greet_after_its_bootloader() -> None:
    twin = make(garbage=b"\x13\x80\xf0")

    assert twin.power_on(10.0) == b"\x13\x80\xf0"
    assert twin.wakes_at() == pytest.approx(10.05)
    assert twin.advance(10.04) == b""
    assert said(twin.advance(10.05)) == GREETING
    assert twin.wakes_at() is None


def test_what_is_sent_while_it_starts_is_lost() -> None:
    twin = make()
    twin.power_on(0.0)

    assert twin.receive(codec.VERSION_QUERY, 0.01) == b""


def test_it_answers_who_it_is() -> None:
    twin = booted()

    assert ask(twin, codec.VERSION_QUERY + codec.FIRMWARE_QUERY) == GREETING


def test_its_capabilities_are_those_of_an_uno() -> None:
    twin = booted()

    (answer,) = ask(twin, codec.CAPABILITIES_QUERY)

    assert isinstance(answer, words.Sysex)
    pins = codec.parse_capabilities(answer.data)
    assert len(pins) == 20
    assert pins[0] == pins[1] == {}
    assert [number for number, modes in enumerate(pins) if PinMode.PWM in modes] == [3, 5, 6, 9, 10, 11]
    assert [number for number, modes in enumerate(pins) if PinMode.ANALOG in modes] == list(range(14, 20))
    assert pins[14] == {0: 1, 11: 1, 1: 1, 2: 10, 4: 14}


def test_its_analog_mapping_starts_at_pin_14() -> None:
    (answer,) = ask(booted(), codec.MAPPING_QUERY)

    assert answer == words.Sysex(words.ANALOG_MAPPING_ANSWER, bytes([127] * 14 + [0, 1, 2, 3, 4, 5]))


def test_an_analog_channel_is_reported_at_once_and_then_at_every_interval() -> None:
    twin = booted()
    twin.set_world("battery", 11.0)

    assert ask(twin, codec.report_analog(1, on=True) + codec.sampling_interval(50)) == [words.Analog(1, 701)]
    assert len(said(twin.advance(1.05))) in (20, 21)
    ask(twin, codec.report_analog(1, on=False), now=1.05)
    assert twin.advance(2.0) == b""


def test_a_channel_with_nothing_on_it_reads_zero() -> None:
    assert ask(booted(), codec.report_analog(0, on=True)) == [words.Analog(0, 0)]


def test_a_port_is_reported_at_once_and_then_on_change() -> None:
    twin = booted()

    assert ask(twin, codec.pin_mode(2, PinMode.PULLUP) + codec.report_digital(0, on=True)) == [
        words.Digital(0, 4)
    ]
    assert twin.advance(0.5) == b""
    twin.set_world("bumper", True)
    assert said(twin.advance(0.6)) == [words.Digital(0, 0)]
    twin.set_world("bumper", None)
    assert said(twin.advance(0.7)) == [words.Digital(0, 4)]


def test_an_open_input_reads_high_with_its_pull_up_and_low_without() -> None:
    twin = booted()

    ask(twin, codec.pin_mode(3, PinMode.PULLUP) + codec.pin_mode(8, PinMode.INPUT))

    assert ask(twin, codec.report_digital(0, on=True)) == [words.Digital(0, 8)]
    assert ask(twin, codec.report_digital(1, on=True)) == [words.Digital(1, 0)]


def test_old_hosts_switch_a_pull_up_on_by_writing_high_to_an_input() -> None:
    twin = booted()

    ask(twin, codec.pin_mode(8, PinMode.INPUT) + codec.digital(1, 1))

    assert pin(twin, 8) == PinState(8, PinMode.PULLUP, 1)


def test_a_duty_turns_a_wheel_and_the_direction_pin_turns_it_back() -> None:
    twin = booted()
    ask(twin, codec.pin_mode(5, PinMode.PWM) + codec.pin_mode(4, PinMode.OUTPUT) + codec.analog(5, 51))
    twin.advance(1.0)
    assert twin.world()["left_speed"] == pytest.approx(0.2)

    ask(twin, codec.pin_value(4, high=True), now=1.0)
    twin.advance(2.0)
    assert twin.world()["left_speed"] == pytest.approx(-0.2)


def test_a_duty_for_a_pin_that_is_no_pwm_does_nothing() -> None:
    twin = booted()

    ask(twin, codec.analog(5, 255))

    assert pin(twin, 5) == PinState(5, PinMode.OUTPUT, 0)


def test_a_mode_that_a_pin_cannot_take_is_ignored() -> None:
    twin = booted()

    ask(
        twin,
        codec.pin_mode(4, PinMode.PWM)
        + codec.pin_mode(0, PinMode.OUTPUT)
        + codec.pin_mode(99, PinMode.INPUT),
    )

    assert pin(twin, 4) == PinState(4, PinMode.OUTPUT, 0)
    assert pin(twin, 99) == PinState(99, None, 0)


def test_a_servo_takes_pulses_and_degrees() -> None:
    twin = booted()
    ask(twin, codec.servo_config(9, 544, 2400) + codec.analog(9, 2400))
    twin.advance(1.0)
    assert twin.world()["mast"] == pytest.approx(math.pi / 2)

    ask(twin, codec.analog(9, 45), now=1.0)
    twin.advance(2.0)
    assert twin.world()["mast"] == pytest.approx(-math.pi / 4)
    assert pin(twin, 9, now=2.0) == PinState(9, PinMode.SERVO, 45)


def test_a_servo_that_is_attached_goes_to_1500_us_at_once_and_one_that_is_detached_stays() -> None:
    twin = booted()
    ask(twin, codec.pin_mode(9, PinMode.SERVO) + codec.analog(9, 2000))
    twin.advance(0.1)
    ask(twin, codec.pin_mode(9, PinMode.OUTPUT), now=0.1)
    where = twin.world()["mast"]
    twin.advance(1.0)
    assert twin.world()["mast"] == where

    ask(twin, codec.pin_mode(9, PinMode.SERVO), now=1.0)
    twin.advance(2.0)
    assert twin.world()["mast"] == pytest.approx((1500 - 1472) / 1856 * math.pi)


def test_the_long_form_of_an_analog_message_does_the_same() -> None:
    twin = booted()

    ask(twin, codec.pin_mode(5, PinMode.PWM) + codec.sysex(words.EXTENDED_ANALOG, b"\x05\x7f\x01"))

    assert pin(twin, 5) == PinState(5, PinMode.PWM, 255)


def test_a_lamp_follows_its_pin() -> None:
    twin = booted()

    ask(twin, codec.pin_value(13, high=True))

    assert twin.world()["lamp"] is True


def test_a_reset_forgets_every_pin_and_stops_the_wheels() -> None:
    twin = booted()
    ask(twin, codec.pin_mode(5, PinMode.PWM) + codec.analog(5, 255) + codec.report_analog(1, on=True))

    ask(twin, bytes([words.RESET]))
    twin.advance(2.0)

    assert pin(twin, 5) == PinState(5, PinMode.OUTPUT, 0)
    assert twin.world()["left_speed"] == 0.0


def test_closing_the_port_stops_nothing_but_opening_it_again_does() -> None:
    twin = booted()
    ask(
        twin,
        codec.pin_mode(5, PinMode.PWM)
        + codec.pin_mode(6, PinMode.PWM)
        + codec.analog(5, 25)
        + codec.analog(6, 25),
    )

    twin.power_on(5.0)  # nobody had the port for five seconds
    driven_m = twin.world()["x"]
    twin.advance(10.0)

    assert driven_m > 0.4
    assert twin.world()["left_speed"] == 0.0


def test_an_unterminated_sysex_swallows_a_stop_that_has_no_f7_in_front() -> None:
    twin = booted()
    ask(twin, codec.pin_mode(5, PinMode.PWM) + codec.analog(5, 255) + b"\xf0\x6d")

    ask(twin, codec.analog(5, 0))
    assert twin.world()["left_duty"] == 1.0

    ask(twin, codec.END_ANYTHING + codec.analog(5, 0))
    assert pin(twin, 5) == PinState(5, PinMode.PWM, 0)


def test_an_unknown_quantity_is_refused_by_name() -> None:
    with pytest.raises(UnknownQuantity, match="no 'speed'; it has battery, bumper"):
        make().set_world("speed", 1.0)


def test_a_twin_that_was_never_opened_says_nothing() -> None:
    twin = make()

    assert twin.advance(5.0) == b""
    assert twin.receive(codec.VERSION_QUERY, 5.0) == b""
    assert twin.wakes_at() is None


STORY = [
    (
        0.06,
        codec.pin_mode(5, PinMode.PWM) + codec.pin_mode(6, PinMode.PWM) + codec.pin_mode(2, PinMode.PULLUP),
    ),
    (0.08, codec.report_analog(1, on=True) + codec.report_digital(0, on=True) + codec.sampling_interval(30)),
    (0.31, codec.analog(5, 200) + codec.analog(6, 190) + codec.servo_config(9, 544, 2400)),
    (1.207, codec.analog(9, 1800)),
    (4.0, codec.analog(5, 0)),
    (4.5, codec.analog(6, 0)),
]


@settings(max_examples=cases(200), deadline=None)
@given(st.lists(st.floats(0, 6), max_size=40))
def test_what_it_says_and_does_does_not_depend_on_how_often_time_is_advanced(extra) -> None:
    def play(moments: list[float]) -> tuple[bytes, dict[str, float | bool]]:
        twin = make()
        heard = twin.power_on(0.0)
        for now, data in sorted([(moment, b"") for moment in moments] + STORY, key=lambda step: step[0]):
            heard += twin.advance(now)
            if data:
                heard += twin.receive(data, now)
        return heard + twin.advance(6.0), twin.world()

    assert play(extra) == play([])


def test_it_is_told_everything_by_its_own_alarm() -> None:
    """Advancing only when `wakes_at` says so gives what advancing all the time gives."""
    busy, lazy = booted(), booted()
    setup = b"".join(data for _, data in STORY)
    frequent, rare = busy.receive(setup, 0.05), lazy.receive(setup, 0.05)
    for tick in range(1, 2001):
        frequent += busy.advance(0.05 + tick * 0.001)
    while (due := lazy.wakes_at()) is not None and due <= 2.05:
        rare += lazy.advance(due)

    assert frequent == rare


@settings(max_examples=cases(2_000), deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=8))
def test_no_bytes_break_it(pieces) -> None:
    twin = booted()
    for number, piece in enumerate(pieces):
        now = 0.05 + number * 0.02
        twin.advance(now)
        twin.receive(piece, now)
    twin.world()
    twin.receive(codec.END_ANYTHING, 1.0)

    assert said(twin.advance(1.0) + twin.receive(codec.VERSION_QUERY, 1.0))[-1] == words.Version(2, 5)
