"""A robot's file, or a scenario's, as text: strict YAML, with a place for every value and every key.

Read by the rules of YAML 1.2 (`on` is text, `1e3` a number, `0777` is 777, `12:30:45` is text), and
without what lets a file say something else than it shows: duplicate keys, anchors, merge keys, tags,
directives.
The tree is built from parser events, so nothing is expanded and nothing nests deeper than its limit.

The only module that imports yaml. It does not know what the keys mean.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from robotd.config.errors import ConfigError, ConfigErrors
from robotd.core.chart import Where

SIZE_LIMIT_BYTES = 1 << 20
DEPTH_LIMIT = 64
NODE_LIMIT = 100_000
SCALAR_LIMIT = 4096
"""Characters of one value."""
EXPLAINED_BYTES = 1 << 16
"""Up to this size PyYAML's slow Python parser looks for a syntax error again: it explains it better."""

ROBOT_BEGINS = "robot: <name>"

Step: TypeAlias = str | int
Steps: TypeAlias = tuple[Step, ...]
"""The way from the root to a value: keys and indices."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # an installation without libyaml is slow, not broken
_LINE_BREAK = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
_UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

# YAML 1.2.2, section 10.3.2: the core schema.
_NULL = re.compile(r"(null|Null|NULL|~|)\Z")
_BOOL = re.compile(r"(true|True|TRUE)\Z|(false|False|FALSE)\Z")
_INTEGER = re.compile(r"[-+]?[0-9]+\Z|0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_INFINITE = re.compile(r"([-+]?)\.(inf|Inf|INF)\Z|(\.nan|\.NaN|\.NAN)\Z")
_INTEGER_DIGITS = 18
"""A longer integer becomes a float: no field is that large, and Python refuses to read very long ones."""

_SYNTAX_HINTS = {
    r"'\t' that cannot start": "indent with spaces, not with tabs",
    "that cannot start": "put the value in quotes",
    "mapping values are not allowed": "check the indentation, and the colons of this line and the one before",
    "<block end>": "check the indentation against the lines above",
    "expected ',' or": "is a comma or a closing bracket missing?",
    "unexpected end of stream": "the quote that opens here is never closed",
    "document start": "only one document stands in a file, and its keys all begin in the same column",
    "escape character": "a backslash needs single quotes, or another backslash",
}


@dataclass(slots=True)
class Node:
    """One value of the file, plain Python data, and where it stands."""

    value: Any
    start: int
    """Its first character in the text."""
    end: int = 0
    style: str = ""
    """How a scalar is written: quote, `|`, `>`, or nothing when plain."""
    children: dict[Step, Node] = field(default_factory=dict)
    keys: dict[Step, int] = field(default_factory=dict)
    """Where each key of a mapping begins."""


class Document:
    """One file, read: its data, and the place of everything in it."""

    def __init__(self, file: str, text: str, begins: str = ROBOT_BEGINS) -> None:
        self.file = file
        self.text = text
        self.begins = begins
        """How a file of its kind begins, for hints."""
        self.errors: list[ConfigError] = []
        """What a strict reading refuses; the tree is whole all the same, so that the rest can be checked."""
        self.forgotten: set[int] = set()
        """Where a value begins that was refused as a whole: nothing more is to be said about it."""
        self._lines = [0, *(match.end() for match in _LINE_BREAK.finditer(text))]
        self.root = Node({}, 0)

    def find(self, steps: Steps) -> Node | None:
        """The value at `steps`, if it is in the file."""
        node, rest = self._walk(steps)
        return None if rest else node

    def where(self, steps: Steps, *, key: bool = False, offset: int | None = None) -> Where:
        """The place of a value, of its key, or of character `offset` of its text; or of what is around."""
        if key and steps:
            parent, rest = self._walk(steps[:-1])
            if not rest and steps[-1] in parent.keys:
                return self.place(parent.keys[steps[-1]])
        node, _ = self._walk(steps)
        return self.place(node.start if offset is None else self._character(node, offset))

    def _walk(self, steps: Steps) -> tuple[Node, Steps]:
        """The innermost value on the way, and the steps that lead on from there to nothing."""
        node = self.root
        for taken, step in enumerate(steps):
            if step not in node.children:
                return node, steps[taken:]
            node = node.children[step]
        return node, ()

    def forget(self, steps: Steps) -> None:
        """Note that nothing more is to be said about the value at `steps`."""
        self.forgotten.add(self._walk(steps)[0].start)

    def place(self, index: int) -> Where:
        """Line and column of the character `index` of the text."""
        line = bisect_right(self._lines, index)
        return Where(self.file, line, index - self._lines[line - 1] + 1)

    def line(self, number: int) -> str:
        """The text of a line, counted from 1, without its end."""
        start, *rest = self._lines[number - 1 : number + 1]
        return self.text[start : rest[0] if rest else None].rstrip("\r\n\x85\u2028\u2029")

    def error(
        self, where: Where, sentence: str, hint: str | None = None, code: str | None = None
    ) -> ConfigError:
        """A fault at `where`, with its source line."""
        return ConfigError(where, sentence, hint, self.line(where.line), code)

    def refuse(self, index: int, sentence: str, hint: str | None = None) -> None:
        """Note a fault at the character `index` and go on."""
        self.errors.append(self.error(self.place(index), sentence, hint))

    def _character(self, node: Node, offset: int) -> int:
        """Where character `offset` of a scalar stands. Folding changes blanks only: count the others."""
        begin = node.start + (node.style in {"'", '"'})
        if node.style in {"|", ">"}:
            begin = self._lines[bisect_right(self._lines, node.start)]  # the header's line holds no text
        if node.style == '"' and "\\" in self.text[begin : node.end]:
            return node.start  # an escape stands for any number of characters
        wanted = sum(not char.isspace() for char in node.value[:offset])
        index = last = begin
        while index < node.end:
            if self.text[index].isspace():
                index += 1
                continue
            if wanted == 0:
                return index
            wanted -= 1
            index += 2 if node.style == "'" and self.text.startswith("''", index) else 1
            last = index
        return last


def read(path: Path, begins: str = ROBOT_BEGINS) -> Document:
    """Read the file at `path`. Raises `ConfigErrors` when it cannot be read or is not YAML at all.

    `begins`: how a file of its kind begins, for hints.
    """
    file = str(path)
    try:
        with path.open("rb") as stream:
            data = stream.read(SIZE_LIMIT_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise _unreadable(file, f"cannot be read: {reason}") from None
    if len(data) > SIZE_LIMIT_BYTES:
        raise _unreadable(file, f"is larger than {SIZE_LIMIT_BYTES} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line, column = before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1
        raise _unreadable(file, "is not UTF-8 text from here on", line, column) from None
    return parse(text, file, begins)


def parse(text: str, file: str, begins: str = ROBOT_BEGINS) -> Document:
    """Read `text` as the content of `file`. Raises `ConfigErrors` when it is not YAML at all."""
    document = Document(file, text, begins)
    unprintable = _UNPRINTABLE.search(text)
    if unprintable:
        where = document.place(unprintable.start())
        sentence = f"the character U+{ord(unprintable[0]):04X} may not stand in the file"
        raise ConfigErrors.of([document.error(where, sentence, "is it a text file?")])
    try:
        document.root = _Composer(document).compose()
    except yaml.MarkedYAMLError as error:
        raise ConfigErrors.of([*document.errors, _syntax_error(document, error)]) from None
    except ConfigError as error:
        raise ConfigErrors.of([*document.errors, error]) from None
    return document


class _Composer:
    """Builds the tree out of parser events."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._events: Iterator[Any] = yaml.parse(document.text, Loader=_LOADER)
        self._nodes = 0

    def compose(self) -> Node:
        """The one document of the file. Raises `ConfigError` at a limit, `MarkedYAMLError` for bad YAML."""
        document = self._document
        root: Node | None = None
        for event in self._events:
            start = event.start_mark.index
            if isinstance(event, yaml.DocumentStartEvent):
                if event.version or event.tags:
                    document.refuse(
                        start, "directives are not used here", "leave the line that begins with % out"
                    )
                if root is not None:
                    raise document.error(
                        document.place(start), "a second document begins here", "leave '---' out"
                    )
                root = self._node(next(self._events), 0)
        if root is None or root.value is None:
            raise document.error(
                document.place(0), "the file is empty", f"it begins with '{document.begins}'"
            )
        if not isinstance(root.value, dict):
            sentence = f"a mapping is due here, not {describe(root.value)}"
            raise document.error(document.place(root.start), sentence, f"it begins with '{document.begins}'")
        return root

    def _node(self, event: Any, depth: int) -> Node:
        start = event.start_mark.index
        self._nodes += 1
        if depth > DEPTH_LIMIT:
            raise self._error(start, f"this is nested more than {DEPTH_LIMIT} deep")
        if self._nodes > NODE_LIMIT:
            raise self._error(start, f"the file has more than {NODE_LIMIT} values")
        if isinstance(event, yaml.AliasEvent):
            self._document.refuse(start, "aliases are not allowed", "write the value out")
            self._document.forgotten.add(start)
            return Node(None, start)
        if event.anchor is not None:
            self._document.refuse(start, "anchors are not allowed", f"leave '&{event.anchor}' out")
        if event.tag is not None:
            self._document.refuse(start, "tags are not allowed", "leave the word that begins with '!' out")
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(start, depth)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(start, depth)
        if len(event.value) > SCALAR_LIMIT:
            raise self._error(start, f"this text is longer than {SCALAR_LIMIT} characters")
        value = event.value if event.style else resolve(event.value)
        if isinstance(value, float) and not isfinite(value):
            self._document.refuse(start, f"a finite number is due here, not {event.value[:40]}")
            self._document.forgotten.add(start)
        return Node(value, start, event.end_mark.index, event.style or "")

    def _sequence(self, start: int, depth: int) -> Node:
        node = Node([], start)
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            child = self._node(event, depth + 1)
            node.children[len(node.value)] = child
            node.value.append(child.value)
        return node

    def _mapping(self, start: int, depth: int) -> Node:
        node = Node({}, start)
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._node(event, depth + 1)
            child = self._node(next(self._events), depth + 1)
            if key.value == "<<" and not key.style:
                self._document.refuse(key.start, "merge keys are not allowed", "write the keys out")
            elif not isinstance(key.value, str):
                sentence = f"a key must be text, not {describe(key.value)}"
                self._document.refuse(key.start, sentence, "put it in quotes" if key.end else None)
            elif key.value in node.children:
                first = self._document.place(node.keys[key.value])
                sentence = f"'{key.value}' is already in line {first.line}"
                self._document.refuse(key.start, f"duplicate key: {sentence}", "keep one of the two")
            else:
                node.children[key.value] = child
                node.keys[key.value] = key.start
                node.value[key.value] = child.value
        return node

    def _error(self, index: int, sentence: str) -> ConfigError:
        return self._document.error(self._document.place(index), sentence)


def resolve(text: str) -> str | int | float | bool | None:
    """What a plain scalar stands for, by the core schema of YAML 1.2."""
    if _NULL.match(text):
        return None
    if truth := _BOOL.match(text):
        return truth[1] is not None
    if _INTEGER.match(text) and len(text) <= _INTEGER_DIGITS:
        return int(text, 0) if text[:2] in {"0x", "0o"} else int(text)
    if _NUMBER.match(text):
        return float(text)
    if infinite := _INFINITE.match(text):
        return float(f"{infinite[1] or ''}{infinite[2] or 'nan'}")
    return text


def describe(value: Any) -> str:
    """What a value is, for a sentence: `the number 3`, `a list`."""
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case int() | float():
            return f"the number {value}"
        case str():
            return f"the text '{value}'" if len(value) <= 40 else "a text"
        case list():
            return "a list"
        case _:
            return "a mapping"


def _unreadable(file: str, sentence: str, line: int = 1, column: int = 1) -> ConfigErrors:
    return ConfigErrors.of([ConfigError(Where(file, line, column), f"the file {sentence}")])


def _syntax_error(document: Document, error: yaml.MarkedYAMLError) -> ConfigError:
    if len(document.text) <= EXPLAINED_BYTES:
        try:
            for _ in yaml.parse(document.text, Loader=yaml.SafeLoader):
                pass
        except yaml.MarkedYAMLError as explained:
            error = explained
    mark, problem = error.problem_mark, error.problem or "this is not YAML"
    if error.context_mark and (mark is None or not document.text[mark.index :].strip()):
        mark = error.context_mark  # what is never closed is mended where it opens
    hint = next((hint for part, hint in _SYNTAX_HINTS.items() if part in problem), None)
    where = document.place(min(mark.index if mark else 0, len(document.text.rstrip())))
    return document.error(where, f"not YAML: {problem}", hint)
