"""Turn plain values into JSON text and back, exactly (RFC 8259).

Exact means: integers stay integers, a number too large for a float is refused, text is UTF-8 and
keys keep their order. What is written was checked before: it holds no NaN and no infinity, for which
JSON has no word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, TypedDict

import msgspec

from backo.errors import ValidationError

_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_ESCAPES = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


def _plain(value: Any) -> Any:
    """Encode subclasses of `str` as the text they are."""
    if isinstance(value, str):
        return str.__str__(value)
    message = f"{type(value).__name__} is not a JSON value"
    raise TypeError(message)


_encoder = msgspec.json.Encoder(enc_hook=_plain)
_decoder = msgspec.json.Decoder()
_member_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])

encode = _encoder.encode


def decode(text: bytes | str) -> Any:
    """Read trusted JSON text (what a store keeps)."""
    return _decoder.decode(text)


@lru_cache(256)
def decoder_of(names: frozenset[str]) -> Callable[[bytes], Any]:
    """Give what reads some members of an object out of trusted JSON text, and passes over the others."""
    members: Any = TypedDict("members", dict.fromkeys(names, Any), total=False)  # type: ignore[misc]  # made here
    read: Callable[[bytes], Any] = msgspec.json.Decoder(members).decode
    return read


def without_members(text: bytes, names: Iterable[str]) -> bytes:
    """Leave some members out of the trusted JSON text of an object; the others stay as they are written."""
    members = _member_decoder.decode(text)
    for name in names:
        members.pop(name, None)
    return encode(members)


def equal(one: Any, other: Any) -> bool:
    """Compare two JSON values as RFC 6902 (4.6) does: numbers by value, objects in any order; true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    return bool(one == other)


def depth(text: bytes) -> int:
    """Measure how deeply JSON text nests its arrays and objects, without building them."""
    level = deepest = 0
    for character in _STRINGS.sub(b"", text):
        if character in b"[{":
            level += 1
            deepest = max(deepest, level)
        elif character in b"]}":
            level -= 1
    return deepest


def decode_untrusted(text: bytes, *, max_depth: int) -> Any:
    """Read JSON text from outside.

    Raises:
        ValidationError: the text is not JSON, or nests deeper than `max_depth`.
    """
    if text.count(b"[") + text.count(b"{") > max_depth and depth(text) > max_depth:
        message = f"the JSON is nested more than {max_depth} levels deep"
        raise ValidationError(message)
    try:
        return _decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        message = f"this is not JSON: {_fault(text, error)}"
        raise ValidationError(message) from error


def _fault(text: bytes, error: Exception) -> str:
    """Say what is wrong with a text; the decoder's own words mislead where a text inside is none."""
    if isinstance(error, UnicodeDecodeError):  # it counts from the start of that text
        return "a text is not UTF-8"
    if any(escape["half"] for escape in _ESCAPES.finditer(text)):
        return "a text holds half of a surrogate pair"
    return str(error)
