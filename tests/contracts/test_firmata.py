"""What an Arduino with StandardFirmata promises, with everything on it that it can carry."""

from hal import DriveBase, Rig
from hal.testing import DriverContract, Robot, World
from tests.hal import rover


def drive(rig: Rig) -> None:
    base = rig.devices["base"]
    assert isinstance(base, DriveBase)
    base.drive(0.3)


def turns(world: World) -> bool:
    return world["left_duty"] != 0 or world["right_duty"] != 0


class TestFirmata(DriverContract):
    robot = Robot(
        board=rover.BOARDS["arduino"], devices=rover.DEVICES, move=drive, moves=turns, sensor="battery"
    )
