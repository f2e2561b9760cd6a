"""A robot's certificate: made, and looked at. The only file that imports `cryptography`."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from robotd.errors import RobotdError

SKEW = timedelta(hours=1)
"""It is valid from so long ago: the clock of a phone may be behind."""

_NAME = re.compile(
    r"(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?)(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?)*"
)


class BadCertificate(RobotdError):  # noqa: N818 - it says what it is
    """A certificate or its key is not usable; the message says which, why, and what to do."""


class Pem(NamedTuple):
    """What is written to the two files."""

    certificate: bytes
    key: bytes
    """Not encrypted: whoever reads it is the robot."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says."""

    fingerprint: str
    """`sha256:` and 64 hex digits: the hash of its DER form, as a client pins it."""
    hosts: tuple[str, ...]
    begins: datetime
    ends: datetime


def make(hosts: Sequence[str], now: datetime, days: int) -> Pem:
    """A new key (EC P-256) and a certificate for it, signed by itself, for names and IP addresses.

    It is no authority: trusting it trusts this robot alone. Raises `ValueError` for what is neither a host
    name nor an address.
    """
    names = [_alternative_name(host) for host in hosts]
    key = ec.generate_private_key(ec.SECP256R1())
    public_key = key.public_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0][:64])])
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    made = (
        x509.CertificateBuilder(name, name, public_key, x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Pem(
        made.public_bytes(Encoding.PEM),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )


def look_at(file: Path) -> Certificate:
    """What the certificate in `file` (PEM; of a chain the first) says. Raises `BadCertificate`."""
    try:
        certificate = x509.load_pem_x509_certificates(file.read_bytes())[0]
        hosts = tuple(map(_written, _alternative_names(certificate)))
    except OSError as error:
        raise BadCertificate(f"the certificate {file} cannot be read: {error.strerror}") from None
    except ValueError:
        raise BadCertificate(f"{file} is not a certificate in PEM form") from None
    digest = certificate.fingerprint(hashes.SHA256()).hex()
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return Certificate(f"sha256:{digest}", hosts, begins, ends)


def _alternative_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host.removeprefix("[").removesuffix("]")))
    except ValueError:
        pass
    if not _NAME.fullmatch(host.lower()):
        raise ValueError(f"{host!r} is neither a host name nor an IP address, as robot.local or 192.0.2.7 is")
    return x509.DNSName(host.lower())


def _alternative_names(certificate: x509.Certificate) -> list[x509.GeneralName]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return list(found.value)


def _written(name: x509.GeneralName) -> str:
    return str(name.value)
