"""Pipelined commands from N clients over WebSocket or TCP, from a process of its own.

It must be faster than what it measures: blocking sockets under one epoll, frames built once, answers
counted and not read. Every client keeps `window` commands in flight and sends as many as were answered.

    python -m tests.benchmarks.load 127.0.0.1:8080 --kind ws --clients 50
"""

from __future__ import annotations

import argparse
import base64
import json
import select
import socket
import time
from collections import deque
from dataclasses import asdict, dataclass
from typing import Literal

Kind = Literal["ws", "tcp"]

COMMAND = b'{"type":"drive","payload":{"linear":0.2,"angular":0.0}}'
WINDOW = 32
WARM_UP_S = 0.5
READ_BYTES = 262_144
SILENCE_S = 5.0
"""A server that answers nothing for this long ends the measurement with an error."""
MASK = b"\x37\xfa\x21\x3d"
"""The example key of RFC 6455, section 5.7. A browser draws one for each frame; the server works as much."""
FIN, TEXT, CLOSE, PING, PONG = 0x80, 0x1, 0x8, 0x9, 0xA


@dataclass(frozen=True)
class Figures:
    """One measurement. Times are from handing a command to the system to reading its answer."""

    commands_per_s: float
    p50_ms: float
    p99_ms: float
    answers: int
    refused: int
    """How many of the answers were refusals (`"error"` or `"rejected"` in their text)."""


class _Client:
    """One connection with its commands in flight."""

    def __init__(self, address: tuple[str, int], kind: Kind, command: bytes) -> None:
        self.socket = socket.create_connection(address, timeout=SILENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.kind = kind
        self.rest = b""
        if kind == "ws":
            self._upgrade(address)
            self._one = _frame(TEXT, command)
        else:
            self._one = command + b"\n"
        self._sent: deque[tuple[float, int]] = deque()
        self._batches: dict[int, bytes] = {}

    def send(self, count: int) -> None:
        batch = self._batches.get(count)
        if batch is None:
            batch = self._batches[count] = self._one * count
        self._sent.append((time.perf_counter(), count))
        self.socket.sendall(batch)

    def receive(self) -> tuple[int, int]:
        """Read once; gives the number of answers and how many of them were refusals."""
        data = self.socket.recv(READ_BYTES)
        if not data:
            raise ConnectionError("the server closed the connection in the middle of a measurement")
        refused = data.count(b'"rejected"') + data.count(b'"error"')
        if self.kind == "ws":
            return self._count_frames(self.rest + data), refused
        return data.count(b"\n"), refused

    def delays(self, answers: int) -> list[tuple[float, int]]:
        """Round trips, in seconds, of the oldest `answers` commands, each with how many had it."""
        now, delays = time.perf_counter(), []
        while answers:
            at, count = self._sent.popleft()
            if count > answers:
                self._sent.appendleft((at, count - answers))
                count = answers
            answers -= count
            delays.append((now - at, count))
        return delays

    def leave(self) -> None:
        """Take the answers still under way and close as the protocol asks, so that no server complains."""
        try:
            unanswered = sum(count for _, count in self._sent)
            while unanswered > 0:
                unanswered -= self.receive()[0]
            if self.kind == "ws":
                self.socket.sendall(_frame(CLOSE, b"\x03\xe8"))
            else:
                self.socket.shutdown(socket.SHUT_WR)
            while self.socket.recv(READ_BYTES):
                pass
        except OSError:
            pass  # it was measured; how it ends is no part of the figures
        finally:
            self.socket.close()

    def _count_frames(self, data: bytes) -> int:
        at, end, answers = 0, len(data), 0
        while end - at >= 2:
            size, body = data[at + 1], at + 2
            if size == 126:
                size, body = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
            elif size == 127:
                size, body = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
            if body + size > end:
                break
            if data[at] & 0xF == PING:
                self.socket.sendall(_frame(PONG, data[body : body + size]))
            else:
                answers += 1
            at = body + size
        self.rest = data[at:]
        return answers

    def _upgrade(self, address: tuple[str, int]) -> None:
        key = base64.b64encode(b"0123456789abcdef").decode()
        self.socket.sendall(
            f"GET /ws HTTP/1.1\r\nHost: {address[0]}:{address[1]}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        answer = b""
        while b"\r\n\r\n" not in answer:
            more = self.socket.recv(4096)
            if not more:
                break
            answer += more
        if not answer.startswith(b"HTTP/1.1 101"):
            raise ConnectionError(f"no WebSocket there: {answer[:200]!r}")
        self.rest = answer.partition(b"\r\n\r\n")[2]


def measure(
    address: tuple[str, int],
    kind: Kind,
    *,
    clients: int = 1,
    seconds: float = 3.0,
    window: int = WINDOW,
    command: bytes = COMMAND,
    first: bytes | None = None,
) -> Figures:
    """Load the server at `address` for `seconds` after a warm-up, with `window` commands in flight a client.

    `first` is sent once before, from one client, and its answer awaited: `{"type":"arm"}`.
    Raises `ConnectionError` or `TimeoutError` when the server cuts or is silent for `SILENCE_S`.
    """
    if first is not None:
        _ask(address, kind, first)
    crowd = {}
    poll = select.epoll()
    try:
        for _ in range(clients):
            client = _Client(address, kind, command)
            crowd[client.socket.fileno()] = client
            poll.register(client.socket, select.EPOLLIN)
        for client in crowd.values():
            client.send(window)
        _run(crowd, poll, WARM_UP_S)
        return _run(crowd, poll, seconds)
    finally:
        poll.close()
        for client in crowd.values():
            client.leave()


def _run(crowd: dict[int, _Client], poll: select.epoll, seconds: float) -> Figures:
    answers = refused = 0
    delays: list[tuple[float, int]] = []
    start = time.perf_counter()
    end = start + seconds
    while (now := time.perf_counter()) < end:
        ready = poll.poll(SILENCE_S)
        if not ready:
            raise TimeoutError(f"no answer from the server in {SILENCE_S:g} s")
        for number, _ in ready:
            client = crowd[number]
            count, refusals = client.receive()
            if count:
                delays += client.delays(count)
                client.send(count)
                answers += count
                refused += refusals
    return Figures(
        commands_per_s=answers / (now - start),
        p50_ms=_quantile(delays, 0.50) * 1000,
        p99_ms=_quantile(delays, 0.99) * 1000,
        answers=answers,
        refused=refused,
    )


def _quantile(weighted: list[tuple[float, int]], share: float) -> float:
    """The value below which `share` of the weights lie; not a number without any."""
    weighted.sort()
    rest = share * sum(weight for _, weight in weighted)
    for value, weight in weighted:
        rest -= weight
        if rest <= 0:
            return value
    return float("nan")


def _ask(address: tuple[str, int], kind: Kind, command: bytes) -> None:
    client = _Client(address, kind, command)
    client.send(1)
    client.leave()


def _frame(opcode: int, payload: bytes) -> bytes:
    """One masked frame (RFC 6455, section 5.2)."""
    size = len(payload)
    length = bytes((FIN | size,)) if size < 126 else bytes((FIN | 126, size >> 8, size & 255))
    masked = bytes(byte ^ MASK[index % 4] for index, byte in enumerate(payload))
    return bytes((FIN | opcode,)) + length + MASK + masked


def main() -> None:
    """Measure once and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", help="host:port")
    parser.add_argument("--kind", choices=("ws", "tcp"), default="ws")
    parser.add_argument("--clients", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--window", type=int, default=WINDOW)
    parser.add_argument("--first", help='a command to send once before, such as \'{"type":"arm"}\'')
    parser.add_argument("--command", default=COMMAND.decode(), help="what every client sends")
    options = parser.parse_args()
    host, _, port = options.address.rpartition(":")
    figures = measure(
        (host, int(port)),
        options.kind,
        clients=options.clients,
        seconds=options.seconds,
        window=options.window,
        command=options.command.encode(),
        first=options.first.encode() if options.first else None,
    )
    print(json.dumps(asdict(figures)))


if __name__ == "__main__":
    main()
