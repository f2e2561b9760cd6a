"""JSON, strictly: what two parsers could read differently is refused, exactly and fast.

msgspec decodes in half a microsecond and already refuses `NaN`, lone surrogates and bytes that are not
UTF-8. It takes the last of duplicate keys in silence; so the colons of the text are counted: each key needs
one, and a text with no more colons than keys in the decoded tree has no duplicate. Where there are more (a
colon inside a string, or a duplicate), the standard library decides, at leisure.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any, NoReturn

import msgspec

from robotd.core.limits import Limits
from robotd.errors import Refused

DEFAULT_LIMITS = Limits()
INTEGER_LIMIT = 2**63
"""From here on, programs in other languages read another number."""
INTEGER_DIGITS = 20
"""More are not even converted: that takes the square of their number."""

parse = msgspec.json.Decoder().decode
"""One text of JSON that robotd wrote itself: no limit is checked. Raises `ValueError`."""
encode = msgspec.json.Encoder(enc_hook=repr).encode
"""Data to one line of JSON: a float that is not finite as `null`, a foreign object as its `repr`."""

canonical = msgspec.json.Encoder(order="deterministic").encode
"""The same bytes for equal data, in whatever order its keys were given."""


def decode(text: bytes, limits: Limits = DEFAULT_LIMITS) -> Any:
    """The value of one JSON text.

    Raises `Refused`: `parse_error` for what is no JSON in UTF-8, `too_large` beyond a limit, `invalid_params`
    for a duplicate key, a lone surrogate, and a number that is not finite or an integer beyond 64 bits.
    """
    size = len(text)
    if size > limits.message_bytes:
        raise too_large("a message", limits.message_bytes, "bytes")
    try:
        value = parse(text)
    except RecursionError:
        raise _too_deep(limits) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        _explain(text, error, limits)
    if type(value) is dict or type(value) is list:
        keys = _count_keys(value, limits.json_depth, limits)
    else:
        keys = _count_keys([value], 1, limits)
    if size > limits.string_bytes or size > 2 * limits.list_items:
        # Only a text this long has room for a string or a list beyond its limit.
        _check_sizes((value,), limits)
    if text.count(b":") != keys:
        _refuse_duplicates(text)
    return value


def too_large(what: str, limit: int, unit: str) -> Refused:
    """The refusal of something beyond a limit of the file."""
    return Refused("too_large", f"{what} has at most {limit} {unit}", limit=limit, unit=unit)


def _too_deep(limits: Limits) -> Refused:
    return too_large("a message", limits.json_depth, "levels of nesting")


def _overflow() -> Refused:
    return Refused("invalid_params", "a number is too large", hint="integers have at most 64 bits")


def _count_keys(tree: dict[str, Any] | list[Any], depth: int, limits: Limits) -> int:
    """How many keys `tree` has. Raises `Refused` for more than `depth` levels and for huge integers."""
    if depth == 0:
        raise _too_deep(limits)
    keys = 0
    items: Iterable[Any] = tree
    if type(tree) is dict:
        keys = len(tree)
        items = tree.values()
    for item in items:
        kind = type(item)
        if kind is float or kind is str:
            continue
        if kind is dict or kind is list:
            keys += _count_keys(item, depth - 1, limits)
        elif kind is int and not -INTEGER_LIMIT <= item < INTEGER_LIMIT:
            raise _overflow()
    return keys


def _check_sizes(values: Iterable[Any], limits: Limits) -> None:
    for value in values:
        if isinstance(value, str):
            if len(value.encode()) > limits.string_bytes:
                raise too_large("a string", limits.string_bytes, "bytes")
        elif isinstance(value, dict | list):
            if len(value) > limits.list_items:
                raise too_large("a list or object", limits.list_items, "items")
            _check_sizes(value, limits)
            if isinstance(value, dict):
                _check_sizes(value.values(), limits)


def _refuse_duplicates(text: bytes) -> None:
    def check(pairs: list[tuple[str, Any]]) -> None:
        seen = set()
        for key, _ in pairs:
            if key in seen:
                raise Refused("invalid_params", f"the key '{key[:64]}' stands twice in one object")
            seen.add(key)

    json.loads(text, object_pairs_hook=check)


def _explain(text: bytes, error: Exception, limits: Limits) -> NoReturn:
    """Say why msgspec refused `text`: the standard library takes more, and tells the sorts apart."""

    def no_constant(name: str) -> NoReturn:
        raise Refused("invalid_params", f"{name} is not a number in JSON")

    def finite(digits: str) -> float:
        if not math.isfinite(number := float(digits)):
            raise _overflow()
        return number

    def short(digits: str) -> int:
        if len(digits) > INTEGER_DIGITS:
            raise _overflow()
        return int(digits)

    try:
        json.loads(text.decode(), parse_constant=no_constant, parse_float=finite, parse_int=short)
    except RecursionError:
        raise _too_deep(limits) from None
    except UnicodeDecodeError as not_utf8:
        raise Refused("parse_error", f"byte {not_utf8.start} is not UTF-8") from None
    except ValueError:
        raise Refused("parse_error", str(error)) from None
    # Only the standard library takes it, and every other difference was met above.
    raise Refused("invalid_params", "a lone surrogate stands for no character") from None
