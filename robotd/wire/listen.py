"""The sockets that servers listen on: where nobody else does, and beyond this machine only if guarded."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

LISTEN_STATE = "0A"
"""TCP_LISTEN in the table of /proc/net/tcp (proc(5))."""
ACCEPT_BACKLOG = 100

Listen = Callable[[str, int], Any]
"""Takes an address; gives what a loop's `create_server` serves on. `listen_tcp` is the real one."""


class CannotListen(OSError):  # noqa: N818 - it reads as what it means
    """An address cannot be had; the message says which, why, and what to do."""


def listen_tcp(host: str, port: int) -> socket.socket:
    """A socket that listens at `host:port`; port 0 lets the system choose.

    Raises `CannotListen` for what is no address, and for one in use, with its holder where the system tells.
    """
    address = str(_ip(host))
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # With the protocol named, asyncio sets TCP_NODELAY on what is accepted; without, answers wait 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # Or the connections of the last run would keep its successor out for a minute.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(ACCEPT_BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        where = f"{address}:{port}" if family is socket.AF_INET else f"[{address}]:{port}"
        if error.errno == errno.EADDRINUSE:
            raise CannotListen(
                f"{where} is in use by {_tcp_holder(port)}; end that or choose a port"
            ) from None
        raise CannotListen(f"cannot listen at {where}: {error.strerror}") from None
    return listener


def process_name(pid: int) -> str:
    """A process as people know it: `process 4711 (robotd)`."""
    try:
        return f"process {pid} ({Path(f'/proc/{pid}/comm').read_text().strip()})"
    except OSError:
        return f"process {pid}"


def stay_here(host: str) -> None:
    """Raises `CannotListen` for an address beyond this machine: for a server that does not guard itself."""
    if not _ip(host).is_loopback:
        raise CannotListen(
            f"{host} can be reached from other machines, and without tokens and TLS anybody there could "
            "drive this robot; listen on 127.0.0.1 and come in through ssh -L"
        )


def _ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        return ipaddress.ip_address("127.0.0.1" if host == "localhost" else host.strip("[]"))
    except ValueError:
        raise CannotListen(f"'{host}' is no IP address, for example 127.0.0.1") from None


def _tcp_holder(port: int) -> str:
    """Who listens on a port, as far as this user may know."""
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for folder in Path("/proc").glob("[0-9]*/fd"):
        try:
            if any(os.readlink(link) in sockets for link in folder.iterdir()):
                return process_name(int(folder.parent.name))
        except OSError:
            continue  # another user's process, or one that has just ended
    return "another program"


def _listening_inodes(port: int) -> Iterator[str]:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            _, local, _, state, *rest = line.split()
            if state == LISTEN_STATE and int(local.rpartition(":")[2], 16) == port:
                yield rest[5]
