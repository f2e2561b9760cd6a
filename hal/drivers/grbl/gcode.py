"""Blocks of G-code: what words stand in one, and whether Grbl 1.1 knows them. Pure.

Source: github.com/gnea/grbl, `doc/markdown/commands.md` (the table of modal groups). Not responsible for what
a block does to a machine.
"""

from __future__ import annotations

import re
from typing import NamedTuple

LONGEST_BLOCK = 79
"""Characters of a block without its end, after comments and spaces are gone."""

_COMMENT = re.compile(r"\([^()]*\)|;.*")
_WORD = re.compile(r"([A-Z])([+-]?(?:\d+\.?\d*|\.\d+))")

G_CODES = frozenset(
    {
        *(0, 1, 2, 3, 4, 10, 17, 18, 19, 20, 21, 28, 28.1, 30, 30.1, 38.2, 38.3, 38.4, 38.5),
        *(40, 43.1, 49, 53, 54, 55, 56, 57, 58, 59, 61, 80, 90, 91, 91.1, 92, 92.1, 93, 94),
    }
)
M_CODES = frozenset({0, 1, 2, 3, 4, 5, 7, 8, 9, 30, 56})
VALUES = frozenset("FIJKLNPRSTXYZ")


class Word(NamedTuple):
    """`X12.5`."""

    letter: str
    value: float


class BlockError(Exception):
    """Grbl would answer this block with `error:<code>`."""

    def __init__(self, code: int, what: str) -> None:
        super().__init__(what)
        self.code = code
        self.what = what
        """The part of the block that is wrong."""


def strip(line: str) -> str:
    """A line as Grbl keeps it: without comments and spaces, in capitals."""
    return "".join(_COMMENT.sub("", line).split()).upper()


def parse_block(block: str) -> list[Word]:
    """The words of a stripped block; each G and M is one that Grbl 1.1 can know. Raises `BlockError`."""
    if len(block) > LONGEST_BLOCK:
        raise BlockError(11, f"{len(block)} characters")
    words: list[Word] = []
    at = 0
    while at < len(block):
        found = _WORD.match(block, at)
        if found is None:
            raise BlockError(2 if block[at].isalpha() else 1, block[at:][:12])
        word = Word(found[1], float(found[2]))
        known = {"G": G_CODES, "M": M_CODES}.get(word.letter)
        if (known is not None and word.value not in known) or (known is None and word.letter not in VALUES):
            raise BlockError(20, found[0])
        if known is None and any(word.letter == earlier.letter for earlier in words):
            raise BlockError(25, found[0])
        words.append(word)
        at = found.end()
    return words
