"""The promises of every driver, kept by an arm of Feetech's servos."""

from hal import JointGroup, Rig
from hal.testing import DriverContract, Robot, World
from tests.hal.drivers.feetech import arm


def jog(rig: Rig) -> None:
    group = rig.devices["arm"]
    assert isinstance(group, JointGroup)
    back = float(rig.world()["base"]) > 1.0
    group.jog({"base": -0.8 if back else 0.8, "elbow": -0.8 if back else 0.8})


def turns(world: World) -> bool:
    return any(abs(world[f"{name}_speed"]) > 0.01 for name in arm.NAMES)


class TestFeetech(DriverContract):
    robot = Robot(
        board=arm.BOARDS["bus"],
        devices=arm.DEVICES,
        move=jog,
        moves=turns,
        sensor="shoulder_temperature",
        stops_within_s=0.3,
    )
