"""In the campaign every driver keeps its promises with a thousand seeds."""

from hal.testing import DriverContract
from tests.counts import CAMPAIGN

if CAMPAIGN:
    DriverContract.seeds = range(1000)
