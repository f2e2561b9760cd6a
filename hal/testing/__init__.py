"""What every driver promises, as tests for whoever writes one. In virtual time, by seed, on every bad wire.

```python
from hal.testing import DriverContract, Robot

class TestThing(DriverContract):
    robot = Robot(
        board={"driver": "my_package.thing:DRIVER", "port": "/dev/thing"},
        devices={"wheel": {"kind": "motor", "board": "thing", "channel": 1}},
        move=lambda rig: rig.devices["wheel"].set_duty(0.5),
        moves=lambda world: world["wheel_speed"] != 0,
        sensor="battery",
    )
```

Needs pytest, as nothing else in hal does. A test of one's own that takes time is a coroutine for `run`.
"""

import pytest

pytest.register_assert_rewrite("hal.testing.life", "hal.testing.stops", "hal.testing.strangers")

from hal.testing.contract import DriverContract  # noqa: E402  # pytest has to know first where it asserts
from hal.testing.robot import Robot, World  # noqa: E402  # as above
from hal.testing.wires import FAR_ENDS, WIRES  # noqa: E402  # as above
from hal.virtual import VirtualLoop, run  # noqa: E402  # as above

__all__ = ["FAR_ENDS", "WIRES", "DriverContract", "Robot", "VirtualLoop", "World", "run"]
