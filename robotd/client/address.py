"""Where a daemon listens, as one text: `wss://host:port/ws`, `tcps://host:port`, `unix:///path`."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

SOCKET_NAME = "robotd.sock"
DEFAULT_TCP_PORT = 8081
DEFAULT_WEBSOCKET_PORT = 8080
DEFAULT_URL = f"tcp://127.0.0.1:{DEFAULT_TCP_PORT}"
SERVICE_FOLDER = Path("/run/robotd")
"""The `RuntimeDirectory=` of systemd/robotd.service, as seen from outside the service."""


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed address. `host` and `port` for all but `unix`, `path` for `unix`, `ws` and `wss`."""

    scheme: str
    host: str = ""
    port: int = 0
    path: str = ""

    @property
    def encrypted(self) -> bool:
        """Whether TLS is spoken there."""
        return self.scheme in ("wss", "tcps")

    def __str__(self) -> str:
        if self.scheme == "unix":
            return f"unix://{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}"


def parse_address(url: str) -> Address:
    """Take an address apart. Raises `ValueError` with an example of what would do."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        if parts.netloc or not parts.path:
            raise ValueError(
                f"{url!r}: a Unix socket needs its whole path, as in 'unix:///run/robotd/robotd.sock'"
            )
        return Address("unix", path=unquote(parts.path))
    if parts.scheme not in ("tcp", "tcps", "ws", "wss"):
        raise ValueError(
            f"{url!r}: an address starts with tcp(s)://, ws(s):// or unix://, as in {DEFAULT_URL!r}"
        )
    try:
        port = parts.port
    except ValueError:
        raise ValueError(f"{url!r}: the port must be a number from 0 to 65535") from None
    if not parts.hostname:
        raise ValueError(f"{url!r}: the host is missing, as in {DEFAULT_URL!r}")
    if parts.scheme in ("tcp", "tcps"):
        return Address(parts.scheme, parts.hostname, port or DEFAULT_TCP_PORT)
    return Address(parts.scheme, parts.hostname, port or DEFAULT_WEBSOCKET_PORT, parts.path or "/ws")


def default_url(environ: Mapping[str, str] = os.environ) -> str:
    """Where a daemon on this machine most probably is.

    The first Unix socket that exists, in the order in which a daemon chooses its place; without any, the
    default TCP address. Nobody is asked: a stale socket is found out when connecting.
    """
    for folder in _socket_folders(environ):
        path = folder / SOCKET_NAME
        try:
            # Anybody may put a folder among the temporary files: ours is the one that belongs to us.
            trusted = folder.parent != Path(tempfile.gettempdir()) or folder.stat().st_uid == os.getuid()
            if trusted and stat.S_ISSOCK(path.stat().st_mode):
                return f"unix://{path}"
        except OSError:
            continue
    return DEFAULT_URL


def _socket_folders(environ: Mapping[str, str]) -> Iterator[Path]:
    if runtime_directory := environ.get("RUNTIME_DIRECTORY"):
        yield Path(runtime_directory.partition(":")[0])
    if xdg_runtime_dir := environ.get("XDG_RUNTIME_DIR"):
        yield Path(xdg_runtime_dir) / "robotd"
    yield Path(tempfile.gettempdir()) / f"robotd-{os.getuid()}"
    yield SERVICE_FOLDER
