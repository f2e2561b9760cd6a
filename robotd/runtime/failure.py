"""What hardware did to an action, in the words that clients and the machine are told."""

from __future__ import annotations

from hal import DeviceGone, DeviceRefused, DeviceSilent, DeviceUnavailable, HalError, Halted, OutOfRange
from robotd.errors import Refused

_REASONS: tuple[tuple[type[HalError], str, str], ...] = (
    (OutOfRange, "out_of_range", "ask for less"),
    (DeviceUnavailable, "device_unavailable", "enter a state that activates it"),
    (Halted, "halted", ""),
    (DeviceRefused, "device_refused", ""),
    (DeviceSilent, "device_silent", "check its power and its cable"),
    (DeviceGone, "device_gone", "it reconnects by itself; arm again then"),
)
"""The narrower type first."""


def explain(error: HalError) -> Refused:
    """The refusal that says what `error` says, with a stable reason."""
    for kind, reason, hint in _REASONS:
        if isinstance(error, kind):
            limit = {"limit": error.limit, "unit": error.unit} if isinstance(error, OutOfRange) else {}
            return Refused(reason, str(error), hint=hint, **limit)
    return Refused("device_refused", str(error))
