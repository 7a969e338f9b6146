"""Documents, columns and filters that the contract of a store is tested with."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from backo.connectors.base import Column, Document, Structure
from backo.query.filters import And, Compare, Filter, Not, Operator, Or, SortKey
from backo.schema.kinds import Kind, comparable

STRUCTURE = Structure(
    "things",
    (
        Column(("email",), Kind.TEXT, unique=True),
        Column(("age",), Kind.INTEGER, index=True),
        Column(("ratio",), Kind.REAL, index=True),
        Column(("flag",), Kind.BOOLEAN, index=True),
        Column(("born",), Kind.INSTANT, index=True),
        Column(("price",), Kind.DECIMAL, index=True),
        Column(("home", "zip"), Kind.TEXT, index=True),
        Column(("tags",), Kind.TEXT, many=True, index=True),
        Column(("parent",), Kind.TEXT, link=True),
        Column(("friends",), Kind.TEXT, many=True, link=True),
    ),
)
"""Columns of every kind; the fields `name`, `home.city`, `lines` and `free` have none."""

FIELDS: tuple[tuple[tuple[str, ...], Kind, bool], ...] = (
    *((column.path, column.kind, column.many) for column in STRUCTURE.columns),
    (("name",), Kind.TEXT, False),
    (("home", "city"), Kind.TEXT, False),
    (("lines", "size"), Kind.INTEGER, True),
    (("free",), Kind.JSON, False),
)

VALUES: dict[Kind, tuple[Any, ...]] = {
    Kind.TEXT: (
        "",
        "a",
        "A",
        "b",
        "ab",
        "10",
        "010",
        "é",
        "e\u0301",
        "😀",
        "\uffff",
        "שלום",
        "null",
        "a\nb",
        "%",
        "_",
        "'",
    ),
    Kind.INTEGER: (0, 1, -1, 2, 10, 2**53 + 1, 2**63 - 1, -(2**63)),
    Kind.REAL: (0.0, -0.0, 1, 1.5, -2.25, 1e308, 5e-324, 0.1),
    Kind.BOOLEAN: (True, False),
    Kind.INSTANT: (
        "2024-02-29T12:00:00Z",
        "2024-02-29T12:00:00.000001Z",
        "2024-02-29T13:00:00+01:00",
        "2024-02-29T12:00:00",
        "1969-12-31T23:59:59.999999Z",
        "0001-01-01T00:00:00Z",
    ),
    Kind.DECIMAL: ("0", "0.00", "-0.5", "1.5", "1.50", "10", "1E+3", "123456789012345678901234567890.5"),
    Kind.JSON: (0, 1.5, "0", "", True, False, [], [1, "a"], {}, {"b": 1, "a": [None]}, {"a": [None], "b": 1.0}),
}
"""JSON values of each kind: edges, near neighbours, and equal values that are written differently."""


def sample(count: int = 60, seed: int = 5) -> list[Document]:
    """Make documents, the same each time: every field is now there, now null, now missing."""
    random = Random(seed)  # noqa: S311  # it hides nothing
    return [_document(f"id{number:03}", random) for number in random.sample(range(1000), count)]


def _document(id_: str, random: Random) -> Document:
    document: Document = {"_id": id_}
    for path, kind, many in FIELDS:
        if path == ("email",):
            value: Any = random.choice([None, f"{id_}@example.org"])
        elif path[0] == "lines":
            document["lines"] = [{"size": random.choice((None, *VALUES[kind]))} for _ in range(random.randrange(3))]
            continue
        elif many:
            value = random.choice([None, [], random.choices(VALUES[kind], k=random.randrange(1, 4))])
        else:
            value = random.choice((None, *VALUES[kind]))
        if value is None and random.random() < 0.5:  # missing as often as null
            continue
        target = document
        for name in path[:-1]:
            target = target.setdefault(name, {})
        target[path[-1]] = value
    return document


def filters(count: int = 300, seed: int = 7) -> Iterator[Filter]:
    """Make filters on the fields of the sample, the same each time: each operator, alone and combined."""
    random = Random(seed)  # noqa: S311  # it hides nothing
    for path, kind, many in FIELDS:
        for operator in Operator:
            if _is_sensible(operator, kind):
                yield from (_compare(path, operator, kind, many, random) for _ in range(3))
    for _ in range(count):
        yield _tree(random, depth=3)


def _tree(random: Random, depth: int) -> Filter:
    shape = random.randrange(6) if depth else 5
    if shape in {0, 1}:
        parts = tuple(_tree(random, depth - 1) for _ in range(random.randrange(4)))
        return And(parts) if shape == 0 else Or(parts)
    if shape == 2:
        return Not(_tree(random, depth - 1))
    path, kind, many = random.choice((*FIELDS, (("_id",), Kind.TEXT, False)))
    operator = random.choice([one for one in Operator if _is_sensible(one, kind)])
    return _compare(path, operator, kind, many, random)


def _is_sensible(operator: Operator, kind: Kind) -> bool:
    return operator not in {Operator.CONTAINS, Operator.REG} or kind is Kind.TEXT


def _compare(path: tuple[str, ...], operator: Operator, kind: Kind, many: bool, random: Random) -> Compare:  # noqa: FBT001
    """Make one comparison with random operands."""
    known = [f"id{number:03}" for number in range(1000)] if path == ("_id",) else VALUES[kind]
    comparables = [comparable(kind, value) for value in known]
    if operator is Operator.REG:
        return Compare(path, operator, random.choice(["^a", "b$", "a.b", "[0-9]+", "é", ""]), kind, many)
    if operator is Operator.CONTAINS:
        return Compare(path, operator, random.choice(["a", "", "1", "😀", "%", "_"]), kind, many)
    choices: list[Any] = [*comparables, None]
    if many and kind is not Kind.JSON:
        choices.append(tuple(random.choices(comparables, k=random.randrange(3))))
    if operator is Operator.IN:
        return Compare(path, operator, tuple(random.choices(choices, k=random.randrange(4))), kind, many)
    return Compare(path, operator, random.choice(choices if operator is Operator.EQ else comparables), kind, many)


SORTS: tuple[tuple[SortKey, ...], ...] = (
    (),
    *(
        (SortKey(path, kind, descending),)
        for path, kind, many in FIELDS
        if not many and kind is not Kind.JSON
        for descending in (False, True)
    ),
    (SortKey(("flag",), Kind.BOOLEAN), SortKey(("age",), Kind.INTEGER, descending=True)),
    (SortKey(("price",), Kind.DECIMAL, descending=True), SortKey(("name",), Kind.TEXT)),
)

HOSTILE_IDS: tuple[str, ...] = (
    "",
    ".",
    "..",
    "../secret",
    "/etc/passwd",
    "a/b",
    "a\\b",
    "a\0b",
    "a\nb",
    ".lock",
    ".changes",
    "-",
    "%41",
    "*",
    "?",
    "'; DROP TABLE things; --",
    '"',
    "con",
    "x" * 128,
    "x" * 10_000,
    "é",
    "e\u0301",
    "😀",
    "\u202e",
    "null",
    "0",
    "_id",
)

EXACT_VALUES: tuple[Any, ...] = (
    None,
    "",
    0,
    False,
    True,
    "0123",
    "1e3",
    "no",
    "~",
    "2024-02-29T12:00:00.000001Z",
    "1:30",
    "=",
    "<<",
    " padded ",
    "tab\there",
    "two\nlines",
    "\n\nlines around\n\n",
    "trailing space \nin a line",
    "carriage\r\nreturn",
    "\x00\x01\x1f\x7f\x85\xa0\u2028\u2029\ufeff\ufffd",
    "😀 👩\u200d👩\u200d👧",
    "שלום \u202e עולם",
    "# no comment",
    "key: value",
    "- item",
    "'single' \"double\" \\ back",
    "x" * 100_000,
    2**53 + 1,
    2**63 - 1,
    -(2**63),
    0.1,
    -0.0,
    0.0,
    5.0,
    1e308,
    5e-324,
    1e16,
    [],
    {},
    [[], {}, [None, [1, [2.0]]]],
    {"": 1, "a b": {"n": [{"y": None}]}, "😀": "x", "1": 1, "k" * 2000: True, "a: b": 0, "# c": [{"- d": []}]},
)
"""JSON values that some store, somewhere, has changed."""
