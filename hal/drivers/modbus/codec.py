"""Modbus on RTU and TCP, bytes to requests and answers and back, by pymodbus' messages and checksum.

Nothing else imports pymodbus, and of it neither client nor server is used: they bring a port and a schedule
of their own. Source: MODBUS over Serial Line V1.02, section 2.5.1 (RTU: unit, message, CRC-16 with its low
byte first), and MODBUS Messaging on TCP/IP V1.0b, section 3.1.3 (TCP: transaction, 0, length, unit, message).

A frame of RTU has no start and no length: a silence on the line parts it from the next, which no operating
system hands on. So every place where one may begin is tried, and the checksum decides. No I/O, no clock.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Literal, NamedTuple

from pymodbus.exceptions import ModbusException
from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU
from pymodbus.pdu.bit_message import (
    ReadCoilsRequest,
    ReadCoilsResponse,
    ReadDiscreteInputsRequest,
    ReadDiscreteInputsResponse,
    WriteMultipleCoilsRequest,
    WriteMultipleCoilsResponse,
    WriteSingleCoilRequest,
    WriteSingleCoilResponse,
)
from pymodbus.pdu.mei_message import ReadDeviceInformationRequest, ReadDeviceInformationResponse
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadHoldingRegistersResponse,
    ReadInputRegistersRequest,
    ReadInputRegistersResponse,
    WriteMultipleRegistersRequest,
    WriteMultipleRegistersResponse,
    WriteSingleRegisterRequest,
    WriteSingleRegisterResponse,
)

from hal.drivers.modbus.words import BITS, MOST_BITS, MOST_REGISTERS, READS, Answer, Function, Request

Framing = Literal["rtu", "tcp"]

FRAME_LIMIT_BYTES = 260
"""The longest frame: 256 bytes on RTU, 260 on TCP."""
SHORTEST_RTU_BYTES = 4
HEADER_BYTES = 7
"""Of a frame on TCP, the unit among them."""
KNOWN = 512
"""So many frames are kept as they were read or written: a line says the same ones again and again."""
EXCEPTION = 0x80
"""Added to the function in the answer of a unit that refuses."""

_REQUESTS, _ANSWERS = DecodePDU(True), DecodePDU(False)
_FUNCTIONS = frozenset({*Function, *(function | EXCEPTION for function in Function)})
_ReadRequest: Mapping[Function, type[ModbusPDU]] = {
    Function.READ_COILS: ReadCoilsRequest,
    Function.READ_INPUTS: ReadDiscreteInputsRequest,
    Function.READ_HOLDING: ReadHoldingRegistersRequest,
    Function.READ_INPUT_REGISTERS: ReadInputRegistersRequest,
}
_ReadResponse: Mapping[Function, type[ModbusPDU]] = {
    Function.READ_COILS: ReadCoilsResponse,
    Function.READ_INPUTS: ReadDiscreteInputsResponse,
    Function.READ_HOLDING: ReadHoldingRegistersResponse,
    Function.READ_INPUT_REGISTERS: ReadInputRegistersResponse,
}


class Frame(NamedTuple):
    """A frame that was cut out of a stream: whose it is, and what is in it."""

    unit: int
    transaction: int
    """0 on RTU, which has none."""
    size: int
    """In bytes, as it was on the line."""
    pdu: ModbusPDU


def crc(data: bytes) -> bytes:
    """The two bytes that end a frame of RTU."""
    return FramerRTU.compute_CRC(data).to_bytes(2, "big")


@lru_cache(maxsize=KNOWN)
def encode_request(request: Request, framing: Framing = "rtu", transaction: int = 0) -> bytes:
    """A request as bytes. ValueError where an address, a value or a count is beyond what Modbus knows."""
    return _frame(request.unit, _request_pdu(request), framing, transaction)


@lru_cache(maxsize=KNOWN)
def encode_answer(answer: Answer, framing: Framing = "rtu", transaction: int = 0) -> bytes:
    """What a unit answers, as bytes."""
    return _frame(answer.unit, _answer_pdu(answer), framing, transaction)


@lru_cache(maxsize=KNOWN)
def decode_request(data: bytes, framing: Framing = "rtu") -> tuple[Request, int] | None:
    """What one whole request says, and its transaction; None where it says nothing."""
    for frame in Decoder.of_requests(framing).feed(data):
        request = parse_request(frame)
        return None if request is None else (request, frame.transaction)
    return None


def answer_size(request: Request, framing: Framing = "rtu") -> int:
    """How many bytes a unit sends that does what it is asked; an identification may have any size."""
    around = HEADER_BYTES if framing == "tcp" else 3
    if request.function in READS:
        return around + 2 + _byte_count(request)
    return around + 5


@lru_cache(maxsize=KNOWN)
def parse_request(frame: Frame) -> Request | None:
    """What the frame asks; None for a function that is not in `Function`, or for nonsense in it."""
    pdu = frame.pdu
    function = _known(pdu.function_code)
    if function is None or isinstance(pdu, ExceptionResponse):
        return None
    if function in READS:
        return Request(frame.unit, function, pdu.address, pdu.count)
    if function is Function.IDENTIFY:
        return Request(frame.unit, function) if isinstance(pdu, ReadDeviceInformationRequest) else None
    values = tuple(map(int, pdu.bits if function in BITS else pdu.registers))
    count = pdu.count if function in (Function.WRITE_COILS, Function.WRITE_REGISTERS) else 1
    return Request(frame.unit, function, pdu.address, count, values) if len(values) == count else None


@lru_cache(maxsize=KNOWN)
def parse_answer(frame: Frame) -> Answer | None:
    """What the frame answers; None for a function that is not in `Function`."""
    pdu = frame.pdu
    function = _known(pdu.function_code & ~EXCEPTION)
    if function is None:
        return None
    if isinstance(pdu, ExceptionResponse):
        return Answer(frame.unit, function, refusal=pdu.exception_code)
    if isinstance(pdu, ReadDeviceInformationResponse):
        texts = [bytes(text) for _, text in sorted(pdu.information.items()) if isinstance(text, bytes)]
        return Answer(frame.unit, function, texts=tuple(text.decode("ascii", "replace") for text in texts))
    values = tuple(map(int, pdu.bits if function in BITS else pdu.registers))
    return Answer(frame.unit, function, values, pdu.address, pdu.count or len(values))


class Decoder:
    """Cuts a stream of bytes, split anywhere and with noise anywhere, into frames.

    Use `of_answers` for what units say and `of_requests` for what they hear.
    """

    def __init__(self, *, requests: bool, framing: Framing) -> None:
        self.discarded = 0
        """How many bytes belonged to no frame."""
        self._cut: Callable[[bytes], Frame | None] = partial(
            _cut_rtu if framing == "rtu" else _cut_tcp, _REQUESTS if requests else _ANSWERS
        )
        self._function_at = 1 if framing == "rtu" else HEADER_BYTES
        self._data = bytearray()

    @classmethod
    def of_answers(cls, framing: Framing = "rtu") -> Decoder:
        """The side of who asks."""
        return cls(requests=False, framing=framing)

    @classmethod
    def of_requests(cls, framing: Framing = "rtu") -> Decoder:
        """The units' side."""
        return cls(requests=True, framing=framing)

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes, in order. Never raises; holds no more than the longest frame."""
        if not self._data and (whole := self._cut(data)) is not None and whole.size == len(data):
            return [whole]  # as nearly always
        self._data += data
        frames: list[Frame] = []
        at = 0
        while at + self._function_at + 1 < len(self._data):
            # Most places are seen at once to begin nothing.
            begins = self._data[at + self._function_at] in _FUNCTIONS
            frame = self._cut(bytes(self._data[at : at + FRAME_LIMIT_BYTES])) if begins else None
            if frame is None:
                at += 1
                continue
            frames.append(frame)
            self._drop(at)
            del self._data[: frame.size]
            at = 0
        self._drop(len(self._data) - FRAME_LIMIT_BYTES)
        return frames

    def end(self) -> int:
        """Nothing more belongs to what came; returns how many bytes that were no frame it drops."""
        size = len(self._data)
        self._drop(size)
        return size

    def _drop(self, size: int) -> None:
        if size > 0:
            self.discarded += size
            del self._data[:size]


@lru_cache(maxsize=KNOWN)
def _cut_rtu(pdus: DecodePDU, data: bytes) -> Frame | None:
    """The frame that `data` begins with, if it is whole and its checksum is right."""
    if len(data) < SHORTEST_RTU_BYTES or data[1] not in _FUNCTIONS:
        return None
    kind = pdus.lookupPduClass(data)
    size = kind.calculateRtuFrameSize(data) if kind is not None and _sized(kind) else 0
    if not SHORTEST_RTU_BYTES <= size <= len(data) or crc(data[: size - 2]) != data[size - 2 : size]:
        return None
    return _decoded(pdus, data[0], 0, size, data[1 : size - 2])


def _cut_tcp(pdus: DecodePDU, data: bytes) -> Frame | None:
    """The frame that `data` begins with, if it is whole."""
    if len(data) <= HEADER_BYTES or data[HEADER_BYTES] not in _FUNCTIONS:
        return None
    transaction, protocol, length, unit = struct.unpack(">HHHB", data[:HEADER_BYTES])
    size = HEADER_BYTES - 1 + length
    if protocol != 0 or not HEADER_BYTES < size <= len(data):
        return None
    return _decoded(pdus, unit, transaction, size, data[HEADER_BYTES:size])


def _decoded(pdus: DecodePDU, unit: int, transaction: int, size: int, message: bytes) -> Frame | None:
    try:
        pdu = pdus.decode(message)
    except (ModbusException, ValueError, IndexError, struct.error):
        return None
    return None if pdu is None else Frame(unit, transaction, size, pdu)


# ---------------------------------------------------------------------------------- pymodbus' messages


def _known(function: int) -> Function | None:
    try:
        return Function(function)
    except ValueError:
        return None


def _sized(kind: type[ModbusPDU]) -> bool:
    """Whether pymodbus can tell how long such a frame is on RTU."""
    own = kind.calculateRtuFrameSize.__func__ is not ModbusPDU.calculateRtuFrameSize.__func__  # type: ignore[attr-defined]  # of a class method
    return bool(own or kind.rtu_frame_size or kind.rtu_byte_count_pos)


def _byte_count(request: Request) -> int:
    return -(-request.quantity // 8) if request.function in BITS else 2 * request.quantity


def _frame(unit: int, pdu: ModbusPDU, framing: Framing, transaction: int) -> bytes:
    message = bytes([pdu.function_code]) + pdu.encode()
    if framing == "tcp":
        return struct.pack(">HHHB", transaction, 0, len(message) + 1, unit) + message
    data = bytes([unit]) + message
    return data + crc(data)


def _request_pdu(request: Request) -> ModbusPDU:
    unit, function, address, quantity, values = request
    if not 0 <= address <= 0xFFFF or not all(0 <= value <= 0xFFFF for value in values):
        raise ValueError(f"{request} is beyond 16 bits")
    if quantity > (MOST_BITS if function in BITS else MOST_REGISTERS):
        raise ValueError(f"{request} asks for too much at once")
    match function:
        case Function.WRITE_COIL:
            return WriteSingleCoilRequest(dev_id=unit, address=address, bits=[bool(values[0])])
        case Function.WRITE_REGISTER:
            return WriteSingleRegisterRequest(dev_id=unit, address=address, registers=values)
        case Function.WRITE_COILS:
            return WriteMultipleCoilsRequest(address, [*map(bool, values)], unit)
        case Function.WRITE_REGISTERS:
            return WriteMultipleRegistersRequest(dev_id=unit, address=address, registers=values)
        case Function.IDENTIFY:
            return ReadDeviceInformationRequest(dev_id=unit)
        case _:
            return _ReadRequest[function](dev_id=unit, address=address, count=quantity)


def _answer_pdu(answer: Answer) -> ModbusPDU:
    unit, function, values, address, quantity, refusal, texts = answer
    if refusal:
        return ExceptionResponse(function, refusal, unit)
    match function:
        case Function.WRITE_COIL:
            return WriteSingleCoilResponse(dev_id=unit, address=address, bits=[bool(values[0])])
        case Function.WRITE_REGISTER:
            return WriteSingleRegisterResponse(dev_id=unit, address=address, registers=values)
        case Function.WRITE_COILS:
            return WriteMultipleCoilsResponse(dev_id=unit, address=address, count=quantity)
        case Function.WRITE_REGISTERS:
            return WriteMultipleRegistersResponse(dev_id=unit, address=address, count=quantity)
        case Function.IDENTIFY:
            named = {number: text.encode("ascii", "replace") for number, text in enumerate(texts)}
            return ReadDeviceInformationResponse(information=named, dev_id=unit)
        case Function.READ_COILS | Function.READ_INPUTS:
            return _ReadResponse[function](dev_id=unit, bits=[*map(bool, values)])
        case _:
            return _ReadResponse[function](dev_id=unit, registers=values)
