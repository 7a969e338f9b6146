"""Filters as SQL: what is pushed, how it is written, and that values never become text of a statement."""

from __future__ import annotations

import pytest

from backo.connectors.sql.dialect import Condition
from backo.connectors.sql.filters import can_push, compiled, driving_list, levels
from backo.connectors.sql.layout import Cell, Layout
from backo.connectors.sqlite.dialect import DIALECT
from backo.query.filters import EVERYTHING, NOTHING, And, Compare, Filter, Not, Operator, Or, Through
from backo.schema.kinds import Kind

LAYOUT = Layout(
    "things",
    DIALECT,
    (
        Cell("name", ("name",), Kind.TEXT),
        Cell("age", ("age",), Kind.INTEGER),
        Cell("any", ("any",), Kind.JSON),
        Cell("tags", ("tags",), Kind.TEXT, many=True),
    ),
)


def name(operator: Operator, value: object) -> Compare:
    """Compare a text that has a column."""
    return Compare(("name",), operator, value, Kind.TEXT)  # type: ignore[arg-type]  # of any kind here


def tags(operator: Operator, value: object) -> Compare:
    """Compare a list that has a table."""
    return Compare(("tags",), operator, value, Kind.TEXT, many=True)  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize(
    ("filter_", "text", "values"),
    [
        pytest.param(EVERYTHING, "TRUE", (), id="everything"),
        pytest.param(NOTHING, "FALSE", (), id="nothing"),
        pytest.param(name(Operator.EQ, "Jo"), 't."name" = ?', ("Jo",), id="eq"),
        pytest.param(name(Operator.EQ, None), 't."name" IS NULL', (), id="absent"),
        pytest.param(Not(name(Operator.EQ, None)), 't."name" IS NOT NULL', (), id="present"),
        pytest.param(name(Operator.LTE, "Jo"), 't."name" <= ?', ("Jo",), id="lte"),
        pytest.param(Not(name(Operator.LT, "Jo")), '(t."name" < ? IS NOT TRUE)', ("Jo",), id="not"),
        pytest.param(Not(Not(name(Operator.LT, "Jo"))), 't."name" < ?', ("Jo",), id="not-not"),
        pytest.param(name(Operator.CONTAINS, "%"), 'instr(t."name", ?) > 0', ("%",), id="contains"),
        pytest.param(name(Operator.REG, "^J"), 'backo_found(?, t."name")', ("^J",), id="reg"),
        pytest.param(name(Operator.IN, ()), "FALSE", (), id="in-nothing"),
        pytest.param(name(Operator.IN, ("a", "b")), 't."name" IN (?, ?)', ("a", "b"), id="in"),
        pytest.param(name(Operator.IN, ("a", None)), '(t."name" = ? OR t."name" IS NULL)', ("a",), id="in-with-absent"),
        pytest.param(
            And((name(Operator.GT, "a"), Or((name(Operator.EQ, "b"), name(Operator.EQ, "c"))))),
            '((t."name" = ? OR t."name" = ?) AND t."name" > ?)',
            ("b", "c", "a"),
            id="nested-first",
        ),
        pytest.param(
            Compare(("any",), Operator.GT, "n1", Kind.JSON),
            '(t."any" > ? AND t."any" < ?)',
            ("n1", "o"),
            id="json-of-one-type",
        ),
        pytest.param(
            tags(Operator.GT, "a"),
            't._id IN (SELECT _id FROM "things/tags" WHERE value > ?)',
            ("a",),
            id="list",
        ),
        pytest.param(Compare(("_id",), Operator.EQ, "a", Kind.TEXT), "t._id = ?", ("a",), id="id"),
        pytest.param(
            Compare(("age",), Operator.LT, 2**63, Kind.INTEGER), 't."age" < ?', (float("inf"),), id="huge-integer"
        ),
        pytest.param(
            Compare(("home", "zip"), Operator.EQ, "0", Kind.TEXT),
            "CASE WHEN json_type(t._document, ?) IN ('text') THEN json_extract(t._document, ?) END = ?",
            ('$."home"."zip"', '$."home"."zip"', "0"),
            id="no-column",
        ),
        pytest.param(
            Compare(("age",), Operator.EQ, 0.5, Kind.REAL),
            "backo_key(t._document, ?) = ?",
            ('["real","age"]', 0.5),
            id="column-of-another-kind",
        ),
    ],
)
def test_a_filter_is_written(filter_: Filter, text: str, values: tuple[object, ...]) -> None:
    """Each shape has its text, and its values stay values."""
    assert compiled(filter_, LAYOUT) == Condition(text, values)


@pytest.mark.parametrize(
    "compare",
    [
        pytest.param(tags(Operator.EQ, None), id="absent-list"),
        pytest.param(tags(Operator.IN, ("a", None)), id="perhaps-absent-list"),
        pytest.param(tags(Operator.EQ, ("a",)), id="whole-list"),
        pytest.param(tags(Operator.IN, ("a", ("b",))), id="perhaps-a-whole-list"),
        pytest.param(Compare(("scores",), Operator.EQ, 1, Kind.INTEGER, many=True), id="list-without-table"),
        pytest.param(Compare(("any",), Operator.REG, "a", Kind.JSON), id="pattern-on-json"),
        pytest.param(Compare(("any",), Operator.CONTAINS, "a", Kind.JSON), id="part-of-json"),
        pytest.param(name(Operator.LT, "\ud800"), id="lone-surrogate"),
    ],
)
def test_what_sql_does_not_answer_exactly_is_left(compare: Compare) -> None:
    """These comparisons are done in memory."""
    assert not can_push(compare, LAYOUT)


def test_links_are_not_for_a_store() -> None:
    """A condition across a link must have been rewritten."""
    with pytest.raises(TypeError, match="rewritten"):
        compiled(Through(("parent",), "others", EVERYTHING), LAYOUT)


def test_many_values_are_one_parameter() -> None:
    """However many values there are, a statement has few parameters; only texts with a NUL stand alone."""
    found = DIALECT.is_one_of(Condition("x"), [*(str(number) for number in range(1000)), "a\0b"], Kind.TEXT)

    assert found.text == "(x IN (SELECT value FROM json_each(?)) OR x = ?)"
    assert found.values[1:] == ("a\0b",)


def test_many_parts_do_not_make_a_deep_tree() -> None:
    """Thousands of alternatives are grouped."""
    alternatives = Or(tuple(name(Operator.EQ, str(number)) for number in range(5000)))

    text = compiled(alternatives, LAYOUT).text

    assert max(group.count(" OR ") for group in text.split(") OR (")) < 200


def test_levels_are_counted() -> None:
    """A comparison is one level, each combination one more."""
    assert levels(name(Operator.EQ, "a")) == 1
    assert levels(EVERYTHING) == 1
    assert levels(Not(Or((And((name(Operator.EQ, "a"),)), EVERYTHING)))) == 4


def test_one_value_of_a_list_can_drive_a_query() -> None:
    """A part that asks for one value is found beside others; not inside an alternative."""
    wanted, other = tags(Operator.EQ, "a"), name(Operator.GT, "b")

    found = driving_list(And((other, wanted)), LAYOUT)

    assert found is not None
    assert (found[0].name, found[1], found[2]) == ("things/tags", wanted, And((other,)))
    assert driving_list(Or((other, wanted)), LAYOUT) is None
    assert driving_list(tags(Operator.GT, "a"), LAYOUT) is None
