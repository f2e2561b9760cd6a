"""An operator in a process of its own: takes the lease, moves everything, and renews the lease until it ends.

python -m tests.faults.pilot SOCKET WINDOW_MS
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.faults.children import die_with_the_parent, say
from tests.journal.kills.client import Client

RENEWALS = 5
"""In each window."""


def main(socket: Path, window_ms: int) -> None:
    """Move until somebody ends this process."""
    client = Client(socket, stages=False)
    lease_id = client.get("lease.acquire", window_ms=window_ms)["lease_id"]
    for kind, payload in (("spin", {"duty": 0.5}), ("drive", {"linear": 0.4, "angular": 0.2})):
        client.get("send", type=kind, payload=payload, valid_for_ms=30_000, wait="started")
    say("moving")
    while True:
        client.ask("renew", "lease.renew", lease_id=lease_id)
        client.hear_for(window_ms / 1000 / RENEWALS)


if __name__ == "__main__":
    die_with_the_parent()
    main(Path(sys.argv[1]), int(sys.argv[2]))
