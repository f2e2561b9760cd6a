"""Starts the guard as a process of its own, and opens what it needs besides the boards' wires."""

from __future__ import annotations

import array
import asyncio
import fcntl
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from robotd.safety import guard

LONGEST_MESSAGE_BYTES = 4096
END_S = 0.5
"""How long the last words of a guard may take: 10 ms for each port, and its latch file."""
GPIO_GET_LINE = 0xC250B407
"""GPIO_V2_GET_LINE_IOCTL (linux/gpio.h), and beside it the layout of `struct gpio_v2_line_request`."""
GPIO_FLAG_INPUT = 1 << 2
_GPIO_REQUEST = struct.Struct("=64I32sQI20x240xII20xi")


class GuardProcess:
    """One guard, as a `Line`: its process, and the socket to it."""

    def __init__(
        self,
        heard: Callable[[bytes], None],
        gone: Callable[[], None],
        *,
        stop: int | None,
        lock: int | None,
        latch: Path | None,
        input_line: tuple[int, str, str, str] | None,
    ) -> None:
        """`input_line`: its descriptor, `port` or `gpio`, its name there, and `low` or `high`."""
        self._heard = heard
        self._gone = gone
        self._loop = asyncio.get_running_loop()
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.setblocking(False)
        passed = [theirs.fileno(), *(number for number in (stop, lock) if number is not None)]
        # The guard stands in the root folder: a path from where the daemon stands would mean another file.
        kept = "-" if latch is None else str(latch.absolute())
        words = [_number(theirs.fileno()), _number(stop), _number(lock), kept]
        if input_line is not None:
            passed.append(input_line[0])
            words += map(str, input_line)
        with theirs:
            # A session of its own, so that Ctrl-C on a terminal is the daemon's alone.
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(guard.__file__), *words],
                pass_fds=passed,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                cwd="/",
                env={},
                start_new_session=True,
            )
        self._loop.add_reader(self._socket, self._readable)

    @property
    def pid(self) -> int:
        """The number of its process."""
        return self._process.pid

    def send(self, message: bytes, descriptor: int | None = None) -> None:
        """Hand over a message, and a duplicate of a descriptor. Never waits. Raises `OSError`."""
        rights = (
            []
            if descriptor is None
            else [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))]
        )
        self._socket.sendmsg([message], rights, socket.MSG_NOSIGNAL)

    def kill(self) -> None:
        """End it, whatever it is doing; its end of the socket tells when."""
        self._process.kill()

    def close(self) -> None:
        """Hear no more of it, and wait a moment for its end. Without a `bye` it takes this for a death."""
        if self._socket.fileno() < 0:
            return
        self._loop.remove_reader(self._socket)
        self._socket.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(END_S)

    def _readable(self) -> None:
        try:
            while message := self._socket.recv(LONGEST_MESSAGE_BYTES):
                self._heard(message)
                if self._socket.fileno() < 0:
                    return
        except BlockingIOError:
            return
        except OSError:
            pass  # a connection that is reset has come to its end as well
        self._loop.remove_reader(self._socket)
        self._gone()
        self.close()


def open_input(path: str, line: str | int, *, active_low: bool) -> tuple[int, str, str, str]:
    """Open a line for the guard to look at: of a serial port by its name, of a GPIO chip by its number.

    Raises `OSError`.
    """
    active = "low" if active_low else "high"
    opened = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    if isinstance(line, str):
        return opened, "port", line, active
    try:
        request = bytearray(
            _GPIO_REQUEST.pack(line, *[0] * 63, b"robotd guard", GPIO_FLAG_INPUT, 0, 1, 0, -1)
        )
        fcntl.ioctl(opened, GPIO_GET_LINE, request)
    finally:
        os.close(opened)
    (descriptor,) = struct.unpack_from("=i", request, _GPIO_REQUEST.size - 4)
    return descriptor, "gpio", "0", active


def _number(descriptor: int | None) -> str:
    return "-1" if descriptor is None else str(descriptor)
