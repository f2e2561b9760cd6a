"""A bus of simulated servos for the tests."""

from hal.drivers.feetech.codec import Decoder, Packet
from hal.drivers.feetech.models import STS3215, Model
from hal.drivers.feetech.servo import SimulatedServo
from hal.drivers.feetech.twin import FeetechTwin
from hal.drivers.servo_twin import TwinJoint


def joint(servo: int, model: Model = STS3215, *, angle_rad: float = 0.0) -> TwinJoint[SimulatedServo]:
    """A servo whose angles are the file's."""
    return TwinJoint(SimulatedServo(model, servo, angle_rad=angle_rad), float, float)


def bus(*servos: SimulatedServo, **joints: TwinJoint[SimulatedServo]) -> FeetechTwin:
    """A wire, powered on at 0 s, with these."""
    twin = FeetechTwin(joints, servos)
    twin.power_on(0.0)
    return twin


def answers(twin: FeetechTwin, request: bytes, now: float = 0.0) -> list[Packet]:
    """What is answered at `now`."""
    said = twin.advance(now) + twin.receive(request, now)
    decoder = Decoder()
    return decoder.feed(said)
