"""What every driver promises, on every bad wire. `HAL_SEEDS=1000 pytest` asks two hundred times as often."""

from hal import Motor, Rig
from hal.testing import DriverContract, Robot, World

BOARD = {"driver": "robotd_gadget:DRIVER", "port": "/dev/gadget"}
DEVICES = {
    "left": {"kind": "motor", "board": "gadget", "channel": 1},
    "right": {"kind": "motor", "board": "gadget", "channel": 2},
    "battery": {"kind": "analog_input", "board": "gadget", "channel": 1, "scale": "0.001 V"},
}


def turn(rig: Rig) -> None:
    for name in ("left", "right"):
        motor = rig.devices[name]
        assert isinstance(motor, Motor)
        motor.set_duty(0.5)


def turns(world: World) -> bool:
    return world["left_duty"] != 0 or world["right_duty"] != 0


class TestGadget(DriverContract):
    robot = Robot(board=BOARD, devices=DEVICES, move=turn, moves=turns, sensor="battery")
