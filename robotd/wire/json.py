"""JSON, strictly: what two parsers could read differently is refused, exactly and fast.

msgspec decodes in a fraction of a microsecond and already refuses `NaN`, lone surrogates and bytes that are not
UTF-8. It takes the last of duplicate keys in silence; so the colons of the text are counted: each key needs one,
so a text with no more colons than keys in the decoded tree has no duplicate. Where there are more (a colon inside
a string, or a duplicate), the standard library decides, at leisure.
"""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

import msgspec

from robotd.core.limits import Limits
from robotd.errors import Refused

DEFAULT_LIMITS = Limits()
INTEGER_LIMIT = 2**63
"""Beyond, programs in other languages read another number."""
_SHORT = 512
"""A text up to this length holds no list of more than 256 items and no string of more than 4 KiB."""

_decode = msgspec.json.Decoder().decode
encode = msgspec.json.Encoder().encode
"""Plain data to the bytes of one line of JSON. Non-finite floats become `null`."""


def decode(text: bytes, limits: Limits = DEFAULT_LIMITS) -> Any:
    """The value of one JSON text.

    Raises `Refused`: `parse_error` for what is no JSON in UTF-8, `too_large` beyond a limit, `invalid_params` for a
    duplicate key, a number that is not finite or too large, and a lone surrogate.
    """
    if len(text) > limits.message_bytes:
        raise too_large("a message", limits.message_bytes, "bytes")
    try:
        value = _decode(text)
    except RecursionError:
        raise too_large("a message", limits.json_depth, "levels of nesting") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        _explain(text, error)
    keys = _measure(value, limits, limits.json_depth)
    if text.count(b":") != keys:
        _refuse_duplicates(text)
    return value


def too_large(what: str, limit: int, unit: str) -> Refused:
    """The refusal of something beyond a limit of the file."""
    return Refused("too_large", f"{what} has at most {limit} {unit}", limit=limit, unit=unit)


def _measure(value: Any, limits: Limits, depth: int) -> int:
    """The number of keys in the tree, whose depth may be `depth` at most. Raises `Refused` beyond a limit."""
    kind = type(value)
    if kind is str:
        # A character is at most 4 bytes, so most strings need no encoding to be found short enough.
        if len(value) * 4 > limits.string_bytes and len(value.encode()) > limits.string_bytes:
            raise too_large("a string", limits.string_bytes, "bytes")
        return 0
    if kind is int:
        if not -INTEGER_LIMIT <= value < INTEGER_LIMIT:
            raise _overflow()
        return 0
    if kind is dict:
        if depth == 0:
            raise too_large("a message", limits.json_depth, "levels of nesting")
        if len(value) > limits.list_items:
            raise too_large("an object", limits.list_items, "keys")
        keys = len(value)
        for key, item in value.items():
            _measure(key, limits, depth)
            keys += _measure(item, limits, depth - 1)
        return keys
    if kind is list:
        if depth == 0:
            raise too_large("a message", limits.json_depth, "levels of nesting")
        if len(value) > limits.list_items:
            raise too_large("a list", limits.list_items, "items")
        return sum(_measure(item, limits, depth - 1) for item in value)
    return 0


def _overflow() -> Refused:
    return Refused("invalid_params", "a number is beyond what 64 bits hold")


def _refuse_duplicates(text: bytes) -> None:
    def check(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            key = next(key for place, (key, _) in enumerate(pairs) if key in dict(pairs[:place]))
            raise Refused("invalid_params", f"the key '{key[:64]}' stands twice in one object")
        return found

    json.loads(text, object_pairs_hook=check)


def _explain(text: bytes, error: Exception) -> NoReturn:
    """Say why msgspec refused `text`. The standard library reads on where it stopped, so it knows the sort."""

    def refuse_constant(name: str) -> NoReturn:
        raise Refused("invalid_params", f"{name} is not a number that JSON has")

    def finite(digits: str) -> float:
        if not math.isfinite(number := float(digits)):
            raise _overflow()
        return number

    def small(digits: str) -> int:
        if len(digits) > 20:
            raise _overflow()
        return int(digits)

    try:
        json.loads(text.decode(), parse_constant=refuse_constant, parse_float=finite, parse_int=small)
    except RecursionError:
        raise too_large("a message", DEFAULT_LIMITS.json_depth, "levels of nesting") from None
    except UnicodeDecodeError as not_utf8:
        raise Refused("parse_error", f"byte {not_utf8.start} is not UTF-8") from None
    except ValueError:
        raise Refused("parse_error", f"not JSON: {error}") from None
    # JSON that msgspec does not take: it has no word for half a character.
    raise Refused("invalid_params", "a lone surrogate stands for no character") from None
