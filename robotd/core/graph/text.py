"""Text of a known size: every letter of a monospaced typeface is as wide as every other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from unicodedata import east_asian_width

FAMILY = 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", "DejaVu Sans Mono", monospace'
ADVANCE = 0.605
"""How wide a letter is, in sizes of the typeface: 0.55 to 0.602 in all of `FAMILY`."""
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


class Span(NamedTuple):
    """Some text, and which part of the language it is: the class that colours it."""

    text: str
    role: str


Line = tuple[Span, ...]
HELD = "\N{NO-BREAK SPACE}"
"""A blank at which a line is broken only where its word would not fit into a line of its own."""


def columns(text: str) -> int:
    """How many letters wide `text` is; one of the Far East counts as two."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def width(line: Line, size: float) -> float:
    """How wide `line` is in letters of `size`, in the unit of `size`."""
    return sum(columns(span.text) for span in line) * size * ADVANCE


def wrap(spans: Iterable[Span], limit: int, most: int) -> list[Line]:
    """`spans`, a blank between them, in at most `most` lines of at most `limit` columns.

    What does not fit is left out at the end, and three dots say so.
    """
    words = [Span(word, span.role) for span in spans for word in _words(span.text, limit)]
    lines: list[list[Span]] = []
    room = 0
    for word in words:
        needed = columns(word.text) + 1
        if not lines or needed > room:
            lines.append([])
            room = limit + 1
        lines[-1].append(word)
        room -= needed
    if len(lines) > most:
        del lines[most:]
        _end_with_dots(lines[-1], limit)
    return [tuple(_joined(line)) for line in lines]


def _end_with_dots(line: list[Span], limit: int) -> None:
    while len(line) > 1 and sum(columns(word.text) + 1 for word in line) + 1 > limit:
        line.pop()
    last = line.pop()
    line.append(Span(_cut(f"{last.text} {ELLIPSIS}", limit), last.role))


def _joined(words: Sequence[Span]) -> Iterator[Span]:
    """Neighbours of one role as one span; each but the first line's begin carries the blank before it."""
    role, text = words[0].role, words[0].text
    for word in words[1:]:
        if word.role == role:
            text += " " + word.text
        else:
            yield Span(text, role)
            role, text = word.role, " " + word.text
    yield Span(text, role)


def _words(text: str, limit: int) -> Iterator[str]:
    for word in re.findall(r"[^ \t\r\n]+", text):
        for part in [word] if columns(word) <= limit else word.split(HELD):
            yield _cut(part.replace(HELD, " "), limit)


def _cut(word: str, limit: int) -> str:
    if columns(word) <= limit:
        return word
    while columns(word) >= limit:
        word = word[:-1]
    return word.rstrip() + ELLIPSIS
