"""Which robot is meant, how it proves that it is the one, and how this client proves who it is."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from robotd.client.address import Address, default_url, parse_address
from robotd.client.tls import read_fingerprint

MOST_TOKEN_BYTES = 256


@dataclass(frozen=True, slots=True)
class Target:
    """All that is needed to connect, and checked. Nobody has been asked yet."""

    address: Address
    fingerprint: bytes | None = None
    """The SHA-256 of the only certificate that will do; None: an authority of the system vouches for it."""
    token: str | None = field(default=None, repr=False)

    @classmethod
    def of(
        cls,
        url: str | None = None,
        *,
        fingerprint: str | None = None,
        token: str | None = None,
        token_file: Path | None = None,
    ) -> Self:
        """From texts; no `url`: this machine's robot. A `token_file` counts before a `token`.

        Raises `ValueError`, which never shows a token: where one of them is not what it should be, and where
        without TLS others could listen or stand in between.
        """
        address = parse_address(url or default_url())
        pinned = None if fingerprint is None else read_fingerprint(fingerprint)
        if token_file is not None:
            token = _read_token(token_file)
        elif token is not None:
            token = _check_token(token, "what was given")
        if token is not None or pinned is not None:
            _require_private(address)
        return cls(address, pinned, token)


def _read_token(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            if os.fstat(opened.fileno()).st_mode & 0o007:
                raise ValueError(f"{file} is open to every user of this machine; chmod 600 {file}")
            text = opened.read(MOST_TOKEN_BYTES + 1)
    except OSError as error:
        raise ValueError(f"{file}: {error.strerror}") from None
    return _check_token(text.decode("ascii", "replace").strip(), f"what {file} holds")


def _check_token(token: str, what: str) -> str:
    well_formed = token.isascii() and token.isprintable() and " " not in token
    if not (well_formed and 0 < len(token) <= MOST_TOKEN_BYTES):
        raise ValueError(f"{what} is not a token: one line, as `robotd token add` prints it")
    return token


def _require_private(address: Address) -> None:
    if address.encrypted or address.scheme == "unix" or _is_loopback(address.host):
        return
    raise ValueError(
        f"{address}: without TLS everybody on the way can read a token and pass for the robot; connect with "
        f"{address.scheme}s://, or through `ssh -L {address.port}:127.0.0.1:{address.port} {address.host}`"
    )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
