"""Looks for what a machine does to its robots: ports taken, slow or forbidden, a weak supply, a wrong clock.

```python
for finding in examine(Machine(now_s), Robot(ports={"arduino": "/dev/ttyACM0"})):
    print(finding.severity, finding.sentence, finding.mend)
```

It reads files of /sys, /proc, /dev, /etc and /run and asks two programs. It opens no port, changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from robotd.doctor import clock, disk, ports, power, robot
from robotd.doctor.finding import Finding, Severity
from robotd.doctor.machine import Machine, User
from robotd.doctor.robot import Robot

__all__ = ["EXAMINATIONS", "Finding", "Machine", "Robot", "Severity", "User", "examine"]

Examination = Callable[[Machine, Robot], Iterator[Finding]]

EXAMINATIONS: Sequence[Examination] = (
    robot.missing_ports,
    robot.shaky_names,
    robot.held_ports,
    robot.service_user,
    ports.permissions,
    ports.consoles,
    ports.modem_manager,
    ports.braille,
    ports.latency_timers,
    ports.autosuspend,
    power.voltage,
    power.speed,
    power.governor,
    clock.synchronised,
    clock.jumped,
    clock.battery,
    disk.space,
    disk.kept,
)


def examine(machine: Machine, of: Robot) -> list[Finding]:
    """All that is to be said, the worst first."""
    found = [finding for examination in EXAMINATIONS for finding in examination(machine, of)]
    return sorted(found, key=lambda finding: list(Severity).index(finding.severity))
