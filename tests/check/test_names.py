"""What counts as a slip of the fingers, and what as another word."""

import pytest

from robotd.check.names import slipped


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("bmup", "bump"),
        ("bupm", "bump"),
        ("batery_low", "battery_low"),
        ("batttery_low", "battery_low"),
        ("battery_kow", "battery_low"),
        ("attery_low", "battery_low"),
    ],
)
def test_one_slip_is_told(name: str, meant: str) -> None:
    assert slipped(name, meant)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("bump", "bump"),
        ("home", "homed"),
        ("bumps", "bump"),
        ("dock", "docked"),
        ("left", "lift"),
        ("arm", "ram"),
        ("turn", "burn"),
        ("go", "no"),
        ("battery_low", "battery_high"),
        ("light_on", "light_off"),
        ("abcd", "badc"),
    ],
)
def test_another_word_is_none(name: str, meant: str) -> None:
    assert not slipped(name, meant)
