"""P6: what is stored is what is read, exactly, on every store."""

import decimal
import math
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backo import (
    Backoffice,
    Bool,
    Bytes,
    Date,
    Datetime,
    Decimal,
    Dict,
    Email,
    Float,
    FreeDict,
    In,
    Int,
    Ipaddress,
    Ipnetwork,
    Item,
    List,
    String,
    Time,
    Tuple,
    Url,
    Uuid,
    ValidationError,
)
from tests.work.stores import EVERY, Stores, dump

TEXTS = [
    "",
    " ",
    "  two  ",
    "01234",
    "012",
    "0x1f",
    "1e3",
    "1_000",
    "1:30",
    "12:30:45",
    "2026-01-02",
    "2026-01-02T03:04:05Z",
    "no",
    "NO",
    "y",
    "true",
    "False",
    "null",
    "~",
    "None",
    ".inf",
    ".nan",
    "-",
    "- a",
    "# a",
    "a # b",
    "a: b",
    ": ",
    "? a",
    "!tag",
    "&anchor",
    "*alias",
    "%YAML 1.1",
    "---",
    "...",
    "---\na: b\n...\n",
    "{a: b}",
    "[1, 2]",
    "| a",
    "> a",
    "@a",
    "`a`",
    "'",
    '"',
    "''",
    "it's",
    'say "no"',
    "\\",
    "\\n",
    "\\u0000",
    "\n",
    "\n\n",
    "a\n",
    "\na",
    "a\nb\n\nc",
    "a\r\nb",
    "a\rb",
    "\ta\t",
    "a\x0bb\x0cc",
    "\x01\x02\x1b\x1f",
    "\x7f",
    "\x80\x85\x9f",
    "\xa0",
    "\ufeffa",
    "\u200b\u200e\u202e",
    "\u2028\u2029",
    "\ufffe\uffff",
    "\ud7ff\ue000",
    "é",
    "e\u0301",
    "ß ſ İ ı",
    "日本語",
    "العربية",
    "😀",
    "👩‍👩‍👧‍👦",
    "🇫🇷",
    "\U0010ffff",
    "a" * 10_000,
    "é😀\n" * 1_000,
    "x" * 79 + " " + "y" * 200,
]
INTEGERS = [0, 1, -1, 2**31, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63)]
FLOATS = [
    0.0,
    -0.0,
    0.1,
    1 / 3,
    1e16,
    1e22,
    123456789.123456789,
    5e-324,
    2.2250738585072014e-308,
    1.7976931348623157e308,
]
DECIMALS = ["0", "-0", "0.10", "1E+10", "1E-30", "123456789012345678901234567890.123456789", "-0.000"]
TIMES = [
    datetime(2026, 1, 2, 3, 4, 5, 678901),
    datetime(2026, 1, 2, 3, 4, 5, 678901, UTC),
    datetime(2026, 1, 2),
    datetime(2026, 1, 2, tzinfo=UTC),
    datetime(1, 1, 1),
    datetime(9999, 12, 31, 23, 59, 59, 999999),
    datetime(1969, 12, 31, 23, 59, 59, 999999, UTC),
]
VALUES: dict[str, list[Any]] = {
    "text": TEXTS,
    "int": INTEGERS,
    "float": FLOATS,
    "bool": [True, False],
    "decimal": [decimal.Decimal(one) for one in DECIMALS],
    "datetime": TIMES,
    "date": [date(1, 1, 1), date(1969, 12, 31), date(2024, 2, 29), date(9999, 12, 31)],
    "time": [time(0), time(23, 59, 59, 999999), time(1, 30)],
    "uuid": [UUID(int=0), UUID(int=2**128 - 1), UUID("01234567-89ab-cdef-0123-456789abcdef")],
    "bytes": [b"", b"\0", bytes(range(256)), b"\xff" * 1000],
    "email": ["jo@example.org"],
    "url": ["https://example.org/a?b=c&d=%20#e"],
    "texts": [[], [""], TEXTS[:40]],
    "lists": [[], [[]], [[1], [], [2**53 + 1, -1]]],
    "pair": [("0", 0), ("", -1)],
    "either": [1, "1", "", 2**53 + 1],
    "free": [
        {},
        {"": None},
        {"a": None, "b": [], "c": {}, "d": [None, {"e": [0, 0.5, "", False, True]}]},
        {"no": "no", "1": "01", "0x1f": 31, "~": "~", "a.b": 1, "$ne": 2, "é😀": "\n"},
        {"big": 2**63 - 1, "small": -(2**63), "float": 1e300, "one": 1.0},
    ],
    "group": [{"text": "", "int": 0}, {"text": "no", "int": 2**53 + 1}],
    "groups": [[], [{"text": "", "int": None}, {"text": "01", "int": 0}]],
}


def build(stores: Stores) -> Backoffice:
    """Declare an item with a field of each type."""
    return stores.backoffice(
        {
            "things": Item(
                {
                    "name": String(required=True),
                    "text": String(),
                    "int": Int(),
                    "float": Float(),
                    "bool": Bool(),
                    "decimal": Decimal(),
                    "datetime": Datetime(),
                    "date": Date(),
                    "time": Time(),
                    "uuid": Uuid(),
                    "bytes": Bytes(),
                    "email": Email(),
                    "url": Url(),
                    "ip": Ipaddress(),
                    "net": Ipnetwork(),
                    "texts": List(String()),
                    "lists": List(List(Int())),
                    "pair": Tuple((String(), Int())),
                    "either": In([Int(), String()]),
                    "free": FreeDict(),
                    "group": Dict({"text": String(), "int": Int()}),
                    "groups": List(Dict({"text": String(), "int": Int()})),
                    "other": Int(),
                }
            )
        }
    )


def alike(one: Any, other: Any) -> bool:
    """Tell whether two values are the same to the last bit: type, sign of zero, zone, digits."""
    if isinstance(one, float) and isinstance(other, float):
        return math.copysign(1, one) == math.copysign(1, other) and one == other
    if isinstance(one, decimal.Decimal):
        return isinstance(other, decimal.Decimal) and str(one) == str(other)
    if isinstance(one, datetime):
        return isinstance(other, datetime) and one == other and one.utcoffset() == other.utcoffset()
    if isinstance(one, dict):
        return isinstance(other, dict) and list(one) == list(other) and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return isinstance(other, list | tuple) and len(one) == len(other) and all(map(alike, one, other))
    return type(one) is type(other) and bool(one == other)


@pytest.mark.parametrize("field", VALUES)
def test_values_survive(stores: Stores, field: str) -> None:
    """Each value of each type is read as it was written: at once, by another process, and after a change beside it."""
    shop = build(stores)
    with shop.transaction():
        for number, value in enumerate(VALUES[field]):
            shop.things.create({"name": f"{number:03}", field: value})
    if stores.kind != "memory":  # as another process would
        shop.close()
        shop = build(stores)
    before = dump(shop)

    for number, value in enumerate(VALUES[field]):
        item: Any = shop.things.get_by_id(f"{number:03}")
        found = item.get_value()[field]
        assert alike(value, found), f"{value!r} is read as {found!r}"
        item.other = number
        item.save()
        twin: Any = shop.things.create({"name": f"twin{number:03}", field: found})
        assert alike(value, twin.get_value()[field])

    for number, value in enumerate(VALUES[field]):
        after = dump(shop)
        assert alike(before[f"things/{number:03}"][field], after[f"things/{number:03}"][field])
        assert alike(after[f"things/{number:03}"][field], after[f"things/twin{number:03}"][field])
        assert alike(value, shop.things.get_by_id(f"{number:03}").get_value()[field])


def test_an_aware_time_is_kept_in_utc(stores: Stores) -> None:
    """An aware time is the same moment, to the microsecond, in UTC."""
    shop = build(stores)
    there = datetime(2026, 1, 2, 3, 4, 5, 678901, timezone(timedelta(hours=-9, minutes=-30)))

    shop.things.create({"name": "t", "datetime": there})

    found = shop.things.get_by_id("t")["datetime"]
    assert found == there
    assert found.utcoffset() == timedelta(0)


def test_addresses(stores: Stores) -> None:
    """Addresses of the network are kept."""
    shop = build(stores)

    shop.things.create({"name": "t", "ip": "::1", "net": "10.0.0.0/8"})

    item: Any = shop.things.get_by_id("t")
    assert (str(item.ip), str(item.net)) == ("::1", "10.0.0.0/8")


def test_absent_and_empty_are_different(stores: Stores) -> None:
    """Nothing, an empty text, zero, false and empty lists stay what they are."""
    shop = build(stores)
    empty: dict[str, Any] = {"text": "", "int": 0, "float": 0.0, "bool": False, "bytes": b"", "texts": [], "free": {}}
    shop.things.create({"name": "nothing"})
    shop.things.create({"name": "empty", **empty})

    nothing, full = (shop.things.get_by_id(name).get_value() for name in ("nothing", "empty"))

    for field, value in empty.items():
        assert nothing[field] is None
        assert alike(value, full[field])
        for criteria in ({field: None},):
            assert [item["_id"] for item in shop.things.select({**criteria})] == ["nothing"], field


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("float", math.nan),
        ("float", math.inf),
        ("float", -math.inf),
        ("decimal", decimal.Decimal("NaN")),
        ("decimal", decimal.Decimal("Infinity")),
        ("free", {"a": [math.nan]}),
        ("free", {"a": math.inf}),
        ("int", 2**63),
        ("int", -(2**63) - 1),
        ("int", True),
        ("int", "12"),
        ("text", "a\0b"),
        ("text", "\ud800"),
        ("free", {"\0": 1}),
        ("free", {"a": "\udfff"}),
    ],
)
def test_what_no_store_can_keep_is_refused(stores: Stores, field: str, value: Any) -> None:
    """NaN, infinities, too large integers, NUL and lone surrogates never reach a store."""
    shop = build(stores)

    with pytest.raises(ValidationError) as caught:
        shop.things.create({"name": "t", field: value})

    assert caught.value.problems[0].path.startswith(f"$.{field}")
    assert dump(shop) == {}


@pytest.fixture(scope="module", params=EVERY)
def kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backoffice]:
    """Each store in turn, one for all examples."""
    found = Stores(request.param, tmp_path_factory.mktemp("values"))
    with closing(build(found)) as shop:
        yield shop


text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
free = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)


@given(
    text=text,
    int_=st.integers(-(2**63), 2**63 - 1),
    float_=st.floats(allow_nan=False, allow_infinity=False),
    number=st.decimals(allow_nan=False, allow_infinity=False),
    moment=st.datetimes() | st.datetimes(timezones=st.just(UTC)),
    bytes_=st.binary(),
    free=st.dictionaries(text, free, max_size=3),
)
def test_any_value_survives(
    kept: Backoffice,
    text: str,
    int_: int,
    float_: float,
    number: decimal.Decimal,
    moment: datetime,
    bytes_: bytes,
    free: dict[str, Any],
) -> None:
    """Whatever is accepted is read as it was written."""
    values = {
        "text": text,
        "int": int_,
        "float": float_,
        "decimal": number,
        "datetime": moment,
        "bytes": bytes_,
        "free": free,
        "texts": [text],
    }
    with kept.transaction():
        if kept.things.count():
            kept.things.drop()
        kept.things.create({"name": "t", **values})

    found = kept.things.get_by_id("t").get_value()

    for field, value in values.items():
        assert alike(value, found[field]), f"{field}: {value!r} is read as {found[field]!r}"
