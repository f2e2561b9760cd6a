"""A relay: switched like a lamp, and shown as it was found."""

from __future__ import annotations

from hal.kinds import Relay, RelaySpec
from tests.hal.bench import Wire


def relay(wire: Wire, **spec: object) -> Relay:
    device = Relay("relay", RelaySpec.model_validate(spec), wire)
    device.present()
    device.activate()
    return device


async def test_one_that_keeps_is_left_as_it_is_by_a_stop() -> None:
    wire = Wire()
    device = relay(wire, on_stop="keep")
    device.write(True)
    device.halt()

    assert wire.values == [1.0]


async def test_a_stop_lets_any_other_go() -> None:
    wire = Wire()
    device = relay(wire)
    device.write(True)
    device.halt()

    assert wire.values == [1.0, 0.0]


async def test_before_it_is_told_anything_it_shows_how_it_was_found() -> None:
    device = relay(Wire(), on_stop="keep")
    device.felt(1.0, 5.0)
    found = device.reading()
    device.felt(0.0, 6.0)

    assert found == (True, "bool", 5.0)
    assert device.reading() == found
