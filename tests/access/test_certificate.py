from __future__ import annotations

import hashlib
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from robotd.access.certificate import BadCertificate, look_at, make
from tests.certified import write_pair

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_a_certificate_says_for_whom_and_until_when_it_is(tmp_path: Path):
    files = write_pair(tmp_path, ["Robot.local", "192.0.2.7", "[2001:db8::7]"], now=NOW, days=730)

    found = look_at(files.certificate)

    assert found.hosts == ("robot.local", "192.0.2.7", "2001:db8::7")
    assert found.ends == NOW + timedelta(days=730)
    assert NOW - timedelta(hours=2) < found.begins < NOW


def test_the_fingerprint_is_the_hash_that_clients_see(tmp_path: Path):
    files = write_pair(tmp_path)
    theirs = ssl.PEM_cert_to_DER_cert(files.certificate.read_text())

    assert files.fingerprint == f"sha256:{hashlib.sha256(theirs).hexdigest()}"


def test_it_is_a_key_of_p_256_for_a_server_and_no_authority(tmp_path: Path):
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

    certificate = x509.load_pem_x509_certificate(make(["robot.local"], NOW, 2).certificate)
    key = certificate.public_key()

    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert isinstance(key.curve, ec.SECP256R1)
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not certificate.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign


def test_no_two_are_alike():
    first, second = (make(["robot.local"], NOW, 2) for _ in range(2))

    assert first.certificate != second.certificate
    assert first.key != second.key


@pytest.mark.parametrize(
    "host", ["", "a..b", "-a", "a-", "ro bot", "robot.local/", "*.local", "röbot", "a" * 64, "a." * 127 + "a"]
)
def test_what_is_no_host_gets_no_certificate(host: str):
    with pytest.raises(ValueError, match="host name"):
        make([host], NOW, 2)


@pytest.mark.parametrize("host", ["robot", "robot.local", "a_b.lan", "x1", "10.0.0.1", "::1", "a" * 63])
def test_what_is_a_host_gets_one(host: str):
    assert make([host], NOW, 2).certificate.startswith(b"-----BEGIN CERTIFICATE-----")


def test_of_a_chain_the_first_counts(tmp_path: Path):
    first, second = (make([host], NOW, 2).certificate for host in ("first.local", "second.local"))
    file = tmp_path / "chain.pem"
    file.write_bytes(b"# ours\n" + first + second)

    assert look_at(file).hosts == ("first.local",)


def test_one_without_names_says_none(tmp_path: Path):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding

    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, NOW, NOW + timedelta(days=1))
    file = tmp_path / "bare.pem"
    file.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))

    assert look_at(file).hosts == ()


def test_what_is_no_certificate_is_said_to_be_none(tmp_path: Path):
    key = write_pair(tmp_path).key
    broken = tmp_path / "broken.pem"
    broken.write_text(ssl.DER_cert_to_PEM_cert(b"no DER at all"))

    with pytest.raises(BadCertificate, match="No such file"):
        look_at(tmp_path / "nowhere.pem")
    for file in (key, broken):
        with pytest.raises(BadCertificate, match="not a certificate in PEM form"):
            look_at(file)
