"""What a file may say of Feetech's servos."""

import math

import pytest
from pydantic import ValidationError

from hal.drivers.feetech import DRIVER
from hal.drivers.feetech.models import SCS0009, STS3215
from hal.drivers.feetech.specs import FeetechJointSpec

JOINT = {"kind": "joint", "board": "bus", "id": 1, "min": "-90 deg", "max": "90 deg"}


def joint(**words: object) -> FeetechJointSpec:
    return FeetechJointSpec.model_validate(JOINT | words)


def test_without_a_word_it_is_an_sts3215_that_holds_on_a_stop() -> None:
    spec = joint()

    assert spec.product is STS3215
    assert spec.on_stop == "hold"
    assert spec.resources() == {"id": "1"}


def test_a_bus_has_a_megabaud_and_no_deadman() -> None:
    spec = DRIVER.board_spec.model_validate({"driver": "feetech", "port": "/dev/servos"})

    assert (spec.baud, spec.deadman) == (1_000_000, "none")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"max": "181 deg"}, "a STS3215 turns 180 deg to either side of its middle"),
        ({"max": "170 deg", "offset": "11 deg"}, "a STS3215 turns 180 deg"),
        ({"model": "SCS0009", "min": "-151 deg"}, "a SCS0009 turns 150 deg to either side"),
        ({"model": "MX-28"}, "Input should be 'STS3215', 'STS3250' or 'SCS0009'"),
        ({"id": 254}, "less than or equal to 253"),
    ],
)
def test_what_no_such_servo_can_do_is_refused(words: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        joint(**words)


def test_a_reversed_joint_has_its_travel_the_other_way_round() -> None:
    spec = joint(min="-150 deg", max="170 deg", offset="-10 deg", reversed=True)

    assert spec.to_servo(spec.high) == pytest.approx(-math.pi)
    with pytest.raises(ValidationError, match="turns 180 deg"):
        joint(min="-150 deg", max="170 deg", offset="11 deg", reversed=False)
    assert joint(model="SCS0009").product is SCS0009
