"""What a bus of Dynamixel servos promises, with a joint and a gripper."""

import math
from collections.abc import Coroutine
from typing import Any

from hal import Rig
from hal.kinds import Joint
from hal.testing import DriverContract, Robot, World


def turn(rig: Rig) -> Coroutine[Any, Any, float]:
    """To and fro, so that there is always a way to go."""
    shoulder = rig.devices["shoulder"]
    assert isinstance(shoulder, Joint)
    goal = -1.0 if (shoulder.axis.present or 0.0) > 0 else 1.0
    return shoulder.move_to(goal)


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
