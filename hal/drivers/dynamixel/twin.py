"""Dynamixel servos on one wire, without the servos: what they answer, and how their shafts move.

Source of what they say: ROBOTIS e-Manual, "DYNAMIXEL Protocol 2.0". Each servo hears everything; answers come
at once and in order. In a sync read a servo speaks when it has heard the one before it. Two with one id speak
together, and the wire carries what both leave high.
"""

from __future__ import annotations

from hal.drivers.dynamixel import codec
from hal.drivers.dynamixel.codec import BROADCAST, Decoder, Error, Packet
from hal.drivers.dynamixel.servo import FIRMWARE, SimulatedServo
from hal.drivers.servo_twin import ServoBusTwin, together

LONGEST_REQUEST = 140
"""A servo's buffer: it takes no packet whose length is more than this."""


class DynamixelTwin(ServoBusTwin[SimulatedServo]):
    """As `ServoBusTwin`, in the words of this protocol."""

    def _forget(self) -> None:
        self._decoder = _decoder()

    def _hear(self, data: bytes) -> bytes:
        return b"".join([self._obey(packet) for packet in self._decoder.feed(data)])

    # ------------------------------------------------------------------ what the servos hear

    def _obey(self, packet: Packet) -> bytes:
        for servo in self.servos:
            servo.heard()
        if packet.instruction == codec.SYNC_READ:
            return self._sync_read(packet.data)
        if packet.instruction == codec.SYNC_WRITE:
            self._sync_write(packet.data)
            return b""
        present = self._present()
        if packet.id == BROADCAST and packet.instruction == codec.PING:
            return b"".join([together([_pong(s) for s in present[who]]) for who in sorted(present)])
        called = [s for who, servos in present.items() if packet.id in (who, BROADCAST) for s in servos]
        answers = [answer for servo in called if (answer := self._answer(servo, packet))]
        return b"" if packet.id == BROADCAST else together(answers)

    def _answer(self, servo: SimulatedServo, packet: Packet) -> bytes:
        """Let one servo do what it is told; what it says is for the one who called it alone."""
        data = packet.data
        if packet.instruction == codec.PING:
            return _pong(servo)
        if packet.instruction == codec.READ:
            asked = servo.status_level >= 1 and len(data) == 4
            return _shown(servo, _word(data, 0), _word(data, 2)) if asked else b""
        error = Error.ACCESS if self.refusing else _do(servo, packet.instruction, data)
        if error is None or servo.status_level < 2:
            return b""
        return codec.status(servo.id, error=error, alert=servo.alert)

    def _sync_read(self, data: bytes) -> bytes:
        present, address, count, said = self._present(), _word(data, 0), _word(data, 2), list[bytes]()
        for who in data[4:]:
            answers = [_shown(s, address, count) for s in present.get(who, ()) if s.status_level >= 1]
            if not answers:
                break  # those behind it in the question wait for its answer, and it never comes
            said.append(together(answers))
        return b"".join(said)

    def _sync_write(self, data: bytes) -> None:
        if len(data) < 4 or self.refusing:
            return
        present, address, size = self._present(), _word(data, 0), _word(data, 2) + 1
        for start in range(4, len(data) - size + 1, size):
            for servo in present.get(data[start], ()):
                servo.write(address, data[start + 1 : start + size])


def _decoder() -> Decoder:
    return Decoder(rescans=False, longest_length=LONGEST_REQUEST)


def _word(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "little")


def _pong(servo: SimulatedServo) -> bytes:
    about = servo.model.number.to_bytes(2, "little") + bytes([FIRMWARE])
    return codec.status(servo.id, about, alert=servo.alert)


def _shown(servo: SimulatedServo, address: int, count: int) -> bytes:
    found = servo.read(address, count)
    if found is None:
        return codec.status(servo.id, error=Error.ACCESS, alert=servo.alert)
    return codec.status(servo.id, found, alert=servo.alert)


def _do(servo: SimulatedServo, instruction: int, data: bytes) -> Error | None:
    """None: it has no answer to that."""
    if instruction == codec.WRITE:
        return servo.write(_word(data, 0), data[2:])
    if instruction == codec.REG_WRITE:
        return servo.register(_word(data, 0), data[2:])
    if instruction == codec.ACTION:
        return servo.action()
    if instruction == codec.REBOOT:
        servo.power_on()
        return Error.NONE
    return None if instruction == codec.STATUS else Error.INSTRUCTION
