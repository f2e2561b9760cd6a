"""What a bus of Dynamixel servos promises, with a joint and a gripper."""

import asyncio
import math

from hal import Rig
from hal.kinds import Joint
from hal.testing import DriverContract, Robot, World

SWING_S = 1.5


def turn(rig: Rig) -> float:
    """To and fro."""
    shoulder = rig.devices["shoulder"]
    assert isinstance(shoulder, Joint)
    forwards = asyncio.get_running_loop().time() % (2 * SWING_S) < SWING_S
    return shoulder.jog(0.8 if forwards else -0.8)


def turns(world: World) -> bool:
    return any(math.fabs(float(world[f"{name}_speed"])) > 1e-6 for name in ("shoulder", "gripper"))


class TestDynamixel(DriverContract):
    robot = Robot(
        board={"driver": "dynamixel", "port": "/dev/servos"},
        devices={
            "shoulder": {
                "kind": "joint",
                "board": "servos",
                "id": 1,
                "model": "XM430-W350",
                "min": "-90 deg",
                "max": "90 deg",
                "offset": "10 deg",
                "reversed": True,
            },
            "gripper": {"kind": "gripper", "board": "servos", "id": 2, "closed": "0 deg", "open": "60 deg"},
        },
        move=turn,
        moves=turns,
        sensor="shoulder_temperature",
        stops_within_s=0.3,
    )
