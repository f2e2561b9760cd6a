"""How things are counted for people."""

from __future__ import annotations


def many(number: int, word: str) -> str:
    """`1 fault`, `2,000 faults`."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"
