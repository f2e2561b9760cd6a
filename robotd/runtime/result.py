"""What an action returned, as plain data that any client can read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

from hal import split_parameter

DEPTH = 4
"""How deep a result is looked into; what lies deeper is told as text."""
ITEMS = 64
TEXT = 1_000
"""So many items and characters of a result are told."""
INTEGER_LIMIT = 2**63
"""From here on, programs in other languages read another number."""


def plain(value: Any, depth: int = DEPTH) -> Any:
    """`value` as numbers, texts, lists and mappings; names lose their unit, as on the wire: values are SI.

    A handler may return anything. What is no plain data is told as its `repr`, and a number that is not
    finite as null, so that no result can harm the answer that carries it.
    """
    kind = type(value)
    if kind is float:
        return value if math.isfinite(value) else None
    if value is None or kind is bool:
        return value
    if kind is int:
        return value if abs(value) < INTEGER_LIMIT else f"{value:#x}"[:TEXT]
    if kind is str:
        return _clean(value)
    if depth > 0:
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return dict(zip(_names(value._fields), [plain(item, depth - 1) for item in value], strict=True))
        if is_dataclass(value) and not isinstance(value, type):
            return {
                split_parameter(f.name)[0]: plain(getattr(value, f.name), depth - 1) for f in fields(value)
            }
        if isinstance(value, Mapping):
            return {_told(key): plain(item, depth - 1) for key, item in list(value.items())[:ITEMS]}
        if isinstance(value, (list, tuple)):
            return [plain(item, depth - 1) for item in value[:ITEMS]]
    return _told(value)


@cache
def _names(fields: tuple[str, ...]) -> tuple[str, ...]:
    """What the fields of a named tuple are called on the wire."""
    return tuple(split_parameter(name)[0] for name in fields)


def _told(value: Any) -> str:
    try:
        return _clean(value if type(value) is str else repr(value))
    except Exception:  # whatever a user's __repr__ does
        return f"<{type(value).__name__}>"


def _clean(text: str) -> str:
    """Cut, and without the lone surrogates that no UTF-8 can carry."""
    return text[:TEXT].encode("utf-8", "replace").decode()
