"""The arm of the tests: five STS3215 and a gripper with an SCS0009 on one bus."""

from collections.abc import Mapping, Sequence
from typing import Any

from hal import Rig

BOARDS: Mapping[str, Mapping[str, Any]] = {"bus": {"driver": "feetech", "port": "/dev/servos"}}
JOINT = {"kind": "joint", "board": "bus", "min": "-100 deg", "max": "100 deg"}
NAMES = ("base", "shoulder", "elbow", "wrist", "roll")
DEVICES: Mapping[str, Mapping[str, Any]] = {
    **{name: {**JOINT, "id": servo} for servo, name in enumerate(NAMES, start=1)},
    "elbow": {**JOINT, "id": 3, "offset": "10 deg", "reversed": True},
    "hand": {
        "kind": "gripper",
        "board": "bus",
        "id": 6,
        "model": "SCS0009",
        "closed": "0 deg",
        "open": "60 deg",
    },
    "arm": {"kind": "joint_group", "joints": NAMES},
}


def simulated_arm(
    devices: Mapping[str, Mapping[str, Any]] = DEVICES, *, faults: Sequence[str] = (), seed: int = 0
) -> Rig:
    """The arm with its twin in place of the servos, behind a wire with `faults`."""
    return Rig.of(BOARDS, devices, simulated=["bus"], faults={"bus": faults}, seed=seed)
