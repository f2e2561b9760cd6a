"""All promises of a driver."""

from __future__ import annotations

from hal.testing.life import LifeContract
from hal.testing.stops import StopContract
from hal.testing.strangers import StrangerContract


class DriverContract(LifeContract, StopContract, StrangerContract):
    """A class of tests: derive from it, name it `Test...`, and give it a `robot`."""
