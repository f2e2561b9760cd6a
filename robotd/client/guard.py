"""The last way to stop a robot on this machine: its guard, a process of its own, takes a datagram."""

from __future__ import annotations

import socket
from pathlib import Path

from robotd.client.address import default_url, parse_address

STOP_SUFFIX = ".guard"
"""Of the guard's socket, in place of the Unix socket's own suffix."""
LONGEST_REASON_BYTES = 500


def stop_by_guard(url: str | None = None, reason: str = "") -> bool:
    """Tell the guard of the daemon at `url` (default: the one on this machine) to stop the robot.

    The guard does so whatever the daemon is doing. Never waits and never raises. False: there is no guard to
    reach, as with an address that is no Unix socket. True says that a living guard has it, and no more.
    """
    address = parse_address(url or default_url())
    if address.scheme != "unix":
        return False
    path = Path(address.path).with_suffix(STOP_SUFFIX)
    words = reason.encode("utf-8", "replace")[:LONGEST_REASON_BYTES]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as line:
            line.sendto(words, str(path))
    except BlockingIOError:
        return True  # so many stops wait for it already that this one finds no room
    except OSError:
        return False
    return True
