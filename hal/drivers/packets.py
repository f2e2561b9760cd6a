"""Packets with a header and a length, cut out of a stream of bytes: the decoder that servo buses share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Generic, TypeVar

PacketT = TypeVar("PacketT")


class PacketDecoder(ABC, Generic[PacketT]):
    """Cuts a stream of bytes, split anywhere and with noise anywhere, into packets.

    `rescans` is the host's way: what a damaged packet swallowed is looked through again. A servo has no room
    for that and drops it whole.
    """

    START: ClassVar[bytes]
    """With what every packet begins."""
    HEAD_BYTES: ClassVar[int]
    """So many bytes have to be there before it is known how long it is."""

    def __init__(self, *, rescans: bool = True) -> None:
        self.discarded = 0
        """How many bytes belonged to no packet."""
        self.corrupt = 0
        """How many packets had a wrong check."""
        self._rescans = rescans
        self._held = b""

    @abstractmethod
    def _size(self, held: bytes, at: int) -> int:
        """How long the packet is whose head stands at `at`; 0: none begins there."""

    @abstractmethod
    def _read(self, whole: bytes) -> PacketT | None:
        """What a packet says; None where its check is wrong."""

    def feed(self, data: bytes) -> list[PacketT]:
        """The packets that `data` completes, in order. Never raises; holds at most one unfinished packet."""
        held = self._held + data
        packets: list[PacketT] = []
        at, end = 0, len(held)
        while True:
            if not held.startswith(self.START, at):
                start = self._find_start(held, at)
                self.discarded += start - at
                at = start
            if end - at < self.HEAD_BYTES:
                break
            size = self._size(held, at)
            if at + size > end:
                break
            packet = self._read(held[at : at + size]) if size else None
            if packet is not None:
                packets.append(packet)
                at += size
                continue
            self.corrupt += size > 0
            skipped = 1 if self._rescans or not size else size
            self.discarded += skipped
            at += skipped
        self._held = held[at:]
        return packets

    def end(self) -> list[PacketT]:
        """Nothing more belongs to what came: the packets in what looked like the start of a longer one."""
        packets: list[PacketT] = []
        while self._held:
            self._held = self._held[1:]
            self.discarded += 1
            packets += self.feed(b"")
        return packets

    def _find_start(self, held: bytes, at: int) -> int:
        """Where the next header begins, be it only its first bytes at the very end."""
        start = held.find(self.START, at)
        if start >= 0:
            return start
        for size in range(min(len(self.START) - 1, len(held) - at), 0, -1):
            if held.endswith(self.START[:size]):
                return len(held) - size
        return len(held)
