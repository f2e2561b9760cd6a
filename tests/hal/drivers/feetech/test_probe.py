"""What a scan finds on a bus of Feetech's servos. In virtual time."""

import math
import random
from dataclasses import replace

import pytest

from hal import Found, LinkClosed
from hal.drivers.feetech import codec
from hal.drivers.feetech.codec import Decoder
from hal.drivers.feetech.models import SCS0009, STS3215
from hal.drivers.feetech.probe import PROBES, SEVERAL, find
from hal.drivers.feetech.servo import SimulatedServo
from hal.drivers.feetech.twin import FeetechTwin
from hal.faults import FaultyTwin, FaultyTwinLink
from hal.links.memory import TwinLink
from hal.links.tap import TappedLink
from tests import virtual
from tests.hal.drivers.feetech.servos import bus, joint


def scan(twin: FeetechTwin, baud: int = 1_000_000) -> tuple[list[Found], bytes]:
    """What is found, and all that was said."""
    said = bytearray()

    def tap(way: str, data: bytes) -> None:
        if way == "to":
            said.extend(data)

    async def story() -> list[Found]:
        return [one async for one in find(TappedLink(TwinLink("bus", twin), tap), baud)]

    return virtual.run(story()), bytes(said)


def test_it_finds_every_servo_with_its_model_its_state_and_its_lines_of_a_file() -> None:
    found, _ = scan(bus(shoulder=joint(1, angle_rad=math.radians(45)), hand=joint(253, SCS0009)))

    assert found == [
        Found(
            "id 1",
            "STS3215",
            1_000_000,
            {"firmware": "3.10", "voltage": "7.4 V", "temperature": "25 degC", "position": "45.0 deg"},
            None,
            {"kind": "joint", "id": 1, "model": "STS3215", "min": "-180.0 deg", "max": "179.9 deg"},
        ),
        Found(
            "id 253",
            "SCS0009",
            1_000_000,
            {"firmware": "3.10", "voltage": "5.0 V", "temperature": "25 degC", "position": "0.0 deg"},
            None,
            {"kind": "joint", "id": 253, "model": "SCS0009", "min": "-150.0 deg", "max": "149.7 deg"},
        ),
    ]


def test_two_servos_with_one_id_are_named_as_such() -> None:
    found, _ = scan(bus(SimulatedServo(STS3215, 4, angle_rad=1.0), elbow=joint(4), wrist=joint(5)))

    assert [(one.address, one.trouble) for one in found] == [("id 4", SEVERAL), ("id 5", None)]
    assert found[0].device == {}


def test_a_servo_that_is_unwell_is_found_with_what_ails_it_and_what_to_do() -> None:
    twin = bus(shoulder=joint(1))
    twin.set_world("shoulder_temperature", 82.0)
    (found,), _ = scan(twin)

    assert found.details["temperature"] == "82 degC"
    assert found.trouble is not None
    assert "too hot" in found.trouble
    assert "let it cool" in found.trouble


def test_a_model_that_nobody_knows_is_named_by_its_version() -> None:
    prototype = SimulatedServo(replace(STS3215, version=(77, 3)), 2)
    (_, found), _ = scan(bus(prototype, shoulder=joint(1)))

    assert (found.address, found.model, found.device) == ("id 2", "servo 77.3", {})
    assert found.trouble == "robotd does not know this model; it knows STS3215, STS3250, SCS0009"


def test_it_only_asks() -> None:
    _, said = scan(bus(shoulder=joint(1)))

    assert {packet.code for packet in Decoder().feed(said)} == {codec.PING, codec.READ}


class Echo(FeetechTwin):
    """An adapter that hears itself."""

    def receive(self, data: bytes, now: float) -> bytes:
        return data + super().receive(data, now)


def test_an_adapter_that_hears_itself_makes_no_servos() -> None:
    found, _ = scan(Echo({"shoulder": joint(1)}))

    assert [(one.address, one.model, one.trouble) for one in found] == [("id 1", "STS3215", None)]


def test_a_servo_that_lacks_volts_is_no_echo() -> None:
    twin = bus(shoulder=joint(1))
    twin.set_world("voltage", 3.9)
    (found,), _ = scan(twin)

    assert found.trouble is not None
    assert "measure the voltage" in found.trouble


def test_where_nothing_answers_nothing_is_found() -> None:
    assert scan(bus())[0] == []


def scan_on(fault: str, seed: int = 0) -> list[Found]:
    async def story() -> list[Found]:
        twin = FaultyTwin("bus", bus(shoulder=joint(1), elbow=joint(2)), random.Random(seed), [fault])
        return [one async for one in find(FaultyTwinLink("bus", twin), 1_000_000)]

    return virtual.run(story())


@pytest.mark.parametrize("seed", range(5))
def test_a_disturbed_wire_makes_nobody_two(seed: int) -> None:
    found = scan_on("corrupt 1%", seed)

    assert {(one.model, one.trouble) for one in found} <= {("STS3215", None)}


def test_a_wire_that_is_lost_meanwhile_ends_the_scan() -> None:
    with pytest.raises(LinkClosed, match="was lost during the scan"):
        scan_on("unplug 5 s after 500 ms")


def test_it_looks_at_the_usual_speeds_the_likeliest_first() -> None:
    assert [probe.baud for probe in PROBES] == [1_000_000, 500_000, 115_200]
