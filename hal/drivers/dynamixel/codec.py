"""The Dynamixel protocol 2.0, bytes to packets and back. No I/O, no clock, no servo is known here.

Source: ROBOTIS e-Manual, "DYNAMIXEL Protocol 2.0" (emanual.robotis.com/docs/en/dxl/protocol2), sections 3
(instruction packet), 4 (status packet), 5 (processing order) and 6 (instructions). Both directions have one
form, numbers least significant byte first:

    FF FF FD 00  ID  LENGTH (2)  INSTRUCTION  PARAMETERS...  CRC (2)

`LENGTH` counts what follows it. From the instruction to the last parameter an FD is put behind each FF FF FD,
so that no header stands inside a packet. An answer has the instruction 0x55 and its error as first parameter;
no answer says which question it is for: it is known by its id, by its length, and by coming in time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum
from functools import lru_cache
from struct import Struct, unpack
from typing import NamedTuple

from hal.drivers.packets import PacketDecoder

PING = 0x01
READ = 0x02
WRITE = 0x03
REG_WRITE = 0x04
"""A write that waits for `ACTION`."""
ACTION = 0x05
FACTORY_RESET = 0x06
REBOOT = 0x08
CLEAR = 0x10
STATUS = 0x55
SYNC_READ = 0x82
SYNC_WRITE = 0x83

BROADCAST = 0xFE
"""Every servo obeys; only a ping is answered, by one after the other."""
LARGEST_ID = 0xFC

HEADER = b"\xff\xff\xfd"
START = HEADER + b"\x00"
STUFFED = HEADER + b"\xfd"
OVERHEAD_BYTES = 10
"""An instruction packet without parameters: header, id, length, instruction, CRC."""
STATUS_BYTES = OVERHEAD_BYTES + 1
"""An answer without parameters: it has an error besides."""
ALERT = 0x80
"""The bit of the error that says: the hardware error status is not 0 (section 4.5)."""
LONGEST_LENGTH = 256
"""No packet on such a bus is longer; a length beyond it is noise."""

REMEMBERED = 1024
"""So many packets need not be summed up again: servos at rest say the same few, as does who asks them."""

_HEAD = Struct("<4sBH")
"""The header, an id, a length; what follows is stuffed."""
_CRC = Struct("<H")
_SHORTEST_LENGTH = 3


class Error(IntEnum):
    """The low seven bits of an answer's error (section 4.5)."""

    NONE = 0
    RESULT_FAIL = 1
    INSTRUCTION = 2
    CRC = 3
    DATA_RANGE = 4
    DATA_LENGTH = 5
    DATA_LIMIT = 6
    ACCESS = 7


_SENTENCES: Mapping[int, str] = {
    Error.RESULT_FAIL: "it failed to do it",
    Error.INSTRUCTION: "it does not know this instruction",
    Error.CRC: "what it heard was damaged",
    Error.DATA_RANGE: "the value is beyond its range",
    Error.DATA_LENGTH: "the value has the wrong length",
    Error.DATA_LIMIT: "the value is beyond the limit set in it",
    Error.ACCESS: "it may not be written now (torque on, or read only)",
}


class Packet(NamedTuple):
    """One packet in either direction, without its stuffing."""

    id: int
    instruction: int
    data: bytes
    """Parameters; those of an answer begin with its error."""

    @property
    def key(self) -> tuple[int, int, int]:
        """By what an answer is known: who gives it, that it is one, and how long it is."""
        return self.id, self.instruction, len(self.data)

    @property
    def error(self) -> int:
        """Of an answer: one of `Error`, or a number that the manual does not have."""
        return self.data[0] & ~ALERT if self.data else Error.NONE

    @property
    def alert(self) -> bool:
        """Of an answer: whether its hardware error status is to be looked at."""
        return bool(self.data and self.data[0] & ALERT)

    @property
    def params(self) -> bytes:
        """Of an answer: what was asked for."""
        return self.data[1:]


def answer_key(servo: int, count: int) -> tuple[int, int, int]:
    """The key of an answer of `servo` with so many bytes of parameters."""
    return servo, STATUS, count + 1


def explain(error: int) -> str:
    """What an answer's error says, for a sentence."""
    return _SENTENCES.get(error, f"it reports error {error}")


class Decoder(PacketDecoder[Packet]):
    """As `PacketDecoder`. A packet whose length is more than `longest_length` is noise."""

    START = START
    HEAD_BYTES = _HEAD.size

    def __init__(self, *, rescans: bool = True, longest_length: int = LONGEST_LENGTH) -> None:
        super().__init__(rescans=rescans)
        self._longest_length = longest_length

    def _size(self, held: bytes, at: int) -> int:
        length = held[at + 5] | held[at + 6] << 8
        return _HEAD.size + length if _SHORTEST_LENGTH <= length <= self._longest_length else 0

    def _read(self, whole: bytes) -> Packet | None:
        if crc16(whole[:-2]) != whole[-2] | whole[-1] << 8:
            return None
        body = whole[7:-2].replace(STUFFED, HEADER)
        return Packet(whole[4], body[0], body[1:])


# ---------------------------------------------------------------------------------- packets


def packet(servo: int, instruction: int, data: bytes = b"") -> bytes:
    """One packet. ValueError for an id that there is not, or for more data than a packet may have."""
    return _framed(servo, bytes((instruction,)) + data)


def status(servo: int, params: bytes = b"", *, error: int = Error.NONE, alert: bool = False) -> bytes:
    """An answer (section 4)."""
    return _framed(servo, bytes((STATUS, error | ALERT if alert else error)) + params)


def _framed(servo: int, body: bytes) -> bytes:
    stuffed = body.replace(HEADER, STUFFED)
    length = len(stuffed) + _CRC.size
    if not 0 <= servo <= BROADCAST or length > LONGEST_LENGTH:
        raise ValueError(f"there is no packet of {len(body) - 1} bytes for the id {servo}")
    whole = _HEAD.pack(START, servo, length) + stuffed
    return whole + _CRC.pack(crc16(whole))


def ping(servo: int) -> bytes:
    """Ask for model number (2 bytes) and firmware version (1) (section 6.1)."""
    return packet(servo, PING)


def read(servo: int, address: int, count: int) -> bytes:
    """Ask for `count` bytes from `address` on (section 6.2)."""
    return packet(servo, READ, _words(address, count))


def write(servo: int, address: int, data: bytes) -> bytes:
    """Write from `address` on (section 6.3)."""
    return packet(servo, WRITE, _words(address) + data)


def reboot(servo: int) -> bytes:
    """Start anew, which is what clears a hardware error (section 6.7)."""
    return packet(servo, REBOOT)


def sync_read(address: int, count: int, servos: Iterable[int]) -> bytes:
    """Ask several servos for the same bytes; they answer one after the other in this order (section 6.12)."""
    return packet(BROADCAST, SYNC_READ, _words(address, count) + bytes(servos))


def sync_write(address: int, data: Mapping[int, bytes]) -> bytes:
    """Write to several servos at once, by id, as many bytes to each; nobody answers (section 6.13)."""
    (count,) = {len(values) for values in data.values()}
    each = b"".join(bytes([servo]) + values for servo, values in data.items())
    return packet(BROADCAST, SYNC_WRITE, _words(address, count) + each)


def _words(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(2, "little") for number in numbers)


# ---------------------------------------------------------------------------------- CRC


def _remainder(byte: int) -> int:
    remainder = byte << 8
    for _ in range(8):
        remainder = (remainder << 1 ^ 0x8005 if remainder & 0x8000 else remainder << 1) & 0xFFFF
    return remainder


_OF_LAST = tuple(map(_remainder, range(256)))
"""What is left of a byte..."""
_OF_FIRST = tuple((left << 8 & 0xFFFF) ^ _OF_LAST[left >> 8] for left in _OF_LAST)
"""...and what of that when another one follows."""


@lru_cache(REMEMBERED)
def crc16(data: bytes) -> int:
    """CRC-16 with the polynomial 0x8005, from 0, most significant bit first (e-Manual, "CRC Calculation")."""
    count = (len(data) + 1) // 2
    crc = 0
    for word in unpack(f">{count}H", data.rjust(2 * count, b"\0")):  # a zero in front changes nothing
        both = crc ^ word
        crc = _OF_FIRST[both >> 8] ^ _OF_LAST[both & 0xFF]
    return crc
