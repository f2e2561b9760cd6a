"""How many cases a test tries: an issue's full count in the campaign, a tenth of it otherwise."""

import os

CAMPAIGN = os.environ.get("ROBOTD_CAMPAIGN") == "1"


def cases(total: int) -> int:
    """`total` in the campaign (`make campaign`), a tenth of it, rounded up, in the ordinary run."""
    return total if CAMPAIGN else -(-total // 10)
