"""Write and read one JSON object as YAML text that people can edit.

What is written means the same to readers of YAML 1.1 and of YAML 1.2: text that either could take
for something else is in double quotes, numbers have the one form that both know. What is read is
the core schema of YAML 1.2, and nothing that JSON has no word for: no tags, no anchors, no NaN, no
key twice. So a country code `no` that somebody types stays text.

PyYAML parses. It does not write: its C emitter escapes every emoji, and takes ten times as long.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import yaml

MAX_DEPTH = 1000  # levels of nesting that are read

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_KEY_LENGTH = 500  # characters; a reader may refuse a longer key on one line

# Plain text starts with a letter, so it is no number, no time and no indicator.
_PLAIN = re.compile(r"[^\W\d_](?:[\w.,/()'+&!@%;=-]|:(?=[\w/])| (?=[^\s#:]))*\Z")
_PLAIN_KEY = re.compile(r"[^\W\d][\w-]*\Z")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "none", "nan", "inf", "infinity"})
_HIDDEN = "\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\ud800-\\udfff\\ufeff\\ufffe\\uffff"  # controls, line ends, marks
_ESCAPED = re.compile(f'["\\\\{_HIDDEN}]')
_UNFIT_FOR_BLOCK = re.compile(f"[{_HIDDEN}]")
_SHORT = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0"}

_NULL = re.compile(r"(?:~|null|Null|NULL|)\Z")
_TRUE = re.compile(r"(?:true|True|TRUE)\Z")
_FALSE = re.compile(r"(?:false|False|FALSE)\Z")
_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_OTHER_BASE = re.compile(r"0(?:o[0-7]+|x[0-9a-fA-F]+)\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_NO_NUMBER = re.compile(r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z")


class YamlError(ValueError):
    """Text is not the YAML of one JSON object; the message says what is wrong, on which line."""


def write(document: dict[str, Any]) -> str:
    """Write a JSON object as block style YAML, keys in their order.

    >>> print(write({"_id": "7", "name": "Zoë", "tags": ["no", "x: y"], "size": 5.0}), end="")
    _id: "7"
    name: Zoë
    tags:
      - "no"
      - "x: y"
    size: 5.0

    Raises:
        YamlError: a value is not JSON, or a text has a lone surrogate.
    """
    return "\n".join(_mapping(document, "")) + "\n" if document else "{}\n"


def _mapping(values: dict[str, Any], indent: str) -> Iterator[str]:
    for key, value in values.items():
        written = _key(key)
        if len(written) > _KEY_LENGTH:
            yield f"{indent}? {written}"
            written = ""
        yield from _after(f"{indent}{written}:", value, indent)


def _after(start: str, value: Any, indent: str) -> Iterator[str]:
    """Write a value behind `key:`, on its line where it fits, else below and indented."""
    below = indent + "  "
    if isinstance(value, dict) and value:
        yield start
        yield from _mapping(value, below)
    elif isinstance(value, list) and value:
        yield start
        yield from _sequence(value, below)
    elif isinstance(value, str) and "\n" in value and _is_block(value):
        yield f"{start} {'|' if value.endswith(chr(10)) else '|-'}"
        yield from (below + line if line else "" for line in value.removesuffix("\n").split("\n"))
    else:
        yield f"{start} {_scalar(value)}"


def _sequence(values: list[Any], indent: str) -> Iterator[str]:
    below = indent + "  "
    for value in values:
        if isinstance(value, dict | list) and value:
            lines = _mapping(value, below) if isinstance(value, dict) else _sequence(value, below)
            yield f"{indent}- {next(lines).removeprefix(below)}"
            yield from lines
        else:
            yield from _after(f"{indent}-", value, indent)


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise YamlError(f"a key is {type(key).__name__}, not text")
    return key if _PLAIN_KEY.match(key) and key.casefold() not in _WORDS else _quoted(key)


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value if _PLAIN.match(value) and value.casefold() not in _WORDS else _quoted(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, dict | list):
        return "{}" if isinstance(value, dict) else "[]"
    raise YamlError(f"{type(value).__name__} is not a JSON value")


def _float(value: float) -> str:
    """Write a float with a point, which YAML 1.1 asks for."""
    if not math.isfinite(value):
        raise YamlError(f"{value} is not a JSON number")
    text = repr(value)
    return text if "." in text else text.replace("e", ".0e")


def _is_block(text: str) -> bool:
    """Tell whether a text of several lines can stand in a literal block without losing anything."""
    lines = text.removesuffix("\n").split("\n")
    fits = not text[0].isspace() and bool(lines[-1]) and not any(line[-1:].isspace() for line in lines)
    return fits and not any(map(_UNFIT_FOR_BLOCK.search, lines))


def _quoted(text: str) -> str:
    return f'"{_ESCAPED.sub(_escape, text)}"'


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    if 0xD800 <= code < 0xE000:
        raise YamlError("a text has a lone surrogate")
    return _SHORT.get(character) or (f"\\x{code:02X}" if code < 0x100 else f"\\u{code:04X}")


def read(text: bytes) -> dict[str, Any]:
    r"""Read YAML text (UTF-8) that holds one JSON object.

    >>> read(b"country: no\nsize: 0x10  # a comment")
    {'country': 'no', 'size': 16}

    Raises:
        YamlError: the text is no YAML, or holds something else.
    """
    try:
        return _Reader().read(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be parsed"
        raise YamlError(f"line {mark.line + 1}: {problem}" if mark else str(problem)) from error
    except (UnicodeDecodeError, ValueError) as error:
        raise YamlError(str(error)) from error


class _Reader:
    """Builds the value of one document from parse events, without recursion."""

    def __init__(self) -> None:
        self._open: list[Any] = []  # the containers under way
        self._key: str | None = None  # of the innermost one, when it awaits a value
        self._root: Any = None
        self._documents = 0

    def read(self, text: bytes) -> dict[str, Any]:
        for event in yaml.parse(text, Loader=_LOADER):
            try:
                self._take(event)
            except YamlError as error:
                line = event.start_mark.line + 1 if event.start_mark else 0
                raise YamlError(f"line {line}: {error}") from error
        if not isinstance(self._root, dict):
            raise YamlError("the file holds no mapping")
        return self._root

    def _take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            _refuse_properties(event, implicit=event.implicit)
            if len(self._open) >= MAX_DEPTH:
                raise YamlError(f"nested more than {MAX_DEPTH} levels deep")
            container: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
            self._place(container)
            self._open.append(container)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._open.pop()
        elif isinstance(event, yaml.AliasEvent):
            raise YamlError("aliases are not supported")
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise YamlError("the file holds a second document")

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        _refuse_properties(event, implicit=any(event.implicit) or event.tag == "tag:yaml.org,2002:str")
        awaits_key = bool(self._open) and isinstance(self._open[-1], dict) and self._key is None
        if awaits_key:
            if event.value in self._open[-1]:
                raise YamlError(f"the key {event.value!r} is there twice")
            self._key = event.value
        else:
            self._place(_plain(event.value) if event.implicit[0] and event.style in {None, ""} else event.value)

    def _place(self, value: Any) -> None:
        """Put a value where it belongs: at the root, into a list, under the key that waits."""
        if not self._open:
            self._root = value
            return
        container = self._open[-1]
        if isinstance(container, list):
            container.append(value)
        elif self._key is None:
            raise YamlError("a key is not text")
        else:
            container[self._key] = value
            self._key = None


def _refuse_properties(event: Any, *, implicit: bool) -> None:
    if event.anchor is not None:
        raise YamlError("anchors are not supported")
    if not implicit:
        raise YamlError(f"the tag {event.tag} is not supported")


def _plain(text: str) -> Any:
    """Resolve a scalar without quotes by the core schema of YAML 1.2."""
    if not text or text[0] not in "~nNtTfF0123456789+-.":
        return text or None
    if _INTEGER.match(text):
        return int(text)
    if _FLOAT.match(text):
        number = float(text)
        if math.isinf(number):
            raise YamlError(f"{text} is too large a number")
        return number
    if _NULL.match(text):
        return None
    if _TRUE.match(text):
        return True
    if _FALSE.match(text):
        return False
    if _OTHER_BASE.match(text):
        return int(text, 0)
    if _NO_NUMBER.match(text):
        raise YamlError(f"{text} is not a number")
    return text
