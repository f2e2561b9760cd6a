"""The FT-SCS protocol of Feetech's serial servos, bytes to packets and back. No I/O, no clock, no servo.

Source: Feetech, "Servo SCS Communication Protocol", sections 2 (instruction frame), 3 (status frame) and 4
(instruction types). Both directions have one form:

    FF FF  ID  LENGTH  INSTRUCTION or ERROR  PARAMETERS...  CHECKSUM

`LENGTH` counts what follows it, and the checksum is the inverted sum of all between it and the header. There
is no number and no sign of the direction: an answer is known by its id and its length, and by coming in time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from hal.drivers.packets import PacketDecoder

PING = 0x01
READ = 0x02
WRITE = 0x03
REG_WRITE = 0x04
"""A write that waits for `ACTION`."""
ACTION = 0x05
SYNC_READ = 0x82
SYNC_WRITE = 0x83

BROADCAST = 0xFE
"""Every servo obeys, none answers (but to a ping, which only one servo alone on its wire may be asked)."""
LARGEST_ID = 0xFD

HEADER = b"\xff\xff"
OVERHEAD_BYTES = 6
"""What a packet without parameters takes: header, id, length, instruction or error, checksum."""
LONGEST_DATA_BYTES = 250
"""More parameters than any instruction or answer has; a length beyond it is noise."""

_SHORTEST_LENGTH = 2
_LONGEST_LENGTH = LONGEST_DATA_BYTES + _SHORTEST_LENGTH

ByteOrder = Literal["little", "big"]
"""How a value of two bytes lies in memory: servos with a magnetic encoder (STS, SMS) have the low byte first,
those with a potentiometer (SCS) the high one (section 1)."""


class Packet(NamedTuple):
    """One packet, in either direction."""

    id: int
    code: int
    """The instruction of a request; the error bits of an answer."""
    data: bytes

    @property
    def key(self) -> tuple[int, int]:
        """By what an answer is known: who gives it, and how many bytes were asked for."""
        return self.id, len(self.data)


class Decoder(PacketDecoder[Packet]):
    """As `PacketDecoder`."""

    START = HEADER
    HEAD_BYTES = 4

    def _size(self, held: bytes, at: int) -> int:
        servo, length = held[at + 2], held[at + 3]
        # A third FF is no id: the header of a packet may start one byte later.
        return 4 + length if servo <= BROADCAST and _SHORTEST_LENGTH <= length <= _LONGEST_LENGTH else 0

    def _read(self, whole: bytes) -> Packet | None:
        if sum(whole[2:]) & 0xFF != 0xFF:
            return None
        return Packet(whole[2], whole[4], whole[5:-1])


# ---------------------------------------------------------------------------------- packets


def packet(servo: int, code: int, data: bytes = b"") -> bytes:
    """One packet. ValueError for an id beyond `BROADCAST` or more data than `LONGEST_DATA_BYTES`."""
    if servo > BROADCAST or len(data) > LONGEST_DATA_BYTES:
        raise ValueError(f"there is no packet of {len(data)} bytes for the id {servo}")
    body = bytes([servo, len(data) + 2, code]) + data
    return HEADER + body + bytes([~sum(body) & 0xFF])


def ping(servo: int) -> bytes:
    """Ask whether `servo` is there; it answers with its error bits (section 4.1)."""
    return packet(servo, PING)


def read(servo: int, address: int, count: int) -> bytes:
    """Ask for `count` bytes from `address` on (section 4.2)."""
    return packet(servo, READ, bytes([address, count]))


def write(servo: int, address: int, data: bytes) -> bytes:
    """Write from `address` on; answered, unless it goes to `BROADCAST` (section 4.3)."""
    return packet(servo, WRITE, bytes([address]) + data)


def reg_write(servo: int, address: int, data: bytes) -> bytes:
    """A write that is done at the next `action` (section 4.4)."""
    return packet(servo, REG_WRITE, bytes([address]) + data)


def action(servo: int = BROADCAST) -> bytes:
    """Do what was written with `reg_write` (section 4.5)."""
    return packet(servo, ACTION)


def sync_write(address: int, data: Mapping[int, bytes]) -> bytes:
    """Write to several servos at once, by id, as many bytes to each; nobody answers (section 4.6)."""
    (count,) = {len(values) for values in data.values()}
    each = b"".join(bytes([servo]) + values for servo, values in data.items())
    return packet(BROADCAST, SYNC_WRITE, bytes([address, count]) + each)


def sync_read(address: int, count: int, servos: Iterable[int]) -> bytes:
    """Ask several servos for the same bytes; they answer one after the other in this order (section 4.7)."""
    return packet(BROADCAST, SYNC_READ, bytes([address, count, *servos]))


# ---------------------------------------------------------------------------------- numbers


def signed(word: int, sign_bit: int) -> int:
    """The number that a sign bit and a magnitude below it mean; there is no two's complement here."""
    magnitude = word & (1 << sign_bit) - 1
    return -magnitude if word >> sign_bit & 1 else magnitude


def unsigned(number: int, sign_bit: int) -> int:
    """The inverse of `signed`. ValueError for a magnitude that does not fit below the sign bit."""
    if abs(number) >= 1 << sign_bit:
        raise ValueError(f"{number} does not fit into {sign_bit} bits and a sign")
    return number if number >= 0 else -number | 1 << sign_bit
