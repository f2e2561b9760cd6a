"""What hardware or user code did to an action, in the words that clients and the machine are told."""

from __future__ import annotations

from hal import DeviceGone, DeviceRefused, DeviceSilent, DeviceUnavailable, HalError, Halted, OutOfRange
from robotd.errors import Refused
from robotd.runtime.result import plain

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
            limit = (
                {"limit": plain(error.limit), "unit": plain(error.unit)}
                if isinstance(error, OutOfRange)
                else {}
            )
            return Refused(reason, _sentence(error), hint=hint, **limit)
    return Refused("device_refused", _sentence(error))


def explain_bug(error: BaseException) -> Refused:
    """The refusal that says that user code raised `error`, which nobody foresaw."""
    message = plain(f"{type(error).__name__}: {_sentence(error)}")
    return Refused("handler_error", message, hint="the log has the traceback")


def _sentence(error: BaseException) -> str:
    """What it says, of a length and in characters that every answer can carry, whatever raised it."""
    try:
        said = str(error)
    except Exception as worse:
        said = f"(its text raised {type(worse).__name__})"
    return str(plain(said))
