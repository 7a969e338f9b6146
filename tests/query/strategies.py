"""Documents, filters and sorts of the small collection of `fake_scope`, drawn by Hypothesis."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from backo.query.filters import And, Compare, Filter, Not, Operator, Or, SortKey
from backo.schema.kinds import Kind, comparable

# Few and near values, so that comparisons often hold.
TEXTS = st.sampled_from(["", "a", "ab", "b", "B", "é", "😀", "null"])
INTEGERS = st.sampled_from([-(2**63), -1, 0, 1, 2, 10, 2**53, 2**53 + 1])
REALS = st.sampled_from([-1.5, 0.0, 0.5, 1.0, 2.0, 1e300])
INSTANTS = st.sampled_from(
    [
        "2024-01-01T00:00:00Z",
        "2024-01-01T00:00:00",
        "2024-01-01T01:00:00+01:00",
        "2024-01-01T00:00:00.000001Z",
        "1969-12-31T23:59:59Z",
    ]
)
DECIMALS = st.sampled_from(["0", "-0", "1", "1.0", "1.5", "-1.5", "10", "9.99", "1e3"])
SCALARS_OF_JSON = TEXTS | INTEGERS | REALS | st.booleans()
JSON = st.recursive(
    SCALARS_OF_JSON,
    lambda inner: st.lists(inner | st.none(), max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=2),
    max_leaves=4,
)
VALUES = {
    Kind.TEXT: TEXTS,
    Kind.INTEGER: INTEGERS,
    Kind.REAL: REALS,
    Kind.BOOLEAN: st.booleans(),
    Kind.INSTANT: INSTANTS,
    Kind.DECIMAL: DECIMALS,
    Kind.JSON: JSON,
}

SINGLE = {
    ("name",): Kind.TEXT,
    ("age",): Kind.INTEGER,
    ("height",): Kind.REAL,
    ("member",): Kind.BOOLEAN,
    ("born",): Kind.INSTANT,
    ("balance",): Kind.DECIMAL,
    ("address", "city"): Kind.TEXT,
    ("free",): Kind.JSON,
}
MANY = {
    ("tags",): Kind.TEXT,
    ("scores",): Kind.INTEGER,
    ("lines", "title"): Kind.TEXT,
    ("lines", "marks"): Kind.INTEGER,
    ("free", "x"): Kind.JSON,
}


def _optional(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


def _record(fields: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Draw an object in which any key may be missing or null."""
    return st.fixed_dictionaries({}, optional={name: _optional(values) for name, values in fields.items()})


LINES = st.lists(_record({"title": TEXTS, "marks": st.lists(INTEGERS, max_size=2)}), max_size=3)
BODIES = _record(
    {
        "name": TEXTS,
        "age": INTEGERS,
        "height": REALS,
        "member": st.booleans(),
        "born": INSTANTS,
        "balance": DECIMALS,
        "address": _record({"city": TEXTS}),
        "tags": st.lists(TEXTS, max_size=3),
        "scores": st.lists(INTEGERS, max_size=3),
        "lines": LINES,
        "free": st.dictionaries(st.sampled_from("xy"), JSON | st.none(), max_size=2),
    }
)


@st.composite
def documents(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draw a few documents with different ids."""
    bodies = draw(st.lists(BODIES, max_size=8))
    ids = draw(st.permutations([f"id-{number}" for number in range(len(bodies))]))
    return [{"_id": id_, **body} for id_, body in zip(ids, bodies, strict=True)]


@st.composite
def comparisons(draw: st.DrawFn) -> Compare:
    """Draw one comparison, typed as a parser would."""
    many = draw(st.booleans())
    path, kind = draw(st.sampled_from(sorted((MANY if many else SINGLE).items())))
    values = VALUES[kind].map(lambda value: comparable(kind, value))
    operators = [Operator.EQ, Operator.IN]
    if kind is not Kind.BOOLEAN:
        operators += [Operator.LT, Operator.LTE, Operator.GT, Operator.GTE]
    if kind is Kind.TEXT:
        operators += [Operator.CONTAINS, Operator.REG]
    operator = draw(st.sampled_from(operators))
    operands: st.SearchStrategy[Any] = st.none() | values
    if many and kind is not Kind.JSON:
        operands |= st.lists(values, max_size=3).map(tuple)
    if operator is Operator.EQ:
        value = draw(operands)
    elif operator is Operator.IN:
        value = tuple(draw(st.lists(operands, max_size=3)))
    elif operator is Operator.REG:
        value = draw(st.sampled_from(["a", "^a", "b$", "", ".", "^$", "[a-b]+"]))
    else:
        value = draw(values)
    return Compare(path, operator, value, kind, many)


def filters() -> st.SearchStrategy[Filter]:
    """Draw trees of comparisons."""
    return st.recursive(
        comparisons(),
        lambda inner: (
            inner.map(Not)
            | st.lists(inner, max_size=3).map(lambda parts: And(tuple(parts)))
            | st.lists(inner, max_size=3).map(lambda parts: Or(tuple(parts)))
        ),
        max_leaves=6,
    )


def sorts() -> st.SearchStrategy[tuple[SortKey, ...]]:
    """Draw orders."""
    keys = st.builds(
        lambda field, descending: SortKey(field[0], field[1], descending),
        st.sampled_from([*SINGLE.items(), (("_id",), Kind.TEXT)]),
        st.booleans(),
    )
    return st.lists(keys, max_size=3).map(tuple)


_ODD_TEXTS = (
    "name age boss desk.room library.books free.x tags lines.marks address name.$reg age.$in _page _sort _after _total "
    "$or $and $not $eq $ne $gt $in $nin $contains $reg _id _x null 1e999 999999999999999999999999 a..b . $ $. [ -1"
)


def _odd_texts() -> st.SearchStrategy[str]:
    return st.text(st.characters(codec=None), max_size=8) | st.sampled_from([*_ODD_TEXTS.split(), "\0", "\ud800"])


def hostile() -> st.SearchStrategy[Any]:
    """Draw what should never have been a filter."""
    scalars = (
        st.none() | st.booleans() | st.integers() | st.floats() | st.binary(max_size=3) | st.dates() | _odd_texts()
    )
    return st.recursive(
        scalars | st.sets(st.integers(), max_size=2),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.tuples(_odd_texts(), inner)
            | st.dictionaries(_odd_texts() | st.integers(), inner, max_size=4)
        ),
        max_leaves=12,
    )


def hostile_pairs() -> st.SearchStrategy[list[tuple[str, str]]]:
    """Draw pairs of a query string that somebody typed with a hammer."""
    return st.lists(st.tuples(_odd_texts(), _odd_texts()), max_size=6)
