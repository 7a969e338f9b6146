"""Name a place inside an item: field paths, selectors and JSON pointers.

Three forms, one meaning:

- a *field path* is a tuple of names, `("address", "zip")`: a place in a declaration;
- a *selector* is text such as `$.a.b`, `$.list[0]`, `$.list[0:2].x`, `$.*`: places in a value;
- a *JSON pointer* (RFC 6901) is text such as `/a/b/0`: one place in a value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, TypeAlias

from backo.errors import QueryError, shown

FieldPath: TypeAlias = tuple[str, ...]
Place: TypeAlias = tuple[str | int, ...]  # one place in a value: names and list indexes


@dataclass(frozen=True, slots=True)
class Slice:
    """The step `[start:stop]`: several elements of a list."""

    start: int | None
    stop: int | None


@dataclass(frozen=True, slots=True)
class Everything:
    """The step `*`: every value of a record or of a list."""


Step: TypeAlias = str | int | Slice | Everything
Selector: TypeAlias = tuple[Step, ...]

MAX_SELECTOR = 1000  # characters

_NAME = re.compile(r"[^\W\d]\w*\Z")
_STEP = re.compile(
    r"\.?(?P<name>[^\W\d]\w*)|\.?(?P<all>\*)|\[(?P<index>-?\d{1,9})\]|\[(?P<start>-?\d{1,9})?:(?P<stop>-?\d{1,9})?\]",
)


def is_name(text: str) -> bool:
    """Tell whether a text can be one name of a path (an identifier; `_id` and `_meta` too)."""
    return _NAME.match(text) is not None


def to_text(place: Place | FieldPath) -> str:
    """Write a place as a selector.

    >>> to_text(("lines", 0, "price"))
    '$.lines[0].price'
    """
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)


def parse_selector(text: str) -> Selector:
    """Read a selector; the leading `$.` may be left out.

    >>> parse_selector("$.lines[0].price")
    ('lines', 0, 'price')

    Raises:
        QueryError: the text is not a selector.
    """
    if not isinstance(text, str) or len(text) > MAX_SELECTOR:
        message = f"a selector is text of at most {MAX_SELECTOR} characters"
        raise QueryError(message)
    rest = text.removeprefix("$")
    separated = rest != text  # only without the `$` may the first name stand without a dot
    steps: list[Step] = []
    position = 0
    while position < len(rest):
        match = _STEP.match(rest, position)
        if match is None or ((separated or position > 0) and rest[position] not in ".["):
            message = f"{shown(text)} is not a selector"
            raise QueryError(message, hint="write it as $.name, $.list[0], $.list[0:2].name or $.*")
        if match["name"] is not None:
            steps.append(match["name"])
        elif match["all"] is not None:
            steps.append(Everything())
        elif match["index"] is not None:
            steps.append(int(match["index"]))
        else:
            start, stop = match["start"], match["stop"]
            steps.append(Slice(int(start) if start else None, int(stop) if stop else None))
        position = match.end()
    return tuple(steps)


def parse_field_path(text: str) -> FieldPath:
    """Read a selector that names one field: `$.a.b` or `a.b`.

    Raises:
        QueryError: the text is not a selector, or one with an index, a slice or a star.
    """
    selector = parse_selector(text)
    if not selector or not all(isinstance(step, str) for step in selector):
        message = f"{shown(text)} does not name a field"
        raise QueryError(message, hint="write it as $.name or $.group.name")
    return tuple(step for step in selector if isinstance(step, str))


def parse_pointer(text: str) -> Place:
    """Read a JSON pointer (RFC 6901); digits and `-` stay text until they meet a list.

    Raises:
        QueryError: the text is not a JSON pointer.
    """
    if not isinstance(text, str) or len(text) > MAX_SELECTOR:
        message = f"a JSON pointer is text of at most {MAX_SELECTOR} characters"
        raise QueryError(message)
    if text == "":
        return ()
    if not text.startswith("/") or re.search(r"~(?![01])", text):
        message = f"{shown(text)} is not a JSON pointer"
        raise QueryError(message, hint="write it as /name/0/name")
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in text[1:].split("/"))


def value_at(document: Any, path: FieldPath) -> Any:
    """Read the value at a field path of a document, None where a group on the way is unset.

    >>> value_at({"a": {"b": 1}}, ("a", "b")), value_at({"a": None}, ("a", "b"))
    (1, None)
    """
    for name in path:
        document = None if document is None else document.get(name)
    return document
