"""What a machine must be for the robot's file."""

from __future__ import annotations

import pytest

from hal import DeviceRefused
from hal.drivers.grbl.facts import Facts
from hal.drivers.grbl.requirements import require_machine
from hal.drivers.grbl.specs import GrblGantrySpec
from hal.drivers.grbl.words import Setting, SettingValue
from tests.hal.drivers.grbl.bench import GANTRY

SPEC = GrblGantrySpec.model_validate({**GANTRY, "homing": False})
SETTINGS = {
    Setting.HOMING: 0.0,
    **dict.fromkeys(Setting.MAX_RATE, 6000.0),
    **dict.fromkeys(Setting.ACCELERATION, 1000.0),
    **dict.fromkeys(Setting.TRAVEL, 300.0),
}


def facts(settings: dict[int, float]) -> Facts:
    sure = Facts()
    for number, value in settings.items():
        for _ in range(2):
            sure.tell(SettingValue(number, value))
    return sure


@pytest.mark.parametrize("number", [*Setting.MAX_RATE, *Setting.ACCELERATION])
def test_a_machine_that_says_it_cannot_move_is_refused(number: int) -> None:
    """Twice on a bad wire "1000.000" lost its first digit."""
    require_machine("gantry", SPEC, facts(SETTINGS))

    with pytest.raises(DeviceRefused, match=rf"cannot move, \${number}=0; correct that"):
        require_machine("gantry", SPEC, facts(SETTINGS | {number: 0.0}))
