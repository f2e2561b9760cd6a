"""Clients that mean no good: some send without end, some ask and never read. It ends with its input.

python -m tests.benchmarks.flood 127.0.0.1:8081 --flooders 50 --dead-readers 50
"""

from __future__ import annotations

import argparse
import select
import socket
import sys
import time

COMMANDS = b'{"type":"drive","payload":{"linear":0.1,"angular":0.0}}\n' * 64
QUESTIONS = (
    b'{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"topics":["state","stage","reading.*"]}}\n'
    + b'{"jsonrpc":"2.0","id":2,"method":"status"}\n' * 64
)
LONGEST_S = 600.0


class Pest:
    """One such client. It comes again when it is thrown out."""

    def __init__(self, address: tuple[str, int], *, reads: bool) -> None:
        self._address = address
        self._reads = reads
        self._text = COMMANDS if reads else QUESTIONS
        self._rest = self._text
        self.socket = self._connect()

    def _connect(self) -> socket.socket:
        connection = socket.create_connection(self._address, timeout=5)
        if not self._reads:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.setblocking(False)
        self._rest = self._text
        return connection

    def events(self) -> int:
        return select.EPOLLOUT | (select.EPOLLIN if self._reads else 0)

    def turn(self, happened: int) -> bool:
        """Send what goes, read what is wanted. False: it was thrown out."""
        try:
            if happened & select.EPOLLIN and not self.socket.recv(65536):
                return False
            if happened & select.EPOLLOUT:
                sent = self.socket.send(self._rest)
                self._rest = self._rest[sent:] or self._text
        except BlockingIOError:
            return True
        except OSError:
            return False
        return not happened & (select.EPOLLHUP | select.EPOLLERR)

    def come_again(self) -> None:
        self.socket.close()
        self.socket = self._connect()


def flood(address: tuple[str, int], flooders: int, dead_readers: int) -> None:
    """Go on until standard input ends."""
    poll = select.epoll()
    pests = [Pest(address, reads=place < flooders) for place in range(flooders + dead_readers)]
    crowd = {pest.socket.fileno(): pest for pest in pests}
    for pest in pests:
        poll.register(pest.socket, pest.events())
    poll.register(sys.stdin, select.EPOLLIN)
    print("flooding", flush=True)
    end = time.monotonic() + LONGEST_S
    while time.monotonic() < end:
        for number, happened in poll.poll(1.0):
            if number == sys.stdin.fileno():
                return
            pest = crowd[number]
            if not pest.turn(happened):
                poll.unregister(number)
                del crowd[number]
                pest.come_again()
                crowd[pest.socket.fileno()] = pest
                poll.register(pest.socket, pest.events())


def main() -> None:
    """Flood one server."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", help="host:port of the TCP listener")
    parser.add_argument("--flooders", type=int, default=50)
    parser.add_argument("--dead-readers", type=int, default=50)
    options = parser.parse_args()
    host, _, port = options.address.rpartition(":")
    flood((host, int(port)), options.flooders, options.dead_readers)


if __name__ == "__main__":
    main()
