"""The guard on this machine: its process, the socket on which it hears a stop, its files."""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from robotd.config import RobotConfig
from robotd.daemon.listeners import CannotStart
from robotd.safety import latch
from robotd.safety.guarding import Start
from robotd.safety.process import GuardProcess, open_input
from robotd.wire.listen import CannotListen
from robotd.wire.unix import listening_unix, socket_path

LOCK_FILE = "guard.lock"
STOP_SUFFIX = ".guard"
"""Of the socket on which the guard hears a stop, in place of the Unix socket's own."""
PATIENCE_S = 2.0
"""A guard whose daemon has died stops the robot, keeps the reason, and is gone within a tenth of that."""
LOOK_AGAIN_S = 0.01
LONGEST_NUMBER = 20


@asynccontextmanager
async def guard_process(config: RobotConfig, state: Path) -> AsyncIterator[Start]:
    """What starts the guard of a robot whose state is kept in the folder `state`.

    Waits for the guard of a daemon before this one. Raises `CannotStart`.
    """
    with ExitStack() as opened:
        lock = await _locked(state / LOCK_FILE)
        opened.callback(os.close, lock)
        stop = None
        if config.listen.unix is not None:
            try:
                path = socket_path(config.listen.unix).with_suffix(STOP_SUFFIX)
                stop = opened.enter_context(listening_unix(path, socket.SOCK_DGRAM))
            except CannotListen as error:
                raise CannotStart(str(error)) from error
        line, wanted = None, config.guard.input
        if wanted is not None:
            try:
                line = open_input(wanted.path, wanted.line, active_low=wanted.active_low)
            except OSError as error:
                why = f"the guard cannot look at line {wanted.line} of {wanted.path}: {error.strerror}"
                raise CannotStart(why) from error
            opened.callback(os.close, line[0])
        yield partial(
            GuardProcess,
            stop=None if stop is None else stop.fileno(),
            lock=lock,
            latch=state / latch.FILE,
            input_line=line,
        )


async def _locked(path: Path) -> int:
    """Hold the file that every guard of this robot holds as long as it lives. Raises `CannotStart`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CannotStart(f"{path} cannot be opened: {error.strerror}") from error
    deadline = asyncio.get_running_loop().time() + PATIENCE_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if asyncio.get_running_loop().time() > deadline:
                holder = os.pread(descriptor, LONGEST_NUMBER, 0).decode(errors="replace").strip() or "unknown"
                os.close(descriptor)
                raise CannotStart(f"{path} is held by another daemon of this robot (pid {holder})") from None
            await asyncio.sleep(LOOK_AGAIN_S)
        else:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            return descriptor
