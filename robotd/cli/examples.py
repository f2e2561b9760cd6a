"""The robots that come with robotd: what each is, and the files that belong to it."""

from __future__ import annotations

import re
from pathlib import Path

from robotd.cli.files import is_a_robot

LANGUAGE_SERVER = "yaml-language-server"


def described(file: Path) -> str:
    """What its first comment says of it, in one line."""
    words: list[str] = []
    for line in file.read_text(encoding="utf-8").splitlines():
        said = line.removeprefix("#").strip()
        if not line.startswith("#") or (words and not said):
            break
        if LANGUAGE_SERVER not in said:
            words += said.split()
    return " ".join(words)


def companions(file: Path) -> list[Path]:
    """The files beside it, or below, that it names, or that its handlers name: jobs, its schema."""
    beside = [path for path in sorted(file.parent.rglob("*")) if path.is_file() and not is_a_robot(path)]
    found: list[Path] = []
    unread = [file]
    while unread:
        text = unread.pop().read_text(encoding="utf-8", errors="replace")
        named = [path for path in beside if path not in found and _names(text, path.relative_to(file.parent))]
        found += named
        unread += [path for path in named if path.suffix == ".py"]
    return sorted(found)


def _names(text: str, path: Path) -> bool:
    return re.search(rf"(?<![\w./-]){re.escape(path.as_posix())}(?![\w/-])", text) is not None
