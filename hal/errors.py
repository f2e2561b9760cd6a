"""What can go wrong below the daemon. The type says whose turn it is; the message says the next step."""

from __future__ import annotations


class HalError(Exception):
    """Anything foreseen that hardware or its wire can do to us."""


class LinkError(HalError):
    """The wire itself: it cannot be opened, it is closed, or it is full."""


class LinkFull(LinkError):
    """The far end does not take what was written; nothing of this write was sent."""


class LinkHeld(LinkError):
    """Another program has the wire. Cure: end that program."""


class SpeedRefused(LinkError):
    """The port itself cannot be as fast as that, or as slow. Cure: another speed, or another adapter."""


class LinkClosed(LinkError):
    """There is no wire any more."""


class Unplugged(LinkClosed):
    """The wire was pulled, as a fault asked for."""

    def __init__(self, name: str, rest_s: float) -> None:
        super().__init__(f"{name} is unplugged, for another {rest_s:.1f} s (a fault that was asked for)")


class DeviceError(HalError):
    """Something about one device or board, by name."""

    def __init__(self, device: str, sentence: str) -> None:
        super().__init__(f"{device}: {sentence}")
        self.device = device
        self.sentence = sentence


class DeviceSilent(DeviceError):
    """It was asked, or should have reported, and nothing came. Cure: power, cable, baud rate."""


class DeviceRefused(DeviceError):
    """It, or we on its behalf, said no. Cure: ask for something it can do."""


class DeviceGone(DeviceError):
    """Its wire was lost. The board's supervisor reconnects by itself; it comes back inactive."""


class DeviceUnavailable(DeviceRefused):
    """It is not active: no present state names it, or it is faulted."""


class Halted(DeviceRefused):
    """A stop, a newer setpoint or a lapse ended this motion before its end."""


class Lapsed(Halted):
    """Nobody renewed a setpoint, or the time of a motion was over."""


class OutOfRange(DeviceRefused):
    """A number beyond a hard limit, or not a finite number."""

    def __init__(self, device: str, sentence: str, *, limit: float, unit: str) -> None:
        super().__init__(device, sentence)
        self.limit = limit
        self.unit = unit
