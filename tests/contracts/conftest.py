"""In the campaign every driver keeps its promises with a thousand seeds."""

import pytest

from hal.testing import DriverContract
from tests.counts import CAMPAIGN

if CAMPAIGN:
    DriverContract.seeds = range(1000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A contract lives from seeds: the lines of a driver are covered by tests of its own that mean them."""
    for item in items:
        if item.path.is_relative_to(__file__.removesuffix("conftest.py")):
            item.add_marker(pytest.mark.no_cover)
