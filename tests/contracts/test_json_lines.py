"""What boards that speak JSON lines promise, in both dialects, with all that they can carry."""

from hal import DriveBase, Rig
from hal.testing import DriverContract, Robot, World
from tests.hal.drivers.json_lines import rover


def drive(rig: Rig) -> None:
    base = rig.devices["base"]
    assert isinstance(base, DriveBase)
    base.drive(0.3)


def turns(world: World) -> bool:
    return world["left_duty"] != 0 or world["right_duty"] != 0


class TestPlain(DriverContract):
    robot = Robot(board=rover.PLAIN, devices=rover.PLAIN_DEVICES, move=drive, moves=turns, sensor="battery")


class TestWaveshare(DriverContract):
    robot = Robot(
        board=rover.WAVESHARE, devices=rover.WAVESHARE_DEVICES, move=drive, moves=turns, sensor="battery"
    )
