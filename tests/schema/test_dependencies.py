from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import pytest

from backo import DefinitionError, Dict, Int
from backo.schema.dependencies import paths_read
from backo.schema.options import adapted
from tests.items.making import schema_of


class Reader:
    """Functions in other forms."""

    def method(self, item: Any) -> Any:
        """Read an attribute and a key."""
        return item.a + item["b"].c

    @staticmethod
    def static(item: Any) -> Any:
        """Read an attribute."""
        return item.a

    @classmethod
    def of_class(cls, item: Any) -> Any:
        """Read an attribute."""
        return item.a

    def __call__(self, item: Any) -> Any:
        return item.a


def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a function."""

    @wraps(function)
    def call(*arguments: Any) -> Any:
        return function(*arguments)

    return call


@decorated
def wrapped(item: Any) -> Any:
    """Read an attribute."""
    return item.a


def statements(item: Any) -> Any:
    """Read here and there."""
    value = item.a
    if item.b and not item["c"]:
        return value.x
    other = item
    return other.y


def reading(function: str) -> Any:
    """Have a variable that is called as ours are."""
    return lambda item: getattr(item, function) + item.a


@pytest.mark.parametrize(
    ("function", "paths"),
    [
        pytest.param(lambda item: item.a * item["b"].c, {"a", "b.c"}, id="lambda"),
        pytest.param(lambda item: item.a.b["c"].d(), {"a.b.c.d"}, id="chain"),
        pytest.param(lambda item: [one.x * item.rate for one in item.lines], {"lines", "rate"}, id="comprehension"),
        pytest.param(lambda item: sum(one.x for one in item.lines if item.b), {"lines", "b"}, id="generator"),
        pytest.param(lambda item: (lambda: item.a)(), {"a"}, id="inner"),
        pytest.param(lambda item: f"{item.a}-{item['b']!r}", {"a", "b"}, id="text"),
        pytest.param(lambda item: item, set(), id="all-of-it"),
        pytest.param(lambda item, more=1: more.x + item.a, {"a"}, id="more-parameters"),
        pytest.param(lambda: 5, set(), id="no-parameter"),
        pytest.param(lambda *items: items[0].a, set(), id="star"),
        pytest.param(statements, {"a", "b", "c"}, id="statements"),
        pytest.param(Reader().method, {"a", "b.c"}, id="method"),
        pytest.param(Reader.static, {"a"}, id="staticmethod"),
        pytest.param(Reader.of_class, {"a"}, id="classmethod"),
        pytest.param(Reader(), {"a"}, id="callable-object"),
        pytest.param(partial(lambda rate, item: item.a * rate, 3), {"a"}, id="partial"),
        pytest.param(wrapped, {"a"}, id="decorated"),
        pytest.param(reading("z"), {"a"}, id="closure"),
        pytest.param(len, set(), id="built-in"),
        pytest.param(int, set(), id="class"),
        pytest.param(str.upper, set(), id="method-of-a-built-in-type"),
    ],
)
def test_what_a_function_reads(function: Any, paths: set[str]) -> None:
    """It is found through whatever is wrapped around the function, ours included."""
    assert {".".join(path) for path in paths_read(function)} == paths
    assert {".".join(path) for path in paths_read(adapted(function, 1, what="set"))} == paths


def test_computed_fields_come_after_those_they_read() -> None:
    """Whatever the order of the declaration."""
    schema = schema_of(
        {
            "c": Int(set=lambda item: item.b + item.g.y),
            "b": Int(set=lambda item: item.a),
            "g": Dict({"y": Int(set=lambda item: item.g.x * 2), "x": Int(set=lambda item: item.b)}),
            "a": Int(),
        }
    )

    assert [".".join(node.path) for node in schema.computed] == ["b", "g.x", "g.y", "c"]


@pytest.mark.parametrize(
    ("fields", "circle"),
    [
        pytest.param({"a": Int(set=lambda item: item.a)}, r"\$.a -> \$.a", id="itself"),
        pytest.param(
            {
                "a": Int(set=lambda item: item.b),
                "b": Int(set=lambda item: item["c"]),
                "c": Int(set=lambda item: item.a),
            },
            r"\$.a -> \$.b -> \$.c -> \$.a",
            id="three",
        ),
        pytest.param(
            {"g": Dict({"a": Int(set=lambda item: item.g.b), "b": Int(set=lambda item: item["g"]["a"])})},
            r"\$.g.a -> \$.g.b -> \$.g.a",
            id="in-a-group",
        ),
    ],
)
def test_a_circle_is_refused(fields: dict[str, Any], circle: str) -> None:
    """It fails when the item is compiled, and is written out."""
    with pytest.raises(DefinitionError, match=f"cat: computed fields read one another in a circle: {circle}"):
        schema_of(fields)


def test_neighbours_in_a_group_are_no_circle() -> None:
    """A computed field may read the group it is in."""
    schema_of(
        {
            "g": Dict({"x": Int(), "a": Int(set=lambda item: item.g.x), "b": Int(set=lambda item: item.g.x)}),
            "name": Int(set=lambda item: item.names),
            "names": Int(),
        }
    )
