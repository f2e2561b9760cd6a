"""The Unix socket: the way in for programs on the robot itself, guarded by the rights of a file."""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
import stat
import struct
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from robotd.wire.admission import Admission
from robotd.wire.lines import Client, serve_lines
from robotd.wire.listen import ACCEPT_BACKLOG, CannotListen, process_name
from robotd.wire.service import Service

SOCKET_MODE = 0o660
_CREDENTIALS = struct.Struct("3i")
"""`struct ucred` of SO_PEERCRED (unix(7))."""


@asynccontextmanager
async def serve_unix(service: Service, name: str, *, admission: Admission) -> AsyncIterator[str]:
    """Serve at `socket_path(name)`, and give it. Raises `CannotListen`."""
    path = socket_path(name)
    with listening_unix(path) as listener:
        async with serve_lines(service, listener, admission=admission, identify=_identify):
            yield str(path)


def socket_path(name: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Where the socket is: an absolute `name` itself, or else in the run-time folder, which is made.

    The folder is systemd's `RuntimeDirectory`, or `robotd` in the user's own, or a private one among the
    temporary files. Raises `CannotListen` when it cannot be made, or when the last is not ours alone.
    """
    if Path(name).is_absolute():
        return Path(name)
    if service_folder := environ.get("RUNTIME_DIRECTORY"):
        return Path(service_folder.partition(":")[0]) / name
    if user_folder := environ.get("XDG_RUNTIME_DIR"):
        folder = Path(user_folder) / "robotd"
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise CannotListen(f"the folder {folder} cannot be made: {error.strerror}") from None
        return folder / name
    folder = Path(tempfile.gettempdir()) / f"robotd-{os.getuid()}"
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise CannotListen(f"{folder} is not a folder that only this user may enter; remove it")
    return folder / name


@contextmanager
def listening_unix(path: Path, kind: socket.SocketKind = socket.SOCK_STREAM) -> Iterator[socket.socket]:
    """As `listen_unix`; at the end the socket is closed and its place empty again."""
    with listen_unix(path, kind) as listener:
        ours = path.stat().st_ino
        try:
            yield listener
        finally:
            with suppress(FileNotFoundError):
                # A later daemon may have put its own in the place of one that somebody removed.
                if path.stat().st_ino == ours:
                    path.unlink()


def listen_unix(path: Path, kind: socket.SocketKind = socket.SOCK_STREAM) -> socket.socket:
    """A socket that listens at `path`, or takes datagrams there, for its user and group.

    Removes one that nobody answers on. Raises `CannotListen` when somebody does, naming who where the system
    tells, or when something else is in that place.
    """
    listener = socket.socket(socket.AF_UNIX, kind)
    try:
        with _alone_in(path.parent):
            _remove_stale(path, kind)
            # There must be no moment in which others could connect, so the mode is not set afterwards.
            previous = os.umask(0o777 & ~SOCKET_MODE)
            try:
                listener.bind(str(path))
            finally:
                os.umask(previous)
            if kind is socket.SOCK_STREAM:
                listener.listen(ACCEPT_BACKLOG)
            listener.setblocking(False)
    except OSError as error:
        listener.close()
        if isinstance(error, CannotListen):
            raise
        raise CannotListen(f"cannot listen at {path}: {error.strerror or error}") from None
    return listener


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keep a second daemon from removing, as stale, the socket that this one is just making."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise CannotListen(f"another daemon is starting in {folder}; try again") from None
    finally:
        os.close(handle)


def _remove_stale(path: Path, kind: socket.SocketKind) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise CannotListen(f"{path} exists and is no socket; remove it or choose another name")
    with socket.socket(socket.AF_UNIX, kind) as caller:
        caller.setblocking(False)
        try:
            caller.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except BlockingIOError:
            raise CannotListen(f"{path} is in use, and its holder is very busy") from None
        # Of datagrams the system does not tell who takes them.
        holder = process_name(_credentials(caller)[0]) if kind is socket.SOCK_STREAM else "another daemon"
    raise CannotListen(f"{path} is in use by {holder}; end that or choose another name")


def _credentials(stream: socket.socket) -> tuple[int, int, int]:
    """Process, user and group at the far end."""
    pid, uid, gid = _CREDENTIALS.unpack(
        stream.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    )
    return pid, uid, gid


def _identify(transport: asyncio.BaseTransport) -> Client:
    pid, uid, _ = _credentials(transport.get_extra_info("socket"))
    return Client(f"unix:{uid}", f"unix:{uid}:{pid}", uid)
