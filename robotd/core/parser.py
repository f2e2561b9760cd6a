"""Reads the text of an expression: the grammar, the checks of names and kinds, and a closure to run.

    expression  = conjunction ("or" conjunction)*
    conjunction = negation ("and" negation)*
    negation    = "not" negation | comparison
    comparison  = sum (("<" | "<=" | ">" | ">=" | "==" | "!=") sum)*
    sum         = product (("+" | "-") product)*
    product     = sign (("*" | "/") sign)*
    sign        = ("-" | "+") sign | atom
    atom        = "(" expression ")" | NUMBER | "true" | "false" | NAME | call
    call        = ("abs" | "min" | "max") "(" expression ("," expression)* ")"

`a < b < c` means `a < b and b < c`. Nothing here is ever given to Python's own parser or `eval`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from functools import reduce
from math import isfinite
from typing import Literal, NamedTuple

from robotd.core.operators import (
    ADD,
    AND,
    COMPARE,
    EQUALITY,
    FLAGS,
    FUNCTIONS,
    MULTIPLY,
    OR,
    WORDS,
    Join,
    Run,
    both,
)
from robotd.core.tokens import ExpressionError, Token, tokens

MAX_NESTING = 20
"""Parentheses, calls, `not` and signs inside one another: bounds the recursion of the parser."""

FLAG = "bool"
"""The unit of a reading that is true or false; every other unit is that of a number."""
PAYLOAD = "payload"

Kind = Literal["flag", "number"]


class Parsed(NamedTuple):
    """What a text says: the names in it, in order of first mention, and a closure that works it out.

    The closure raises `ArithmeticError` where the arithmetic has no finite result.
    """

    readings: Mapping[str, str]
    """Each with its unit, `FLAG` for one that is true or false."""
    payload: Mapping[str, Kind]
    states: tuple[str, ...]
    run: Run


def parse(text: str, *, readings: Mapping[str, str], states: Collection[str], payload: bool) -> Parsed:
    """Read and check `text`; the arguments are those of `compile_expression`. Raises `ExpressionError`."""
    return _Parser(text, readings, states, payload).parse()


class _Node(NamedTuple):
    """A checked part of the tree. `parameter` names a payload value whose kind its place has yet to tell."""

    kind: Kind | None
    run: Run
    offset: int
    parameter: str = ""


class _Parser:
    """One pass over one text. Each method of the grammar reads the line of its name."""

    def __init__(
        self, text: str, readings: Mapping[str, str], states: Collection[str], payload: bool
    ) -> None:
        self._known_readings = readings
        self._known_states = states
        self._payload_allowed = payload
        self._tokens = tokens(text)
        self._next = 0
        self._nesting = 0
        # What the text mentions, in the order of first mention.
        self._readings: dict[str, str] = {}
        self._payload: dict[str, Kind | None] = {}
        self._states: dict[str, None] = {}

    def parse(self) -> Parsed:
        node = self._expression()
        if self._peek.kind != "end":
            raise self._unexpected()
        run = self._as("flag", node)
        # Two payload values that are compared only with each other are numbers.
        payload: dict[str, Kind] = {name: kind or "number" for name, kind in self._payload.items()}
        return Parsed(self._readings, payload, tuple(self._states), run)

    # The grammar.

    def _expression(self) -> _Node:
        return self._chain(OR, "flag", self._conjunction)

    def _conjunction(self) -> _Node:
        return self._chain(AND, "flag", self._negation)

    def _negation(self) -> _Node:
        token = self._peek
        if not self._take("not"):
            return self._comparison()
        operand = self._as("flag", self._deeper(self._negation))
        return _Node("flag", lambda values: not operand(values), token.offset)

    def _comparison(self) -> _Node:
        left = first = self._sum()
        tests: list[Run] = []
        while (sign := self._peek.text) in COMPARE:
            self._next += 1
            right = self._sum()
            kind: Kind = "number"
            if sign in EQUALITY:
                kind = left.kind or right.kind or "number"
            tests.append(COMPARE[sign](self._as(kind, left), self._as(kind, right)))
            left = right
        return _Node("flag", reduce(both, tests), first.offset) if tests else first

    def _sum(self) -> _Node:
        return self._chain(ADD, "number", self._product)

    def _product(self) -> _Node:
        return self._chain(MULTIPLY, "number", self._sign)

    def _sign(self) -> _Node:
        token = self._peek
        if self._take("-"):
            operand = self._as("number", self._deeper(self._sign))
            return _Node("number", lambda values: -operand(values), token.offset)
        if self._take("+"):
            return _Node("number", self._as("number", self._deeper(self._sign)), token.offset)
        return self._atom()

    def _atom(self) -> _Node:
        token = self._peek
        if self._take("("):
            node = self._deeper(self._expression)
            self._demand(")")
            return node
        if token.kind == "number":
            return self._number(token)
        if token.kind == "name" and token.text not in ("and", "or", "not"):
            self._next += 1
            if token.text in FLAGS:
                flag = FLAGS[token.text]
                return _Node("flag", lambda values: flag, token.offset)
            if self._peek.text == "(" or token.text in FUNCTIONS:
                return self._call(token)
            return self._name(token)
        raise self._unexpected("a number, a name or '('")

    def _number(self, token: Token) -> _Node:
        value = float(token.text)
        if not isfinite(value):
            raise ExpressionError(f"{token.text} is too large a number", token.offset)
        self._next += 1
        if self._peek.kind == "name" and self._peek.text not in WORDS:
            raise ExpressionError(
                f"a number cannot be followed by {self._peek.text!r}",
                self._peek.offset,
                "numbers in an expression are SI and carry no unit: write 0.3, not '0.3 m' or '30 cm'",
            )
        return _Node("number", lambda values: value, token.offset)

    def _call(self, name: Token) -> _Node:
        function = FUNCTIONS.get(name.text)
        if function is None:
            raise ExpressionError(
                f"{name.text!r} is not a function", name.offset, f"the functions are {', '.join(FUNCTIONS)}"
            )
        self._demand("(")
        operands = [self._as("number", self._deeper(self._expression))]
        while self._take(","):
            operands.append(self._as("number", self._deeper(self._expression)))
        self._demand(")")
        if not function.fewest <= len(operands) <= function.most:
            wanted = "one value" if function.most == 1 else f"at least {function.fewest} values"
            raise ExpressionError(f"{name.text} takes {wanted}, not {len(operands)}", name.offset)
        calculate = function.calculate
        return _Node("number", lambda values: calculate(*[run(values) for run in operands]), name.offset)

    def _name(self, token: Token) -> _Node:
        name = token.text
        if name.partition(".")[0] == PAYLOAD:
            return self._parameter(token)
        kind: Kind = "flag"
        if name in self._known_readings:
            unit = self._readings[name] = self._known_readings[name]
            kind = "flag" if unit == FLAG else "number"
        elif name in self._known_states:
            self._states[name] = None
        else:
            raise ExpressionError(
                f"there is no reading or state {name!r}", token.offset, self._suggestion(name)
            )
        return _Node(kind, operator.itemgetter(name), token.offset)

    def _parameter(self, token: Token) -> _Node:
        if not self._payload_allowed:
            raise ExpressionError(
                "there is no payload here", token.offset, "it stands only in the `when` of a trigger"
            )
        parameter = token.text.removeprefix(PAYLOAD).removeprefix(".")
        if not parameter or "." in parameter:
            raise ExpressionError(
                f"{token.text!r} is not a payload value",
                token.offset,
                "write payload and one name: payload.linear",
            )
        self._payload.setdefault(parameter, None)
        return _Node(None, operator.itemgetter(token.text), token.offset, parameter)

    # What the grammar is read with.

    @property
    def _peek(self) -> Token:
        return self._tokens[self._next]

    def _take(self, text: str) -> bool:
        if self._peek.text != text:
            return False
        self._next += 1
        return True

    def _demand(self, text: str) -> None:
        if not self._take(text):
            raise self._unexpected(repr(text))

    def _chain(self, joins: Mapping[str, Join], kind: Kind, operand: Callable[[], _Node]) -> _Node:
        """`operand (sign operand)*`, from left to right."""
        node = operand()
        while (sign := self._peek.text) in joins:
            self._next += 1
            left = self._as(kind, node)
            node = _Node(kind, joins[sign](left, self._as(kind, operand())), node.offset)
        return node

    def _deeper(self, parse: Callable[[], _Node]) -> _Node:
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            raise ExpressionError(f"nested more than {MAX_NESTING} deep", self._peek.offset)
        node = parse()
        self._nesting -= 1
        return node

    def _as(self, kind: Kind, node: _Node) -> Run:
        """How to get `node`'s value where a `kind` is due."""
        actual = node.kind
        if actual is None:
            actual = self._payload[node.parameter] = self._payload[node.parameter] or kind
        if actual == kind:
            return node.run
        if node.parameter:
            sentence = f"payload.{node.parameter} is true or false in one place and a number in another"
            raise ExpressionError(sentence, node.offset)
        if kind == "flag":
            raise ExpressionError(
                "a number stands where something true or false is due",
                node.offset,
                "compare it with something",
            )
        raise ExpressionError("something true or false stands where a number is due", node.offset)

    def _unexpected(self, wanted: str = "'and', 'or' or the end") -> ExpressionError:
        token = self._peek
        found = token.text if token.kind == "end" else repr(token.text)
        return ExpressionError(f"{wanted} is due here, not {found}", token.offset)

    def _suggestion(self, name: str) -> str | None:
        of_device = [known for known in self._known_readings if known.startswith(f"{name}.")]
        if of_device:
            return f"name the reading too: {' or '.join(repr(known) for known in of_device)}"
        close = get_close_matches(name, [*self._known_readings, *self._known_states, *WORDS], n=1)
        return f"did you mean {close[0]!r}?" if close else None
