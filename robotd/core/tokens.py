"""Cuts the text of an expression into words, numbers and signs."""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_LENGTH = 1000
"""Characters in one expression."""
MAX_TOKENS = 250
"""Words, numbers and signs in one expression: bounds how deep its closures call one another."""


class ExpressionError(ValueError):
    """The text is not an expression of this language, or names what does not exist."""

    def __init__(self, sentence: str, offset: int, hint: str | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.offset = offset
        """The column in the text where it went wrong, from 0."""
        self.hint = hint


class Token(NamedTuple):
    """One word, number or sign of a text, or its end."""

    kind: str
    text: str
    offset: int


_TOKEN = re.compile(
    r"""(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)
      | (?P<sign><=|>=|==|!=|[-+*/<>(),])
      | (?P<space>[ \t\r\n]+)""",
    re.VERBOSE,
)
_END = "the end"
_HINTS = {
    "=": "to compare, write '=='",
    "&": "write 'and'",
    "|": "write 'or'",
    "!": "write 'not'",
    "'": "there are no texts here, only numbers and flags",
    '"': "there are no texts here, only numbers and flags",
    "%": "there is no remainder here, and fractions are written 0.5",
}


def tokens(text: str) -> list[Token]:
    """The tokens of `text`, then one of kind `end`. Raises `ExpressionError`."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"an expression has at most {MAX_LENGTH} characters", MAX_LENGTH)
    found: list[Token] = []
    offset = 0
    while offset < len(text):
        match = _TOKEN.match(text, offset)
        if match is None:
            bad = text[offset]
            raise ExpressionError(f"{bad!r} has no meaning here", offset, _HINTS.get(bad))
        kind = str(match.lastgroup)
        if kind != "space":
            if len(found) == MAX_TOKENS:
                raise ExpressionError(f"an expression has at most {MAX_TOKENS} words and signs", offset)
            found.append(Token(kind, match.group(), offset))
        offset = match.end()
    return [*found, Token("end", _END, offset)]
