"""Tokens: `rbd_<id>_<secret>`, and the file that knows of each only the SHA-256 of its secret.

A secret has 256 bits of chance, so a plain hash of it tells nothing: there is no list to try. It is shown
once, when it is made, and stands nowhere after that.
"""

from __future__ import annotations

import fcntl
import hmac
import os
import re
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from robotd.core.limits import Limits
from robotd.core.role import Role
from robotd.errors import Refused, RobotdError
from robotd.files import sync_folder
from robotd.json import decode, encode

VERSION = 1
ID_LENGTH = 8
SECRET_BYTES = 32
SECRET_LENGTH = 43
"""Of as many bytes in base64url, without padding."""
ID_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without those that look alike: people read ids to one another."""
FILE_MODE = 0o640
MOST_TOKENS = 1_000
MOST_BYTES = 1 << 20
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")
"""Of who holds a token: a person, a program, a dashboard."""

_TOKEN = re.compile(rf"rbd_([a-z0-9]{{{ID_LENGTH}}})_([A-Za-z0-9_-]{{{SECRET_LENGTH}}})")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_LIMITS = Limits(message_bytes=MOST_BYTES, json_depth=3, list_items=MOST_TOKENS)
_DUMMY = sha256(b"no token has this secret").hexdigest()
"""What the secret of an unknown id is compared with, so that time does not tell which ids there are."""


class TokensUnreadable(RobotdError):  # noqa: N818  # it says what they are
    """The file of tokens cannot be relied on; the message says which, why, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What the file knows of one. Times are whole seconds in UTC."""

    id: str
    name: str
    """Of who holds it."""
    role: Role
    sha256: str
    """Of the secret, in hexadecimal digits."""
    created: datetime
    expires: datetime | None = None

    def expired(self, now: datetime) -> bool:
        """Whether it counts no more."""
        return self.expires is not None and now >= self.expires


class Found(NamedTuple):
    """What became of a token that somebody said."""

    token: Token | None
    """None: it does not count."""
    why: str
    """Why not, in one word for the audit; whoever said it is never told."""


def make(
    token_id: str, secret: str, *, name: str, role: Role, now: datetime, expires: datetime | None = None
) -> tuple[Token, str]:
    """A token for the file, and what its holder says. Id and secret come from the caller's chance."""
    created = now.replace(microsecond=0)
    said = f"rbd_{token_id}_{secret}"
    if _TOKEN.fullmatch(said) is None or NAME.fullmatch(name) is None:
        raise ValueError("no id, secret or name of a token")
    return Token(
        id=token_id, name=name, role=role, sha256=_hash(secret), created=created, expires=expires
    ), said


class Tokens:
    """Those of one file, by id."""

    def __init__(self, tokens: Sequence[Token] = ()) -> None:
        self._by_id = {token.id: token for token in tokens}

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Token]:
        return iter(self._by_id.values())

    def __contains__(self, token: object) -> bool:
        return isinstance(token, Token) and self._by_id.get(token.id) == token

    def find(self, said: object, now: datetime) -> Found:
        """The token that somebody said, if it is one. Whatever `said` is, the same work is done."""
        match = _TOKEN.fullmatch(said) if isinstance(said, str) else None
        token_id, secret = ("", "") if match is None else match.groups()
        token = self._by_id.get(token_id)
        expected = _DUMMY if token is None else token.sha256
        same = hmac.compare_digest(_hash(secret), expected)
        if match is None:
            return Found(None, "malformed")
        if token is None:
            return Found(None, "unknown")
        if not same:
            return Found(None, "wrong")
        return Found(None, "expired") if token.expired(now) else Found(token, "")


def _hash(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


# -- the file -----------------------------------------------------------------------------------------


def parse(text: bytes) -> Tokens:
    """The tokens in the text of a file, which is read strictly. Raises `TokensUnreadable`."""
    try:
        document = decode(text, _LIMITS)
    except Refused as refused:
        raise TokensUnreadable(refused.message) from None
    if not isinstance(document, dict) or document.keys() != {"version", "tokens"}:
        raise TokensUnreadable('it is not {"version": 1, "tokens": [...]}')
    if document["version"] != VERSION or type(document["tokens"]) is not list:
        raise TokensUnreadable(f"it is not of version {VERSION}, which this robotd reads")
    tokens = [_token(entry, place) for place, entry in enumerate(document["tokens"], start=1)]
    for what in ("id", "name"):
        values = [getattr(token, what) for token in tokens]
        if len(set(values)) < len(values):
            raise TokensUnreadable(f"two tokens have the same {what}")
    return Tokens(tokens)


def _token(entry: Any, place: int) -> Token:
    fields = Token.__slots__
    if not isinstance(entry, dict) or entry.keys() != set(fields):
        raise TokensUnreadable(f"token {place} does not say just {', '.join(fields)}")
    checks = {
        "id": re.compile(rf"[a-z0-9]{{{ID_LENGTH}}}"),
        "name": NAME,
        "role": re.compile("|".join(str(role) for role in Role if role)),
        "sha256": _SHA256,
        "created": _TIME,
        "expires": _TIME,
    }
    for name, pattern in checks.items():
        value = entry[name]
        if name == "expires" and value is None:
            continue
        if not isinstance(value, str) or pattern.fullmatch(value) is None:
            # What stands there is not repeated: it may be a secret that went astray.
            raise TokensUnreadable(f"the {name} of token {place} is not one")
    return Token(
        id=entry["id"],
        name=entry["name"],
        role=Role.named(entry["role"]),
        sha256=entry["sha256"],
        created=_time(entry["created"], place),
        expires=None if entry["expires"] is None else _time(entry["expires"], place),
    )


def _time(text: str, place: int) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise TokensUnreadable(f"token {place} names a day that there is not") from None


def render(tokens: Sequence[Token]) -> bytes:
    """The text of the file: one token a line, so that a person may compare two."""
    lines = b",\n".join(b"  " + encode(asdict(token) | _written(token)) for token in tokens)
    return b'{"version": %d, "tokens": [\n%s\n]}\n' % (VERSION, lines)


def _written(token: Token) -> dict[str, str | None]:
    expires = None if token.expires is None else time_text(token.expires)
    return {"role": str(token.role), "created": time_text(token.created), "expires": expires}


def time_text(when: datetime) -> str:
    """As the file has it: `2026-11-21T11:00:00Z`."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class TokenFile:
    """The file on its disk. Small, and read at once."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def mark(self) -> object:
        """Something that changes when the file does, or comes, or goes."""
        try:
            found = self.path.stat()
        except OSError as error:
            return error.errno
        return found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_mode

    def read(self) -> Tokens:
        """What is in it now. Raises `TokensUnreadable`."""
        try:
            return parse(self._text())
        except TokensUnreadable as error:
            raise TokensUnreadable(f"{self.path}: {error}") from None
        except OSError as error:
            hint = "; `robotd token add` makes it" if isinstance(error, FileNotFoundError) else ""
            raise TokensUnreadable(f"{self.path}: {error.strerror}{hint}") from None

    def _text(self) -> bytes:
        # Without O_NONBLOCK a pipe in its place would hold up whoever opens it.
        with open(os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise TokensUnreadable("it is no file")
            if found.st_mode & stat.S_IWOTH:
                raise TokensUnreadable("everybody may write it, and so let in anybody: chmod o-w")
            text = file.read(MOST_BYTES + 1)
        if len(text) > MOST_BYTES:
            raise TokensUnreadable(f"it has more than {MOST_BYTES} bytes")
        return text

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While it is read and written again, nobody else does. Raises `OSError`."""
        handle = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def write(self, tokens: Sequence[Token]) -> None:
        """Put these in its place, whole or not at all; owner and mode stay as they are. Raises `OSError`.

        A new one may be read by the group of its folder, which is the daemon's.
        """
        folder = self.path.parent
        handle, name = tempfile.mkstemp(dir=folder, prefix=f".{self.path.name}.")
        try:
            with open(handle, "wb") as file:
                try:
                    old = self.path.stat()
                    owner, group, mode = old.st_uid, old.st_gid, stat.S_IMODE(old.st_mode)
                except FileNotFoundError:
                    owner, group, mode = -1, folder.stat().st_gid, FILE_MODE
                with suppress(PermissionError):  # only root may give a file away
                    os.fchown(handle, owner, group)
                os.fchmod(handle, mode)
                file.write(render(tokens))
                file.flush()
                os.fsync(handle)
            os.replace(name, self.path)
        except BaseException:
            os.unlink(name)
            raise
        sync_folder(folder)
