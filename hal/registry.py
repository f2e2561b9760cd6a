"""Which driver a name means. A table: one line to find, and nothing is imported before it is used."""

from __future__ import annotations

import difflib
import importlib

from hal.driver import Driver
from hal.errors import HalError

DRIVERS = {
    "dynamixel": "hal.drivers.dynamixel:DRIVER",
    "feetech": "hal.drivers.feetech:DRIVER",
    "firmata": "hal.drivers.firmata:DRIVER",
    "grbl": "hal.drivers.grbl:DRIVER",
    "modbus": "hal.drivers.modbus:DRIVER",
    "json_lines": "hal.drivers.json_lines:DRIVER",
    "nmea": "hal.drivers.nmea:DRIVER",
}
EXTRAS = {"pymodbus": "modbus"}
"""By the package that a driver of ours imports: the extra of robotd that brings it."""
ENTRY_POINTS = "robotd.drivers"
"""The group in which other packages offer drivers: `laser = "my_package.laser:DRIVER"`."""


class DriverNotFound(HalError):
    """No driver of that name, or what the name leads to is no driver."""

    def __init__(self, name: str, sentence: str, hint: str | None = None) -> None:
        super().__init__(f"{sentence}; {hint}" if hint else sentence)
        self.name = name
        self.sentence = sentence
        self.hint = hint


def find_driver(name: str) -> Driver:
    """The driver called `name`: one of ours, one of an installed package, or `my_package.module:NAME`.

    Raises `DriverNotFound`. An error inside a driver's own module is its author's and is raised as it is.
    """
    if ":" in name:
        return _load(name, name)
    if name in DRIVERS:
        return _load(name, DRIVERS[name])
    offered = _offered()
    if name in offered:
        return _load(name, offered[name])
    known = driver_names()
    near = difflib.get_close_matches(name, known, n=1)
    raise DriverNotFound(
        name,
        f"there is no driver '{name}'",
        f"did you mean '{near[0]}'?" if near else f"there are: {', '.join(known)}",
    )


def driver_names() -> list[str]:
    """All drivers: ours, and those of installed packages, which may not be there for all that."""
    return sorted({*DRIVERS, *_offered()})


def _offered() -> dict[str, str]:
    from importlib.metadata import entry_points  # reads every installed package, so only when it must

    return {point.name: point.value for point in entry_points(group=ENTRY_POINTS)}


def _load(name: str, path: str) -> Driver:
    module_name, _, attribute = path.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in EXTRAS:
            hint = f"install it with: pip install 'robotd[{EXTRAS[package]}]'"
            raise DriverNotFound(name, f"the driver '{name}' needs {package}", hint) from None
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise
        raise DriverNotFound(
            name, f"the driver '{name}' is in no module '{module_name}'", "is its package installed?"
        ) from None
    except (ValueError, TypeError):  # an empty or relative module name
        raise DriverNotFound(name, f"'{name}' names no module", "write my_package.module:NAME") from None
    driver = getattr(module, attribute, None)
    if not isinstance(driver, Driver):
        raise DriverNotFound(name, f"'{path}' is no hal.Driver", "it is the value that describes a driver")
    return driver
