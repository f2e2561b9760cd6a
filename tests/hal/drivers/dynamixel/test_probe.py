"""What a scan says of a bus."""

import random
from dataclasses import replace

from hal import Found, TwinLink
from hal.drivers.dynamixel import DRIVER, codec, models
from hal.drivers.dynamixel.models import MODELS
from hal.drivers.dynamixel.servo import SimulatedServo
from hal.drivers.dynamixel.twin import DynamixelTwin
from tests import virtual


def scan(*servos: SimulatedServo, twin: DynamixelTwin | None = None) -> list[Found]:
    async def story() -> list[Found]:
        link = TwinLink("/dev/servos", twin or DynamixelTwin({}, servos))
        (probe,) = (probe for probe in DRIVER.probes if probe.baud == 57_600)
        return [found async for found in probe.find(link)]

    return virtual.run(story())


def test_it_lists_ids_models_speeds_volts_and_temperatures_and_how_a_file_names_them() -> None:
    small, large = SimulatedServo(MODELS["XL330-M288"], 4), SimulatedServo(MODELS["XM430-W350"], 1)
    small.write(models.MAX_POSITION_LIMIT, (3072).to_bytes(4, "little"))
    first, second = scan(small, large)

    assert (first.address, first.model, first.baud) == ("id 1", "XM430-W350", 57_600)
    assert first.details["voltage"] == "12.0 V"
    assert second.details == {
        "firmware": "52",
        "voltage": "5.0 V",
        "temperature": "25 degC",
        "position": "0.0 deg",
    }
    assert second.device == {
        "kind": "joint",
        "id": 4,
        "model": "XL330-M288",
        "min": "-180.0 deg",
        "max": "90.0 deg",
    }
    DRIVER.device_specs["joint"].model_validate({**second.device, "board": "servos"})  # as a file has it
    assert (first.trouble, second.trouble) == (None, None)


def test_two_servos_with_one_id_are_named_as_such() -> None:
    model = MODELS["XL330-M288"]
    alone, one, other = (
        SimulatedServo(model, 1),
        SimulatedServo(model, 2),
        SimulatedServo(model, 2, angle_rad=1),
    )
    found = scan(alone, one, other)

    assert [each.address for each in found] == ["id 1", "id 2"]
    assert found[0].trouble is None
    assert "several servos have this id" in str(found[1].trouble)

    found = scan(alone, one, SimulatedServo(MODELS["XM430-W350"], 2))
    assert [each.address for each in found] == ["id 1", "id 2"]
    assert "give that one another id" in str(found[1].trouble)


def test_a_hardware_error_and_an_unknown_model_are_told() -> None:
    model = MODELS["XL330-M288"]
    hot, strange = SimulatedServo(model, 1), SimulatedServo(replace(model, number=1234), 2)
    twin = DynamixelTwin({}, [hot, strange])
    hot.pinned_degc = 90.0
    twin.power_on(0.0)
    hot.advance(20)
    first, second = scan(twin=Unplugged(twin))

    assert "too hot" in str(first.trouble)
    assert second.model == "model 1234"
    assert "robotd does not know this model" in str(second.trouble)


class Unplugged(DynamixelTwin):
    """A bus whose servos have a supply of their own: opening the port starts nothing anew."""

    def __init__(self, twin: DynamixelTwin) -> None:
        super().__init__(twin.joints, twin.servos)

    def power_on(self, now: float) -> bytes:
        self._epoch = now
        return b""


def test_nothing_and_noise_are_no_servos() -> None:
    class Noise(DynamixelTwin):
        def receive(self, data: bytes, now: float) -> bytes:
            return random.Random(data).randbytes(20)

    assert scan() == []
    assert scan(twin=Noise({})) == []


def test_it_writes_nothing() -> None:
    said: list[bytes] = []

    class Witness(DynamixelTwin):
        def receive(self, data: bytes, now: float) -> bytes:
            said.append(data)
            return super().receive(data, now)

    scan(twin=Witness({}, [SimulatedServo(MODELS["XL330-M288"], 1)]))

    assert {codec.Decoder().feed(request)[0].instruction for request in said} == {codec.PING, codec.READ}
