"""The kinds of devices: what each can do, in SI units, whatever product is at the far end.

A kind enforces its limits, ramps and freshness and knows no protocol; a driver gives it an `Output`, or
reports to it with `update`.
"""

from collections.abc import Mapping

from hal.device import Device, DeviceSpec
from hal.errors import DeviceRefused
from hal.kinds.analog import AnalogInput, AnalogInputSpec
from hal.kinds.axis import AxisSpec, JointOutput, StopValue
from hal.kinds.belt import Belt, BeltSpec
from hal.kinds.digital import DigitalInput, DigitalInputSpec, DigitalOutput, DigitalOutputSpec
from hal.kinds.drive_base import DriveBase, DriveBaseSpec, Twist
from hal.kinds.gantry import Gantry
from hal.kinds.gnss import Gnss, GnssSpec
from hal.kinds.gripper import Gripper, GripperSpec
from hal.kinds.imu import Imu, ImuSpec
from hal.kinds.joint import Joint, JointSpec
from hal.kinds.joint_group import JointGroup
from hal.kinds.joints import JointGroupSpec
from hal.kinds.motor import Motor, MotorSpec
from hal.kinds.output import Output
from hal.kinds.range import Range, RangeSpec
from hal.kinds.relay import Relay, RelaySpec
from hal.kinds.servo import Servo, ServoSpec
from hal.kinds.three_axes import GantrySpec, Position, Velocity
from hal.kinds.weigher import Weigher, WeigherSpec

KINDS: Mapping[str, type[Device]] = {
    kind.KIND: kind
    for kind in (
        *(Motor, DriveBase, Servo, Belt, Gantry),
        *(Joint, JointGroup, Gripper),
        *(DigitalOutput, Relay, DigitalInput, AnalogInput),
        *(Range, Imu, Gnss, Weigher),
    )
}
"""By the word in the robot's file: asked for verbs and readings before there is a device."""

COMPOSITES: Mapping[str, type[DeviceSpec]] = {
    DriveBase.KIND: DriveBaseSpec,
    JointGroup.KIND: JointGroupSpec,
}
"""The kinds that have no board of their own: they are made of other devices."""


def compose(name: str, spec: DeviceSpec, devices: Mapping[str, Device]) -> Device:
    """Make the device `name` of `devices`, which hold its parts. Raises `DeviceRefused`."""
    match spec:
        case DriveBaseSpec():
            return DriveBase.of(name, spec, devices)
        case JointGroupSpec():
            return JointGroup.of(name, spec, devices)
        case _:
            raise DeviceRefused(name, f"a {spec.kind} needs a board")


__all__ = [
    "COMPOSITES",
    "KINDS",
    "AnalogInput",
    "AnalogInputSpec",
    "AxisSpec",
    "Belt",
    "BeltSpec",
    "DigitalInput",
    "DigitalInputSpec",
    "DigitalOutput",
    "DigitalOutputSpec",
    "DriveBase",
    "DriveBaseSpec",
    "Gantry",
    "GantrySpec",
    "Gnss",
    "GnssSpec",
    "Gripper",
    "GripperSpec",
    "Imu",
    "ImuSpec",
    "Joint",
    "JointGroup",
    "JointGroupSpec",
    "JointOutput",
    "JointSpec",
    "Motor",
    "MotorSpec",
    "Output",
    "Position",
    "Range",
    "RangeSpec",
    "Relay",
    "RelaySpec",
    "Servo",
    "ServoSpec",
    "StopValue",
    "Twist",
    "Velocity",
    "Weigher",
    "WeigherSpec",
    "compose",
]
