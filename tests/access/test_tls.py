from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from robotd.access.certificate import BadCertificate
from robotd.access.tls import ServerTls
from tests.certified import Files, write_pair

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DAYS = 100


def served(files: Files, now: datetime = NOW) -> ServerTls:
    return ServerTls(files.certificate, files.key, lambda: now)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return write_pair(tmp_path, now=NOW, days=DAYS)


def test_a_pair_makes_a_context_of_tls_13_alone(files: Files):
    tls = served(files)

    assert tls.present().minimum_version == ssl.TLSVersion.TLSv1_3
    assert tls.present().num_tickets == 0
    assert tls.certificate.fingerprint == files.fingerprint
    assert tls.doubt() is None


def test_what_is_missing_is_named(files: Files):
    for file in files:
        kept = file.read_bytes()
        file.unlink()
        with pytest.raises(BadCertificate, match=f"{file} cannot be read: No such file"):
            served(files)
        file.write_bytes(kept)
        file.chmod(0o600)


def test_what_cannot_be_read_is_named(files: Files, tmp_path: Path):
    for unreadable in (Files(tmp_path, files.key), Files(files.certificate, tmp_path)):
        with pytest.raises(BadCertificate, match=f"{tmp_path} cannot be read: Is a directory"):
            served(unreadable)


@pytest.mark.parametrize("mode", [0o604, 0o666, 0o602, 0o601])
def test_a_key_that_others_may_have_is_not_served(files: Files, mode: int):
    files.key.chmod(mode)

    with pytest.raises(BadCertificate, match="chmod 600"):
        served(files)


def test_a_key_for_a_group_is_served(files: Files):
    files.key.chmod(0o640)

    assert served(files).doubt() is None


def test_a_key_of_another_certificate_is_not_served(files: Files, tmp_path: Path):
    (tmp_path / "other").mkdir()
    other = write_pair(tmp_path / "other", now=NOW)

    with pytest.raises(BadCertificate, match="is not that of the certificate"):
        served(Files(files.certificate, other.key))


def test_what_is_no_key_is_not_served(files: Files):
    files.key.write_text("-----BEGIN PRIVATE KEY-----\nbm8=\n-----END PRIVATE KEY-----\n")

    with pytest.raises(BadCertificate, match=r"key\.pem cannot be used"):
        served(files)


def test_an_encrypted_key_asks_nobody_for_a_password(files: Files):
    from cryptography.hazmat.primitives import serialization as pem

    key = pem.load_pem_private_key(files.key.read_bytes(), None)
    encryption = pem.BestAvailableEncryption(b"secret")
    files.key.write_bytes(key.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, encryption))

    with pytest.raises(BadCertificate, match="encrypted, and nobody is there"):
        served(files)


def test_a_certificate_that_has_ended_is_not_served(files: Files):
    end = NOW + timedelta(days=DAYS)

    assert served(files, end - timedelta(seconds=1)).doubt()
    with pytest.raises(BadCertificate, match=r"ended at 2026-06-09 12:00 UTC; `robotd tls self-signed`"):
        served(files, end)


def test_a_robot_that_wakes_up_in_the_past_serves_and_wonders(files: Files):
    assert "is the clock right?" in str(served(files, datetime(1970, 1, 1, tzinfo=UTC)).doubt())


def test_an_end_that_is_near_is_told(files: Files):
    end = NOW + timedelta(days=DAYS)

    assert served(files, end - timedelta(days=30)).doubt() is None
    assert "ends at 2026-06-09" in str(served(files, end - timedelta(days=29)).doubt())


def test_a_new_pair_is_for_the_connections_to_come(files: Files, tmp_path: Path):
    tls = served(files)
    context, fingerprint = tls.present(), tls.certificate.fingerprint
    write_pair(tmp_path, now=NOW, days=DAYS)
    unread = tls.present()
    tls.reload()

    assert unread is context
    assert tls.present() is not context
    assert tls.certificate.fingerprint == files.fingerprint != fingerprint


@pytest.mark.parametrize("damage", ["certificate", "key", "missing", "ended"])
def test_an_unusable_new_pair_changes_nothing(files: Files, tmp_path: Path, damage: str):
    tls = served(files)
    context, certificate = tls.present(), tls.certificate
    if damage == "ended":
        write_pair(tmp_path, now=NOW - timedelta(days=9), days=2)
    elif damage == "missing":
        files.certificate.unlink()
    else:
        kept = getattr(files, damage).read_bytes()
        write_pair(tmp_path, now=NOW, days=DAYS)
        getattr(files, damage).write_bytes(kept)

    with pytest.raises(BadCertificate):
        tls.reload()
    assert (tls.present(), tls.certificate) == (context, certificate)
