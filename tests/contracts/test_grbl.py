"""What a Grbl machine promises, with everything that it can carry."""

from collections.abc import Coroutine
from typing import Any

from hal import Gantry, Rig
from hal.testing import DriverContract, Robot, World


def go(rig: Rig) -> Coroutine[Any, Any, object] | None:
    """Home it if it is lost, else jog to and fro, so that there is always a way to go."""
    gantry = rig.devices["gantry"]
    assert isinstance(gantry, Gantry)
    homed, x = gantry.reading("homed"), gantry.reading("x")
    if homed is None or x is None or not homed.value:
        return gantry.home() if gantry.at_rest else None
    gantry.jog(0.05 if x.value < -0.15 else -0.05)
    return None


def goes(world: World) -> bool:
    return bool(world["driven"])


class TestGrbl(DriverContract):
    robot = Robot(
        board={"driver": "grbl", "port": "/dev/cnc", "homing_limit": "4.6 s"},  # it says nothing meanwhile
        devices={
            "gantry": {
                "kind": "gantry",
                "board": "cnc",
                "x": "300 mm",
                "y": "200 mm",
                "z": "80 mm",
                "max_speed": "80 mm/s",
            },
            "vacuum": {"kind": "relay", "board": "cnc", "on_stop": "keep"},
            "gripped": {"kind": "digital_input", "board": "cnc", "pin": "probe"},
        },
        move=go,
        moves=goes,
        sensor="gripped",
        stops_within_s=0.1,
    )
