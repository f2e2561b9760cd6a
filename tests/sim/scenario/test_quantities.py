"""What a scenario's file says about numbers and switches."""

from __future__ import annotations

import pytest

from robotd.config.document import parse
from robotd.config.place import Place
from robotd.sim.scenario.model import Amount, Bound
from robotd.sim.scenario.quantities import read_amount, read_bound


def place(text: str) -> Place:
    return Place(parse(f"value: {text}", "file")) / "value"


@pytest.mark.parametrize(
    ("text", "unit", "wanted"),
    [
        ("0.3 m/s", "m/s", Bound("=", 0.3, "m/s")),
        ("30 cm", "m", Bound("=", 0.3, "m")),
        ("'> 0.1 m/s'", "m/s", Bound(">", 0.1, "m/s")),
        ("'>= 90 deg'", "rad", Bound(">=", 1.5707963267948966, "rad")),
        ("'< -1e-3 V'", "V", Bound("<", -0.001, "V")),
        ("<=2 s", "s", Bound("<=", 2.0, "s")),
        ("10.1..10.3 V", "V", Bound("..", 10.1, "V", 10.3)),
        ("'-.5 .. 1e2 mm'", "m", Bound("..", -0.0005, "m", 0.1)),
        ("10..20%", "%", Bound("..", 10.0, "%", 20.0)),
        ("3", "", Bound("=", 3.0)),
        ("'> 3'", "", Bound(">", 3.0)),
        ("-1..1", "", Bound("..", -1.0, "", 1.0)),
        ("true", "bool", True),
        ("released", "bool", False),
        ("10 V", None, Bound("=", 10.0, "V")),
        ("10", None, Bound("=", 10.0)),
        ("pressed", None, True),
    ],
)
def test_what_is_expected(text: str, unit: str | None, wanted: Bound | bool) -> None:
    at = place(text)

    assert read_bound(at, unit) == wanted
    assert at.document.errors == []


@pytest.mark.parametrize(
    ("text", "unit", "wanted"),
    [
        ("10200 mV", "V", Amount(10.2, "V")),
        ("0.5", "", Amount(0.5)),
        ("on", "bool", True),
        ("false", None, False),
    ],
)
def test_what_is_set(text: str, unit: str | None, wanted: Amount | bool) -> None:
    assert read_amount(place(text), unit) == wanted


@pytest.mark.parametrize(
    "text", ["1e999", "nan", "inf", "1_0", "[]", "~", "''", "..", "1..", "> ", "0x", "x m"]
)
@pytest.mark.parametrize("unit", ["m", "", "bool", None])
def test_what_is_no_number_is_refused(text: str, unit: str | None) -> None:
    at = place(text if text not in {"> ", ".."} else f"'{text}'")

    assert read_bound(at, unit) is None
    assert len(at.document.errors) == 1


def test_a_span_has_both_its_ends() -> None:
    span = Bound("..", 1.0, "V", 2.0)

    assert [span.holds(seen) for seen in (0.99, 1.0, 1.5, 2.0, 2.01)] == [False, True, True, True, False]


def test_a_number_is_met_up_to_a_millionth_and_zero_by_next_to_nothing() -> None:
    assert Bound("=", 10.0).holds(10.000009)
    assert not Bound("=", 10.0).holds(10.0001)
    assert Bound("=", 0.0).holds(1e-10)
    assert not Bound("=", 0.0).holds(1e-6)
