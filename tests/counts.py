"""How many cases a test tries: the full count in the campaign, a tenth of it or less otherwise."""

import os

CAMPAIGN = os.environ.get("ROBOTD_CAMPAIGN") == "1"
HOURS = float(os.environ.get("ROBOTD_HOURS", "24")) if CAMPAIGN else 1 / 6
"""Of its own time, so long each of these seeds of a simulated robot lives."""
SEEDS = int(os.environ.get("ROBOTD_SEEDS", "20")) if CAMPAIGN else 2


def cases(total: int, one_in: int = 10) -> int:
    """`total` in the campaign (`make campaign`), one in ten of them, or in so many, in the ordinary run."""
    return total if CAMPAIGN else -(-total // one_in)
