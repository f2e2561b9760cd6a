"""No driver without its promises."""

import importlib

import pytest

from hal import DRIVERS
from hal.testing import DriverContract


@pytest.mark.parametrize("driver", DRIVERS)
def test_every_driver_of_the_table_has_its_contract_test(driver: str) -> None:
    module = importlib.import_module(f"tests.contracts.test_{driver}")
    classes = [value for value in vars(module).values() if isinstance(value, type)]
    kept = [value for value in classes if issubclass(value, DriverContract) and value is not DriverContract]

    assert driver in {contract.robot.board["driver"] for contract in kept}
