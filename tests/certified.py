"""Certificates for tests: a pair of files, and the contexts with which it is served and trusted."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from robotd.access.certificate import look_at, make
from robotd.access.tls import ServerTls

LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Files(NamedTuple):
    """A certificate and its key."""

    certificate: Path
    key: Path

    @property
    def fingerprint(self) -> str:
        return look_at(self.certificate).fingerprint

    def served(self) -> ServerTls:
        return ServerTls(self.certificate, self.key, lambda: datetime.now(UTC))

    def trusted(self, *, alpn: Sequence[str] = ()) -> ssl.SSLContext:
        """A client's context that trusts this certificate and checks the host."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        context.set_alpn_protocols(alpn)
        return context


def write_pair(
    folder: Path, hosts: Sequence[str] = LOOPBACK, *, now: datetime | None = None, days: int = 2
) -> Files:
    """Make one in `folder`, in place of what is there."""
    pem = make(hosts, now or datetime.now(UTC), days)
    files = Files(folder / "certificate.pem", folder / "key.pem")
    files.certificate.write_bytes(pem.certificate)
    files.key.touch(0o600)
    files.key.write_bytes(pem.key)
    return files
