import re
from typing import Any

import pytest

from backo import (
    Bool,
    Datetime,
    Dict,
    Field,
    Float,
    In,
    Int,
    List,
    Ref,
    RefsList,
    String,
    Tuple,
)
from tests.items.making import schema_of


def anything(*arguments: Any) -> Any:
    """Be a function."""


def fields(**more: Field) -> dict[str, Field]:
    """Declare a cat, differently here and there."""
    return {
        "name": String(max_length=10),
        "age": Int(),
        "group": Dict({"a": Int(), "b": String()}),
        "list": List(Int()),
        "link": Ref(coll="people", field="$.cats"),
        "pair": Tuple((Int(), String())),
        "either": In([Int(), String()]),
        "when": Datetime(),
        **more,
    }


PLAIN = schema_of(fields()).fingerprint


@pytest.mark.parametrize(
    ("more", "options"),
    [
        pytest.param({"new": Int()}, {}, id="new-field"),
        pytest.param({"age": Float()}, {}, id="type"),
        pytest.param({"age": Int(min=0)}, {}, id="min"),
        pytest.param({"age": Int(max=0)}, {}, id="max"),
        pytest.param({"age": Int(required=True)}, {}, id="required"),
        pytest.param({"age": Int(unique=True)}, {}, id="unique"),
        pytest.param({"age": Int(index=True)}, {}, id="index"),
        pytest.param({"age": Int(enum=[1, 2])}, {}, id="enum"),
        pytest.param({"age": Int(exists=False)}, {}, id="no-field"),
        pytest.param({"age": Int(set=anything)}, {}, id="not-stored"),
        pytest.param({"age": Int(views=["!save"])}, {}, id="view-save"),
        pytest.param({"name": String(max_length=11)}, {}, id="length"),
        pytest.param({"name": String(max_length=10, pattern="a")}, {}, id="pattern"),
        pytest.param({"group": Dict({"a": Int(), "c": String()})}, {}, id="name-in-group"),
        pytest.param({"group": Dict({"a": Int(max=5), "b": String()})}, {}, id="in-group"),
        pytest.param({"group": Dict({"b": String(), "a": Int()})}, {}, id="order"),
        pytest.param({"list": List(Int(max=5))}, {}, id="element"),
        pytest.param({"list": List(Int(), uniq=True)}, {}, id="uniq"),
        pytest.param({"list": List(Int(), min=1)}, {}, id="length-of-list"),
        pytest.param({"link": Ref(coll="dogs", field="$.cats")}, {}, id="collection"),
        pytest.param({"link": Ref(coll="people", field="$.dogs")}, {}, id="reverse"),
        pytest.param({"link": RefsList(coll="people", field="$.cats")}, {}, id="cardinality"),
        pytest.param({"pair": Tuple((Int(), String(max_length=5)))}, {}, id="tuple"),
        pytest.param({"either": In([String(), Int()])}, {}, id="in"),
        pytest.param({"when": Datetime(aware=True)}, {}, id="aware"),
        pytest.param({}, {"version": 1}, id="version"),
        pytest.param({}, {"version": "0"}, id="version-text"),
        pytest.param({}, {"derived": ["link"]}, id="stored-side"),
    ],
)
def test_what_is_declared_as_data_counts(more: dict[str, Field], options: dict[str, Any]) -> None:
    """Stored documents may not fit any more, or look otherwise."""
    assert schema_of(fields(**more), **options).fingerprint != PLAIN


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"age": Int(description="years")}, id="description"),
        pytest.param({"age": Int(default=5)}, id="default"),
        pytest.param({"age": Int(transform=anything)}, id="transform"),
        pytest.param({"age": Int(constraint=anything)}, id="constraint"),
        pytest.param({"age": Int(onchange=anything)}, id="onchange"),
        pytest.param({"age": Int(exists=anything)}, id="condition"),
        pytest.param({"age": Int(enum=anything)}, id="enum-function"),
        pytest.param({"name": String(max_length=10, pattern=anything)}, id="pattern-function"),
        pytest.param({"age": Int(can_read=False, can_modify=anything)}, id="rights"),
        pytest.param({"age": Int(on=("saved", anything))}, id="hooks"),
        pytest.param({"age": Int(views=["short", "!long"])}, id="views"),
        pytest.param({"age": Int(set=anything, views=["save"])}, id="computed-but-stored"),
        pytest.param({"age": Int(required=False)}, id="nothing"),
    ],
)
def test_what_else_is_declared_does_not(more: dict[str, Field]) -> None:
    """Stored documents are as good as before."""
    assert schema_of(fields(**more)).fingerprint == PLAIN


def test_the_options_of_the_item_do_not_count() -> None:
    """They are functions, hooks and descriptions."""
    assert schema_of(fields(), description="a cat", on=("saved", anything)).fingerprint == PLAIN
    assert schema_of(fields(), views={"short": ["name"]}).fingerprint == PLAIN


def test_flags_of_a_pattern_count() -> None:
    """A pattern that looks at case is another one."""
    plain = schema_of({"a": String(pattern=re.compile("a"))}).fingerprint  # type: ignore[arg-type]  # taken too
    loose = schema_of({"a": String(pattern=re.compile("a", re.IGNORECASE))}).fingerprint  # type: ignore[arg-type]  # taken too

    assert plain == schema_of({"a": String(pattern="a")}).fingerprint
    assert plain != loose


def test_a_fingerprint_stays_what_it_is() -> None:
    """It is stored beside every document, so it must not depend on anything else, not even on our version."""
    schema = schema_of({"name": String(required=True), "male": Bool(default=True)})

    assert schema.fingerprint == "2fd60e3b040f0d1c"
