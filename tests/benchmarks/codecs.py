"""How fast each codec reads what its boards say, beside a bare loop that only looks at each byte."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from hal.drivers.dynamixel import codec as dynamixel
from hal.drivers.feetech import codec as feetech
from hal.drivers.firmata import codec as firmata
from hal.drivers.grbl.codec import Decoder as GrblDecoder
from hal.drivers.json_lines.codec import Lines
from hal.drivers.modbus import codec as modbus
from hal.drivers.modbus.words import Answer, Function
from hal.drivers.nmea.codec import Sentences
from tests.benchmarks.figures import Report, interleaved, median

ROUNDS = 7
STREAM_BYTES = 60_000
PIECE_BYTES = 64
"""So much comes from a port at once."""
BITS_PER_BYTE = 10
SHARE_GOAL = 0.05
"""The most that reading a full line may take of one core."""

Feed = Callable[[bytes], Sequence[object]]


class Subject(NamedTuple):
    """A codec, and what its line is full of."""

    name: str
    baud: int
    make: Callable[[], Feed]
    said: Sequence[bytes]
    """Frames, as bytes."""

    @property
    def stream(self) -> bytes:
        """The frames again and again."""
        once = b"".join(self.said)
        return once * (STREAM_BYTES // len(once))

    @property
    def frames(self) -> int:
        """How many are in the stream."""
        return STREAM_BYTES // sum(map(len, self.said)) * len(self.said)


SUBJECTS = (
    Subject(
        "firmata",
        57_600,
        lambda: firmata.Decoder.of_reports().feed,
        [firmata.analog(channel, 700 + channel) for channel in range(6)] + [firmata.digital(0, 4)],
    ),
    Subject(
        "dynamixel, six servos",
        1_000_000,
        lambda: dynamixel.Decoder().feed,
        [dynamixel.status(servo, bytes(range(20))) for servo in range(1, 7)],
    ),
    Subject(
        "feetech, six servos",
        1_000_000,
        lambda: feetech.Decoder().feed,
        [feetech.packet(servo, 0, bytes(range(31))) for servo in range(1, 7)],
    ),
    Subject(
        "grbl",
        115_200,
        lambda: GrblDecoder().feed,
        [b"<Run|MPos:120.345,-80.120,-5.000|FS:1500,8000|Bf:12,96>\r\n", *[b"ok\r\n"] * 8],
    ),
    Subject(
        "modbus rtu",
        19_200,
        lambda: modbus.Decoder.of_answers().feed,
        # Other values each time: frames that were read before are known.
        [
            modbus.encode_answer(answer)
            for value in range(2 * modbus.KNOWN)
            for answer in (
                Answer(1, Function.READ_HOLDING, tuple(range(value, value + 10))),
                Answer(2, Function.READ_INPUTS, (1, 0) * 8),
            )
        ],
    ),
    Subject(
        "nmea",
        9_600,
        lambda: Sentences().feed,
        [
            b"$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n",
            b"$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W*6A\r\n",
        ],
    ),
    Subject(
        "json_lines",
        115_200,
        lambda: Lines().feed,
        [b'{"T":1001,"L":0.2,"R":0.2,"r":7.01,"p":-4.93,"y":-130.12,"temp":57.2,"v":11.1}\r\n'],
    ),
)


def _frames_s(subject: Subject) -> float:
    """Frames a second from pieces as a port hands them on. All of them are found."""
    stream, feed, found = subject.stream, subject.make(), 0
    pieces = [stream[start : start + PIECE_BYTES] for start in range(0, len(stream), PIECE_BYTES)]
    began = time.perf_counter()
    for piece in pieces:
        found += len(feed(piece))
    took_s = time.perf_counter() - began
    if found != subject.frames:
        raise RuntimeError(f"{subject.name} found {found} of {subject.frames} frames")
    return found / took_s


def _looks_s(stream: bytes) -> float:
    """Bytes a second of a loop that does nothing but look at each."""
    began = time.perf_counter()
    highest = 0
    for byte in stream:
        if byte > highest:
            highest = byte
    return len(stream) / (time.perf_counter() - began)


def codecs(report: Report) -> None:
    """Frames a second of each, and what of a core it takes to read its line when that is full."""
    report.title(f"codecs (what comes, in pieces of {PIECE_BYTES} bytes; medians of {ROUNDS})")
    rows, shares = [], list[float]()
    for subject in SUBJECTS:
        found = interleaved(
            ROUNDS, frames=partial(_frames_s, subject), looks=partial(_looks_s, subject.stream)
        )
        frame_bytes = len(subject.stream) / subject.frames
        frames_s = median(found["frames"])
        bytes_s = frames_s * frame_bytes
        # Round by round, since a busy machine slows both.
        ratio = median(frames * frame_bytes / looks for frames, looks in zip(*found.values(), strict=True))
        share = subject.baud / BITS_PER_BYTE / bytes_s
        shares.append(share)
        rows.append(
            (
                subject.name,
                f"{frames_s:,.0f}",
                f"{bytes_s / 1e6:.1f}",
                f"{ratio:.2f}",
                f"{subject.baud:,}",
                f"{share:.2%}",
            )
        )
    head = ("", "frames/s", "MB/s", "of the bare loop", "baud", "of a core when full")
    report.table(head, rows)
    report.goal(
        f"a full line takes at most {SHARE_GOAL:.0%} of a core: {max(shares):.1%}", max(shares) <= SHARE_GOAL
    )
