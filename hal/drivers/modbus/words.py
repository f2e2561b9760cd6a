"""The words of Modbus: numbers of the protocol, and its requests and answers as data.

Source: MODBUS Application Protocol Specification V1.1b3 (functions: section 6, exceptions: section 7) and
MODBUS over Serial Line V1.02 (addresses: section 2.2, silence between frames: section 2.5.1.1).
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

BROADCAST = 0
"""The unit that means all of them; nobody answers."""
UNITS = range(1, 248)
GAP_BYTES = 3.5
"""Between two frames the line is silent for so many bytes..."""
SHORTEST_GAP_S = 0.00175
"""...and above 19200 baud for this long."""
BITS_PER_BYTE = 11
"""Start bit, eight data bits, parity or a second stop bit, stop bit."""


class Function(IntEnum):
    """What a request asks for (section 6)."""

    READ_COILS = 0x01
    READ_INPUTS = 0x02
    READ_HOLDING = 0x03
    READ_INPUT_REGISTERS = 0x04
    WRITE_COIL = 0x05
    WRITE_REGISTER = 0x06
    WRITE_COILS = 0x0F
    WRITE_REGISTERS = 0x10
    IDENTIFY = 0x2B
    """Read device identification, of the encapsulated interface transport (section 6.21)."""


READS = frozenset(
    {Function.READ_COILS, Function.READ_INPUTS, Function.READ_HOLDING, Function.READ_INPUT_REGISTERS}
)
BITS = frozenset({Function.READ_COILS, Function.READ_INPUTS, Function.WRITE_COIL, Function.WRITE_COILS})
"""Those whose values are bits; the others' are registers."""
MOST_BITS = 2000
MOST_REGISTERS = 125
"""How much one read may ask for."""


class Refusal(IntEnum):
    """Why a unit does not do what it is asked: the exception codes of section 7."""

    ILLEGAL_FUNCTION = 0x01
    ILLEGAL_DATA_ADDRESS = 0x02
    ILLEGAL_DATA_VALUE = 0x03
    SERVER_DEVICE_FAILURE = 0x04
    ACKNOWLEDGE = 0x05
    SERVER_DEVICE_BUSY = 0x06
    NEGATIVE_ACKNOWLEDGE = 0x07
    MEMORY_PARITY_ERROR = 0x08
    GATEWAY_PATH_UNAVAILABLE = 0x0A
    GATEWAY_TARGET_FAILED_TO_RESPOND = 0x0B


_CURES = {
    Refusal.ILLEGAL_FUNCTION: "it does not know this function; is it another product?",
    Refusal.ILLEGAL_DATA_ADDRESS: "it has nothing at this address; its manual may count from 1",
    Refusal.ILLEGAL_DATA_VALUE: "it does not take this value; look into its manual for the range",
    Refusal.SERVER_DEVICE_FAILURE: "it cannot do that now; does its display say why?",
    Refusal.ACKNOWLEDGE: "it is still working on that; it needs more time",
    Refusal.SERVER_DEVICE_BUSY: "it is busy; ask it less often",
    Refusal.NEGATIVE_ACKNOWLEDGE: "it cannot do that; look into its manual",
    Refusal.MEMORY_PARITY_ERROR: "its memory is damaged; it needs service",
    Refusal.GATEWAY_PATH_UNAVAILABLE: "the gateway has no way to it; look into the gateway's settings",
    Refusal.GATEWAY_TARGET_FAILED_TO_RESPOND: "it does not answer its gateway; is it powered?",
}


def explain(code: int) -> str:
    """An exception code as its name and what to do: `ILLEGAL_DATA_ADDRESS (it has nothing ...)`."""
    try:
        refusal = Refusal(code)
    except ValueError:
        return f"exception {code} (of its maker's own; look into its manual)"
    return f"{refusal.name} ({_CURES[refusal]})"


class Request(NamedTuple):
    """What a unit is asked. Addresses count from 0, as on the wire."""

    unit: int
    function: Function
    address: int = 0
    quantity: int = 1
    """How many coils, inputs or registers."""
    values: tuple[int, ...] = ()
    """Of a write: registers, or bits as 0 and 1."""


class Answer(NamedTuple):
    """What a unit answers."""

    unit: int
    function: Function
    values: tuple[int, ...] = ()
    """Of a read: registers, or bits in whole bytes; of the writing of one value, that."""
    address: int = 0
    """Of a write..."""
    quantity: int = 0
    """...and how many were written."""
    refusal: int = 0
    """The exception code; 0 where it did what it was asked."""
    texts: tuple[str, ...] = ()
    """Of an identification: vendor, product, version."""
