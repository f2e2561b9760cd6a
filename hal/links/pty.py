"""A twin served on a pseudo-terminal: other people's clients open it as they open a serial port."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import termios
import tty
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from hal.errors import LinkError, LinkFull, Unplugged
from hal.links.outbox import Outbox
from hal.twin import Twin, TwinDriver

LOOK_PERIOD_S = 0.01
"""How often a closed pseudo-terminal is looked at: the system tells when it is closed, not when opened."""
READ_SIZE_BYTES = 4096
RATE_BYTES_S = 1e6
"""A pseudo-terminal has no line: it takes bytes as fast as its client reads them."""


@contextlib.asynccontextmanager
async def serve_pty(twin: Twin, path: str | os.PathLike[str] | None = None) -> AsyncIterator[str]:
    """Serve `twin` on a pseudo-terminal in raw mode; yields its name: `path`, a link to it, if one is given.

    Clients may come and go. One that opens the port powers the twin on, as DTR resets an Arduino. An opening
    is seen within 10 ms (`LOOK_PERIOD_S`), or with its first bytes; a client that closes and opens again
    before the loop turns is one client to the twin. What a client does not read is lost beyond the 4 KiB kept
    here and what the system keeps, about 20 KiB, as from a serial port; the next client finds none of it.

    While the twin is unplugged there is no terminal and no `path`; then there is a new one, found by `path`.

    A `path` that is a link of an earlier twin is replaced. Raises `LinkError` where it is anything else.
    """
    socket = _Socket(twin, None if path is None else Path(path))
    try:
        yield socket.plug_in()
    finally:
        socket.close()


class _Socket:
    """Where the twin is plugged in: one pseudo-terminal after another, each from unplugging to unplugging."""

    def __init__(self, twin: Twin, path: Path | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._twin = twin
        self._path = path
        self._service: _PtyService | None = None
        self._again: asyncio.TimerHandle | None = None
        self._closed = False

    def plug_in(self) -> str:
        """Make a pseudo-terminal and wait for its clients; returns its name. Raises `LinkError`."""
        service = self._service = _PtyService(self._twin, self._unplugged)
        name = service.port if self._path is None else _claim(self._path, service.port)
        service.start()
        return name

    def close(self) -> None:
        """Hang up on the client, if there is one, for good."""
        self._closed = True
        if self._again is not None:
            self._again.cancel()
        self._let_go()

    def _let_go(self) -> None:
        service, self._service = self._service, None
        if service is not None:
            if self._path is not None:
                _give_back(self._path, service.port)
            service.stop()

    def _unplugged(self, driver: TwinDriver) -> None:
        self._let_go()
        if self._closed:
            return
        if driver.unplugged_s:
            self._again = self._loop.call_later(LOOK_PERIOD_S, self._unplugged, driver)
        else:
            self.plug_in()


class _PtyService:
    """The master's side of one pseudo-terminal, and the twin behind it."""

    def __init__(self, twin: Twin, unplugged: Callable[[TwinDriver], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._master, slave = os.openpty()
        os.set_blocking(self._master, False)
        self.port = os.ttyname(slave)
        os.close(slave)  # from now on the master reports a hang-up until somebody opens the slave
        self._events = select.poll()
        self._events.register(self._master, select.POLLIN | select.POLLHUP)
        self._driver = TwinDriver(twin, emit=self._emit, failed=self._fail)
        self._outbox = Outbox(
            self._master,
            self.port,
            rate_bytes_s=RATE_BYTES_S,
            broken=lambda _: self._closed(),
            unsent=lambda _: 0,
        )
        self._look: asyncio.TimerHandle | None = None
        self._unplugged = unplugged

    def start(self) -> None:
        """Wait for the first client."""
        self._refresh()
        self._look = self._loop.call_later(LOOK_PERIOD_S, self._look_for_a_client)

    def stop(self) -> None:
        """Hang up on the client, if there is one, and let the pseudo-terminal go."""
        if self._look is not None:
            self._look.cancel()
        self._loop.remove_reader(self._master)
        self._outbox.discard()
        self._driver.stop()
        os.close(self._master)

    def _look_for_a_client(self) -> None:
        # A client that was here and is gone again left its bytes: it counts as one.
        if self._hung_up() and not self._state() & select.POLLIN:
            self._look = self._loop.call_later(LOOK_PERIOD_S, self._look_for_a_client)
            return
        self._look = None
        self._loop.add_reader(self._master, self._readable)
        self._driver.start()

    def _readable(self) -> None:
        # The last bytes of a client that is gone are heard now: in the next turn its terminal, if it was left
        # to echo, would answer the twin.
        gone = self._hung_up()
        while data := self._read():
            self._driver.feed(data)
            if not gone:
                return
        if gone:
            self._closed()

    def _read(self) -> bytes:
        try:
            return os.read(self._master, READ_SIZE_BYTES)
        except OSError:  # EAGAIN: no more for now; EIO: no more at all
            return b""

    def _hung_up(self) -> bool:
        return bool(self._state() & select.POLLHUP)

    def _state(self) -> int:
        return dict(self._events.poll(0)).get(self._master, 0)

    def _closed(self) -> None:
        self._loop.remove_reader(self._master)
        self._driver.stop()
        self._outbox.discard()
        self.start()

    def _refresh(self) -> None:
        """Raw mode again, and nothing left of the last client, for the next one."""
        with contextlib.suppress(OSError):  # one that marked it exclusive keeps us out, too
            slave = os.open(self.port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
            try:
                tty.setraw(slave, termios.TCSANOW)
                termios.tcflush(slave, termios.TCIFLUSH)
            finally:
                os.close(slave)

    def _emit(self, data: bytes) -> None:
        with contextlib.suppress(LinkFull):
            self._outbox.write(data)

    def _fail(self, error: Exception) -> None:
        if isinstance(error, Unplugged):
            self._loop.call_soon(self._unplugged, self._driver)
            return
        raise error  # a bug of the twin: the loop's exception handler tells it


def _claim(path: Path, port: str) -> str:
    """Make `path` a link to `port`, in place of a link that an earlier twin left."""
    if path.is_symlink():
        target = os.readlink(path)
        if path.exists() and not target.startswith("/dev/pts/"):
            raise LinkError(f"{path} is a link to {target}; choose another path, or remove it")
    elif path.exists():
        raise LinkError(f"{path} is there and is no link to a pseudo-terminal; choose another path")
    try:
        path.unlink(missing_ok=True)
        path.symlink_to(port)
    except OSError as error:
        raise LinkError(f"{path}: cannot make that link: {error.strerror}") from error
    return str(path)


def _give_back(path: Path, port: str) -> None:
    """Remove our link, unless somebody has put something else there."""
    with contextlib.suppress(OSError):
        if os.readlink(path) == port:
            path.unlink()
