"""Filters of Python and JSON become trees."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from backo.errors import QueryError
from backo.query.filters import (
    EVERYTHING,
    NOTHING,
    And,
    Compare,
    Filter,
    Not,
    Operator,
    Or,
    Through,
)
from backo.query.limits import StandardLimits
from backo.query.parsing import parse_filter
from backo.schema.kinds import Kind, decimal_key, json_key
from tests.query.fake_scope import PEOPLE

EQ, IN = Operator.EQ, Operator.IN


def name(value: Any, operator: Operator = EQ) -> Compare:
    """Compare the name."""
    return Compare(("name",), operator, value, Kind.TEXT)


def age(value: Any, operator: Operator = EQ) -> Compare:
    """Compare the age."""
    return Compare(("age",), operator, value, Kind.INTEGER)


def tags(value: Any, operator: Operator = EQ) -> Compare:
    """Compare the tags."""
    return Compare(("tags",), operator, value, Kind.TEXT, many=True)


def city(value: Any) -> Compare:
    """Compare the city."""
    return Compare(("address", "city"), EQ, value, Kind.TEXT)


GT, GTE, LT, LTE = Operator.GT, Operator.GTE, Operator.LT, Operator.LTE


@pytest.mark.parametrize(
    ("source", "tree"),
    [
        pytest.param({}, EVERYTHING, id="everything"),
        pytest.param({"name": "Jo"}, name("Jo"), id="value"),
        pytest.param({"$.name": "Jo"}, name("Jo"), id="selector"),
        pytest.param({"name": None}, name(None), id="absent"),
        pytest.param({"name": "Jo", "age": 3}, And((name("Jo"), age(3))), id="two-fields"),
        pytest.param({"age": ("$gt", 12)}, age(12, GT), id="pair-as-tuple"),
        pytest.param({"age": ["$gt", 12]}, age(12, GT), id="pair-as-list"),
        pytest.param({"age.$gt": 12}, age(12, GT), id="operator-in-key"),
        pytest.param({"age": {"$gte": 12, "$lt": 20}}, And((age(12, GTE), age(20, LT))), id="two-operators"),
        pytest.param({"age": {"$lte": 12}}, age(12, LTE), id="object-of-one-operator"),
        pytest.param({"address": {"city": "Lyon"}}, city("Lyon"), id="nested"),
        pytest.param({"address.city": "Lyon"}, city("Lyon"), id="dotted"),
        pytest.param({"address": {"city.$eq": "Lyon"}}, city("Lyon"), id="nested-with-operator-in-key"),
        pytest.param({"address": None}, Compare(("address",), EQ, None, Kind.JSON), id="group-absent"),
        pytest.param({"address.$ne": None}, Not(Compare(("address",), EQ, None, Kind.JSON)), id="group-present"),
        pytest.param({"address": ("$eq", None)}, Compare(("address",), EQ, None, Kind.JSON), id="group-eq-null"),
        pytest.param({"name": ("$ne", "Jo")}, Not(name("Jo")), id="ne"),
        pytest.param({"age": ("$in", [1, 2, 1, None])}, age((1, 2, None), IN), id="in"),
        pytest.param({"age": ("$in", {7})}, age((7,), IN), id="in-set"),
        pytest.param({"age": ("$in", [])}, NOTHING, id="in-nothing"),
        pytest.param({"age": ("$nin", [1])}, Not(age((1,), IN)), id="nin"),
        pytest.param({"age": ("$nin", [])}, Not(NOTHING), id="nin-nothing"),
        pytest.param({"name": ("$contains", "o")}, name("o", Operator.CONTAINS), id="contains"),
        pytest.param({"name": ("$reg", "^J")}, name("^J", Operator.REG), id="reg"),
        pytest.param({"name.$re": "^J"}, name("^J", Operator.REG), id="re"),
        pytest.param({"name": {"$regex": "^J"}}, name("^J", Operator.REG), id="regex"),
        pytest.param({"$or": [{"age": 1}, {"age": 2}]}, Or((age(1), age(2))), id="or"),
        pytest.param({"$or": []}, NOTHING, id="or-of-nothing"),
        pytest.param({"$or": [{"age": 1}]}, age(1), id="or-of-one"),
        pytest.param({"$and": ({"age": 1}, {"name": "Jo"})}, And((age(1), name("Jo"))), id="and"),
        pytest.param({"$and": []}, EVERYTHING, id="and-of-nothing"),
        pytest.param({"$not": {"age": 1}}, Not(age(1)), id="not"),
        pytest.param({"$not": {"age.$ne": 1}}, age(1), id="not-ne"),
        pytest.param({"age": {"$not": {"$gt": 1}}}, Not(age(1, GT)), id="not-on-a-field"),
        pytest.param({"age": ("$not", ("$gt", 1))}, Not(age(1, GT)), id="not-on-a-pair"),
        pytest.param({"age.$not": 1}, Not(age(1)), id="not-a-value"),
        pytest.param({"age": ("$or", [("$lt", 5), 60])}, Or((age(5, LT), age(60))), id="or-on-a-field"),
        pytest.param({"age.$and": [("$gt", 5), {"$lt": 9}]}, And((age(5, GT), age(9, LT))), id="and-on-a-field"),
        pytest.param(
            {"address": {"$or": [{"city": "Lyon"}, {"zip": "1"}]}},
            Or((city("Lyon"), Compare(("address", "zip"), EQ, "1", Kind.TEXT))),
            id="or-inside-a-group",
        ),
        pytest.param({"tags": "a"}, tags("a"), id="list-has"),
        pytest.param({"tags": ("$contains", "a")}, tags("a"), id="list-contains"),
        pytest.param({"tags": ["a", "b"]}, tags(("a", "b")), id="whole-list"),
        pytest.param({"tags": []}, tags(()), id="empty-list"),
        pytest.param({"tags": ("$ne", ["a"])}, Not(tags(("a",))), id="not-a-whole-list"),
        pytest.param({"tags": ("$in", ["a", ["b", "c"]])}, tags(("a", ("b", "c")), IN), id="in-with-a-whole-list"),
        pytest.param({"tags": ["$eq", ["$gt", "x"]]}, tags(("$gt", "x")), id="list-like-an-operator"),
        pytest.param({"tags": ["$gt", "x"]}, tags("x", GT), id="operator-like-a-list"),
        pytest.param({"tags": ["$gt", "x", "y"]}, tags(("$gt", "x", "y")), id="too-long-for-an-operator"),
        pytest.param({"tags": ["$gt"]}, tags(("$gt",)), id="too-short-for-an-operator"),
        pytest.param({"tags": ["$no", "x"]}, tags(("$no", "x")), id="no-operator"),
        pytest.param({"tags": ("$reg", "^a")}, tags("^a", Operator.REG), id="reg-on-a-list"),
        pytest.param(
            {"lines.title": ("$contains", "a")},
            Compare(("lines", "title"), Operator.CONTAINS, "a", Kind.TEXT, many=True),
            id="contains-below-a-list",
        ),
        pytest.param(
            {"lines": {"marks": [1, 2], "price": 3}},
            And(
                (
                    Compare(("lines", "marks"), EQ, (1, 2), Kind.INTEGER, many=True),
                    Compare(("lines", "price"), EQ, 3, Kind.INTEGER, many=True),
                ),
            ),
            id="below-a-list",
        ),
        pytest.param({"height": 2}, Compare(("height",), EQ, 2.0, Kind.REAL), id="real"),
        pytest.param({"member": True}, Compare(("member",), EQ, True, Kind.BOOLEAN), id="boolean"),
        pytest.param(
            {"born": datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)},
            Compare(("born",), EQ, 1_000_000, Kind.INSTANT),
            id="instant-in-python",
        ),
        pytest.param(
            {"_meta.ctime": ("$lt", "1970-01-01T01:00:00+01:00")},
            Compare(("_meta", "ctime"), LT, 0, Kind.INSTANT),
            id="instant-in-json",
        ),
        pytest.param(
            {"balance": ("$gte", Decimal("1.50"))},
            Compare(("balance",), GTE, decimal_key("1.5"), Kind.DECIMAL),
            id="decimal",
        ),
        pytest.param({"pair": [1, "x"]}, Compare(("pair",), EQ, json_key([1, "x"]), Kind.JSON), id="tuple"),
        pytest.param(
            {"pairs": [[1, "x"]]},
            Compare(("pairs",), EQ, (json_key([1, "x"]),), Kind.JSON, many=True),
            id="whole-list-of-tuples",
        ),
        pytest.param(
            {"pairs": ("$contains", [1, "x"])},
            Compare(("pairs",), EQ, json_key([1, "x"]), Kind.JSON, many=True),
            id="list-contains-a-tuple",
        ),
        pytest.param(
            {"free": {"any-name": {"below": 1}}},
            Compare(("free", "any-name", "below"), EQ, json_key(1), Kind.JSON, many=True),
            id="below-a-free-dict",
        ),
        pytest.param(
            {"free": ("$eq", {"b": 1, "a": 2})},
            Compare(("free",), EQ, json_key({"a": 2, "b": 1}), Kind.JSON),
            id="whole-free-dict",
        ),
        pytest.param(
            {"free.x": [1, 2]},
            Compare(("free", "x"), EQ, json_key([1, 2]), Kind.JSON, many=True),
            id="list-in-a-free-dict",
        ),
        pytest.param({"free.x": ("$gt", 1)}, Compare(("free", "x"), GT, json_key(1), Kind.JSON, many=True), id="json"),
    ],
)
def test_a_filter_becomes_a_tree(source: Any, tree: Filter) -> None:
    """Each form of a filter has one tree, with typed operands."""
    assert parse_filter(source, PEOPLE) == tree


def _id(value: Any, operator: Operator = EQ) -> Compare:
    return Compare(("_id",), operator, value, Kind.TEXT)


def _books(filter_: Filter) -> Through:
    return Through(("library", "books"), "books", filter_)


def _desk(filter_: Filter) -> Through:
    return Through(("desk",), "desks", filter_)


def _boss(filter_: Filter) -> Through:
    return Through(("boss",), "people", filter_)


NO_BOSS = Compare(("boss",), EQ, None, Kind.TEXT)
NO_FRIENDS = (
    Compare(("friends",), EQ, None, Kind.TEXT, many=True),
    Compare(("friends",), EQ, (), Kind.TEXT, many=True),
)
NO_BOOKS = Not(_books(EVERYTHING))
NO_DESK = Not(_desk(EVERYTHING))
ROOM = Compare(("room",), EQ, "1", Kind.TEXT)


@pytest.mark.parametrize(
    ("source", "tree"),
    [
        pytest.param({"boss": "x"}, Compare(("boss",), EQ, "x", Kind.TEXT), id="stored"),
        pytest.param({"boss": None}, NO_BOSS, id="stored-absent"),
        pytest.param(
            {"boss": ("$in", ["x", "y", None])},
            Or((Compare(("boss",), IN, ("x", "y"), Kind.TEXT), NO_BOSS)),
            id="stored-in-with-null",
        ),
        pytest.param({"boss": ("$gt", "x")}, Compare(("boss",), GT, "x", Kind.TEXT), id="stored-ordered"),
        pytest.param({"friends": "x"}, Compare(("friends",), EQ, "x", Kind.TEXT, many=True), id="stored-list"),
        pytest.param({"friends": None}, Or(NO_FRIENDS), id="stored-list-absent"),
        pytest.param({"friends": []}, Or(NO_FRIENDS), id="stored-list-empty"),
        pytest.param({"friends": ["$in", []]}, NOTHING, id="stored-list-in-nothing"),
        pytest.param(
            {"friends": ["b", "a"]},
            Compare(("friends",), EQ, ("b", "a"), Kind.TEXT, many=True),
            id="stored-whole-list",
        ),
        pytest.param({"library.books": "x"}, _books(_id("x")), id="derived-list"),
        pytest.param({"library": {"books": ("$contains", "x")}}, _books(_id("x")), id="derived-list-contains"),
        pytest.param({"library.books.$in": ["x", "y"]}, _books(_id(("x", "y"), IN)), id="derived-list-in"),
        pytest.param({"library.books.$in": ["x", None]}, Or((_books(_id("x")), NO_BOOKS)), id="derived-in-with-null"),
        pytest.param({"library.books.$reg": "^x"}, _books(_id("^x", Operator.REG)), id="derived-list-reg"),
        pytest.param({"library.books": None}, NO_BOOKS, id="derived-list-absent"),
        pytest.param({"library.books": []}, NO_BOOKS, id="derived-list-empty"),
        pytest.param({"library.books.$ne": None}, _books(EVERYTHING), id="derived-list-present"),
        pytest.param(
            {"library.books": ["x", "y"]},
            And((_books(_id("x")), _books(_id("y")), Not(_books(Not(_id(("x", "y"), IN)))))),
            id="derived-whole-list",
        ),
        pytest.param({"library.books": ["y", "x"]}, NOTHING, id="derived-whole-list-out-of-order"),
        pytest.param({"library.books": ["x", "x"]}, NOTHING, id="derived-whole-list-with-a-double"),
        pytest.param({"desk": "x"}, _desk(_id("x")), id="derived"),
        pytest.param({"desk": None}, NO_DESK, id="derived-absent"),
        pytest.param({"desk.room": "1"}, _desk(ROOM), id="across-a-derived-link"),
        pytest.param({"desk": {"room": "1"}}, _desk(ROOM), id="nested-across-a-link"),
        pytest.param({"desk.room.$ne": "1"}, Not(_desk(ROOM)), id="complement-across-a-link"),
        pytest.param(
            {"desk.room": None},
            Or((NO_DESK, _desk(Compare(("room",), EQ, None, Kind.TEXT)))),
            id="absent-across-a-derived-link",
        ),
        pytest.param(
            {"boss.age.$in": [1, None]},
            Or((NO_BOSS, _boss(age((1, None), IN)))),
            id="absent-across-a-stored-link",
        ),
        pytest.param(
            {"library.books.title": None},
            _books(Compare(("title",), EQ, None, Kind.TEXT)),
            id="absent-across-a-list-of-links",
        ),
        pytest.param(
            {"boss.desk.room": "1"},
            _boss(_desk(ROOM)),
            id="across-two-links",
        ),
        pytest.param(
            {"boss.desk": None},
            Or((NO_BOSS, _boss(NO_DESK))),
            id="absent-link-across-a-link",
        ),
        pytest.param(
            {"boss.friends": []},
            Or((NO_BOSS, _boss(Or(NO_FRIENDS)))),
            id="empty-list-of-links-across-a-link",
        ),
        pytest.param({"boss._id": "x"}, _boss(_id("x")), id="id-across-a-link"),
        pytest.param({"boss.free.x": 1}, _boss(parse_filter({"free.x": 1}, PEOPLE)), id="free-dict-across-a-link"),
    ],
)
def test_a_filter_follows_links(source: Any, tree: Filter) -> None:
    """Links compare as ids, whichever side is stored; what is behind one is asked of the other collection."""
    assert parse_filter(source, PEOPLE) == tree


@pytest.mark.parametrize(
    ("source", "path", "message"),
    [
        pytest.param([], "$", "A filter is an object, not list", id="list"),
        pytest.param("name", "$", "A filter is an object, not 'name'", id="text"),
        pytest.param({1: 2}, "$", "A key of a filter is a text, not int", id="key"),
        pytest.param({"nmae": "Jo"}, "$.nmae", "There is no such field; did you mean 'name'?", id="unknown"),
        pytest.param({"_page": 1}, "$._page", "Is a key of the query string, not a field", id="parameter"),
        pytest.param({"$or": [{"_sort.$in": ["x"]}]}, "$._sort", "Is a key of the query", id="parameter-in-logic"),
        pytest.param({"zzzzzz": "Jo"}, "$.zzzzzz", "There is no such field", id="unknown-far"),
        pytest.param({"": 1}, "$.", "There is no such field", id="no-name"),
        pytest.param({"address": {"ciy": 1}}, "$.address.ciy", "did you mean 'city'?", id="unknown-below"),
        pytest.param({"adress.city": 1}, "$.adress", "did you mean 'address'?", id="unknown-group"),
        pytest.param({"name.first": 1}, "$.name.first", "There is no such field", id="below-text"),
        pytest.param({"adress.$ne": None}, "$.adress", "did you mean 'address'?", id="unknown-with-an-operator"),
        pytest.param({"desk.rom": 1}, "$.desk.rom", "did you mean 'room'?", id="unknown-across-a-link"),
        pytest.param({"tags[0]": "a"}, "$.tags[0]", "There is no such field", id="index"),
        pytest.param({"age": ("$gtt", 1)}, "$.age", "There is no operator '$gtt'; did you mean", id="operator"),
        pytest.param({"age.$gtt": 1}, "$.age", "There is no operator '$gtt'; did you mean", id="operator-in-key"),
        pytest.param({"age": ["$in", 1, 2]}, "$.age", "$in takes one operand: ['$in', …]", id="many-operands"),
        pytest.param({"$gt": 1}, "$", "$gt must follow a field", id="operator-on-nothing"),
        pytest.param({"$nor": []}, "$", "There is no operator '$nor'; did you mean '$or'?", id="unknown-logic"),
        pytest.param({"$or": {"age": 1}}, "$", "$or takes a list of conditions", id="or-of-an-object"),
        pytest.param({"$or": [1]}, "$", "A filter is an object, not int", id="or-of-a-number"),
        pytest.param({"$not": []}, "$", "A filter is an object, not list", id="not-of-a-list"),
        pytest.param({"age.$or": 1}, "$.age", "$or takes a list of conditions", id="or-on-a-field"),
        pytest.param({"age": {}}, "$.age", "An empty object says nothing about a field", id="empty"),
        pytest.param({"age": "12"}, "$.age", "Must be an integer", id="type"),
        pytest.param({"age": [1]}, "$.age", "Must be an integer", id="list-for-a-number"),
        pytest.param({"scores": [1, "x"]}, "$.scores", "Must be an integer", id="type-in-a-whole-list"),
        pytest.param({"scores": ("$gt", [1])}, "$.scores", "Must be an integer", id="order-of-lists"),
        pytest.param({"scores": ("$contains", None)}, "$.scores", "Must be an integer", id="contains-null"),
        pytest.param({"free.x": ["$contains", None]}, "$.free.x", "makes no sense here", id="contains-on-json"),
        pytest.param({"free.x": ("$eq", [1, {"x": "\ud800"}])}, "$.free.x", "surrogate", id="surrogate-deep-inside"),
        pytest.param({"odd": 1}, "$.odd", "Must not be null, or of another type, here", id="type-of-another-kind"),
        pytest.param({"pairs": [None]}, "$.pairs", "Must be a pair", id="null-in-a-whole-list"),
        pytest.param({"age": ("$in", 1)}, "$.age", "$in and $nin take a list", id="in-a-number"),
        pytest.param({"age": ("$in", "12")}, "$.age", "$in and $nin take a list", id="in-a-text"),
        pytest.param({"age": ("$gt", None)}, "$.age", "$gt takes a value, not null", id="order-of-null"),
        pytest.param({"member": ("$gt", True)}, "$.member", "$gt makes no sense here", id="order-of-booleans"),
        pytest.param({"free.x": ("$gt", True)}, "$.free.x", "takes a number or a text", id="order-of-json-booleans"),
        pytest.param({"free.x": ("$lt", [1])}, "$.free.x", "takes a number or a text", id="order-of-json-lists"),
        pytest.param({"free.x": ("$lt", None)}, "$.free.x", "$lt takes a value, not null", id="order-of-json-null"),
        pytest.param({"age": ("$reg", "1")}, "$.age", "$reg makes no sense here: the field is not text", id="reg"),
        pytest.param({"age": ("$contains", 1)}, "$.age", "the field is not text or a list", id="contains"),
        pytest.param({"name": ("$contains", 1)}, "$.name", "$contains takes a text", id="contains-a-number"),
        pytest.param({"name": ("$reg", "(")}, "$.name", "Is not a pattern (missing ): ()", id="bad-pattern"),
        pytest.param({"name": ("$reg", "(?=a)")}, "$.name", "no look-around", id="look-around"),
        pytest.param({"name": ("$reg", r"(a)\1")}, "$.name", "no back-references", id="back-reference"),
        pytest.param({"name": ("$reg", ".{1000}" * 28)}, "$.name", "too large", id="costly-pattern"),
        pytest.param({"name": ("$reg", "a" * 201)}, "$.name", "A pattern has at most 200 char", id="long-pattern"),
        pytest.param({"name": ("$reg", "\0")}, "$.name", "NUL", id="pattern-with-nul"),
        pytest.param({"name": ("$contains", "\ud800")}, "$.name", "surrogate", id="contains-a-surrogate"),
        pytest.param({"name": "\ud800"}, "$.name", "surrogate", id="text-with-a-surrogate"),
        pytest.param({"free.x": {"$eq": ["\ud800"]}}, "$.free.x", "surrogate", id="json-with-a-surrogate"),
        pytest.param({"address": {"$eq": {}}}, "$.address", "Is a group of fields", id="group-equals"),
        pytest.param({"address": "Lyon"}, "$.address", "Is a group of fields", id="group-as-text"),
        pytest.param({"lines": []}, "$.lines", "Is a group of fields", id="list-of-groups"),
        pytest.param({"shout": "JO"}, "$.shout", "Is computed when it is read", id="computed"),
        pytest.param({"name\ud800": 1}, "$", r"surrogate: 'name\ud800'", id="name-with-a-surrogate"),
        pytest.param({"free.a\0": 1}, "$", "NUL", id="name-with-nul"),
        pytest.param({"free." + "a" * 1000: 1}, "$", "A path has at most 1000 characters", id="long-name"),
        pytest.param({"age.$gt.x": 1}, "$.age.$gt", "There is no such field", id="operator-inside"),
        pytest.param({"boss.boss": {"x": 1}}, "$.boss.boss.x", "There is no such field", id="unknown-far-away"),
    ],
)
def test_what_makes_no_sense_is_refused(source: Any, path: str, message: str) -> None:
    """A problem names the path, what is wrong there and, for a name, the nearest one."""
    with pytest.raises(QueryError) as raised:
        parse_filter(source, PEOPLE)

    (problem,) = raised.value.problems
    assert problem.path == path
    assert message in problem.message
    str(raised.value).encode()


def test_all_problems_are_told_together() -> None:
    """Every problem of a filter is in one error."""
    with pytest.raises(QueryError) as raised:
        parse_filter({"nmae": 1, "age": "x", "$or": [{"member": 1}, {"name.$reg": "["}]}, PEOPLE)

    assert [problem.path for problem in raised.value.problems] == ["$.nmae", "$.age", "$.member", "$.name"]


def test_no_more_than_a_hundred_problems_are_told() -> None:
    """An error lists a hundred problems; looking for more would cost and tell nothing."""
    with pytest.raises(QueryError) as raised:
        parse_filter({f"nam{number}": 1 for number in range(100_000)}, PEOPLE)

    assert len(raised.value.problems) == 100


def _nested(levels: int) -> dict[str, Any]:
    source: dict[str, Any] = {"age": 1}
    for _ in range(levels):
        source = {"$not": source}
    return source


def _circle() -> dict[str, Any]:
    source: dict[str, Any] = {}
    source["$and"] = [source]
    return source


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(_nested(100_000), id="deep"),
        pytest.param(_circle(), id="circle"),
        pytest.param({"age": _nested(500)}, id="deep-on-a-field"),
        pytest.param({"$or": [{"age": 1}] * 201}, id="wide"),
        pytest.param({"$and": [{"$or": []}] * 201}, id="connectives"),
        pytest.param({"name.$in": ["x"] * 100_001}, id="values"),
        pytest.param({"tags": ["x"] * 100_001}, id="whole-list"),
        pytest.param({"library.books": [f"{number:03}" for number in range(200)]}, id="derived-list"),
        pytest.param({".".join("x" * 65): 1}, id="steps"),
        pytest.param({"$or": [{"name.$reg": f"x{number}"} for number in range(21)]}, id="patterns"),
        pytest.param({".".join(["boss"] * 65 + ["age"]): 1}, id="links"),
        pytest.param({"$or": [{".".join(["boss"] * 50 + ["age"]): 1}] * 5}, id="links-in-all"),
    ],
)
def test_limits_hold(source: Any) -> None:
    """A filter that is too deep or too large is refused at once."""
    before = sys.getrecursionlimit()

    with pytest.raises(QueryError) as raised:
        parse_filter(source, PEOPLE)

    assert [problem.code for problem in raised.value.problems] == ["limit"]
    assert sys.getrecursionlimit() == before


def test_limits_are_settings() -> None:
    """The caller says what a filter may cost."""
    source = {"name.$reg": "a" * 10, "age": 1}

    assert isinstance(parse_filter(source, PEOPLE, StandardLimits(filter=3)), And)

    with pytest.raises(QueryError, match="at most 2 nodes"):
        parse_filter(source, PEOPLE, StandardLimits(filter=2))
    with pytest.raises(QueryError, match="at most 9 characters"):
        parse_filter(source, PEOPLE, StandardLimits(pattern=9))
    with pytest.raises(QueryError, match="at most 1 levels"):
        parse_filter({"$not": {}}, PEOPLE, StandardLimits(depth=1))


def test_hints_are_cheap() -> None:
    """Long names get no hint, and after ten nobody reads them."""
    with pytest.raises(QueryError) as raised:
        parse_filter({"name" * 20: 1, **{f"name{number}": 1 for number in range(20)}}, PEOPLE)

    first, *others = [problem.message for problem in raised.value.problems]
    assert first == "There is no such field"
    assert sum("did you mean" in message for message in others) == 10
