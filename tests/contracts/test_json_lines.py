"""What boards that speak JSON lines promise, in both dialects, with all that they can carry."""

from hal import DriveBase, Rig
from hal.testing import DriverContract, Robot, World
from tests.hal.drivers.json_lines import rover


def drive(rig: Rig) -> None:
    base = rig.devices["base"]
    assert isinstance(base, DriveBase)
    base.drive(0.3)


def turns(world: World) -> bool:
    """A zero with a disturbed digit is a billionth, which turns nothing."""
    return any(abs(world[f"{side}_duty"]) > 1e-6 for side in ("left", "right"))


class TestPlain(DriverContract):
    robot = Robot(board=rover.PLAIN, devices=rover.PLAIN_DEVICES, move=drive, moves=turns, sensor="battery")


class TestWaveshare(DriverContract):
    robot = Robot(
        board=rover.WAVESHARE, devices=rover.WAVESHARE_DEVICES, move=drive, moves=turns, sensor="battery"
    )
