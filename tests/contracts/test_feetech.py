"""What a bus of Feetech's servos promises, with two joints and a gripper."""

from collections.abc import Coroutine
from typing import Any

from hal import Joint, Rig
from hal.testing import DriverContract, Robot, World

NAMES = ("shoulder", "elbow", "gripper")
JOINT = {"kind": "joint", "board": "servos", "min": "-90 deg", "max": "90 deg"}


def turn(rig: Rig) -> Coroutine[Any, Any, float] | None:
    """To and fro. For a newer goal it brakes first: told one twenty times a second, it hardly moves."""
    shoulder = rig.devices["shoulder"]
    assert isinstance(shoulder, Joint)
    if not shoulder.at_rest:
        return None
    return shoulder.move_to(-1.0 if float(rig.world()["shoulder"]) > 0 else 1.0)


def turns(world: World) -> bool:
    return any(abs(world[f"{name}_speed"]) > 1e-6 for name in NAMES)


class TestFeetech(DriverContract):
    robot = Robot(
        board={"driver": "feetech", "port": "/dev/servos"},
        devices={
            "shoulder": {**JOINT, "id": 1},
            "elbow": {**JOINT, "id": 2, "offset": "10 deg", "reversed": True},
            "gripper": {
                "kind": "gripper",
                "board": "servos",
                "id": 3,
                "closed": "0 deg",
                "open": "60 deg",
            },
        },
        move=turn,
        moves=turns,
        sensor="shoulder_temperature",
        stops_within_s=0.3,
    )
