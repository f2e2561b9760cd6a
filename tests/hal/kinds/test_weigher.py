"""A weigher: what it weighs, and numbers that no mass can be."""

from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from hal.kinds import Weigher, WeigherSpec


def weigher(**spec: object) -> Weigher:
    device = Weigher("scale", WeigherSpec.model_validate({"max": "20 kg", **spec}))
    device.present()
    return device


@pytest.mark.parametrize("mass_kg", [0.0, -0.0, 12.5, 20.0, -0.9, 0.000_002])
async def test_a_mass_is_shown(mass_kg: float) -> None:
    device = weigher()

    assert device.update(mass_kg, 3.0) is None
    assert device.reading() == (mass_kg, "kg", 3.0)


# 12.5 kg and 12.34 kg with their halves exchanged are the first and the third.
@pytest.mark.parametrize("mass_kg", [2.3e-41, 20.1, 4.1e29, -1.1, math.nan, math.inf, -math.inf])
async def test_what_cannot_be_a_mass_is_left_out_and_told_the_third_time_in_a_row(mass_kg: float) -> None:
    device = weigher()
    told: list[str] = []
    device.listeners.append(lambda _, name: told.append(name))

    found = [device.update(mass_kg, at, "is it plugged in?") for at in (1.0, 2.0, 3.0)]

    assert found[:2] == [None, None]
    assert found[2] == (f"it shows {mass_kg:g} kg, which it cannot: it weighs -1 to 20 kg; is it plugged in?")
    assert device.reading() is None
    assert told == []


async def test_one_plausible_mass_ends_all_doubt() -> None:
    device = weigher()
    found = [device.update(mass_kg, 1.0) for mass_kg in (1e30, 1e30, 5.0, 1e30, 1e30)]

    assert found == [None] * 5


def test_limits_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValidationError, match="max must be more than min"):
        weigher(min="30 kg")
