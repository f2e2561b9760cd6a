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
from typing import NamedTuple

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

_SHORTEST_LENGTH = 3
_BEFORE_LENGTH = 5
_BODY = 7
"""Where the instruction stands: what is before it is never stuffed."""


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


class Decoder:
    """Cuts a stream of bytes, split anywhere and with noise anywhere, into packets.

    `rescans` is the host's way: what a damaged packet swallowed is looked through again. A servo has no room
    for that and drops it whole.
    """

    def __init__(self, *, rescans: bool = True, longest_length: int = LONGEST_LENGTH) -> None:
        self.discarded = 0
        """How many bytes belonged to no packet."""
        self.corrupt = 0
        """How many packets had a wrong CRC."""
        self._rescans = rescans
        self._longest_length = longest_length
        self._held = bytearray()

    def feed(self, data: bytes) -> list[Packet]:
        """The packets that `data` completes, in order. Never raises; holds at most one unfinished packet."""
        held = self._held
        held += data
        packets: list[Packet] = []
        at, end = 0, len(held)
        while True:
            start = _find_start(held, at)
            self.discarded += start - at
            at = start
            if end - at < _BODY:
                break
            length = held[at + _BEFORE_LENGTH] | held[at + _BEFORE_LENGTH + 1] << 8
            if not _SHORTEST_LENGTH <= length <= self._longest_length:
                self.discarded += 1
                at += 1
                continue
            after = at + _BODY + length
            if after > end:
                break
            if crc16(held[at : after - 2]) == held[after - 2] | held[after - 1] << 8:
                body = bytes(held[at + _BODY : after - 2]).replace(STUFFED, HEADER)
                packets.append(Packet(held[at + 4], body[0], body[1:]))
                at = after
            else:
                self.corrupt += 1
                skipped = 1 if self._rescans else after - at
                self.discarded += skipped
                at += skipped
        del held[:at]
        return packets

    def end(self) -> list[Packet]:
        """Nothing more belongs to what came: the packets in what looked like the start of a longer one."""
        packets: list[Packet] = []
        while self._held:
            del self._held[0]
            self.discarded += 1
            packets += self.feed(b"")
        return packets


def _find_start(held: bytearray, at: int) -> int:
    """Where the next header begins, be it only its first bytes at the very end."""
    start = held.find(START, at)
    if start >= 0:
        return start
    for size in (3, 2, 1):
        if held.endswith(START[:size]) and len(held) - size >= at:
            return len(held) - size
    return len(held)


# ---------------------------------------------------------------------------------- packets


def packet(servo: int, instruction: int, data: bytes = b"") -> bytes:
    """One packet. ValueError for an id that there is not, or for more data than a packet may have."""
    body = (bytes([instruction]) + data).replace(HEADER, STUFFED)
    length = len(body) + 2
    if not 0 <= servo <= BROADCAST or length > LONGEST_LENGTH:
        raise ValueError(f"there is no packet of {len(data)} bytes for the id {servo}")
    whole = START + bytes([servo]) + length.to_bytes(2, "little") + body
    return whole + crc16(whole).to_bytes(2, "little")


def status(servo: int, params: bytes = b"", *, error: int = Error.NONE, alert: bool = False) -> bytes:
    """An answer (section 4)."""
    return packet(servo, STATUS, bytes([error | (ALERT if alert else 0)]) + params)


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


def _crc_of(byte: int) -> int:
    remainder = byte << 8
    for _ in range(8):
        remainder = (remainder << 1 ^ 0x8005 if remainder & 0x8000 else remainder << 1) & 0xFFFF
    return remainder


_CRC_TABLE = tuple(map(_crc_of, range(256)))


def crc16(data: bytes | bytearray) -> int:
    """CRC-16 with the polynomial 0x8005, from 0, most significant bit first (e-Manual, "CRC Calculation")."""
    crc = 0
    for byte in data:
        crc = (crc << 8 & 0xFFFF) ^ _CRC_TABLE[crc >> 8 ^ byte]
    return crc
