"""A small collection for the tests of queries, described by hand instead of by a schema."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from backo.paths import FieldPath
from backo.query.scopes import Node, Scope
from backo.schema.kinds import Kind
from backo.schema.problems import Refusal


def _refuse(word: str) -> Refusal:
    return Refusal.of("type", f"Must be {word}")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _refuse("a string")
    return value


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**63:
        raise _refuse("an integer")
    return value


def _real(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e300:
        raise _refuse("a number")
    return float(value)


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _refuse("a boolean")
    return value


def _instant(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    try:
        return datetime.fromisoformat(_text(value)).isoformat()
    except ValueError:
        raise _refuse("a time") from None


def _decimal(value: Any) -> str:
    try:
        number = Decimal(value if isinstance(value, Decimal) else _text(value))
    except InvalidOperation:
        raise _refuse("a decimal number") from None
    if not number.is_finite():
        raise _refuse("a decimal number")
    return str(number)


def _json(value: Any, depth: int = 0) -> Any:
    if depth > 20:
        raise _refuse("a JSON value that is less deep")
    if isinstance(value, Mapping):
        return {_text(key): _json(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_json(inner, depth + 1) for inner in value]
    if value is None or isinstance(value, str | bool):
        return value
    return _integer(value) if isinstance(value, int) else _real(value)


def _pair(value: Any) -> Any:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise _refuse("a pair")
    return [_integer(value[0]), _text(value[1])]


def _from_text(word: str, convert: Callable[[str], Any]) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            return convert(text)
        except ValueError:
            raise _refuse(word) from None

    return read


def _bool_of(text: str) -> bool:
    return {"true": True, "false": False}[text] if text in {"true", "false"} else _boolean(text)


@dataclass(frozen=True)
class FakeNode:
    """A field that was described by hand."""

    kind: Kind
    operand: Callable[[Any], Any]
    from_text: Callable[[str], Any]
    many: bool = False
    is_list: bool = False
    is_group: bool = False
    is_file: bool = False
    filterable: bool = True


TEXT = FakeNode(Kind.TEXT, _text, _text)
INTEGER = FakeNode(Kind.INTEGER, _integer, _from_text("an integer", lambda text: _integer(int(text))))
REAL = FakeNode(Kind.REAL, _real, _from_text("a number", lambda text: _real(float(text))))
BOOLEAN = FakeNode(Kind.BOOLEAN, _boolean, _bool_of)
INSTANT = FakeNode(Kind.INSTANT, _instant, _instant)
DECIMAL = FakeNode(Kind.DECIMAL, _decimal, _decimal)
JSON = FakeNode(Kind.JSON, _json, _json)
PAIR = FakeNode(Kind.JSON, _pair, _pair)
GROUP = FakeNode(Kind.JSON, _json, _json, is_group=True)


def listed(node: FakeNode) -> FakeNode:
    """Give the list of a field."""
    return replace(node, many=True, is_list=True)


def inside(node: FakeNode) -> FakeNode:
    """Give a field below a list."""
    return replace(node, many=True)


@dataclass(frozen=True)
class FakeScope:
    """A collection that was described by hand; below the fields `free` any name may stand."""

    name: str
    nodes: Mapping[FieldPath, FakeNode]
    links: Mapping[FieldPath, str]
    derived: frozenset[FieldPath]
    free: frozenset[FieldPath] = frozenset()

    def node(self, path: FieldPath) -> FakeNode | None:
        """Give a field."""
        if any(path[:end] in self.free for end in range(1, len(path))):
            return inside(JSON)
        return self.nodes.get(path)

    def target(self, path: FieldPath) -> FakeScope | None:
        """Give the collection that a link refers to."""
        name = self.links.get(path)
        return None if name is None else SCOPES[name]

    def is_derived(self, path: FieldPath) -> bool:
        """Tell whether a link is looked up."""
        return path in self.derived

    def names(self, path: FieldPath) -> Iterable[str]:
        """List the names below a path."""
        return [known[-1] for known in self.nodes if known[:-1] == path]


def _paths(nodes: Mapping[str, FakeNode]) -> dict[FieldPath, FakeNode]:
    return {tuple(name.split(".")): node for name, node in nodes.items()}


PEOPLE = FakeScope(
    name="people",
    nodes=_paths(
        {
            "_id": TEXT,
            "_meta": GROUP,
            "_meta.ctime": INSTANT,
            "name": TEXT,
            "age": INTEGER,
            "height": REAL,
            "member": BOOLEAN,
            "born": INSTANT,
            "balance": DECIMAL,
            "address": GROUP,
            "address.city": TEXT,
            "address.zip": TEXT,
            "tags": listed(TEXT),
            "scores": listed(INTEGER),
            "lines": replace(listed(GROUP), is_group=True),
            "lines.title": inside(TEXT),
            "lines.price": inside(INTEGER),
            "lines.marks": listed(INTEGER),
            "free": JSON,
            "pair": PAIR,
            "pairs": listed(PAIR),
            "odd": replace(TEXT, operand=_integer),
            "shout": replace(TEXT, filterable=False),
            "boss": TEXT,
            "friends": listed(TEXT),
            "library": GROUP,
            "library.books": listed(TEXT),
            "desk": TEXT,
        },
    ),
    links={("boss",): "people", ("friends",): "people", ("library", "books"): "books", ("desk",): "desks"},
    derived=frozenset({("library", "books"), ("desk",)}),
    free=frozenset({("free",)}),
)
"""`boss`, `friends` are stored links, `library.books` and `desk` derived ones; `odd` breaks its own kind."""

BOOKS = FakeScope(
    name="books",
    nodes=_paths({"_id": TEXT, "title": TEXT, "pages": INTEGER, "owner": TEXT}),
    links={("owner",): "people"},
    derived=frozenset(),
)

DESKS = FakeScope(
    name="desks",
    nodes=_paths({"_id": TEXT, "room": TEXT, "user": TEXT}),
    links={("user",): "people"},
    derived=frozenset(),
)

SCOPES: Mapping[str, FakeScope] = {"people": PEOPLE, "books": BOOKS, "desks": DESKS}

CHECKED_NODE: Node = TEXT
CHECKED_SCOPE: Scope = PEOPLE
