"""The meaning of filters on plain documents."""

from __future__ import annotations

from typing import Any

import pytest

from backo.query.filters import EVERYTHING, NOTHING, And, Compare, Filter, Not, Operator, Or, Through
from backo.query.matching import Matcher, matcher
from backo.query.parsing import parse_filter
from backo.schema.kinds import Kind
from tests.query.fake_scope import PEOPLE


@pytest.mark.parametrize(
    ("source", "document", "expected"),
    [
        pytest.param({"name": "Jo"}, {"name": "Jo"}, True, id="equal"),
        pytest.param({"name": "Jo"}, {"name": "jo"}, False, id="case"),
        pytest.param({"name": "Jo"}, {}, False, id="missing"),
        pytest.param({"name": "Jo"}, {"name": None}, False, id="null"),
        pytest.param({"name": ""}, {"name": ""}, True, id="empty-text"),
        pytest.param({"name": None}, {}, True, id="absent-missing"),
        pytest.param({"name": None}, {"name": None}, True, id="absent-null"),
        pytest.param({"name": None}, {"name": ""}, False, id="absent-empty-text"),
        pytest.param({"name.$ne": None}, {"name": ""}, True, id="present"),
        pytest.param({"name.$ne": "Jo"}, {}, True, id="ne-is-a-complement"),
        pytest.param({"name.$in": ["Jo", "Al"]}, {"name": "Al"}, True, id="in"),
        pytest.param({"name.$in": ["Jo", None]}, {}, True, id="in-with-null"),
        pytest.param({"name.$in": ["Jo", None]}, {"name": "x"}, False, id="in-with-null-not"),
        pytest.param({"name.$nin": ["Jo"]}, {}, True, id="nin-is-a-complement"),
        pytest.param({"name.$contains": "o"}, {"name": "Jo"}, True, id="contains"),
        pytest.param({"name.$contains": ""}, {}, False, id="contains-on-absent"),
        pytest.param({"name.$reg": "o$"}, {"name": "Jo"}, True, id="reg"),
        pytest.param({"name.$reg": ""}, {}, False, id="reg-on-absent"),
        pytest.param({"name.$lt": "b"}, {"name": "aé"}, True, id="text-order"),
        pytest.param({"name.$lt": "a"}, {"name": "Z"}, True, id="text-by-code-point"),
        pytest.param({"age.$gt": 5}, {"age": 5}, False, id="gt"),
        pytest.param({"age.$gte": 5}, {"age": 5}, True, id="gte"),
        pytest.param({"age.$lte": 5}, {"age": 5}, True, id="lte"),
        pytest.param({"age.$lt": 5}, {"age": None}, False, id="lt-on-absent"),
        pytest.param({"age": {"$not": {"$lt": 5}}}, {}, True, id="not-lt-on-absent"),
        pytest.param({"age": 2**60 + 1}, {"age": 2**60}, False, id="exact-integers"),
        pytest.param({"height": 2}, {"height": 2}, True, id="real-as-integer"),
        pytest.param({"member": False}, {"member": False}, True, id="false"),
        pytest.param({"member": False}, {}, False, id="false-is-not-absent"),
        pytest.param(
            {"born.$lt": "2024-01-01T00:00:00.5Z"}, {"born": "2024-01-01T00:59:00+01:00"}, True, id="time-zones"
        ),
        pytest.param({"born": "2024-01-01T00:00:00"}, {"born": "2024-01-01T00:00:00Z"}, True, id="naive-is-utc"),
        pytest.param({"balance": "1.50"}, {"balance": "1.5"}, True, id="decimal-as-number"),
        pytest.param({"balance.$gt": "9"}, {"balance": "10"}, True, id="decimal-order"),
        pytest.param({"address.city": "Lyon"}, {"address": {"city": "Lyon"}}, True, id="nested"),
        pytest.param({"address.city": None}, {}, True, id="absent-group"),
        pytest.param({"address.city": None}, {"address": None}, True, id="null-group"),
        pytest.param({"address.city": None}, {"address": {"zip": "1"}}, True, id="absent-in-a-group"),
        pytest.param({"address": None}, {"address": {"zip": "1"}}, False, id="group-present"),
        pytest.param({"address": None}, {"address": None}, True, id="group-absent"),
        pytest.param({"tags": "a"}, {"tags": ["b", "a"]}, True, id="list-has"),
        pytest.param({"tags": "a"}, {"tags": ["b"]}, False, id="list-has-not"),
        pytest.param({"tags.$ne": "a"}, {"tags": ["b", "a"]}, False, id="list-ne"),
        pytest.param({"tags.$contains": "a"}, {"tags": ["ab"]}, False, id="list-contains-whole-elements"),
        pytest.param({"tags.$in": ["a", "c"]}, {"tags": ["b", "c"]}, True, id="list-in"),
        pytest.param({"tags.$reg": "^b"}, {"tags": ["ab", "ba"]}, True, id="list-reg"),
        pytest.param({"scores.$gt": 5}, {"scores": [1, 6]}, True, id="list-order"),
        pytest.param({"scores.$gt": 5}, {"scores": []}, False, id="empty-list-order"),
        pytest.param({"tags": None}, {}, True, id="absent-list"),
        pytest.param({"tags": None}, {"tags": []}, False, id="empty-list-is-present"),
        pytest.param({"tags": []}, {"tags": []}, True, id="empty-list"),
        pytest.param({"tags": []}, {}, False, id="absent-is-not-empty"),
        pytest.param({"tags": ["a", "b"]}, {"tags": ["a", "b"]}, True, id="whole-list"),
        pytest.param({"tags": ["a", "b"]}, {"tags": ["b", "a"]}, False, id="whole-list-in-order"),
        pytest.param({"tags.$in": [["a", "b"], "c"]}, {"tags": ["a", "b"]}, True, id="in-whole-list"),
        pytest.param({"tags.$in": [["a", "b"], "c"]}, {"tags": ["b", "c"]}, True, id="in-element"),
        pytest.param({"tags.$in": [["a", "b"], None]}, {}, True, id="in-whole-list-or-null"),
        pytest.param({"tags.$in": [["a", "b"]]}, {}, False, id="in-whole-list-not"),
        pytest.param({"lines.price": 3}, {"lines": [{"price": 1}, {"price": 3}]}, True, id="below-a-list"),
        pytest.param({"lines.price": None}, {"lines": [{"price": 1}, {}]}, True, id="absent-below-a-list"),
        pytest.param({"lines.price": None}, {"lines": [{"price": 1}]}, False, id="present-below-a-list"),
        pytest.param({"lines.price": None}, {"lines": []}, False, id="nothing-below-an-empty-list"),
        pytest.param({"lines.price": None}, {}, True, id="below-an-absent-list"),
        pytest.param(
            {"lines": {"price": 1, "title": "b"}},
            {"lines": [{"price": 1, "title": "a"}, {"price": 2, "title": "b"}]},
            True,
            id="each-on-its-own",
        ),
        pytest.param({"lines": None}, {"lines": [{"price": 1}]}, False, id="list-of-groups-present"),
        pytest.param({"lines": None}, {}, True, id="list-of-groups-absent"),
        pytest.param({"lines.marks": 2}, {"lines": [{"marks": [1]}, {"marks": [2, 3]}]}, True, id="list-in-a-list"),
        pytest.param({"lines.marks": [2, 3]}, {"lines": [{"marks": [1]}, {"marks": [2, 3]}]}, True, id="whole-inner"),
        pytest.param({"lines.marks": [1, 2, 3]}, {"lines": [{"marks": [1]}, {"marks": [2, 3]}]}, False, id="no-union"),
        pytest.param({"lines.marks": [1]}, {"lines": [{}, {"marks": None}, "odd"]}, False, id="no-inner-list"),
        pytest.param({"scores": 1}, {"scores": [[2], [1]]}, True, id="list-of-lists"),
        pytest.param({"pair": [1, "x"]}, {"pair": [1, "x"]}, True, id="tuple"),
        pytest.param({"pairs": [[1, "x"]]}, {"pairs": [[1, "x"]]}, True, id="whole-list-of-tuples"),
        pytest.param({"pairs.$contains": [1, "x"]}, {"pairs": [[2, "y"], [1, "x"]]}, True, id="has-a-tuple"),
        pytest.param({"free.x": 1}, {"free": {"x": 1.0}}, True, id="free-number"),
        pytest.param({"free.x": 1}, {"free": {"x": True}}, False, id="free-number-is-no-boolean"),
        pytest.param({"free.x": 1}, {"free": {"x": "1"}}, False, id="free-number-is-no-text"),
        pytest.param({"free.x": 1}, {"free": {"x": [2, 1]}}, True, id="free-list-has"),
        pytest.param({"free.x": [2, 1]}, {"free": {"x": [2, 1]}}, True, id="free-whole-list"),
        pytest.param({"free.x.$gt": 1}, {"free": {"x": "2"}}, False, id="free-order-of-one-type"),
        pytest.param({"free.x.$gt": 9}, {"free": {"x": 10}}, True, id="free-order-of-numbers"),
        pytest.param({"free.x.$gt": "a"}, {"free": {"x": "b"}}, True, id="free-order-of-texts"),
        pytest.param({"free.x.$lt": 1}, {"free": {}}, False, id="free-absent"),
        pytest.param({"free.x.y": 1}, {"free": {"x": [{"y": 1}]}}, True, id="free-below-a-list"),
        pytest.param({"free.$eq": {"a": [1]}}, {"free": {"a": [1.0]}}, True, id="free-whole"),
        pytest.param({"friends": None}, {"friends": []}, True, id="empty-links-are-absent"),
        pytest.param({"friends": []}, {}, True, id="absent-links-are-empty"),
        pytest.param({"age": 5}, {"age": "5"}, False, id="of-another-type"),
        pytest.param({"age": None}, {"age": "5"}, True, id="of-another-type-is-absent"),
        pytest.param({"age": 1}, {"age": True}, False, id="boolean-is-no-integer"),
        pytest.param({"height.$gt": 0}, {"height": 10**400}, False, id="too-large-to-be-real"),
        pytest.param({"height.$gt": 0}, {"height": "1"}, False, id="text-is-not-real"),
        pytest.param({"born.$lt": "2024-01-01T00:00:00Z"}, {"born": "soon"}, False, id="text-is-no-time"),
        pytest.param({"born": None}, {"born": "soon"}, True, id="text-is-no-time-hence-absent"),
        pytest.param({"balance.$lt": "1"}, {"balance": "few"}, False, id="text-is-no-decimal"),
        pytest.param({"balance.$lt": "1"}, {"balance": 0}, False, id="number-is-no-decimal"),
        pytest.param({"member": True}, {"member": 1}, False, id="number-is-no-boolean"),
        pytest.param({"name.$contains": "1"}, {"name": 1}, False, id="number-is-no-text"),
        pytest.param({"address.city": None}, {"address": "Lyon"}, True, id="text-is-no-group"),
        pytest.param({"address.city": None}, {"address": [{"city": "Lyon"}]}, True, id="list-is-no-group"),
    ],
)
def test_the_meaning_of_a_filter(source: Any, document: dict[str, Any], *, expected: bool) -> None:
    """A filter holds or does not; its negation is the exact complement."""
    tree = parse_filter(source, PEOPLE)

    assert matcher(tree)(document) is expected
    assert matcher(Not(tree))(document) is not expected


NAME = Compare(("name",), Operator.EQ, "Jo", Kind.TEXT)
AGE = Compare(("age",), Operator.EQ, 5, Kind.INTEGER)
MEMBER = Compare(("member",), Operator.EQ, True, Kind.BOOLEAN)


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        pytest.param(EVERYTHING, True, id="everything"),
        pytest.param(NOTHING, False, id="nothing"),
        pytest.param(And((NAME, AGE)), False, id="and-of-two"),
        pytest.param(And((NAME, MEMBER, AGE)), False, id="and-of-three"),
        pytest.param(And((NAME, MEMBER, Not(AGE))), True, id="and-not"),
        pytest.param(Or((AGE, NAME)), True, id="or"),
        pytest.param(Or((AGE, Not(NAME))), False, id="or-not"),
        pytest.param(Compare(("name",), Operator.IN, (), Kind.TEXT), False, id="in-nothing"),
        pytest.param(Compare(("tags",), Operator.IN, (), Kind.TEXT, many=True), False, id="list-in-nothing"),
    ],
)
def test_logic(tree: Filter, *, expected: bool) -> None:
    """Connectives have their usual meaning, without parts too."""
    assert matcher(tree)({"name": "Jo", "age": 6, "member": True}) is expected


def test_links_are_followed_by_the_caller() -> None:
    """Conditions across a link need a function that knows the other collection."""
    tree = parse_filter({"desk.room": "1", "name": "Jo"}, PEOPLE)
    asked: list[Through] = []

    def through(link: Through) -> Matcher:
        asked.append(link)
        return lambda document: document["desk"] == 7

    assert matcher(tree, through=through)({"name": "Jo", "desk": 7})
    assert [link.collection for link in asked] == ["desks"]
    with pytest.raises(TypeError, match="the link desk has to be followed"):
        matcher(tree)
