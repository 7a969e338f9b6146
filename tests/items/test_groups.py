from collections.abc import Callable
from typing import Any

import pytest

from backo import Dict, FreeDict, Int, List, StateError, String, ValidationError
from tests.items.making import found, problems_of, record_of, schema_of, stored

HOME = schema_of(
    {
        "home": Dict({"street": String(required=True), "zip": Int(), "place": Dict({"x": Int(), "y": Int()})}),
        "must": Dict({"a": Int()}, required=True),
        "lines": List(
            Dict({"name": String(required=True), "sub": Dict({"x": Int(), "y": Int()}), "tags": List(String())})
        ),
    }
)


def missing(item: Any) -> set[tuple[str, str]]:
    """Give what an item lacks before it can be stored."""
    with pytest.raises(ValidationError) as error:
        item._judge_complete()
    return found(error)


def test_an_unset_group_reads_as_an_empty_record() -> None:
    """Its fields are None, however deep, and nothing is set by reading."""
    item = record_of(HOME)

    assert (item.home.street, item.home.place.x) == (None, None)
    assert not item.home
    assert item.home == None  # noqa: E711  # it compares as what it is stored as
    assert item.get_value()["home"] is None
    assert item._encode()["home"] is None


def test_required_counts_once_a_value_is_set() -> None:
    """Inside an unset group nothing is required; a required group must have a value."""
    item = record_of(HOME)

    assert missing(item) == {("$.must", "required")}
    item.set({"must": {"a": 1}, "home": {"place": {"x": 1}}})
    assert missing(item) == {("$.home.street", "required")}
    item.set({"home": {"street": "x"}, "lines": [{"name": "a"}, {"tags": []}, {}]})
    assert missing(item) == {("$.lines[1].name", "required"), ("$.lines[2].name", "required")}
    item.lines = []
    item._judge_complete()


def test_a_group_in_which_nothing_is_set_is_unset() -> None:
    """Whether null is assigned to it, or to each of its fields."""

    def one_by_one(item: Any) -> None:
        item.home.street = None
        item.home.zip = None
        del item.home.place.x

    changes: list[Callable[[Any], None]] = [
        lambda item: setattr(item, "home", None),
        lambda item: item.set({"home": {"street": None, "zip": None, "place": None}}),
        lambda item: item.set({"home": {"street": None, "zip": None, "place": {"x": None}}}),
        one_by_one,
    ]
    for change in changes:
        item = record_of(HOME, {"home": {"street": "a", "zip": 1, "place": {"x": 1}}})
        change(item)
        assert item._values["home"] is None


def test_setting_a_field_sets_the_groups_around_it() -> None:
    """And nothing else changes."""
    item = record_of(HOME)

    item.home.place.x = 1
    item.home["street"] = "a"

    assert item.home == {"street": "a", "place": {"x": 1, "y": None}}
    assert item.home != {"street": "a"}
    assert item.home == record_of(HOME, {"home": {"street": "a", "place": {"x": 1}}}).home


def test_a_group_is_seen_as_it_is_now() -> None:
    """All that was read from an item shows the same item."""
    item = record_of(HOME, {"home": {"street": "a", "zip": 1}})
    home, again, place = item.home, item.home, item.home.place

    home.street = "b"
    item.set({"home": {"place": {"x": 5}}})

    assert (home.street, again.street, place.x) == ("b", "b", 5)
    item.home = None
    assert (home.street, place.x, bool(home)) == (None, None, False)
    again.street = "c"
    assert item.home.street == "c"


def test_a_refused_change_of_a_group() -> None:
    """It names the whole path, and nothing has changed."""
    item = record_of(HOME, {"home": {"street": "a"}})

    with pytest.raises(ValidationError) as error:
        item.home.place.x = "b"

    assert found(error) == {("$.home.place.x", "type")}
    assert item.home == {"street": "a"}


def test_groups_can_be_given() -> None:
    """What one item gives another takes, also inside lists and groups."""
    item = record_of(HOME, {"home": {"street": "a", "place": {"x": 1}}, "lines": [{"name": "n", "sub": {"x": 1}}]})
    other = record_of(HOME)

    other.home = item.home
    other.lines = item.lines
    other.lines.append(item.lines[0])
    other.set({"lines": [*other.lines, {"name": "m", "sub": item.home.place}]})

    assert other.home == item.home
    assert [line.name for line in other.lines] == ["n", "n", "m"]
    assert other.lines[2].sub == {"x": 1}
    item.home.street = "b"
    item.lines[0].name = "c"
    assert (other.home.street, other.lines[0].name) == ("a", "n")


def test_names_inside_groups_are_free() -> None:
    """Only items have methods that names could hide."""
    item = record_of(
        {"g": Dict({"items": Int(), "set": Int(), "get": Int(), "keys": Int()})}, {"g": {"items": 1, "keys": 2}}
    )

    item.g.set = 5

    assert (item.g.items, item.g.set, item.g.get, item.g["keys"]) == (1, 5, None, 2)


# Elements of lists.


def lines() -> Any:
    """Make an item with three lines."""
    return record_of(HOME, {"lines": [{"name": name, "sub": {"x": 1, "y": 2}, "tags": ["t"]} for name in "abc"]})


def test_an_element_is_a_record() -> None:
    """It is read and written as a group is, at any depth, and keeps what was not mentioned."""
    item = lines()
    line = item.lines[1]

    line.name = "B"
    line.sub.x = 5
    line.tags.append("u")
    item.lines[-1].sub["y"] = 7

    assert line == {"name": "B", "sub": {"x": 5, "y": 2}, "tags": ["t", "u"]}
    assert [one.name for one in item.lines] == ["a", "B", "c"]
    assert item.lines[2].sub == {"x": 1, "y": 7}
    with pytest.raises(ValidationError) as error:
        line.sub.x = "x"
    assert found(error) == {("$.lines[1].sub.x", "type")}
    line.sub.x = 6
    assert item.lines[1].sub.x == 6


def test_changes_through_one_list_that_was_read_once() -> None:
    """It need not be read again after each change."""
    item = lines()
    read = item.lines

    read[0].name = "x"
    read[0].sub.y = 9
    for line in read:
        line.sub.x = 0
        line.tags = []

    assert read[0] == {"name": "x", "sub": {"x": 0, "y": 9}, "tags": []}
    assert [one.sub.x for one in item.lines] == [0, 0, 0]


@pytest.mark.parametrize(
    "move",
    [
        pytest.param(lambda item: item.lines.pop(0), id="pop"),
        pytest.param(lambda item: item.lines.insert(0, {"name": "z"}), id="insert"),
        pytest.param(lambda item: item.lines.reverse(), id="reverse"),
        pytest.param(lambda item: item.lines.sort(key=lambda line: line.name, reverse=True), id="sort"),
        pytest.param(lambda item: item.set({"lines": [{"name": "q"}, {"name": "r"}]}), id="set"),
        pytest.param(lambda item: setattr(item, "lines", None), id="unset"),
        pytest.param(lambda item: item.lines.clear(), id="clear"),
        pytest.param(lambda item: item._decode(lines()._encode(), 2), id="reload"),
        pytest.param(lambda item: item.patch("remove", "$.lines[0]"), id="patch"),
    ],
)
def test_an_element_that_has_moved(move: Any) -> None:
    """It still shows what it showed, but a change would hit another element, so it is refused."""
    item = lines()
    line, sub, tags = item.lines[1], item.lines[1].sub, item.lines[1].tags

    move(item)

    after = item.get_value()
    assert (line.name, line.sub.x, sub.y, list(tags)) == ("b", 1, 2, ["t"])
    for change in (
        lambda: setattr(line, "name", "x"),
        lambda: setattr(line.sub, "x", 5),
        lambda: setattr(sub, "y", 5),
        lambda: tags.append("x"),
    ):
        with pytest.raises(StateError, match="has moved, or gone"):
            change()
    assert item.get_value() == after


def test_an_element_that_stays() -> None:
    """Elements added behind it, and changes elsewhere, do not move it; nor does a change that failed."""
    item = lines()
    line = item.lines[1]

    item.lines.append({"name": "d"})
    item.lines.extend([{"name": "e"}])
    item.lines[0].tags.insert(0, "u")
    item.must = {"a": 1}
    with pytest.raises(ValidationError):
        item.lines = [5]
    with pytest.raises(ValidationError):
        item.lines.insert(0, 5)
    line.name = "B"

    assert [one.name for one in item.lines] == ["a", "B", "c", "d", "e"]


def test_elements_of_a_list_inside_an_element() -> None:
    """Their places depend on both lists."""
    item = record_of({"rows": List(Dict({"cells": List(Dict({"x": Int()}))}))})
    item.rows = [{"cells": [{"x": 1}, {"x": 2}]}, {"cells": [{"x": 3}]}]
    cell, far = item.rows[0].cells[1], item.rows[1].cells[0]

    cell.x = 20
    item.rows[0].cells.pop(0)

    with pytest.raises(StateError):
        cell.x = 21
    far.x = 30
    assert item.get_value()["rows"] == [{"cells": [{"x": 20}]}, {"cells": [{"x": 30}]}]
    item.rows.pop(0)
    with pytest.raises(StateError):
        far.x = 31


def test_lists_of_lists() -> None:
    """An inner list is checked as the outer one is."""
    item = record_of({"rows": List(List(Int(), max=2)), "more": List(List(Dict({"x": Int()})))})
    item.set({"rows": [[1], [2]], "more": [[{"x": 1}]]})

    item.rows[0].append(5)
    item.more[0][0].x = 7
    item.more[0].append({"x": 8})

    assert item.rows == [[1, 5], [2]]
    assert item.get_value()["more"] == [[{"x": 7}, {"x": 8}]]
    with pytest.raises(ValidationError) as error:
        item.rows[0].append(6)
    assert found(error) == {("$.rows[0]", "max")}
    with pytest.raises(ValidationError) as error:
        item.more[0][1].x = "x"
    assert found(error) == {("$.more[0][1].x", "type")}


def test_loaded_groups_are_as_created_ones() -> None:
    """What is read from a document behaves the same."""
    item = lines()
    item.must = {"a": 1}
    loaded = stored(item)

    loaded.lines[0].sub.x = 5
    loaded.home.street = "s"

    assert loaded.lines[0] == {"name": "a", "sub": {"x": 5, "y": 2}, "tags": ["t"]}
    assert loaded.home == {"street": "s"}


def test_a_free_object_inside_an_element() -> None:
    """It is the object itself, as everywhere."""
    item = record_of({"lines": List(Dict({"free": FreeDict()}))}, {"lines": [{"free": {"a": 1}}]})

    item.lines[0].free["b"] = 2

    assert item._encode()["lines"] == [{"free": {"a": 1, "b": 2}}]


def test_a_whole_group_takes_an_object() -> None:
    """Anything else is refused, and so is a list where one group is meant."""
    for value in (5, "a", [], [{"street": "a"}], True):
        assert problems_of(record_of(HOME), {"home": value}) == {("$.home", "type")}
    assert problems_of(record_of(HOME), {"lines": {"name": "a"}}) == {("$.lines", "type")}
