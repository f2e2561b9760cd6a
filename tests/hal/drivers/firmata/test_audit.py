"""One pin after the other."""

from hal.drivers.firmata import codec
from hal.drivers.firmata.audit import Audit
from hal.drivers.firmata.codec import PinState
from hal.drivers.firmata.fittings import Pin
from hal.drivers.firmata.words import PinMode

PINS = [Pin(5, PinMode.PWM, "left"), Pin(13, PinMode.OUTPUT, "lamp")]


def test_the_pins_take_turns_as_they_answer() -> None:
    audit = Audit()

    for pin in [*PINS, *PINS]:
        assert audit.question(PINS) == codec.pin_state_query(pin.number)
        assert audit.judge(PinState(pin.number, pin.mode, 0)) is None


def test_a_pin_that_does_not_answer_is_asked_again() -> None:
    audit = Audit()

    assert audit.question(PINS) == audit.question(PINS) == codec.pin_state_query(5)


def test_one_wrong_answer_may_be_the_wires_fault_and_a_second_is_not() -> None:
    audit = Audit()
    audit.question(PINS)
    assert audit.judge(PinState(5, PinMode.OUTPUT, 0)) is None
    assert audit.question(PINS) == codec.pin_state_query(5)

    assert audit.judge(PinState(5, PinMode.OUTPUT, 0)) == PINS[0]


def test_a_right_answer_clears_the_doubt() -> None:
    audit = Audit()
    for mode in (PinMode.OUTPUT, PinMode.PWM):
        audit.question(PINS)
        audit.judge(PinState(5, mode, 0))
    audit.question(PINS)

    assert audit.judge(PinState(13, PinMode.INPUT, 0)) is None


def test_answers_about_other_pins_say_nothing() -> None:
    audit = Audit()
    assert audit.judge(PinState(5, PinMode.OUTPUT, 0)) is None
    audit.question(PINS)

    assert audit.judge(PinState(13, PinMode.INPUT, 0)) is None


def test_a_board_without_pins_is_asked_for_a_word() -> None:
    assert Audit().question([]) == codec.VERSION_QUERY
