"""One place in the file while it is checked: its value, its way from the root, and where faults go.

Checking goes on after a fault, so that a person sees all of them: every method here notes what is wrong and
returns nothing in its place, never raises, and says nothing twice about a value that was already refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from keyword import kwlist
from typing import Any, TypeVar

from robotd.config.document import Document, Step, Steps, describe
from robotd.config.errors import nearest
from robotd.config.validation import validate

T = TypeVar("T")

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
"""What a state, device, board, region or event may be called: it stands in expressions and Python."""
NAME_HINT = "letters, digits and underscores, a letter first"
LANGUAGE = frozenset({*kwlist, "true", "false", "abs", "min", "max", "payload", "all", "off"})
"""The words of expressions, of the file and of Python: they name nothing."""
ROBOT = frozenset({"log", "now", "read", "sleep"})
"""What a handler's `robot` has besides its devices."""


@dataclass(frozen=True, slots=True)
class Place:
    """A value of the file at `steps` from its root."""

    document: Document
    steps: Steps = ()

    @property
    def value(self) -> Any:
        """The plain data; None where the file says nothing."""
        node = self.document.find(self.steps)
        return node.value if node else None

    @property
    def name(self) -> Step:
        """The last step: the key or index under which it stands."""
        return self.steps[-1]

    def __truediv__(self, step: Step) -> Place:
        return Place(self.document, (*self.steps, step))

    def __contains__(self, key: Step) -> bool:
        return self.document.find((*self.steps, key)) is not None

    def refuse(
        self,
        sentence: str,
        hint: str | None = None,
        *,
        key: bool = False,
        offset: int | None = None,
        code: str | None = None,
    ) -> None:
        """Note a fault: of the value, of its key, or of the character `offset` of its text.

        `code`: which proof of `check` it would break, so that `--explain` knows it.
        """
        node = self.document.find(self.steps)
        if node and not key and node.start in self.document.forgotten:
            return
        where = self.document.where(self.steps, key=key, offset=offset)
        self.document.errors.append(self.document.error(where, sentence, hint, code))

    def members(self) -> Iterator[Place]:
        """The values of a mapping."""
        if isinstance(self.value, dict):
            for key in self.value:
                yield self / key
        elif self.value is not None:
            self.refuse(f"a mapping is due here, not {describe(self.value)}")

    def elements(self) -> Iterator[Place]:
        """The values of a list."""
        if isinstance(self.value, list):
            for index in range(len(self.value)):
                yield self / index
        elif self.value is not None:
            self.refuse(f"a list is due here, not {describe(self.value)}")

    def one_or_more(self) -> Iterator[Place]:
        """The values of a list that is not empty, or the only one."""
        if self.value == []:
            self.refuse("at least one is needed here")
        elif isinstance(self.value, list):
            yield from self.elements()
        elif self.value is not None:
            yield self

    def named(self, what: str, taken: dict[str, Place]) -> bool:
        """Whether its key may be a name, and is in `taken` for the first time. Puts it there."""
        name = str(self.name)
        if not NAME.match(name):
            sentence = f"'{name}' cannot be the name of a {what}"
            self.refuse(sentence, NAME_HINT, key=True)
        elif name in LANGUAGE | ROBOT:
            self.refuse(f"'{name}' is a word of its own and cannot name a {what}", key=True)
        elif name in taken:
            first = taken[name]
            line = first.document.where(first.steps, key=True).line
            self.refuse(f"the name '{name}' is already taken in line {line}", "choose another name", key=True)
        else:
            taken[name] = self
            return True
        return False

    def known(self, options: Iterable[str], what: str) -> str | None:
        """Its text if it is one of `options`; else a fault that says which `what` was probably meant."""
        if not isinstance(self.value, str):
            self.refuse(f"the name of a {what} is due here, not {describe(self.value)}")
        elif self.value in options:
            return self.value
        else:
            self.refuse(f"there is no {what} '{self.value}'", nearest(self.value, options, what=f"{what}s"))
        return None

    def names(self, options: Iterable[str], what: str) -> tuple[str, ...]:
        """The texts of a list, or the only one: each is one of `options` and is there once."""
        found: dict[str, None] = {}
        for place in self.one_or_more():
            name = place.known(options, what)
            if name in found:
                place.refuse(f"'{name}' is here twice")
            elif name is not None:
                found[name] = None
        return tuple(found)

    def read(self, due: type[T], *, gaps: bool = False) -> T | None:
        """Its value as `due` (a model or any type that pydantic knows), strictly: nothing is converted.

        `gaps`: a key may be followed by nothing, as a section is whose entries are all commented out.
        """
        if not gaps and isinstance(self.value, dict):
            for key in [key for key, value in self.value.items() if value is None]:
                hint = "write its value, or leave the key out"
                (self / key).refuse(f"'{key}' says nothing", hint, key=True)
                self.document.forget((*self.steps, key))
        value, flaws = validate(self.value, due)
        for flaw in flaws:
            place = Place(self.document, (*self.steps, *flaw.steps))
            place.refuse(flaw.sentence, flaw.hint, key=flaw.at_key)
        return value
