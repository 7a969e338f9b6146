"""Patches of one item from Python: what is copied and moved, how much, and what counts as equal."""

from datetime import date
from typing import Any

import pytest

from backo import ConflictError, Date, Decimal, Dict, FreeDict, Int, List, String, ValidationError
from backo.items.patch import MAX_COPIED
from tests.items.making import found, record_of

SHOP = {
    "name": String(),
    "other": String(),
    "tags": List(String()),
    "home": Dict({"city": String(), "zip": Int()}),
    "work": Dict({"city": String(), "zip": Int()}),
    "lines": List(Dict({"x": Int(), "y": Int()})),
    "free": FreeDict(),
    "double": Int(set=lambda item: 2 * (item.home.zip or 0)),
}
VALUES: dict[str, Any] = {
    "name": "tea",
    "tags": ["a", "b", "c"],
    "home": {"city": "Lyon", "zip": 69000},
    "lines": [{"x": 1, "y": 2}, {"x": 3, "y": None}],
    "free": {"a": [1]},
}


@pytest.mark.parametrize(
    ("path", "source", "changed"),
    [
        pytest.param("$.other", "$.name", {"other": "tea"}, id="field"),
        pytest.param("$.name", "$.other", {"name": None}, id="unset"),
        pytest.param("$.name", "$.name", {}, id="itself"),
        pytest.param("$.work", "$.home", {"work": {"city": "Lyon", "zip": 69000}}, id="group"),
        pytest.param("$.work.city", "$.home.city", {"work": {"city": "Lyon", "zip": None}}, id="in-a-group"),
        pytest.param("/tags/-", "/tags/0", {"tags": ["a", "b", "c", "a"]}, id="append"),
        pytest.param("$.tags[1]", "$.tags[2]", {"tags": ["a", "c", "b", "c"]}, id="insert"),
        pytest.param("$.name", "$.tags[1]", {"name": "b"}, id="out-of-a-list"),
        pytest.param("$.lines[1].y", "$.lines[0].y", {"lines": [{"x": 1, "y": 2}, {"x": 3, "y": 2}]}, id="in-a-list"),
        pytest.param("/free/b", "/free", {"free": {"a": [1], "b": {"a": [1]}}}, id="into-itself"),
        pytest.param("$.work.zip", "$.double", {"work": {"city": None, "zip": 138000}}, id="computed"),
    ],
)
def test_copying(path: str, source: str, changed: dict[str, Any]) -> None:
    """`copy` adds at one place what another has, which keeps it."""
    item = record_of(SHOP, VALUES)
    before = item.get_value()

    item.patch("copy", path, source)

    assert item.get_value() == {**before, **changed}


@pytest.mark.parametrize(
    ("path", "source", "changed"),
    [
        pytest.param("$.other", "$.name", {"other": "tea", "name": None}, id="field"),
        pytest.param("$.name", "$.name", {}, id="itself"),
        pytest.param("$.work", "$.home", {"work": VALUES["home"], "home": None, "double": 0}, id="group"),
        pytest.param("/tags/-", "/tags/0", {"tags": ["b", "c", "a"]}, id="last"),
        pytest.param("$.tags[0]", "$.tags[2]", {"tags": ["c", "a", "b"]}, id="first"),
        pytest.param("$.name", "$.tags[1]", {"name": "b", "tags": ["a", "c"]}, id="out-of-a-list"),
        pytest.param("/free/b", "/free/a", {"free": {"b": [1]}}, id="free"),
    ],
)
def test_moving(path: str, source: str, changed: dict[str, Any]) -> None:
    """`move` takes away what it adds elsewhere."""
    item = record_of(SHOP, VALUES)
    before = item.get_value()

    item.patch("move", path, source)

    assert item.get_value() == {**before, **changed}


def test_a_copy_is_of_its_own() -> None:
    """What is changed in the copy stays as it was in the source."""
    item = record_of(SHOP, VALUES)

    item.patch([{"op": "copy", "from": "/free", "path": "/free/b"}, {"op": "add", "path": "/free/b/a/-", "value": 2}])

    assert item.free == {"a": [1], "b": {"a": [1, 2]}}


@pytest.mark.parametrize(
    ("operation", "path", "source", "problem"),
    [
        pytest.param("copy", "$.other", "$.nothing", "$.nothing", id="from-nowhere"),
        pytest.param("copy", "$.nothing.x", "$.name", "$.nothing", id="to-nowhere"),
        pytest.param("copy", "$.other", "$.tags[9]", "$.tags[9]", id="no-element"),
        pytest.param("copy", "$.home.zip", "$.name", "$.home.zip", id="another-type"),
        pytest.param("copy", "$.double", "$.home.zip", "$.double", id="computed"),
        pytest.param("copy", "$.other", None, "$", id="no-source"),
        pytest.param("move", "$.home.city", "$.home", "$.home", id="into-itself"),
        pytest.param("move", "$.other", "$.tags[3]", "$.tags[3]", id="no-element-to-move"),
    ],
)
def test_what_cannot_be_copied_or_moved(operation: str, path: str, source: Any, problem: str) -> None:
    """The problem names the place, and nothing is changed."""
    item = record_of(SHOP, VALUES)
    before = item.get_value()

    with pytest.raises(ValidationError) as error:
        item.patch(operation, path, source)

    assert [one.path for one in error.value.problems] == [problem]
    assert item.get_value() == before


def test_copies_are_bounded() -> None:
    """All copies of one patch together add about a mebibyte at most; else nothing is copied."""
    item = record_of(SHOP, {**VALUES, "free": {"text": "x" * (MAX_COPIED // 3)}})
    before = item.get_value()
    copies = [{"op": "copy", "from": "/free/text", "path": f"/free/x{number}"} for number in range(3)]

    with pytest.raises(ValidationError, match="Is too much to be copied") as error:
        item.patch(copies)

    assert found(error) == {("$.free.x2", "patch")}
    assert item.get_value() == before
    item.patch(copies[:2])
    assert set(item.free) == {"text", "x0", "x1"}


def test_a_test_compares_values() -> None:
    """What is expected may be written otherwise, at any depth: as a number is, or as a value of Python."""
    fields = {
        "d": Decimal(),
        "l": List(Decimal()),
        "m": List(List(Decimal())),
        "day": Date(),
        "g": Dict({"d": Decimal()}),
    }
    item = record_of(fields, {"d": "1.0", "l": ["1.0", "2"], "m": [["1.0"]], "day": "2024-01-31", "g": {"d": "1e2"}})

    for expected in ("1", "1.00", "1e0", 1):
        item.patch("test", "$.d", expected)
        item.patch("test", "$.l[0]", expected)
        item.patch("test", "$.l", [expected, "2.0"])
        item.patch("test", "$.m", [[expected]])
    item.patch("test", "$.g.d", "100")
    item.patch("test", "$.day", date(2024, 1, 31))
    for path, other in (("$.d", "1.1"), ("$.d", "x"), ("$.d", None), ("$.l", ["1.0"]), ("$.l[1]", "1"), ("$.m", ["1"])):
        with pytest.raises(ConflictError):
            item.patch("test", path, other)


def test_a_test_of_what_a_patch_has_put_there() -> None:
    """It compares what the patch wrote, also where that does not fit: this is told at the end."""
    item = record_of({"d": Decimal()}, {"d": "1.0"})

    with pytest.raises(ValidationError) as error:
        item.patch([{"op": "replace", "path": "$.d", "value": "x"}, {"op": "test", "path": "$.d", "value": "x"}])
    assert found(error) == {("$.d", "type")}
    with pytest.raises(ConflictError):
        item.patch([{"op": "replace", "path": "$.d", "value": "x"}, {"op": "test", "path": "$.d", "value": "1"}])


def test_removing_a_value_compares_values() -> None:
    """An equal element is taken out however it is written; what is in the list in no form is refused."""
    item = record_of({"l": List(Decimal()), "days": List(Date())}, {"l": ["1.0", "2", "1"], "days": ["2024-01-31"]})

    item.patch("remove", "$.l", "1.00")
    item.patch("remove", "$.days", date(2024, 1, 31))

    assert (item._encode()["l"], item.days) == (["2"], [])
    for absent in ("3", "x", {"a": 1}):
        with pytest.raises(ValidationError, match="is not in the list"):
            item.patch("remove", "$.l", absent)


def test_long_lists_are_copied_so_many_times() -> None:
    """A patch of many operations on a very long list is refused instead of taking seconds."""
    item = record_of({"tags": List(String())}, {"tags": ["x"] * 100_000})

    with pytest.raises(ValidationError, match="cannot be applied") as caught:
        item.patch([{"op": "add", "path": "/tags/0", "value": "y"}] * 200)

    assert "replace it as a whole" in caught.value.problems[0].message
    assert item.tags == ["x"] * 100_000
    item.patch([{"op": "add", "path": "/tags/0", "value": "y"}] * 20)
    assert item.tags[:21] == ["y"] * 20 + ["x"]
