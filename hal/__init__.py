"""Hardware, in SI units: boards, their devices, the wires to them, and twins of all that to try things on.

A library of its own, for robotd and for scripts. This module is its front door. A rover, simulated:

```python
import asyncio
from hal import Rig
left = {"kind": "motor", "board": "uno", "pwm_pin": 5, "direction_pin": 4}
base = dict(kind="drive_base", left="l", right="r", track="30 cm", max_speed="1 m/s", max_turn="2 rad/s")
car = {"l": left, "r": left | {"pwm_pin": 6, "direction_pin": 7}, "base": base}
async def main() -> None:
    async with Rig.of({"uno": {"driver": "firmata", "port": "/dev/ttyACM0"}}, car, simulated=["uno"]) as rig:
        (await rig.online())["base"].activate()
        print(await rig.devices["base"].forward(0.5, speed_m_s=0.5), rig.twins["uno"].world()["x"])
asyncio.run(main())
```

The same on a real Arduino: leave out `simulated`.

Everything lives on one asyncio loop and none of it is safe to call from another thread. Foreseen failures are
`HalError`s whose type says whose turn it is and whose message says the next step.
"""

from hal.board import Board, BoardEvent, BoardSpec, BoardState, Keeper
from hal.device import (
    SETPOINT_FRESHNESS_S,
    Actuator,
    ActuatorSpec,
    Device,
    DeviceSpec,
    DeviceState,
    Evidence,
    Feedback,
    Reading,
    Sensor,
    VerbInfo,
    verb,
    verbs,
)
from hal.driver import Driver, Found, Probe
from hal.errors import (
    DeviceError,
    DeviceGone,
    DeviceRefused,
    DeviceSilent,
    DeviceUnavailable,
    HalError,
    Halted,
    Lapsed,
    LinkClosed,
    LinkError,
    LinkFull,
    LinkHeld,
    OutOfRange,
    Unplugged,
)
from hal.faults import KINDS as FAULTS
from hal.faults import Fault, FaultError, FaultKind, FaultyLink, FaultyTwin, parse_fault
from hal.kinds import (
    COMPOSITES,
    KINDS,
    AnalogInput,
    AnalogInputSpec,
    Belt,
    BeltSpec,
    DigitalInput,
    DigitalInputSpec,
    DigitalOutput,
    DigitalOutputSpec,
    DriveBase,
    DriveBaseSpec,
    Gnss,
    GnssSpec,
    Imu,
    ImuSpec,
    Motor,
    MotorSpec,
    Output,
    Range,
    RangeSpec,
    Relay,
    RelaySpec,
    Servo,
    ServoSpec,
    Twist,
    Weigher,
    WeigherSpec,
)
from hal.link import Link, Parity, Peer
from hal.links import open_link
from hal.links.holders import Holder, find_holders
from hal.links.memory import TwinLink
from hal.links.ports import PortInfo, device_of, list_ports
from hal.links.pty import serve_pty
from hal.links.tcp import serve_tcp
from hal.registry import DRIVERS, DriverNotFound, find_driver
from hal.rig import Rig
from hal.twin import Twin, UnknownQuantity, parse_world_value
from hal.units import (
    Acceleration,
    Angle,
    Duration,
    Length,
    Mass,
    PositiveAcceleration,
    PositiveDuration,
    PositiveFrequency,
    PositiveLength,
    PositiveMass,
    PositiveSize,
    PositiveSpeed,
    PositiveTurnRate,
    Quantity,
    Scale,
    Speed,
    TurnRate,
    UnitError,
    Voltage,
    parse_quantity,
    split_parameter,
    to_si,
)
from hal.virtual import SimulationStuck, VirtualLoop

__all__ = [
    "COMPOSITES",
    "DRIVERS",
    "FAULTS",
    "KINDS",
    "SETPOINT_FRESHNESS_S",
    "Acceleration",
    "Actuator",
    "ActuatorSpec",
    "AnalogInput",
    "AnalogInputSpec",
    "Angle",
    "Belt",
    "BeltSpec",
    "Board",
    "BoardEvent",
    "BoardSpec",
    "BoardState",
    "Device",
    "DeviceError",
    "DeviceGone",
    "DeviceRefused",
    "DeviceSilent",
    "DeviceSpec",
    "DeviceState",
    "DeviceUnavailable",
    "DigitalInput",
    "DigitalInputSpec",
    "DigitalOutput",
    "DigitalOutputSpec",
    "DriveBase",
    "DriveBaseSpec",
    "Driver",
    "DriverNotFound",
    "Duration",
    "Evidence",
    "Fault",
    "FaultError",
    "FaultKind",
    "FaultyLink",
    "FaultyTwin",
    "Feedback",
    "Found",
    "Gnss",
    "GnssSpec",
    "HalError",
    "Halted",
    "Holder",
    "Imu",
    "ImuSpec",
    "Keeper",
    "Lapsed",
    "Length",
    "Link",
    "LinkClosed",
    "LinkError",
    "LinkFull",
    "LinkHeld",
    "Mass",
    "Motor",
    "MotorSpec",
    "OutOfRange",
    "Output",
    "Parity",
    "Peer",
    "PortInfo",
    "PositiveAcceleration",
    "PositiveDuration",
    "PositiveFrequency",
    "PositiveLength",
    "PositiveMass",
    "PositiveSize",
    "PositiveSpeed",
    "PositiveTurnRate",
    "Probe",
    "Quantity",
    "Range",
    "RangeSpec",
    "Reading",
    "Relay",
    "RelaySpec",
    "Rig",
    "Scale",
    "Sensor",
    "Servo",
    "ServoSpec",
    "SimulationStuck",
    "Speed",
    "TurnRate",
    "Twin",
    "TwinLink",
    "Twist",
    "UnitError",
    "UnknownQuantity",
    "Unplugged",
    "VerbInfo",
    "VirtualLoop",
    "Voltage",
    "Weigher",
    "WeigherSpec",
    "device_of",
    "find_driver",
    "find_holders",
    "list_ports",
    "open_link",
    "parse_fault",
    "parse_quantity",
    "parse_world_value",
    "serve_pty",
    "serve_tcp",
    "split_parameter",
    "to_si",
    "verb",
    "verbs",
]
