"""What `robotd scan` says of it, in virtual time."""

from hal import Found, TwinLink
from hal.testing import run

from robotd_gadget.codec import Identity
from robotd_gadget.probe import PROBES
from robotd_gadget.twin import GadgetTwin


def scan(twin: GadgetTwin) -> list[Found]:
    (probe,) = PROBES

    async def story() -> list[Found]:
        return [found async for found in probe.find(TwinLink("/dev/gadget", twin))]

    return run(story())


def test_it_is_found_with_its_version_and_what_its_inputs_see() -> None:
    found = scan(GadgetTwin({1: "left"}, {1: "battery"}))

    assert found == [Found("", "Gadget 1.0", 115200, {"A1": "12.00 V"})]


def test_one_that_speaks_another_version_is_told_with_the_next_step() -> None:
    (found,) = scan(GadgetTwin({}, {}, Identity(2, 0)))

    assert found.trouble == "it speaks protocol 2.0, not 1.x; load another firmware"
