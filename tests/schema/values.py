"""Every field type with the values that it takes, drawn by Hypothesis."""

from __future__ import annotations

import string
from dataclasses import dataclass
from datetime import UTC, timedelta, timezone
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from backo import (
    Bool,
    Bytes,
    Date,
    Datetime,
    Decimal,
    Dict,
    Email,
    Field,
    Float,
    FreeDict,
    In,
    Int,
    Ipaddress,
    Ipnetwork,
    List,
    String,
    Time,
    Tuple,
    Url,
    Uuid,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
INT64 = st.integers(-(2**63), 2**63 - 1)
REAL = st.floats(allow_nan=False, allow_infinity=False)
LETTERS = string.ascii_letters

JSON = st.recursive(
    st.none() | st.booleans() | INT64 | REAL | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=10,
)

# Whatever a client can send, and worse.
ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(
        ["\0", "\ud800", "", "1", "true", "2024-01-31T12:00:00Z", "a" * 600, 2**63, -(2**63) - 1, 10**400]
    ),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(), max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)

DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30) | st.builds(
    lambda sign, digits, exponent: f"{sign}{digits}E{exponent}",
    st.sampled_from(["", "-"]),
    st.integers(0, 10**20),
    st.integers(-900, 900),
).map(__import__("decimal").Decimal)

ZONES = st.sampled_from([UTC, timezone(timedelta(hours=14)), timezone(timedelta(hours=-11, minutes=-30))])


@dataclass(frozen=True)
class Point:
    """A value of a type of one's own."""

    x: int
    y: int


class PointField(Field):
    """A type of one's own: two functions."""

    def to_json(self, value: Point) -> Any:
        """Write a list."""
        return [value.x, value.y]

    def from_json(self, json: Any) -> Point:
        """Read a list of two numbers."""
        x, y = json
        if type(x) is not int or type(y) is not int:
            raise ValueError("Must be two whole numbers")
        return Point(x, y)


class Shout(String):
    """A type of one's own that refines one of ours."""

    def from_json(self, json: Any) -> str:
        """Make it loud."""
        return str(json).upper()


TYPES: dict[str, tuple[Field, SearchStrategy[Any]]] = {
    "String": (String(), TEXT),
    "Int": (Int(), INT64),
    "Float": (Float(), REAL),
    "Bool": (Bool(), st.booleans()),
    "Datetime": (Datetime(), st.datetimes() | st.datetimes(timezones=st.just(UTC))),
    "Datetime(aware)": (Datetime(aware=True), st.datetimes(timezones=st.just(UTC))),
    "Date": (Date(), st.dates()),
    "Time": (Time(), st.times()),
    "Decimal": (Decimal(), DECIMALS),
    "Uuid": (Uuid(), st.uuids()),
    "Bytes": (Bytes(), st.binary()),
    "Email": (
        Email(),
        st.emails(domains=st.just("example.org")).filter(lambda text: len(text) < 70 and '"' not in text),
    ),
    "Url": (Url(), st.text(LETTERS, min_size=1).map(lambda text: f"https://example.org:8080/{text}?a=é#b")),
    "Ipaddress": (Ipaddress(), st.ip_addresses()),
    "Ipnetwork": (
        Ipnetwork(),
        st.ip_addresses().map(lambda one: __import__("ipaddress").ip_network(one)),
    ),
    "List": (List(Int()), st.lists(INT64)),
    "List of lists": (List(List(Date())), st.lists(st.lists(st.dates()))),
    "Tuple": (Tuple((Int(), Date(), String())), st.tuples(INT64, st.dates(), TEXT)),
    "Dict": (
        Dict({"a": Int(), "b": Dict({"c": Date()})}),
        st.fixed_dictionaries(
            {"a": INT64, "b": st.none() | st.fixed_dictionaries({"c": st.dates()})},
        ),
    ),
    "In": (In([Int(), Date(), String()]), INT64 | st.dates()),
    "FreeDict": (FreeDict(), st.dictionaries(TEXT, JSON, max_size=4)),
    "own": (PointField(), st.builds(Point, INT64, INT64)),
    "own of a list": (List(PointField()), st.lists(st.builds(Point, INT64, INT64))),
    "refined": (
        Shout(max_length=30),
        TEXT.map(str.upper).filter(lambda text: text == text.upper() and len(text) <= 30),
    ),
}
