from __future__ import annotations

from pathlib import Path

import pytest

from robotd.client.address import Address
from robotd.client.target import MOST_TOKEN_BYTES, Target
from robotd.client.tls import read_fingerprint

DIGEST = bytes(range(32))
TOKEN = "rbd_k3q9x2mh_0123456789abcdef"


def token_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    file = folder / "token"
    file.write_text(text)
    file.chmod(mode)
    return file


@pytest.mark.parametrize(
    "text",
    [
        f"sha256:{DIGEST.hex()}",
        f"SHA256:{DIGEST.hex().upper()}",
        DIGEST.hex(),
        f" sha256:{DIGEST.hex(':')}\n",
        f"sha256 Fingerprint={DIGEST.hex(':').upper()}",
    ],
)
def test_a_fingerprint_is_read_as_robotd_and_openssl_write_it(text: str):
    assert read_fingerprint(text) == DIGEST


@pytest.mark.parametrize(
    "text",
    ["", "sha256:", DIGEST.hex()[1:], DIGEST.hex() + "00", "sha1:" + DIGEST.hex(), "sha256:" + "g" * 64],
)
def test_what_is_no_fingerprint_is_refused(text: str):
    with pytest.raises(ValueError, match="64 hex digits"):
        read_fingerprint(text)


@pytest.mark.parametrize(
    "url",
    [
        *("tcps://robot.local", "wss://192.0.2.7", "unix:///run/robotd/robotd.sock"),
        *("tcp://127.0.0.1", "ws://localhost", "tcp://[::1]:9", "tcp://127.8.9.10"),
    ],
)
def test_a_token_is_told_inside_tls_and_on_this_machine(url: str):
    assert Target.of(url, token=TOKEN).token == TOKEN


@pytest.mark.parametrize(
    "url",
    ["tcp://robot.local", "ws://192.0.2.7", "tcp://0.0.0.0", "ws://[2001:db8::7]", "tcp://localhost.evil"],
)
def test_a_token_or_a_pin_without_tls_is_refused_beyond_this_machine(url: str):
    for token, fingerprint in ((TOKEN, None), (None, DIGEST.hex())):
        with pytest.raises(ValueError, match=r"without TLS .* connect with (tcp|ws)s://, or through `ssh -L"):
            Target.of(url, token=token, fingerprint=fingerprint)
    assert Target.of(url).token is None


def test_a_file_holds_one_token_and_counts_first(tmp_path: Path):
    file = token_file(tmp_path, f"  {TOKEN}\n")

    assert Target.of("unix:///x", token_file=file).token == TOKEN
    assert Target.of("unix:///x", token_file=file, token="other").token == TOKEN


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o602, 0o601])
def test_a_file_that_every_user_may_open_is_not_read(tmp_path: Path, mode: int):
    with pytest.raises(ValueError, match="chmod 600"):
        Target.of("unix:///x", token_file=token_file(tmp_path, TOKEN, mode))


def test_a_file_for_a_group_is_read(tmp_path: Path):
    assert Target.of("unix:///x", token_file=token_file(tmp_path, TOKEN, 0o640)).token == TOKEN


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(ValueError, match=f"{tmp_path}/token: No such file"):
        Target.of("unix:///x", token_file=tmp_path / "token")


@pytest.mark.parametrize(
    "text", ["", "\n", "two words", "two\nlines", "a\0b", "tök", "x" * (MOST_TOKEN_BYTES + 1), "a\tb"]
)
def test_what_is_no_token_is_refused_and_not_shown(tmp_path: Path, text: str):
    for token, file in ((text, None), (None, token_file(tmp_path, text))):
        with pytest.raises(ValueError, match="is not a token: one line") as refused:
            Target.of("unix:///x", token=token, token_file=file)
        assert not text.strip() or text.strip() not in str(refused.value)


def test_no_description_of_a_target_shows_its_token():
    target = Target.of("tcps://robot.local", token=TOKEN)

    assert target.address == Address("tcps", "robot.local", 8081)
    assert TOKEN not in f"{target} {target!r}"
