"""The contract of a device: its life, its readings, and for actuators its stop.

    absent -> inactive -> active -> faulted

Only an active actuator takes a setpoint. Not responsible for: any protocol (drivers give each kind an
output), reconnecting (the board does), or deciding which devices are active (the machine does).

All times are seconds on the running loop's clock. Nothing here is safe to call from another thread.
"""

from hal.device.actuator import SETPOINT_FRESHNESS_S, SETTLED_S, Actuator
from hal.device.life import Device, Sensor
from hal.device.verbs import VerbInfo, verb, verbs
from hal.device.words import ActuatorSpec, DeviceSpec, DeviceState, Evidence, Feedback, Reading

__all__ = [
    "SETPOINT_FRESHNESS_S",
    "SETTLED_S",
    "Actuator",
    "ActuatorSpec",
    "Device",
    "DeviceSpec",
    "DeviceState",
    "Evidence",
    "Feedback",
    "Reading",
    "Sensor",
    "VerbInfo",
    "verb",
    "verbs",
]
