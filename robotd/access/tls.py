"""What the robot proves itself with: a TLS context from two files, and another one when they have changed."""

from __future__ import annotations

import os
import ssl
from datetime import datetime, timedelta
from pathlib import Path
from typing import NoReturn

from robotd.access.certificate import BadCertificate, Certificate, look_at
from robotd.clock import WallClock

HTTP_ALPN = "http/1.1"
"""What a browser is told that is spoken inside; without it it may try HTTP/2."""
SOON = timedelta(days=30)
"""A certificate that ends sooner is worth a word in the log."""
MAKE_ONE = "`robotd tls self-signed` makes a new pair"


class ServerTls:
    """A certificate and its key, as they were when they were last read."""

    def __init__(self, certificate: Path, key: Path, wall_clock: WallClock) -> None:
        """Reads both. Raises `BadCertificate`."""
        self._files = certificate, key
        self._wall_clock = wall_clock
        self.reload()

    def reload(self) -> None:
        """Read both files again: new handshakes use them, connections that are open go on.

        Raises `BadCertificate`, and then all is as before.
        """
        file, key = self._files
        certificate = look_at(file)
        if certificate.ends <= self._wall_clock():
            raise BadCertificate(f"the certificate {file} ended at {_minute(certificate.ends)}; {MAKE_ONE}")
        # A new context, and not these files for the old one: that would be left with one half of a bad pair.
        self._context = _context(file, key)
        self.certificate: Certificate = certificate

    def present(self) -> ssl.SSLContext:
        """The context for a connection that begins now."""
        return self._context

    def doubt(self) -> str | None:
        """What may soon keep clients out, as a sentence; None: nothing.

        A beginning in the future is not refused: a robot without a clock of its own wakes up in the past.
        """
        now, file, certificate = self._wall_clock(), self._files[0], self.certificate
        if certificate.begins > now:
            return f"the certificate {file} begins at {_minute(certificate.begins)}; is the clock right?"
        if certificate.ends - now < SOON:
            return f"the certificate {file} ends at {_minute(certificate.ends)}; {MAKE_ONE}"
        return None


def _context(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.num_tickets = 0  # nobody resumes: each connection proves the certificate that is there now
    context.set_alpn_protocols([HTTP_ALPN])

    def ask_nobody() -> NoReturn:
        raise BadCertificate(f"the key {key} is encrypted, and nobody is there to ask for its password")

    _require_private(key)
    try:
        context.load_cert_chain(certificate, key, ask_nobody)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise BadCertificate(
                f"the key {key} is not that of the certificate {certificate}; {MAKE_ONE}"
            ) from None
        raise BadCertificate(f"the key {key} cannot be used: {error.reason or error}; {MAKE_ONE}") from None
    return context


def _require_private(key: Path) -> None:
    """A key that others may read is a key that others have."""
    try:
        with key.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
    except OSError as error:
        raise BadCertificate(f"the key {key} cannot be read: {error.strerror}; {MAKE_ONE}") from None
    if mode & 0o007:
        raise BadCertificate(f"the key {key} is open to every user of this machine; chmod 600 {key}")


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
