"""Tokens for tests: a file of them in memory, with secrets that are the same in every run."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from hashlib import sha256

from robotd.access.tokens import Token, Tokens, TokensUnreadable, make
from robotd.core.role import Role

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ROLES = tuple(role for role in Role if role)


class Keys:
    """A `robotd.access.gate.TokenSource`."""

    def __init__(self) -> None:
        self.tokens: list[Token] = []
        self.broken: str | None = None
        self._changes = 0

    def give(self, role: Role = Role.OPERATOR, *, name: str = "", expires: datetime | None = None) -> str:
        """Make a token; returns what its holder says."""
        self._changes += 1
        number = self._changes
        token, said = make(
            f"tok{number:05d}",
            secret(number),
            name=name or f"holder{number}",
            role=role,
            now=NOON,
            expires=expires,
        )
        self.tokens.append(token)
        return said

    def take(self, said: str) -> None:
        """Revoke one."""
        self._changes += 1
        self.tokens = [token for token in self.tokens if token.id != said.split("_")[1]]

    def damage(self, sentence: str | None) -> None:
        """From now on nobody can read it; None: they can again."""
        self._changes += 1
        self.broken = sentence

    def mark(self) -> object:
        return self._changes

    def read(self) -> Tokens:
        if self.broken is not None:
            raise TokensUnreadable(self.broken)
        return Tokens(self.tokens)


def secret(number: int) -> str:
    """One of 256 bits that nobody draws by chance."""
    return urlsafe_b64encode(sha256(str(number).encode()).digest()).decode().rstrip("=")
