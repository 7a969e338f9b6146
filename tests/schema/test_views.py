from typing import Any

import pytest

from backo import Dict, Int, List
from backo.schema.views import known_view, mask, masked, view_names
from tests.items.making import schema_of

SCHEMA = schema_of(
    {
        "a": Int(),
        "b": Int(views=["short"]),
        "c": Int(views=["!short", "!client"]),
        "g": Dict({"x": Int(views=["short"]), "y": Int(views=["!short"]), "z": Int()}),
        "h": Dict({"x": Int(), "y": Int(views=["!short"])}, views=["short"]),
        "lines": List(Dict({"x": Int(), "y": Int(views=["!short"])})),
        "total": Int(set=lambda item: 1),
        "kept": Int(set=lambda item: 1, views=["save"]),
        "gone": Int(exists=False),
        "secret": Int(views=["!save"]),
    },
    views={"named": ["$.a", "$.g.x", "$.h", "$.h.x", "$.lines.y"]},
)
LINES = [{"x": 1, "y": 2}]
TREE = {
    "a": 1, "b": 2, "c": 3, "g": {"x": 1, "y": 2, "z": 3}, "h": {"x": 1, "y": 2}, "lines": LINES,
    "total": 1, "kept": 1, "secret": 9, "_id": "i", "_meta": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("view", "shown"),
    [
        ("client", {key: value for key, value in TREE.items() if key != "c"}),
        ("nonsense", {key: value for key, value in TREE.items() if key != "c"}),
        ("+nonsense", {key: value for key, value in TREE.items() if key != "c"}),
        (
            "short",
            {
                **{key: value for key, value in TREE.items() if key != "c"},
                "g": {"x": 1, "z": 3},
                "h": {"x": 1},
                "lines": [{"x": 1}],
            },
        ),
        ("+short", {"b": 2, "g": {"x": 1}, "h": {"x": 1}}),
        ("+client", {}),
        ("save", {key: value for key, value in TREE.items() if key not in {"total", "secret"}}),
        ("named", {"a": 1, "g": {"x": 1}, "h": {"x": 1, "y": 2}, "lines": [{"y": 2}], "_id": "i"}),
        ("+named", {"a": 1, "g": {"x": 1}, "h": {"x": 1, "y": 2}, "lines": [{"y": 2}], "_id": "i"}),
    ],
)
def test_views(view: str, shown: dict[str, Any]) -> None:
    """A view keeps all but `!name`, `+name` only `name`, a defined one its paths, `save` what is stored."""
    assert masked(TREE, mask(SCHEMA, view)) == shown


def test_an_unset_group_stays_unset() -> None:
    """There is nothing to leave out in it."""
    assert masked({"a": 1, "g": None, "lines": None}, mask(SCHEMA, "short")) == {"a": 1, "g": None, "lines": None}


def test_names_of_views() -> None:
    """A view exists when some field mentions it, or it was defined."""
    assert view_names(SCHEMA) == {"client", "save", "short", "named"}
    assert [known_view(SCHEMA, name) for name in ("short", "+short", "x", "+x", "")] == [
        "short", "+short", "client", "client", "client",
    ]  # fmt: skip
    assert known_view(SCHEMA, None) == "client"  # type: ignore[arg-type]  # whatever is asked for


def test_a_view_that_leaves_nothing_out() -> None:
    """Its mask is None, so that nothing has to be done."""
    assert mask(schema_of({"a": Int(), "g": Dict({"x": Int()})}), "client") is None
