"""Feetech's servos on one wire, without the servos: what they answer, and how their shafts move.

Source of what they say: Feetech, "Servo SCS Communication Protocol". Each servo hears everything; answers
come at once and in order. Two with one id answer together, and the wire carries what both leave high.
"""

from __future__ import annotations

from hal.drivers.feetech import codec
from hal.drivers.feetech.codec import BROADCAST, Decoder, Packet
from hal.drivers.feetech.models import Trouble
from hal.drivers.feetech.servo import SimulatedServo
from hal.drivers.servo_twin import ServoBusTwin, together

REFUSAL = Trouble.LOAD
"""The protocol has no refusal: a servo that does not obey says that it protects itself."""


class FeetechTwin(ServoBusTwin[SimulatedServo]):
    """As `ServoBusTwin`, in the words of this protocol."""

    def _forget(self) -> None:
        self._decoder = Decoder(rescans=False)

    def _hear(self, data: bytes) -> bytes:
        return b"".join([self._obey(packet) for packet in self._decoder.feed(data)])

    # ------------------------------------------------------------------ what the servos hear

    def _obey(self, packet: Packet) -> bytes:
        if packet.code == codec.SYNC_READ:
            return self._sync_read(packet.data)
        if packet.code == codec.SYNC_WRITE:
            self._sync_write(packet.data)
            return b""
        present = self._present()
        called = [s for who, servos in present.items() if packet.id in (who, BROADCAST) for s in servos]
        answers = [answer for servo in called if (answer := self._answer(servo, packet))]
        if packet.id == BROADCAST and packet.code != codec.PING:
            return b""
        return together(answers)

    def _answer(self, servo: SimulatedServo, packet: Packet) -> bytes:
        """Let one servo do what it is told; what it says is for the one who called it alone."""
        data = packet.data
        who = servo.id
        if packet.code == codec.PING:
            return codec.packet(who, servo.trouble)
        if packet.code == codec.READ and len(data) == 2 and data[1] <= codec.LONGEST_DATA_BYTES:
            return codec.packet(who, servo.trouble, servo.read(data[0], data[1]))
        if self.refusing:
            return codec.packet(who, servo.trouble | REFUSAL) if servo.answers_writes else b""
        if packet.code == codec.WRITE and len(data) > 1:
            servo.write(data[0], data[1:])
        elif packet.code == codec.REG_WRITE and len(data) > 1:
            servo.reg_write(data[0], data[1:])
        elif packet.code == codec.ACTION:
            servo.action()
        else:
            return b""
        return codec.packet(who, servo.trouble) if servo.answers_writes else b""

    def _sync_read(self, data: bytes) -> bytes:
        if len(data) < 3 or data[1] > codec.LONGEST_DATA_BYTES:
            return b""
        present, said = self._present(), list[bytes]()
        for who in data[2:]:
            called = [servo for servo in present.get(who, ()) if servo.model.sync_read]
            said.append(together([codec.packet(who, s.trouble, s.read(data[0], data[1])) for s in called]))
        return b"".join(said)

    def _sync_write(self, data: bytes) -> None:
        if len(data) < 2 or self.refusing:
            return
        present, address, size = self._present(), data[0], data[1] + 1
        for start in range(2, len(data) - size + 1, size):
            for servo in present.get(data[start], ()):
                servo.write(address, data[start + 1 : start + size])
