"""The supply and the speed of the processor."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from robotd.doctor.finding import Finding, Severity
from robotd.doctor.machine import Machine
from robotd.doctor.robot import Robot

GET_THROTTLED = ("vcgencmd", "get_throttled")
THROTTLED_FILE = "sys/devices/platform/soc/soc:firmware/get_throttled"
"""The same number from the kernel, on a Raspberry Pi."""
LOW_NOW, SLOW_NOW = 1 << 0, 1 << 1 | 1 << 2 | 1 << 3
LOW_EARLIER, SLOW_EARLIER = 1 << 16, 1 << 17 | 1 << 18 | 1 << 19
"""Bits of `vcgencmd get_throttled` (raspberrypi.com, "vcgencmd"): voltage, and frequency or temperature."""
KERNEL_LOG = "dev/kmsg"
LOG_BYTES_AT_MOST = 1 << 20
RECORD_BYTES = 8192
"""What a record of it may have (`CONSOLE_EXT_LOG_MAX`, printk): each read gives one."""
ITS_OWN_SCALING = ("intel_pstate", "amd-pstate", "amd-pstate-epp")
"""Drivers whose `powersave` is no fixed speed, but what others call `schedutil`."""
SUPPLY = (
    "a supply of 5.1 V that gives what the machine needs (3 A, a Raspberry Pi 5 takes 5 A), by a short and "
    "thick cable; motors from a supply of their own"
)
_LOW = re.compile(r"under-?voltage detected", re.IGNORECASE)


def voltage(machine: Machine, robot: Robot) -> Iterator[Finding]:
    """A supply that breaks down, now or since the start."""
    bits = throttled(machine) or 0
    alarms = machine.glob("sys/class/hwmon/hwmon*/in*_lcrit_alarm")
    if bits & LOW_NOW or any(map(machine.number, alarms)):
        sentence = "the supply is too weak at this moment: writes fail and USB devices vanish"
        yield Finding("under-voltage", Severity.ERROR, sentence, SUPPLY, (" ".join(GET_THROTTLED),))
    elif bits & LOW_EARLIER or _LOW.search(_kernel_log(machine)):
        sentence = "the supply was too weak since the machine was started"
        yield Finding("under-voltage", Severity.WARNING, sentence, SUPPLY, (" ".join(GET_THROTTLED),))


def speed(machine: Machine, robot: Robot) -> Iterator[Finding]:
    """A processor that is slowed down by its heat."""
    bits = throttled(machine) or 0
    counts = machine.glob("sys/devices/system/cpu/cpu*/thermal_throttle/core_throttle_count")
    if bits & SLOW_NOW and not bits & LOW_NOW:
        yield _hot(Severity.WARNING, "is slowed down at this moment")
    elif (bits & SLOW_EARLIER and not bits & LOW_EARLIER) or any(map(machine.number, counts)):
        yield _hot(Severity.NOTE, "was slowed down since the machine was started")


def governor(machine: Machine, robot: Robot) -> Iterator[Finding]:
    """A processor that always runs at its slowest."""
    slow = [
        file.parent.parent.name
        for file in machine.glob("sys/devices/system/cpu/cpu*/cpufreq/scaling_governor")
        if machine.text(file) == "powersave"
        and machine.text(file.with_name("scaling_driver")) not in ITS_OWN_SCALING
    ]
    if slow:
        yield Finding(
            "cpu-governor",
            Severity.WARNING,
            f"{', '.join(slow)} always run at the lowest speed (powersave)",
            "let the speed follow the load",
            ("echo schedutil | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor",),
        )


def throttled(machine: Machine) -> int | None:
    """What a Raspberry Pi says of its supply and heat; None of any other machine."""
    said = machine.text(THROTTLED_FILE) or (machine.ask(GET_THROTTLED) or "").rpartition("=")[2]
    try:
        return int(said, 16)
    except ValueError:
        return None


def _kernel_log(machine: Machine) -> str:
    """What the kernel said since the start, as far as it keeps it; nothing where we may not read it."""
    said = bytearray()
    try:
        log = os.open(machine.at(KERNEL_LOG), os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return ""
    try:
        while len(said) < LOG_BYTES_AT_MOST and (record := os.read(log, RECORD_BYTES)):
            said += record
    except OSError:  # its end, or a record that was overwritten meanwhile
        pass
    finally:
        os.close(log)
    return said.decode(errors="replace")


def _hot(severity: Severity, what: str) -> Finding:
    mend = "give it a heat sink, or air"
    return Finding("cpu-throttled", severity, f"the processor {what}: it is hot", mend)
