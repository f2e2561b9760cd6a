"""How many cases a test tries: an issue's full count in the campaign, a tenth of it otherwise."""

import os

CAMPAIGN = os.environ.get("ROBOTD_CAMPAIGN") == "1"
HOURS = float(os.environ.get("ROBOTD_HOURS", "24")) if CAMPAIGN else 1 / 6
"""Of its own time, so long each of these seeds of a simulated robot lives."""
SEEDS = int(os.environ.get("ROBOTD_SEEDS", "20")) if CAMPAIGN else 2


def cases(total: int) -> int:
    """`total` in the campaign (`make campaign`), a tenth of it, rounded up, in the ordinary run."""
    return total if CAMPAIGN else -(-total // 10)


def some(total: int) -> int:
    """`total` in the campaign, a hundredth of it, rounded up, in the ordinary run: where a case is dear."""
    return total if CAMPAIGN else -(-total // 100)
