"""What is wrong with a robot's file: every fault at once, each with its place, its line and a hint."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from robotd.core.chart import Where

SHOWN_COLUMNS = 160
"""A longer source line is shown as the window around its caret."""
SHOWN_ERRORS = 100
"""How many faults a report spells out; the rest are counted."""
LISTED_NAMES = 8
"""So many known names are listed where none of them is near."""
COMPARED_NAMES = 1000
"""Among more names than these the nearest is not looked for: a file full of faults is to be refused soon."""


class ConfigError(Exception):
    """One fault at one place in the file."""

    def __init__(
        self,
        where: Where,
        sentence: str,
        hint: str | None = None,
        source_line: str = "",
        code: str | None = None,
    ) -> None:
        """`code`: the proof of `check` that it would break; most faults break none."""
        super().__init__(where, sentence, hint, source_line, code)
        self.code = code
        self.where = where
        self.sentence = sentence
        self.hint = hint
        self.source_line = source_line

    def __str__(self) -> str:
        label = "error" if self.code is None else f"error[{self.code}]"
        return "\n".join(shown(self.where, label, self.sentence, self.hint, self.source_line))

    def as_json(self) -> dict[str, Any]:
        """For `--json`: the parts of `str()`, each under its name."""
        return {
            "file": self.where.file,
            "line": self.where.line,
            "column": self.where.column,
            "error": self.sentence,
            "hint": self.hint,
            "source": self.source_line,
        } | ({} if self.code is None else {"code": self.code})


class ConfigErrors(ExceptionGroup[ConfigError]):
    """Every fault of one file, in the order of the file."""

    @property
    def errors(self) -> list[ConfigError]:
        """The faults, none of them nested."""
        return list(self.exceptions)  # type: ignore[arg-type]  # made by `of` or `derive`: leaves only

    @classmethod
    def of(cls, errors: Iterable[ConfigError]) -> ConfigErrors:
        """Sort them by place; what was found twice is said once. `errors` holds at least one."""
        different = {(error.where, error.sentence): error for error in errors}.values()
        in_order = sorted(different, key=lambda error: (error.where.line, error.where.column))
        return cls(f"{in_order[0].where.file} is not a valid robot", in_order)

    def derive(self, excs: Sequence[ConfigError]) -> ConfigErrors:  # type: ignore[override]  # leaves of one type
        """Keep the type when `split` or `except*` take some of them out."""
        return ConfigErrors(self.message, excs)

    def report(self) -> str:
        """All of it for people, a blank line between two faults."""
        shown = [str(error) for error in self.errors[:SHOWN_ERRORS]]
        more = len(self.exceptions) - len(shown)
        if more:
            shown.append(f"and {more} more")
        return "\n\n".join(shown)

    def as_json(self) -> list[dict[str, Any]]:
        """All of it for programs."""
        return [error.as_json() for error in self.errors]


def nearest(word: str, known: Iterable[str], *, what: str = "names") -> str | None:
    """A hint for a name that does not exist: the one that was probably meant, or the few that there are.

    A name's last part counts as near: for `teleop` it finds `armed.teleop`.
    """
    names = list(known)
    if len(names) > COMPARED_NAMES:
        return None
    tails = [name for name in names if name.rpartition(".")[2] == word]
    folded = {name.casefold(): name for name in names}
    close = tails or [folded[match] for match in difflib.get_close_matches(word.casefold(), folded, n=1)]
    if close:
        return f"did you mean '{close[0]}'?"
    if 0 < len(names) <= LISTED_NAMES:
        return f"the {what} are {', '.join(names)}" if len(names) > 1 else f"there is only '{names[0]}'"
    return None


def shown(
    where: Where, label: str, sentence: str, hint: str | None, source_line: str, between: Iterable[str] = ()
) -> list[str]:
    """The lines of one report: place and sentence, the source line with a caret, `between`, the hint."""
    lines = [f"{where}: {label}: {sentence}"]
    if source_line.strip():
        lines += _pointed(source_line, where.column - 1)
    lines += between
    if hint:
        lines.append(f"hint: {hint}")
    return lines


def _pointed(line: str, column: int) -> list[str]:
    """The source line and a caret under its character `column` (from 0), whatever is in the line."""
    start = max(0, column - SHOWN_COLUMNS // 2) if len(line) > SHOWN_COLUMNS else 0
    shown = line[start : start + SHOWN_COLUMNS].rstrip()
    before = shown[: column - start].ljust(column - start)
    printable = "".join(
        char if char == "\t" or char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in shown
    )
    return [printable, "".join(_blank(char) for char in before) + "^"]


def _blank(char: str) -> str:
    """What is as wide as `char` on a terminal and shows nothing."""
    if char == "\t":
        return char
    return "" if unicodedata.combining(char) else "  " if unicodedata.east_asian_width(char) in "WF" else " "
