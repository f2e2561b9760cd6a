"""Tokens and the file of them."""

from __future__ import annotations

import json
import os
import stat
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robotd.access.tokens import (
    MOST_BYTES,
    Token,
    TokenFile,
    Tokens,
    TokensUnreadable,
    make,
    parse,
    render,
)
from robotd.core.role import Role
from tests.access.keys import NOON, Keys, secret
from tests.counts import cases

SECRET = secret(7)
ALICE, SAID = make("alice234", SECRET, name="alice", role=Role.OPERATOR, now=NOON)


def entry(**changes: Any) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(render([ALICE]))["tokens"][0]
    return said | changes


def text(*entries: Any, **changes: Any) -> bytes:
    return json.dumps({"version": 1, "tokens": entries} | changes).encode()


# -- one token ------------------------------------------------------------------------------------------


def test_a_token_counts_until_it_expires():
    token, said = make(
        "alice234", SECRET, name="a", role=Role.VIEWER, now=NOON, expires=NOON + timedelta(days=1)
    )
    tokens = Tokens([token])

    assert tokens.find(said, NOON).token == token
    assert tokens.find(said, NOON + timedelta(hours=23, minutes=59)).token == token
    assert tokens.find(said, NOON + timedelta(days=1)) == (None, "expired")


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (f"rbd_alice234_{secret(8)}", "wrong"),
        (f"rbd_bob22345_{SECRET}", "unknown"),
        (SAID + "A", "malformed"),
        (SAID[:-1], "malformed"),
        (SAID.upper(), "malformed"),
        (f" {SAID}", "malformed"),
        (f"{SAID}\n", "malformed"),
        (SAID.replace("rbd_", "rbd-"), "malformed"),
        ("rbd_alice234_", "malformed"),
        (f"rbd_alice234_{ALICE.sha256}", "malformed"),
        ("", "malformed"),
        (7, "malformed"),
        (True, "malformed"),
        ([SAID], "malformed"),
        ({"token": SAID}, "malformed"),
        ("rbd_alice234_" + "é" * 43, "malformed"),
        ("x" * 100_000, "malformed"),
    ],
)
def test_what_is_not_the_token_does_not_count(said: Any, why: str):
    assert Tokens([ALICE]).find(said, NOON) == (None, why)


@settings(max_examples=cases(2_000), deadline=None)
@given(said=st.text() | st.from_regex(r"rbd_[a-z0-9]{8}_[A-Za-z0-9_-]{43}", fullmatch=True))
def test_nothing_made_up_counts(said: str):
    assert Tokens([ALICE]).find(said, NOON).token is None


@settings(max_examples=cases(2_000), deadline=None)
@given(place=st.integers(0, len(SAID) - 1), char=st.characters())
def test_not_one_character_may_differ(place: int, char: str):
    said = SAID[:place] + char + SAID[place + 1 :]

    assert (Tokens([ALICE]).find(said, NOON).token is None) is (said != SAID)


def test_of_a_secret_only_its_hash_is_kept():
    written = render([ALICE])

    assert SECRET.encode() not in written
    assert sha256(SECRET.encode()).hexdigest().encode() in written
    assert SECRET not in repr(ALICE)


@pytest.mark.parametrize(
    ("token_id", "chosen", "name"),
    [
        ("short", SECRET, "a"),
        ("UPPER234", SECRET, "a"),
        ("alice234", "x" * 42, "a"),
        ("alice234", SECRET, "a b"),
    ],
)
def test_only_a_whole_token_is_made(token_id: str, chosen: str, name: str):
    with pytest.raises(ValueError, match="no id, secret or name"):
        make(token_id, chosen, name=name, role=Role.VIEWER, now=NOON)


# -- the text of the file ---------------------------------------------------------------------------------


tokens = st.builds(
    Token,
    id=st.from_regex(r"[a-z0-9]{8}", fullmatch=True),
    name=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}", fullmatch=True),
    role=st.sampled_from([role for role in Role if role]),
    sha256=st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
    created=st.integers(0, 10**6).map(lambda minutes: NOON + timedelta(minutes=minutes)),
    expires=st.none() | st.integers(0, 10**6).map(lambda minutes: NOON + timedelta(minutes=minutes)),
)


@settings(max_examples=cases(500), deadline=None)
@given(several=st.lists(tokens, max_size=5, unique_by=(lambda token: token.id, lambda token: token.name)))
def test_what_is_written_is_read_as_it_was(several: list[Token]):
    assert list(parse(render(several))) == several


@settings(max_examples=cases(2_000), deadline=None)
@given(garbage=st.binary(max_size=200) | st.text().map(lambda found: json.dumps(found).encode()))
def test_garbage_is_refused_in_a_sentence(garbage: bytes):
    with pytest.raises(TokensUnreadable):
        parse(garbage)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=cases(2_000), deadline=None)
@given(field=st.sampled_from(sorted(entry())), value=JSON)
def test_whatever_stands_in_a_field_it_is_read_as_written_or_refused(field: str, value: Any):
    written = entry(**{field: value})
    try:
        found = list(parse(text(written)))
    except TokensUnreadable:
        return

    assert json.loads(render(found))["tokens"] == [written]


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        (b"", "malformed|truncated"),
        (b"[]", "it is not"),
        (text(entry()) + b"{}", "malformed"),
        (text(version=2), "not of version 1"),
        (text(tokens={}), "not of version 1"),
        (text(more=1), "it is not"),
        (text("x"), "token 1 does not say just"),
        (text(entry(secret="x")), "token 1 does not say just"),
        (text(entry(role="king")), "the role of token 1"),
        (text(entry(role="stranger")), "the role of token 1"),
        (text(entry(role=2)), "the role of token 1"),
        (text(entry(sha256=ALICE.sha256.upper())), "the sha256 of token 1"),
        (text(entry(expires="tomorrow")), "the expires of token 1"),
        (text(entry(expires="2026-02-30T00:00:00Z")), "a day that there is not"),
        (text(entry(created=None)), "the created of token 1"),
        (text(entry(), entry(name="bob")), "two tokens have the same id"),
        (text(entry(), entry(id="bob22345")), "two tokens have the same name"),
        (text(entry()).replace(b'"id"', b'"id": "x", "id"'), "stands twice"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(written: bytes, sentence: str):
    with pytest.raises(TokensUnreadable, match=sentence):
        parse(written)


def test_a_secret_that_went_astray_is_not_repeated():
    with pytest.raises(TokensUnreadable) as caught:
        parse(text(entry(sha256=SAID)))

    assert SECRET not in str(caught.value)


# -- the file -------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> TokenFile:
    made = TokenFile(tmp_path / "tokens.json")
    made.write([ALICE])
    return made


def test_a_new_file_is_for_its_owner_and_group(file: TokenFile):
    assert list(file.read()) == [ALICE]
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o640
    assert os.listdir(file.path.parent) == ["tokens.json"]


def test_a_file_that_is_written_again_keeps_its_mode_and_owner(file: TokenFile):
    file.path.chmod(0o600)
    if os.getuid() == 0:
        os.chown(file.path, 1234, 1235)
    before = file.path.stat()
    file.write([])
    after = file.path.stat()

    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert len(file.read()) == 0


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    file: TokenFile, monkeypatch: pytest.MonkeyPatch
):
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        file.write([])

    assert list(file.read()) == [ALICE]
    assert os.listdir(file.path.parent) == ["tokens.json"]


def test_the_mark_changes_with_the_file(file: TokenFile):
    marks = [file.mark()]
    file.write([])
    marks.append(file.mark())
    file.path.chmod(0o600)
    marks.append(file.mark())
    file.path.unlink()
    marks.append(file.mark())

    assert len(set(marks)) == 4
    assert marks[3] == file.mark()


def replace(file: TokenFile, how: str) -> None:
    file.path.unlink()
    if how == "folder":
        file.path.mkdir()
    elif how == "pipe":
        os.mkfifo(file.path)
    elif how == "large":
        file.path.write_bytes(b" " * (MOST_BYTES + 1))


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("gone", "No such file or directory; `robotd token add` makes it"),
        ("folder", "Is a directory"),
        ("pipe", "it is no file"),
        ("large", "has more than"),
    ],
)
def test_what_is_no_file_of_tokens_is_said_and_waited_for_never(file: TokenFile, how: str, sentence: str):
    replace(file, how)
    with pytest.raises(TokensUnreadable, match=sentence):
        file.read()


def test_a_file_that_everybody_may_write_is_not_believed(file: TokenFile):
    file.path.chmod(0o646)

    with pytest.raises(TokensUnreadable, match="everybody may write it"):
        file.read()


def test_tokens_are_the_same_only_in_every_field():
    keys = Keys()
    keys.give(Role.VIEWER)
    [token] = keys.tokens
    changed = make(token.id, SECRET, name=token.name, role=Role.ADMIN, now=NOON)[0]

    assert token in Tokens([token])
    assert token not in Tokens([changed])
    assert "x" not in Tokens([token])
