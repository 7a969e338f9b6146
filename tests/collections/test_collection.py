"""What code does with a collection and its items, beyond what the features show."""

from typing import Any

import pytest

from backo import (
    Backoffice,
    Collection,
    DBMemoryConnector,
    DefinitionError,
    Dict,
    Int,
    Item,
    QueryError,
    StandardMetaDataHandler,
    String,
    ValidationError,
)
from backo.items.record import Record
from tests.items.making import found

CAT = {"name": String(required=True), "age": Int(min=0), "home": Dict({"zip": Int()})}


def cats(**options: Any) -> Any:
    """Declare cats in memory."""
    collection = Collection("cats", Item(CAT, **options), DBMemoryConnector())
    Backoffice("app").register_collection(collection)
    return collection


# Keywords that are handed along.


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda home, item, **kwargs: item.set({"age": 1}, **kwargs), id="set"),
        pytest.param(lambda home, item, **kwargs: item.patch("add", "$.age", 1, **kwargs), id="patch"),
        pytest.param(lambda home, item, **kwargs: item.match({"name": "Tom"}, **kwargs), id="match"),
        pytest.param(lambda home, item, **kwargs: item.multi_select(["$.name"], **kwargs), id="multi_select"),
        pytest.param(lambda home, item, **kwargs: item.get_view("client", **kwargs), id="get_view"),
        pytest.param(lambda home, item, **kwargs: item.get_value(**kwargs), id="get_value"),
        pytest.param(lambda home, item, **kwargs: item.new(**kwargs), id="new"),
        pytest.param(lambda home, item, **kwargs: item.new(**kwargs).create({"name": "Tim"}, **kwargs), id="create"),
        pytest.param(lambda home, item, **kwargs: item.new(**kwargs).load(item._id, **kwargs), id="load"),
        pytest.param(lambda home, item, **kwargs: item.reload(**kwargs), id="reload"),
        pytest.param(lambda home, item, **kwargs: item.save(**kwargs), id="save"),
        pytest.param(lambda home, item, **kwargs: item.select("$.name", **kwargs), id="select-a-path"),
        pytest.param(lambda home, item, **kwargs: list(item.select({}, **kwargs)), id="select"),
        pytest.param(lambda home, item, **kwargs: item.delete(**kwargs), id="delete"),
        pytest.param(lambda home, item, **kwargs: home.item.new(**kwargs), id="new-of-the-declaration"),
        pytest.param(lambda home, item, **kwargs: list(home.item.select(**kwargs)), id="select-of-the-declaration"),
        pytest.param(lambda home, item, **kwargs: home.new(**kwargs), id="new-of-the-collection"),
        pytest.param(lambda home, item, **kwargs: home.new_item(**kwargs), id="new_item"),
        pytest.param(lambda home, item, **kwargs: home.set({"age": 1}, **kwargs), id="set-of-the-collection"),
        pytest.param(
            lambda home, item, **kwargs: home.create({"name": "Tim"}, **kwargs), id="create-in-the-collection"
        ),
        pytest.param(lambda home, item, **kwargs: home.get_by_id(item._id, **kwargs), id="get_by_id"),
    ],
)
def test_keywords_that_are_handed_along_are_accepted(call: Any) -> None:
    """The methods of items take keywords that they do not need, and do the same without them."""
    one, other = cats(), cats()

    with_keywords = call(one, one.create({"name": "Tom"}), transaction_id=5, reason="why")
    without = call(other, other.create({"name": "Tom"}))

    assert _without_ids(with_keywords) == _without_ids(without)


def _without_ids(answer: Any) -> Any:
    if isinstance(answer, list):
        return [_without_ids(one) for one in answer]
    if isinstance(answer, dict | Record):
        return {name: answer[name] for name in answer if not name.startswith("_")}
    return answer


# Several new items at once.


def test_set_gives_new_items() -> None:
    """One for an object, several for a list of objects; none is stored."""
    home = cats()

    one = home.set({"name": "Tom", "age": 5})
    several = home.set([{"name": "Tim"}, {"age": 1}])

    assert (one.name, one.status) == ("Tom", "UNSAVED")
    assert [(each.name, each.age) for each in several] == [("Tim", None), (None, 1)]
    assert home.set(()) == []
    assert home.count() == 0


@pytest.mark.parametrize(
    ("values", "places"),
    [
        pytest.param("x", ["$"], id="a-text"),
        pytest.param(None, ["$"], id="null"),
        pytest.param(3, ["$"], id="a-number"),
        pytest.param({1, 2}, ["$"], id="a-set"),
        pytest.param(["ab", {}, None], ["$[0]", "$[2]"], id="a-list-of-something-else"),
        pytest.param([[{"name": "Tom"}]], ["$[0]"], id="a-list-in-a-list"),
    ],
)
def test_set_takes_objects(values: Any, places: list[str]) -> None:
    """Anything else is invalid, and in a list the problem says which one."""
    with pytest.raises(ValidationError, match="Must be an object") as error:
        cats().set(values)

    assert [(one.path, one.code) for one in error.value.problems] == [(place, "type") for place in places]


def test_problems_of_several_items_are_told_at_once() -> None:
    """Each path starts with the index of its item."""
    with pytest.raises(ValidationError, match="cats is not valid") as error:
        cats().set([{"name": "Tom"}, {"age": -1, "nmae": "x"}, {"home": {"zip": "a"}}])

    assert found(error) == {("$[1].age", "min"), ("$[1].nmae", "unknown"), ("$[2].home.zip", "type")}


def test_problems_of_many_items_are_bounded() -> None:
    """After a hundred, nobody looks for more."""
    with pytest.raises(ValidationError) as error:
        cats().set([{"age": "x"}] * 1000)

    assert [one.path for one in error.value.problems] == [f"$[{index}].age" for index in range(100)]


def test_a_refusal_without_problems_says_for_which_item() -> None:
    """The text of an error that names no place is told at the item."""

    def refuse(*_: Any) -> None:
        raise ValidationError("not today")

    with pytest.raises(ValidationError) as error:
        cats(onchange=refuse).set([{"age": 1}])

    assert [(one.path, one.code, one.message) for one in error.value.problems] == [("$[0]", "invalid", "not today")]


# Selecting.


def test_a_selection_without_criteria() -> None:
    """Items, their declaration and their collection give all items when nothing is asked for."""
    home = cats()
    tom = home.create({"name": "Tom", "age": 2})
    home.create({"name": "Tim", "age": 1})

    for select in (home.select, home.item.select, tom.select):
        assert [one.name for one in select()] == ["Tom", "Tim"]
        assert [one.name for one in select(sort="age", limit=1)] == ["Tim"]
    assert home.select_one().name == "Tom"
    assert home.select_one(sort="age").name == "Tim"


@pytest.mark.parametrize("selectors", ["$.name", "", b"$.name", None, 5], ids=repr)
def test_several_selectors_are_a_list(selectors: Any) -> None:
    """One text, or anything else, is refused with a hint."""
    with pytest.raises(QueryError, match="a list of selectors") as error:
        cats().new().multi_select(selectors)

    assert error.value.hint == "write ['$.name'], or select('$.name')"


def test_several_selectors() -> None:
    """They are read in their order, whatever they come in."""
    item = cats().set({"name": "Tom", "home": {"zip": 5}})

    for selectors in (["$.home.zip", "name"], ("$.home.zip", "name"), iter(["$.home.zip", "name"])):
        assert item.multi_select(selectors) == [5, "Tom"]


@pytest.mark.parametrize(
    ("method", "keyword", "problem"),
    [
        ("select", "limmit", "select() takes no 'limmit'; did you mean 'limit'?"),
        ("select", "sorted", "select() takes no 'sorted'; did you mean 'sort'?"),
        ("select", "transaction", "select() takes no 'transaction'; did you mean 'transaction_id'?"),
        ("select", "zzz", "select() takes no 'zzz'"),
        ("select_one", "sorted", "select_one() takes no 'sorted'; did you mean 'sort'?"),
        ("select_one", "limit", "select_one() takes no 'limit'"),
    ],
)
def test_a_misspelt_keyword_of_a_selection(method: str, keyword: str, problem: str) -> None:
    """It is a mistake of the code, which is told the nearest one at once."""
    with pytest.raises(TypeError) as error:
        getattr(cats(), method)({}, **{keyword: 1})

    assert str(error.value) == problem


def test_a_selection_takes_a_transaction_id() -> None:
    """It is accepted and not needed."""
    home = cats()
    home.create({"name": "Tom"})

    assert [one.name for one in home.select({}, transaction_id=5)] == ["Tom"]
    assert home.select_one({}, transaction_id=5).name == "Tom"


@pytest.mark.parametrize("limit", ["2", 1.5, True, -1, [1]], ids=repr)
def test_a_limit_is_a_whole_number(limit: Any) -> None:
    """Anything else is refused before anything is read."""
    with pytest.raises(QueryError, match=r"limit is a whole number from 0, not "):
        cats().select({}, limit=limit)


@pytest.mark.parametrize("limit", [None, 0, 1, 5])
def test_a_selection_has_no_more_than_its_limit(limit: int | None) -> None:
    """Without one, it has all."""
    home = cats()
    for name in "abc":
        home.create({"name": name})

    assert [one.name for one in home.select(limit=limit)] == list("abc"[:limit])


@pytest.mark.parametrize("sort", [3, None, {"name"}, {"name": 1}], ids=repr)
def test_a_sort_is_a_text_or_a_list(sort: Any) -> None:
    """Anything else is refused."""
    with pytest.raises(QueryError, match="A sort is a text such as"):
        cats().select(sort=sort)


# Declaring.


@pytest.mark.parametrize(
    ("handler", "hint"),
    [
        pytest.param(StandardMetaDataHandler, "write StandardMetaDataHandler()", id="class"),
        pytest.param(5, "give an instance of a subclass of GenericMetaDataHandler, or None", id="number"),
        pytest.param("standard", "give an instance of a subclass of GenericMetaDataHandler, or None", id="text"),
    ],
)
def test_a_handler_of_metadata_is_an_instance(handler: Any, hint: str) -> None:
    """A class, or anything else, is a mistake of the declaration."""
    with pytest.raises(DefinitionError, match="'cats' needs a handler of metadata") as error:
        Collection("cats", Item(CAT), DBMemoryConnector(), meta_data_handler=handler)

    assert error.value.hint == hint
