"""What a wire says before it is known what is there: for a board that waits, and for a scan."""

from __future__ import annotations

from collections.abc import Iterable

from hal.drivers.nmea.codec import POSITION_SENTENCES, Sentence
from hal.errors import DeviceError, DeviceRefused, DeviceSilent

UBX = b"\xb5\x62"
"""Each message of u-blox' own protocol begins so (its M8 protocol specification, "UBX Frame Structure")."""


class Listening:
    """How much came, and what of it was NMEA."""

    def __init__(self) -> None:
        self.bytes = 0
        self.kinds: dict[str, None] = {}
        """The sentences that came, as `GPGGA`, in their order."""
        self._ubx = 0

    def heard(self, data: bytes, sentences: Iterable[Sentence]) -> None:
        """These bytes came, and completed these sentences."""
        self.bytes += len(data)
        self._ubx += data.count(UBX)
        self.kinds |= dict.fromkeys(sentence.talker + sentence.kind for sentence in sentences)

    def trouble(self, name: str, port: str, baud: int) -> DeviceError:
        """Why no position was told in time, and what to do."""
        where = f"{port} at {baud} baud"
        if not self.bytes:
            return DeviceSilent(
                name, f"nothing came from {where}; is it powered, is this its port, is its TX on our RX?"
            )
        if self.kinds:
            return DeviceRefused(
                name,
                f"it speaks NMEA on {port}, but of {', '.join(self.kinds)} nothing says where it is; "
                f"switch on its {' or '.join(POSITION_SENTENCES)}",
            )
        if self._ubx > 1:
            return DeviceRefused(
                name, f"what comes from {where} is UBX, not NMEA; switch on NMEA on that port, with u-center"
            )
        return DeviceSilent(
            name,
            f"{self.bytes} bytes came from {where}, and no NMEA sentence; is the baud rate right? "
            "Receivers speak 9600, newer ones 38400 or 115200",
        )
