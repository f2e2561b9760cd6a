"""HTML and SVG as text, everything in it escaped."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


def tag(name: str, *children: str | Iterable[Markup], **attributes: Any) -> Markup:
    """An element. Plain text in it is escaped; an attribute that is None is left out, as is a last `_`."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_plain(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{written}>{joined(children)}</{name}>")


def joined(parts: Iterable[str | Iterable[Markup]]) -> Markup:
    """Children one after the other."""
    return Markup("".join(_child(part) for part in parts))


def _child(part: str | Iterable[Markup]) -> str:
    if isinstance(part, Markup):
        return part
    return escape(printable(part)) if isinstance(part, str) else "".join(part)


def _plain(value: Any) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else printable(str(value))


def printable(text: str) -> str:
    """Without characters that no page may hold."""
    return "".join(
        char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in text
    )
