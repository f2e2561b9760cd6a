"""How a client knows that the robot answers: by the fingerprint of its certificate, or by an authority."""

from __future__ import annotations

import hashlib
import hmac
import re
import ssl

_FINGERPRINT = re.compile(
    r"(?:sha256(?: fingerprint)?[:=])?((?:[0-9a-f]{2}:?){31}[0-9a-f]{2})", re.IGNORECASE
)
"""As `robotd tls fingerprint` writes it, and as openssl does."""
_PIN = "pin it: --fingerprint, or $ROBOTD_FINGERPRINT, with what `robotd tls fingerprint` says on the robot"
_VERIFICATION = {
    9: "its certificate is not valid yet; is the clock right, here and there?",
    10: "its certificate has expired; `robotd tls self-signed --force` makes a new one",
    18: f"its certificate is signed by itself; {_PIN}",
    62: f"its certificate is for a host of another name; use that name, or {_PIN}",
    64: f"its certificate is for another address; use that one, or {_PIN}",
}
"""What is wrong with a certificate, by OpenSSL's number for it (X509_V_ERR in x509_vfy.h)."""
_UNTRUSTED = f"nobody whom this machine trusts signed its certificate; {_PIN}"
HUNG_UP = "it hung up in the middle of the handshake"
_TOO_OLD = frozenset({"TLSV1_ALERT_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL"})


class WrongCertificate(ssl.SSLError):
    """Who answers cannot prove to be the robot with the pinned fingerprint."""


def read_fingerprint(text: str) -> bytes:
    """`sha256:3f0a...` as bytes; colons between them do not matter. Raises `ValueError`."""
    found = _FINGERPRINT.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is not a fingerprint, which is sha256: and 64 hex digits")
    return bytes.fromhex(found[1].replace(":", ""))


def client_context(fingerprint: bytes | None) -> ssl.SSLContext:
    """For the robot whose certificate has this SHA-256; None: for one that an authority vouches for.

    With a fingerprint nothing else counts: neither name nor date nor who signed. It is compared at the end of
    the handshake, before anything is sent; another one raises `WrongCertificate`.
    """
    if fingerprint is None:
        context = ssl.create_default_context()
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.sslobject_class = _pinned(fingerprint)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def _pinned(fingerprint: bytes) -> type[ssl.SSLObject]:
    class Pinned(ssl.SSLObject):
        """A connection whose handshake succeeds with one certificate only."""

        def do_handshake(self) -> None:
            """Shake hands, and look whose hand it is."""
            super().do_handshake()
            certificate = self.getpeercert(binary_form=True) or b""
            digest = hashlib.sha256(certificate).digest()
            if not hmac.compare_digest(digest, fingerprint):
                raise WrongCertificate(
                    f"it is not the robot that was pinned, its fingerprint is sha256:{digest.hex()}; if its "
                    "certificate is a new one, ask whoever keeps the robot"
                )

    return Pinned


def why_not(error: ssl.SSLError) -> str:
    """What is wrong, and what to do, in one sentence."""
    if isinstance(error, WrongCertificate):
        return str(error.args[0])
    if isinstance(error, ssl.SSLCertVerificationError):
        return _VERIFICATION.get(error.verify_code, _UNTRUSTED)
    if isinstance(error, ssl.SSLEOFError):
        return HUNG_UP
    if error.reason in _TOO_OLD:
        return "it does not speak TLS 1.3"
    return "no TLS is spoken there; connect with tcp:// or ws://, or give the robot a certificate"
