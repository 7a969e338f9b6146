"""Query strings become requests for lists."""

from __future__ import annotations

import pytest

from backo.errors import QueryError
from backo.query.cursors import encode_cursor
from backo.query.filters import (
    EVERYTHING,
    NOTHING,
    And,
    Compare,
    Filter,
    Not,
    Operator,
    Or,
    Query,
    SortKey,
    Through,
)
from backo.query.limits import StandardLimits
from backo.query.strings import ListRequest, parse_list, parse_sort, view_name
from backo.schema.kinds import Kind, json_key
from tests.query.fake_scope import PEOPLE

EQ, IN, GT, LT = Operator.EQ, Operator.IN, Operator.GT, Operator.LT


def compare(path: str, operator: Operator, value: object, kind: Kind = Kind.TEXT, *, many: bool = False) -> Compare:
    """Compare the field of a dotted path."""
    return Compare(tuple(path.split(".")), operator, value, kind, many)  # type: ignore[arg-type]  # any operand


@pytest.mark.parametrize(
    ("pairs", "tree"),
    [
        pytest.param([], EVERYTHING, id="nothing"),
        pytest.param([("name", "Jo")], compare("name", EQ, "Jo"), id="field"),
        pytest.param([("$.name", "Jo")], compare("name", EQ, "Jo"), id="selector"),
        pytest.param([("name.$eq", "Jo")], compare("name", EQ, "Jo"), id="operator"),
        pytest.param([("address.zip", "01234")], compare("address.zip", EQ, "01234"), id="zip-stays-text"),
        pytest.param([("age", "12")], compare("age", EQ, 12, Kind.INTEGER), id="integer"),
        pytest.param([("height.$gt", "1.5")], compare("height", GT, 1.5, Kind.REAL), id="real"),
        pytest.param([("member", "true")], compare("member", EQ, True, Kind.BOOLEAN), id="boolean"),
        pytest.param([("_id", "x")], compare("_id", EQ, "x"), id="id"),
        pytest.param(
            [("_meta.ctime.$lt", "1970-01-01T00:00:00Z")], compare("_meta.ctime", LT, 0, Kind.INSTANT), id="meta"
        ),
        pytest.param(
            [("name", "Jo"), ("age.$gt", "1"), ("age.$lt", "9")],
            And((compare("name", EQ, "Jo"), compare("age", GT, 1, Kind.INTEGER), compare("age", LT, 9, Kind.INTEGER))),
            id="several-keys",
        ),
        pytest.param([("name", "a"), ("name", "b")], compare("name", IN, ("a", "b")), id="key-twice"),
        pytest.param(
            [("name", "a"), ("name.$eq", "b")],
            And((compare("name", EQ, "a"), compare("name", EQ, "b"))),
            id="two-keys-for-one-operator",
        ),
        pytest.param([("name.$in", "a,b"), ("name.$in", "c")], compare("name", IN, ("a", "b", "c")), id="in"),
        pytest.param([("name.$in", "")], compare("name", IN, ("",)), id="in-empty-text"),
        pytest.param([("name", "a,b")], compare("name", EQ, "a,b"), id="comma"),
        pytest.param([("name.$nin", "a,b")], Not(compare("name", IN, ("a", "b"))), id="nin"),
        pytest.param([("name.$ne", "a")], Not(compare("name", EQ, "a")), id="ne"),
        pytest.param([("name.$not", "a")], Not(compare("name", EQ, "a")), id="not"),
        pytest.param([("name.$ne", "a"), ("name.$ne", "b")], Not(compare("name", IN, ("a", "b"))), id="ne-twice"),
        pytest.param([("name.$re", "^a")], compare("name", Operator.REG, "^a"), id="re"),
        pytest.param(
            [("name.$contains", "a"), ("name.$contains", "b")],
            Or((compare("name", Operator.CONTAINS, "a"), compare("name", Operator.CONTAINS, "b"))),
            id="contains-twice",
        ),
        pytest.param(
            [("scores.$contains", "3")], compare("scores", EQ, 3, Kind.INTEGER, many=True), id="list-contains"
        ),
        pytest.param([("scores", "3")], compare("scores", EQ, 3, Kind.INTEGER, many=True), id="list-has"),
        pytest.param([("age", "null")], compare("age", EQ, None, Kind.INTEGER), id="null"),
        pytest.param([("age.$ne", "null")], Not(compare("age", EQ, None, Kind.INTEGER)), id="not-null"),
        pytest.param([("age.$in", "1,null")], compare("age", IN, (1, None), Kind.INTEGER), id="in-with-null"),
        pytest.param([("name", "null")], compare("name", EQ, "null"), id="null-is-a-text"),
        pytest.param([("address", "null")], compare("address", EQ, None, Kind.JSON), id="null-group"),
        pytest.param([("boss", "null")], compare("boss", EQ, None), id="null-link"),
        pytest.param([("desk", "null")], Not(Through(("desk",), "desks", EVERYTHING)), id="null-derived-link"),
        pytest.param([("desk.room", "1")], Through(("desk",), "desks", compare("room", EQ, "1")), id="across-a-link"),
        pytest.param([("free.x", "1")], compare("free.x", EQ, json_key("1"), Kind.JSON, many=True), id="free"),
    ],
)
def test_a_query_string_becomes_a_tree(pairs: list[tuple[str, str]], tree: Filter) -> None:
    """Values are read by the type of the field, keys are combined."""
    assert parse_list(pairs, PEOPLE) == ListRequest(filter=tree)


def test_an_empty_in_matches_the_empty_text_only() -> None:
    """There is always one value between commas."""
    assert parse_list([("name.$in", "")], PEOPLE).filter != NOTHING


def test_the_answer_has_its_parameters() -> None:
    """Page, skip, sort, view, total and cursor are read beside the filter."""
    sort = (SortKey(("name",), Kind.TEXT), SortKey(("age",), Kind.INTEGER, descending=True))
    cursor = encode_cursor(sort, ("Jo", None, "x"))
    assert cursor

    request = parse_list(
        [
            ("_page", "20"),
            ("_skip", "40"),
            ("_sort", "$.name,-$.age"),
            ("_after", cursor),
            ("_view", " admin"),
            ("_total", "0"),
        ],
        PEOPLE,
    )

    assert request == ListRequest(EVERYTHING, sort, 20, 40, ("Jo", None, "x"), "+admin", total=False)
    assert request.query == Query(EVERYTHING, sort, 40, 20, ("Jo", None, "x"))


def test_defaults() -> None:
    """A page has a hundred items, or as many as are allowed; the order may be a given one."""
    sort = (SortKey(("age",), Kind.INTEGER),)
    cursor = encode_cursor(sort, (3, "x"))
    assert cursor

    assert parse_list([], PEOPLE) == ListRequest(page=100, skip=0, view="client", total=True)
    assert parse_list([], PEOPLE, StandardLimits(page=10)).page == 10
    assert parse_list([("_after", cursor)], PEOPLE, default_sort=sort).query.after == (3, "x")
    assert parse_list([("_total", "1"), ("_view", "x")], PEOPLE) == ListRequest(view="x")


@pytest.mark.parametrize(
    ("pairs", "path", "message"),
    [
        pytest.param([("nmae", "x")], "$.nmae", "There is no such field; did you mean 'name'?", id="unknown"),
        pytest.param([("", "x")], "$.", "There is no such field", id="no-key"),
        pytest.param([("_pge", "x")], "_pge", "There is no such parameter; did you mean '_page'?", id="parameter"),
        pytest.param([("_meta.x", "x")], "$._meta.x", "There is no such field", id="unknown-meta"),
        pytest.param([("_page.$gt", "x")], "_page.$gt", "There is no such parameter", id="operator-on-a-parameter"),
        pytest.param([("age", "x")], "$.age", "Must be an integer", id="type"),
        pytest.param([("age", "")], "$.age", "Must be an integer", id="empty"),
        pytest.param([("member", "True")], "$.member", "Must be a boolean", id="boolean"),
        pytest.param([("age.$gtt", "1")], "$.age", "There is no operator '$gtt'; did you mean", id="operator"),
        pytest.param([("age.$", "1")], "$.age", "There is no operator '$'", id="no-operator"),
        pytest.param([("$or", "1")], "$", "$or is understood in the body of a POST only", id="or"),
        pytest.param([("age.$and", "1")], "$.age", "in the body of a POST only", id="and-on-a-field"),
        pytest.param([("$gt", "1")], "$", "$gt must follow a field", id="operator-alone"),
        pytest.param([("age.$gt", "1"), ("age.$gt", "2")], "$.age", "$gt is given twice", id="order-twice"),
        pytest.param([("age.$gt", "null")], "$.age", "Must be an integer", id="order-of-null"),
        pytest.param([("age.$reg", "1")], "$.age", "$reg makes no sense here", id="reg"),
        pytest.param([("member.$lt", "true")], "$.member", "$lt makes no sense here", id="order-of-booleans"),
        pytest.param([("address", "Lyon")], "$.address", "Is a group of fields", id="group"),
        pytest.param([("shout", "null")], "$.shout", "Is computed", id="computed"),
        pytest.param([("name", "a\0")], "$.name", "NUL", id="nul"),
        pytest.param([("_page", "0")], "_page", "Must be a whole number from 1 to 1000", id="page-of-nothing"),
        pytest.param([("_page", "1001")], "_page", "from 1 to 1000", id="page-too-large"),
        pytest.param([("_page", "-1")], "_page", "from 1 to 1000", id="page-below-zero"),
        pytest.param([("_page", "1.0")], "_page", "from 1 to 1000", id="page-of-a-half"),
        pytest.param([("_page", "abc")], "_page", "from 1 to 1000", id="page-of-letters"),
        pytest.param([("_page", "٣")], "_page", "from 1 to 1000", id="page-of-other-digits"),
        pytest.param([("_page", "9" * 5000)], "_page", "from 1 to 1000", id="page-of-many-digits"),
        pytest.param([("_page", "")], "_page", "from 1 to 1000", id="page-empty"),
        pytest.param([("_page", "1"), ("_page", "1")], "_page", "Is given twice", id="page-twice"),
        pytest.param([("_skip", "x")], "_skip", "from 0 to 2147483647", id="skip"),
        pytest.param([("_total", "yes")], "_total", "Must be 0 or 1", id="total"),
        pytest.param([("_after", "x")], "_after", "Is not a cursor", id="cursor"),
        pytest.param([("_sort", "")], "_sort", "A key of a sort names a field", id="sort-by-nothing"),
        pytest.param([("_sort", "name,")], "_sort", "A key of a sort names a field", id="sort-by-nothing-more"),
        pytest.param([("_sort", "-")], "_sort", "A key of a sort names a field", id="sort-by-nothing-descending"),
        pytest.param([("_sort", "nmae")], "$.nmae", "did you mean 'name'?", id="sort-unknown"),
        pytest.param([("_sort", "name,-tags")], "$.tags", "Cannot be sorted: it is a list", id="sort-list"),
        pytest.param([("_sort", "lines.title")], "$.lines.title", "or inside one", id="sort-below-a-list"),
        pytest.param([("_sort", "address")], "$.address", "it is a group of fields", id="sort-group"),
        pytest.param([("_sort", "shout")], "$.shout", "it is computed", id="sort-computed"),
        pytest.param([("_sort", "desk")], "$.desk", "it is not stored", id="sort-derived"),
        pytest.param([("_sort", "boss.name")], "$.boss.name", "it is across a link", id="sort-across-a-link"),
        pytest.param([("_sort", "age.$gt")], "$.age", "A sort takes fields", id="sort-operator"),
        pytest.param([("_sort", "--age")], "$.-age", "There is no such field", id="sort-twice-descending"),
        pytest.param([("_sort", ",".join(["age"] * 21))], "_sort", "at most 20 keys", id="sort-by-many"),
    ],
)
def test_what_makes_no_sense_is_refused(pairs: list[tuple[str, str]], path: str, message: str) -> None:
    """A problem names the path or the parameter, and what is wrong there."""
    with pytest.raises(QueryError) as raised:
        parse_list(pairs, PEOPLE)

    (problem,) = raised.value.problems
    assert problem.path == path
    assert message in problem.message


def test_all_problems_are_told_together() -> None:
    """Fields and parameters are judged in one go."""
    with pytest.raises(QueryError) as raised:
        parse_list([("age", "x"), ("_page", "x"), ("_sort", "x"), ("_after", "x"), ("nope", "1")], PEOPLE)

    assert [problem.path for problem in raised.value.problems] == ["$.age", "$.nope", "$.x", "_page"]


def test_limits_hold() -> None:
    """A query string has the limits of a filter."""
    with pytest.raises(QueryError, match="at most 200 nodes"):
        parse_list([(f"free.x{number}", "1") for number in range(200)], PEOPLE)
    with pytest.raises(QueryError, match="at most 100000 values"):
        parse_list([("name.$in", "," * 100_001)], PEOPLE)


def test_a_sort_of_python() -> None:
    """An order can be a text or a list; keys that cannot change it are left out."""
    name, age = SortKey(("name",), Kind.TEXT), SortKey(("age",), Kind.INTEGER, descending=True)
    id_ = SortKey(("_id",), Kind.TEXT, descending=True)

    assert parse_sort("name,-age", PEOPLE) == (name, age)
    assert parse_sort(["name", "-age", "-name"], PEOPLE) == (name, age)
    assert parse_sort(("-_id", "name"), PEOPLE) == (id_,)
    assert parse_sort("_meta.ctime", PEOPLE) == (SortKey(("_meta", "ctime"), Kind.INSTANT),)
    assert parse_sort([], PEOPLE) == ()


def test_a_key_of_a_sort_is_a_text() -> None:
    """A list of something else is refused."""
    with pytest.raises(QueryError, match="A key of a sort is a text"):
        parse_sort([1], PEOPLE)  # type: ignore[list-item]


@pytest.mark.parametrize("names", [3, None, {"name"}, {"name": 1}], ids=repr)
def test_a_sort_of_something_else(names: object) -> None:
    """What is neither a text nor a list is refused."""
    with pytest.raises(QueryError, match="A sort is a text such as 'name,-age', or a list"):
        parse_sort(names, PEOPLE)  # type: ignore[arg-type]


@pytest.mark.parametrize(("text", "name"), [("client", "client"), (" admin", "+admin"), ("+admin", "+admin"), ("", "")])
def test_a_plus_in_a_view_survives(text: str, name: str) -> None:
    """A query string decodes `+` as a space."""
    assert view_name(text) == name
