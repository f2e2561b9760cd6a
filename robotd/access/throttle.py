"""How often somebody may guess: failures by address and over all, in bounded memory. Time is an argument."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict, deque
from dataclasses import dataclass

FREE_FAILURES = 5
"""So many from one address cost nothing: people mistype. From then on it waits after each."""
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 30.0
"""The wait doubles with each failure, up to this."""
FORGOTTEN_S = 600.0
"""An address that has not failed for so long begins anew."""
MANY_FAILURES = 100
MANY_WITHIN_S = 60.0
"""After so many within such a time, over all addresses, one failure from an address is as bad as five."""
MOST_ADDRESSES = 1024
"""The one that failed longest ago is forgotten first."""
SITE_BITS = 64
"""Of an IPv6 address: whoever has one has all that begin alike."""


@dataclass(slots=True)
class _Failures:
    count: int
    newest_at: float
    until: float


class Throttle:
    """Who must wait. Nothing keeps out an address that has never failed."""

    def __init__(self) -> None:
        self._of: OrderedDict[str, _Failures] = OrderedDict()
        self._newest: deque[float] = deque(maxlen=MANY_FAILURES)

    def __len__(self) -> int:
        return len(self._of)

    def wait_s(self, address: str, now: float) -> float:
        """How long an attempt from `address` has to wait; 0: it may be looked at now."""
        failures = self._of.get(_site(address))
        return 0.0 if failures is None else max(0.0, failures.until - now)

    def failed(self, address: str, now: float) -> None:
        """One from `address` was looked at, and did not count."""
        site = _site(address)
        self._newest.append(now)
        failures = self._of.pop(site, None)
        if failures is None or now - failures.newest_at > FORGOTTEN_S:
            failures = _Failures(0, now, now)
        failures.count += 1
        if self._many(now):
            failures.count = max(failures.count, FREE_FAILURES)
        failures.newest_at = now
        if failures.count >= FREE_FAILURES:
            doublings = min(failures.count - FREE_FAILURES, 16)
            failures.until = now + min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**doublings)
        self._of[site] = failures
        if len(self._of) > MOST_ADDRESSES:
            self._of.popitem(last=False)

    def _many(self, now: float) -> bool:
        newest = self._newest
        return len(newest) == MANY_FAILURES and now - newest[0] <= MANY_WITHIN_S


def _site(address: str) -> str:
    """What failures are counted by: an IPv4 address, the network of an IPv6 one, a user."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(found), SITE_BITS), strict=False))
