from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backo import Date, Dict, FreeDict, Int, List, ValidationError
from tests.items.making import found, record_of

NUMBERS = {"tags": List(Int(min=0), max=6), "other": Int()}


def numbers(*values: int) -> Any:
    """Make an item with a list."""
    return record_of(NUMBERS, {"tags": list(values)})


@pytest.mark.parametrize(
    ("change", "result", "given_back"),
    [
        pytest.param(lambda tags: tags.append(4), [3, 1, 2, 4], None, id="append"),
        pytest.param(lambda tags: tags.append(4.0), [3, 1, 2, 4], None, id="append-converts"),
        pytest.param(lambda tags: tags.extend(iter((4, 5))), [3, 1, 2, 4, 5], None, id="extend"),
        pytest.param(lambda tags: tags.insert(0, 4), [4, 3, 1, 2], None, id="insert"),
        pytest.param(lambda tags: tags.remove(1), [3, 2], None, id="remove"),
        pytest.param(lambda tags: tags.pop(), [3, 1], 2, id="pop"),
        pytest.param(lambda tags: tags.pop(0), [1, 2], 3, id="pop-first"),
        pytest.param(lambda tags: tags.clear(), [], None, id="clear"),
        pytest.param(lambda tags: tags.sort(), [1, 2, 3], None, id="sort"),
        pytest.param(lambda tags: tags.sort(key=lambda one: -one), [3, 2, 1], None, id="sort-by-key"),
        pytest.param(lambda tags: tags.sort(reverse=True), [3, 2, 1], None, id="sort-down"),
        pytest.param(lambda tags: tags.reverse(), [2, 1, 3], None, id="reverse"),
        pytest.param(lambda tags: tags.__setitem__(1, 5), [3, 5, 2], None, id="set"),
        pytest.param(lambda tags: tags.__setitem__(-1, 5), [3, 1, 5], None, id="set-last"),
        pytest.param(lambda tags: tags.__setitem__(slice(0, 2), [7]), [7, 2], None, id="set-slice"),
        pytest.param(lambda tags: tags.__delitem__(0), [1, 2], None, id="delete"),
        pytest.param(lambda tags: tags.__delitem__(slice(1, None)), [3], None, id="delete-slice"),
    ],
)
def test_changes(change: Any, result: list[int], given_back: Any) -> None:
    """Each method of a list changes the item, and the list that it was called on."""
    item = numbers(3, 1, 2)
    tags = item.tags

    assert change(tags) == given_back

    assert item.tags == tags == result
    assert item._values["tags"] == result
    assert type(item._values["tags"]) is list
    assert isinstance(tags, list)


def test_operators() -> None:
    """`+=` and `*=` change in place; `+` and `*` give plain lists."""
    item = numbers(1, 2)

    item.tags += [3]
    tags = item.tags
    tags *= 2

    assert item.tags == [1, 2, 3, 1, 2, 3]
    for plain in (
        item.tags + [4],  # noqa: RUF005  # the operator is what is tested
        item.tags * 2,
        2 * item.tags,
        item.tags.copy(),
        item.tags[1:3],
        list(reversed(item.tags)),
    ):
        assert type(plain) is list
        plain.append("anything")
    assert item.tags == [1, 2, 3, 1, 2, 3]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        pytest.param(lambda tags: tags.append("x"), ("$.tags[3]", "type"), id="append"),
        pytest.param(lambda tags: tags.append(None), ("$.tags[3]", "null"), id="append-null"),
        pytest.param(lambda tags: tags.append(-1), ("$.tags[3]", "min"), id="append-bound"),
        pytest.param(lambda tags: tags.extend([1, 2, 3, 4]), ("$.tags", "max"), id="extend"),
        pytest.param(lambda tags: tags.insert(0, "x"), ("$.tags[0]", "type"), id="insert"),
        pytest.param(lambda tags: tags.__setitem__(1, "x"), ("$.tags[1]", "type"), id="set"),
        pytest.param(lambda tags: tags.__setitem__(slice(0, 0), "xy"), ("$.tags[0]", "type"), id="set-slice"),
        pytest.param(lambda tags: tags.__iadd__("x"), ("$.tags[3]", "type"), id="add"),
        pytest.param(lambda tags: tags.__imul__(3), ("$.tags", "max"), id="multiply"),
    ],
)
def test_a_refused_change(change: Any, problem: tuple[str, str]) -> None:
    """It raises with the path of the element, and neither the item nor the list has changed."""
    item = numbers(3, 1, 2)
    tags, kept = item.tags, item._values["tags"]

    with pytest.raises(ValidationError) as error:
        change(tags)

    assert problem in found(error)
    assert tags == item.tags == [3, 1, 2]
    assert item._values["tags"] is kept


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda tags: tags.remove(9), ValueError),
        (lambda tags: tags.pop(9), IndexError),
        (lambda tags: tags.__setitem__(9, 1), IndexError),
        (lambda tags: tags.__delitem__(9), IndexError),
        (lambda tags: tags[9], IndexError),
        (lambda tags: tags["a"], TypeError),
    ],
)
def test_errors_of_lists(change: Any, error: type[Exception]) -> None:
    """What a list raises is raised."""
    item = numbers(1)

    with pytest.raises(error):
        change(item.tags)
    assert item.tags == [1]


def test_two_reads_of_one_list() -> None:
    """A change starts from what is there now, whoever read the list before."""
    item = numbers(1)
    one, other = item.tags, item.tags

    one.append(2)
    other.append(3)
    one.append(4)

    assert item.tags == one == [1, 2, 3, 4]


def test_an_unset_list() -> None:
    """It is None, and an empty one is a list."""
    item = record_of(NUMBERS)

    assert item.tags is None
    item.tags = []
    assert item.tags == []
    item.tags.append(1)
    assert item.tags == [1]


def test_elements_are_checked_once() -> None:
    """What was checked when it was set is not checked again when a neighbour changes."""

    class Counting(Int):
        checked = 0

        def convert(self, value: Any) -> int:
            Counting.checked += 1
            return super().convert(value)

    item = record_of({"tags": List(Counting()), "lines": List(Dict({"x": Counting(), "y": Counting()}))})
    item.set({"tags": [1000 + number for number in range(100)], "lines": [{"x": 1000, "y": 2000}] * 50})

    before = Counting.checked
    item.tags.append(5000)
    item.tags[3] = 6000
    item.tags.sort()
    item.lines[7].x = 8000
    item.lines.pop(3)

    assert Counting.checked - before == 1 + 1 + 2


def test_elements_that_objects_present() -> None:
    """Iteration, slices, copies and sums give groups that still belong to the item."""
    item = record_of({"lines": List(Dict({"x": Int()}))}, {"lines": [{"x": 3}, {"x": 1}, {"x": 2}]})

    for line in (*item.lines[1:], *reversed(item.lines.copy()), *(item.lines + [])):  # noqa: RUF005  # as above
        line.x = line.x + 10
    assert [line.x for line in item.lines] == [23, 31, 32]
    item.lines.sort(key=lambda line: -line.x)
    assert item.get_value()["lines"] == [{"x": 32}, {"x": 31}, {"x": 23}]
    assert item.lines.pop() == {"x": 23}
    item.lines.remove(item.lines[0])
    assert {"x": 31} in item.lines
    assert item.lines.index({"x": 31}) == 0
    with pytest.raises(ValidationError):
        item.lines[0:1][0].x = "x"


def test_removing_while_walking_a_copy() -> None:
    """The usual way to do it works, and the elements still to come show what they were."""
    item = record_of({"lines": List(Dict({"x": Int()}))}, {"lines": [{"x": x} for x in range(6)]})

    for line in list(item.lines):
        if line.x % 2:
            item.lines.remove(line)

    assert item.get_value()["lines"] == [{"x": 0}, {"x": 2}, {"x": 4}]


def test_lists_given_to_other_items() -> None:
    """They become lists of those."""
    item, other = numbers(1, 2), numbers()

    other.tags = item.tags
    other.tags.append(3)

    assert item.tags == [1, 2]
    assert other.tags == [1, 2, 3]


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(-1, 5)),
        st.tuples(st.just("insert"), st.integers(-3, 3), st.integers(-1, 5)),
        st.tuples(st.just("pop"), st.integers(-3, 3)),
        st.tuples(st.just("remove"), st.integers(0, 5)),
        st.tuples(st.just("extend"), st.lists(st.integers(-1, 5), max_size=3)),
        st.tuples(st.just("__setitem__"), st.integers(-3, 3), st.integers(-1, 5)),
        st.tuples(st.just("__delitem__"), st.integers(-3, 3)),
        st.tuples(st.just("reverse")),
        st.tuples(st.just("sort")),
        st.tuples(st.just("clear")),
    ),
    max_size=12,
)


@given(ACTIONS, st.booleans())
def test_it_behaves_as_a_list(actions: list[tuple[Any, ...]], again: bool) -> None:
    """After any sequence of changes it is what a list would be, but for those that were refused."""
    item = record_of(NUMBERS, {"tags": [1, 2]})
    model, tags = [1, 2], item.tags
    for name, *arguments in actions:
        copy, failed, refused, told = list(model), None, None, None
        try:
            getattr(copy, name)(*arguments)
        except (IndexError, ValueError) as error:
            failed = type(error)
        try:
            getattr(item.tags if again else tags, name)(*arguments)
        except ValidationError as error:
            refused = error
        except (IndexError, ValueError) as error:
            told = type(error)
        assert told is failed
        if failed:
            continue
        fits = len(copy) <= 6 and all(value >= 0 for value in copy)
        assert fits == (refused is None)
        if fits:
            model = copy
        assert item.tags == model
        assert again or tags == model


def test_dates_and_free_objects_in_lists() -> None:
    """An element has the type of its field, whichever way it comes."""
    item = record_of({"days": List(Date()), "free": List(FreeDict())}, {"days": ["2024-01-31"], "free": [{}]})

    item.days.append("2024-02-01")
    item.days.insert(0, item.days[0].replace(day=1))
    item.free[0]["x"] = 1
    item.free.append({"y": [1]})

    assert item._encode()["days"] == ["2024-01-01", "2024-01-31", "2024-02-01"]
    assert item._encode()["free"] == [{"x": 1}, {"y": [1]}]
