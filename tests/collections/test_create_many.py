"""Many items at once mean what creating each of them means."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import backo
from backo import (
    SYSTEM,
    Backoffice,
    Bool,
    Collection,
    ConflictError,
    Date,
    DBMemoryConnector,
    Decimal,
    Dict,
    FillStrategy,
    Float,
    GenericMetaDataHandler,
    Int,
    Item,
    List,
    Ref,
    RefsList,
    RightError,
    StandardMetaDataHandler,
    String,
    ValidationError,
    acting_as,
)
from tests.work.stores import Stores, audit, dump, links

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def shop(**more: Any) -> dict[str, Item]:
    """Declare authors and their books, most of which take the shortcut."""
    author = {"name": String(required=True), "books": RefsList(coll="books", field="$.author")}
    book = {
        "name": String(required=True),
        "isbn": String(unique=True),
        "pages": Int(min=1, index=True),
        "price": Decimal(),
        "printed": Date(),
        "is_lent": Bool(default=False),
        "weight": Float(),
        "size": Dict({"width": Float(required=True), "height": Float(default=20.0)}),
        "place": Dict({"shelf": String(required=True), "row": Int()}),
        "words": List(String()),
        "author": Ref(coll="authors", field="$.books"),
        "sequel": Ref(coll="books", field="$.prequel"),
        "prequel": Ref(coll="books", field="$.sequel"),
        "similar": RefsList(coll="books", field="$.similar", ofs=FillStrategy.NOT_FILL),
        **more,
    }
    return {"authors": Item(author), "books": Item(book)}


def counted() -> Callable[[Any], str]:
    """Make ids in the order in which they are asked for."""
    numbers = count()
    return lambda item: f"n{next(numbers):04}"


def books(total: int) -> Iterator[dict[str, Any]]:
    """Give simple books."""
    return ({"name": f"b{number:04}", "isbn": f"i{number}", "pages": number + 1} for number in range(total))


# What is stored.


@pytest.mark.parametrize("batch_size", [1, 7, 1_000])
def test_items_are_as_if_created_one_by_one(stores: Stores, batch_size: int) -> None:
    """In batches of any size, what is stored is what `create` would have stored."""
    backoffice = stores.backoffice(shop(), clock=lambda: NOON)
    backoffice.authors.create({"name": "a1"})

    created = backoffice.books.create_many(({**one, "author": "a1"} for one in books(20)), batch_size=batch_size)

    assert created == backoffice.books.count() == 20
    assert links(backoffice, "authors.books") == {"a1": [f"b{number:04}" for number in range(20)]}
    stored = backoffice.books.get_by_id("b0003").get_value()
    assert (stored["isbn"], stored["pages"], stored["is_lent"], stored["author"]) == ("i3", 4, False, "a1")
    assert stored["_meta"]["ctime"] == NOON
    assert audit(backoffice) == []


VALUES = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["x", "y", "", None, 3]),
        "isbn": st.sampled_from(["1", "2", "3", "4", None]),
        "pages": st.sampled_from([1, 2, 0, None, 5.0]),
        "price": st.sampled_from(["1.50", "1.5", None]),
        "printed": st.sampled_from([date(2020, 1, 2), "2020-01-02", None]),
        "is_lent": st.sampled_from([True, None]),
        "weight": st.sampled_from([1, 2.5, None]),
        "size": st.sampled_from([{"width": 1.0}, {"height": 3.0}, {"width": 2.0, "height": None}, {}, None]),
        "place": st.sampled_from(
            [{"shelf": "s", "row": 1}, {"row": 1}, {"shelf": "t"}, {"shelf": None}, {"odd": 1}, None]
        ),
        "words": st.sampled_from([["a", "b"], [], None]),
        "author": st.sampled_from(["a1", "a2", "nobody", None]),
        "sequel": st.sampled_from(["n0002", "n0003", None]),
        "prequel": st.sampled_from(["n0002", "n0004", None]),
        "similar": st.sampled_from([["n0003"], ["n0002", "n0004"], [], None]),
        "_id": st.sampled_from([None, "mine"]),
        "other": st.just(1),
    },
)


def outcome(backoffice: Backoffice, act: Callable[[], object]) -> Any:
    """Give what is stored afterwards, without revisions, and how it was refused."""
    refused: Any = None
    try:
        act()
    except (ValidationError, ConflictError) as error:
        refused = type(error)
    return refused, {key: {**one, "_rev": 0} for key, one in dump(backoffice).items()}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(items=st.lists(VALUES | st.fixed_dictionaries({"name": st.just("x")}), min_size=1, max_size=5))
def test_any_items_are_as_if_created_one_by_one(items: list[dict[str, Any]]) -> None:
    """Good or bad, linked or not: one batch does what creating each does in one transaction."""

    def declared() -> Backoffice:
        backoffice = Backoffice("shop", clock=lambda: NOON)
        make_id = counted()
        for name, item in shop().items():
            connector = DBMemoryConnector()
            connector.generate_id = make_id
            backoffice.register_collection(Collection(name, item, connector))
        for name in ("a1", "a2"):
            backoffice.authors.create({"name": name})
        return backoffice

    one_by_one, at_once = declared(), declared()
    for backoffice in (one_by_one, at_once):
        names = {one["name"]: one["_id"] for one in backoffice.authors.select()}
        assert names == {"a1": "n0000", "a2": "n0001"}
    named = [
        {**one, "author": {"a1": "n0000", "a2": "n0001"}.get(one["author"], one["author"])}
        if one.get("author")
        else one
        for one in items
    ]

    def create_each() -> None:
        with one_by_one.transaction():
            for one in named:
                one_by_one.books.create(one)

    assert outcome(at_once, lambda: at_once.books.create_many(named)) == outcome(one_by_one, create_each)


def test_the_input_is_read_as_it_is_needed(stores: Stores) -> None:
    """Nothing of a later batch is asked for before the one before it is stored."""
    backoffice = stores.backoffice(shop())
    seen: list[int] = []

    def told() -> Iterator[dict[str, Any]]:
        for one in books(6):
            seen.append(backoffice.books.count())
            yield one

    assert backoffice.books.create_many(told(), batch_size=2) == 6
    assert seen == [0, 0, 2, 2, 4, 4]


def test_ids_are_told_in_order(stores: Stores) -> None:
    """`on_batch` gets the `_id`s of each batch once it is stored, whichever way its items took."""
    backoffice = stores.backoffice(shop())
    told: list[list[str]] = []
    given = list(books(5))
    given[1]["similar"] = ["b0000"]  # it changes another item, so it goes the whole way

    backoffice.books.create_many(given, batch_size=3, on_batch=told.append)

    assert told == [["b0000", "b0001", "b0002"], ["b0003", "b0004"]]


def test_ids_of_its_own_are_made(stores: Stores) -> None:
    """Without `generate_id` each item has a time-ordered `_id` of its own."""
    backoffice = stores.backoffice(shop(), ids=None)
    ids: list[str] = []

    backoffice.books.create_many(books(50), on_batch=ids.extend)

    assert ids == sorted(set(ids))
    assert [one["name"] for one in backoffice.books.select(sort="_id")] == [one["name"] for one in books(50)]


def test_nothing_is_nothing(stores: Stores) -> None:
    """An empty input creates nothing, and nobody is told."""
    backoffice = stores.backoffice(shop())

    assert backoffice.books.create_many(iter(()), on_batch=lambda _: pytest.fail("there is no batch")) == 0


@pytest.mark.parametrize("size", [0, -1, 2.0, True, None])
def test_a_batch_has_at_least_one_item(size: Any) -> None:
    """Anything else is refused before the input is read."""
    backoffice = Backoffice("shop")
    backoffice.register_collection(Collection("cats", Item({"name": String()}), DBMemoryConnector()))

    with pytest.raises(ValidationError, match="batch_size is a whole number from 1"):
        backoffice.cats.create_many([{"name": "Tom"}], batch_size=size)


def test_other_keywords_are_refused() -> None:
    """A misspelt one is named; `transaction_id` may be handed along."""
    backoffice = Backoffice("shop")
    backoffice.register_collection(Collection("cats", Item({"name": String()}), DBMemoryConnector()))

    with pytest.raises(TypeError, match="did you mean 'batch_size'"):
        backoffice.cats.create_many([], batchsize=1)
    assert backoffice.cats.create_many([{"name": "Tom"}], transaction_id="t") == 1


# What is refused.


def paths(error: backo.BackoError) -> list[str]:
    """Give the paths of the problems."""
    return [problem.path for problem in error.problems]


def test_every_problem_is_told_with_its_position(stores: Stores) -> None:
    """Positions count from the first item of the input; the batch is refused whole, those before it stay."""
    backoffice = stores.backoffice(shop())
    given: list[Any] = [
        *books(5),
        {"pages": 0},
        {"name": "x", "size": {"height": 1.0}},
        {"name": "y", "odd": 1},
        {"name": "z", "place": {"row": 2}},
    ]

    with pytest.raises(ValidationError) as caught:
        backoffice.books.create_many(given, batch_size=4)

    assert paths(caught.value) == ["$[5].pages", "$[5].name", "$[6].size.width", "$[7].odd"]
    with pytest.raises(ValidationError):  # also where nothing else is wrong
        backoffice.books.create_many([{"name": "z", "place": {"row": 2}}])
    assert caught.value.hint == "the first 4 items are stored, and nothing of what follows"
    assert backoffice.books.count() == 4


def test_what_is_no_item_is_told() -> None:
    """An element that is no mapping has a problem of its own."""
    given: Any = "Tim"
    backoffice = Backoffice("shop")
    backoffice.register_collection(Collection("cats", Item({"name": String()}), DBMemoryConnector()))

    with pytest.raises(ValidationError) as caught:
        backoffice.cats.create_many([{"name": "Tom"}, given])

    assert [(one.path, one.code) for one in caught.value.problems] == [("$[1]", "type")]


def test_a_missing_target_is_told_with_its_position(stores: Stores) -> None:
    """Links are judged at the end of the batch, with one read; each one that leads nowhere is told."""
    backoffice = stores.backoffice(shop())
    backoffice.authors.create({"name": "a1"})
    given = [{**one, "author": "a1"} for one in books(12)]
    given[3]["author"] = given[11]["author"] = "nobody"
    given[9]["similar"] = ["nowhere"]

    with pytest.raises(ValidationError) as caught:
        backoffice.books.create_many(given, batch_size=100)

    assert paths(caught.value) == ["$[3].author", "$[9].similar", "$[11].author"]
    assert {one.code for one in caught.value.problems} == {"reference"}
    assert backoffice.books.count() == 0


@pytest.mark.parametrize("kind", ["in the batch", "stored"])
def test_a_unique_value_that_is_taken_is_told_with_its_position(stores: Stores, kind: str) -> None:
    """By an earlier item of the batch, or by a stored one."""
    backoffice = stores.backoffice(shop())
    if kind == "stored":
        backoffice.books.create({"name": "first", "isbn": "i2"})
    given = list(books(5))
    if kind == "in the batch":
        given[4]["isbn"] = "i2"

    with pytest.raises(ConflictError) as caught:
        backoffice.books.create_many(given)

    wanted = "$[2].isbn" if kind == "stored" else "$[4].isbn"
    assert [(one.path, one.code) for one in caught.value.problems] == [(wanted, "unique")]
    assert backoffice.books.count() == (1 if kind == "stored" else 0)


def test_an_id_that_is_taken_is_told_with_its_position(stores: Stores) -> None:
    """By an earlier item of the batch, or by a stored one."""
    backoffice = stores.backoffice(shop())
    backoffice.books.create({"name": "b0001"})
    given: list[Any] = [*books(3), {"name": "b0000"}]

    with pytest.raises(ConflictError) as caught:
        backoffice.books.create_many(given)

    assert paths(caught.value) == ["$[1]._id", "$[3]._id"]
    assert [one["name"] for one in backoffice.books.select()] == ["b0001"]


def test_a_batch_in_which_two_differ_in_an_id_alone_of_the_whole_way(stores: Stores) -> None:
    """An item that goes the whole way meets the `_id` of one that took the shortcut."""
    backoffice = stores.backoffice(shop())
    given: list[Any] = [{"name": "one"}, {"name": "two"}, {"name": "one", "similar": ["two"]}]

    with pytest.raises(ConflictError) as caught:
        backoffice.books.create_many(given)

    assert paths(caught.value) == ["$[2]._id"]


# One unit of work.


def test_items_of_a_batch_may_name_one_another(stores: Stores) -> None:
    """Before and after, to one, to many and both ways."""
    backoffice = stores.backoffice(shop())
    given: list[Any] = [
        {"name": "one", "sequel": "two", "similar": ["three"]},
        {"name": "two"},
        {"name": "three", "prequel": "two"},
    ]

    backoffice.books.create_many(given)

    assert links(backoffice, "books.sequel") == {"one": ["two"], "two": ["three"]}
    assert links(backoffice, "books.similar") == {"one": ["three"], "three": ["one"]}
    assert audit(backoffice) == []


def test_children_given_to_a_parent_before_they_exist(stores: Stores) -> None:
    """What a list names may be created afterwards, by the shortcut too."""
    backoffice = stores.backoffice(shop())

    with backoffice.transaction():
        backoffice.authors.create({"name": "a1", "books": ["b0001"]})
        backoffice.books.create_many(books(3))

    assert links(backoffice, "books.author") == {"b0001": ["a1"]}


def test_an_id_is_asked_for_once(stores: Stores) -> None:
    """Also where the item finds out by its `_id` that others have linked it already."""
    backoffice = stores.backoffice(shop(), ids=None)
    backoffice.books.connector.generate_id = counted()

    with backoffice.transaction():
        backoffice.authors.create({"name": "a1", "books": ["n0001"]})
        backoffice.books.create_many(books(3))

    assert [one["_id"] for one in backoffice.books.select()] == ["n0000", "n0001", "n0002"]
    assert len(links(backoffice, "books.author")) == 1


def test_an_open_transaction_is_joined(stores: Stores) -> None:
    """All batches belong to it, are seen in it, and are gone when it fails."""
    backoffice = stores.backoffice(shop())

    with pytest.raises(RuntimeError), backoffice.transaction():
        backoffice.books.create_many(books(10), batch_size=3)
        assert backoffice.books.get_by_id("b0007").pages == 8
        assert backoffice.books.count({"pages": ("$gt", 5)}) == 5
        raise RuntimeError
    assert backoffice.books.count() == 0

    with backoffice.transaction():
        backoffice.books.create_many(books(10), batch_size=3)
        backoffice.books.get_by_id("b0007").delete()
        backoffice.books.get_by_id("b0006").patch("replace", "$.pages", 77)
    assert backoffice.books.count() == 9


def test_a_refused_batch_leaves_an_open_transaction_as_it_was(stores: Stores) -> None:
    """Who catches the error goes on without that batch; the ones before it stay."""
    backoffice = stores.backoffice(shop())
    seen = {}

    with backoffice.transaction():
        backoffice.books.create({"name": "before"})
        with pytest.raises(ValidationError) as caught:
            backoffice.books.create_many([*books(4), {"pages": 1}], batch_size=2)
        seen["flushed"] = backoffice.books.count()
        with pytest.raises(ValidationError):
            backoffice.books.create_many([{"name": "b0009"}, {"name": "x", "author": "nobody"}, {"odd": 1}])
        backoffice.books.create({"name": "after"})

    assert paths(caught.value) == ["$[4].name"]
    assert seen == {"flushed": 5}
    assert [one["name"] for one in backoffice.books.select(sort="name")] == [
        "after",
        "b0000",
        "b0001",
        "b0002",
        "b0003",
        "before",
    ]


def test_an_item_deleted_in_the_same_transaction_may_come_back(stores: Stores) -> None:
    """Its `_id` is free, though the store has it until the end."""
    backoffice = stores.backoffice(shop())
    backoffice.books.create({"name": "b0001", "pages": 9})

    with backoffice.transaction():
        backoffice.books.get_by_id("b0001").delete()
        backoffice.books.create_many(books(3))

    assert backoffice.books.get_by_id("b0001").pages == 2


# What a declaration adds.


def test_events_come_in_order(stores: Stores) -> None:
    """Each item is there before the next one is looked at; a handler may change it and others."""
    told: list[str] = []

    def created(event: str, root: Any, me: Any) -> None:
        told.append(f"{event} {root.name} {root._home.count()}")
        root.pages = 100

    items = shop()
    items["books"] = Item({"name": String(required=True), "pages": Int()}, on=[("created", created)])
    del items["authors"]
    backoffice = stores.backoffice(items)

    backoffice.books.create_many([{"name": "b1"}, {"name": "b2"}, {"name": "b3"}])

    assert told == ["created b1 1", "created b2 2", "created b3 3"]
    assert [one.pages for one in backoffice.books.select()] == [100, 100, 100]


def test_a_handler_that_fails_refuses_the_batch(stores: Stores) -> None:
    """What it raises comes through as it is, and nothing is stored."""

    def created(event: str, root: Any, me: Any) -> None:
        if root.name == "b2":
            raise KeyError("no")

    backoffice = stores.backoffice({"books": Item({"name": String()}, on=[("created", created)])})

    with pytest.raises(KeyError):
        backoffice.books.create_many([{"name": "b1"}, {"name": "b2"}])

    assert backoffice.books.count() == 0


def test_functions_of_fields_are_asked(stores: Stores) -> None:
    """Transforms, defaults, computed and conditional fields, constraints, enums: of each item its own."""
    numbers = count(1)
    item = Item(
        {
            "name": String(required=True, transform=lambda value, item: value.strip()),
            "number": Int(default=lambda: next(numbers)),
            "label": String(set=lambda item: f"{item.name}/{item.number}", views=["save", "client"]),
            "age": Int(constraint=lambda value, item: value != 13),
            "kind": String(enum=lambda item: ["a", "b"]),
            "extra": String(exists=lambda value, item: item.kind == "a"),
        },
        constraint=lambda value, item: item.name != "nobody",
    )
    backoffice = stores.backoffice({"cats": item})

    backoffice.cats.create_many([{"name": " Tom "}, {"name": "Tim", "kind": "a", "extra": "e"}])

    assert [(one.name, one.number, one.label, one.extra) for one in backoffice.cats.select()] == [
        ("Tim", 2, "Tim/2", "e"),
        ("Tom", 1, "Tom/1", None),
    ]
    with pytest.raises(ValidationError) as caught:
        backoffice.cats.create_many([{"name": "A", "age": 13}, {"name": "B", "kind": "c"}, {"name": "nobody"}])
    assert [(one.path, one.code) for one in caught.value.problems] == [
        ("$[0].age", "constraint"),
        ("$[1].kind", "enum"),
        ("$[2]", "constraint"),
    ]


def test_a_field_that_is_asked_about_only_when_set(stores: Stores) -> None:
    """Items that leave such a field unset are stored, and one that sets it is asked."""
    item = Item({"name": String(), "age": Int(constraint=lambda value, item: value > 1), "old": Bool(default=True)})
    backoffice = stores.backoffice({"cats": item})

    backoffice.cats.create_many([{"name": "a"}, {"name": "b", "age": 2}, {"name": "c", "age": None}])
    with pytest.raises(ValidationError) as caught:
        backoffice.cats.create_many([{"name": "d"}, {"name": "e", "age": 1}])

    assert paths(caught.value) == ["$[1].age"]
    assert [(one.name, one.age, one.old) for one in backoffice.cats.select()] == [
        ("a", None, True),
        ("b", 2, True),
        ("c", None, True),
    ]


def test_a_method_of_the_declaration_is_kept() -> None:
    """A class of items that sets values in a way of its own is asked for each."""

    class Cat(Item):
        def set(self, values: Any, **kwargs: Any) -> None:
            told: Any = super()
            told.set({**values, "name": values["name"].upper()})

    backoffice = Backoffice("shop")
    backoffice.register_collection(Collection("cats", Cat({"name": String()}), DBMemoryConnector()))

    backoffice.cats.create_many([{"name": "tom"}])

    assert [one.name for one in backoffice.cats.select()] == ["TOM"]


class Numbered(StandardMetaDataHandler):
    """Metadata that differ from item to item."""

    def __init__(self) -> None:
        self.number = 0

    def update(self, item: Any) -> None:
        """Count."""
        super().update(item)
        self.number += 1
        item._values["_meta"] = {**item._values["_meta"], "created_by": {"_id": str(self.number), "login": "x"}}


def test_metadata_of_ones_own_are_made_for_each(tmp_path: Path) -> None:
    """A handler that is not the standard one is asked for each item; None writes none."""
    for handler, wanted in ((Numbered(), ["1", "2"]), (None, [None, None])):
        backoffice = Backoffice("shop")
        given: GenericMetaDataHandler | None = handler
        collection = Collection("cats", Item({"name": String()}), DBMemoryConnector(), meta_data_handler=given)
        backoffice.register_collection(collection)
        backoffice.cats.create_many([{"name": "a"}, {"name": "b"}])

        stored = dump(backoffice).values()
        assert [one["_meta"]["created_by"]["_id"] if "_meta" in one else None for one in stored] == wanted


# Rights.


def guarded(**rights: Any) -> Backoffice:
    """Declare books that not everybody may create."""
    backoffice = Backoffice("shop")
    item = Item({"name": String(), "price": Int(can_modify=lambda name, item: item.name != "dear", default=1)})
    collection = Collection("books", item, DBMemoryConnector(), **rights)
    backoffice.register_collection(collection)
    return backoffice


def test_the_right_to_create_is_asked_of_each_item() -> None:
    """One refusal refuses the batch, and tells the position; rights that are lifted are not asked."""
    backoffice = guarded(can_create=lambda name, item: item.name != "secret")
    given = [{"name": "a"}, {"name": "secret"}, {"name": "b"}]

    with pytest.raises(RightError) as caught:
        backoffice.books.create_many(given)

    assert [(one.path, one.code) for one in caught.value.problems] == [("$[1]", "right")]
    assert backoffice.books.count() == 0
    with acting_as(SYSTEM):
        assert backoffice.books.create_many(given) == 3


def test_the_right_to_set_a_field_is_asked_of_each_item() -> None:
    """A value beside the default needs it; the path has the position."""
    backoffice = guarded()

    backoffice.books.create_many([{"name": "a", "price": 3}, {"name": "dear", "price": 1}])
    with pytest.raises(RightError) as caught:
        backoffice.books.create_many([{"name": "b"}, {"name": "dear", "price": 2}])

    assert paths(caught.value) == ["$[1].price"]
    assert backoffice.books.count() == 2


def test_a_target_that_is_not_there_for_the_user_is_told_as_one_that_is_not_there() -> None:
    """`visible` hides a target; the answer is the same, with the position."""
    backoffice = Backoffice("shop")
    authors = Item({"name": String(), "books": RefsList(coll="books", field="$.author")})
    books_ = Item({"name": String(), "author": Ref(coll="authors", field="$.books")})
    for name, item, visible in (("authors", authors, {"name": "a"}), ("books", books_, None)):
        backoffice.register_collection(Collection(name, item, DBMemoryConnector(), visible=visible))
    with acting_as(SYSTEM):
        ids = {name: backoffice.authors.create({"name": name})["_id"] for name in ("a", "hidden")}

    def refused(author: str) -> Any:
        with pytest.raises(ValidationError) as caught:
            backoffice.books.create_many([{"name": "x", "author": ids["a"]}, {"name": "y", "author": author}])
        return caught.value.message, caught.value.problems

    assert refused(ids["hidden"]) == refused("nobody")
    assert refused("nobody")[1][0].path == "$[1].author"


# A declaration that allows no shortcut.


def test_a_required_list_of_links_is_judged_in_the_end(stores: Stores) -> None:
    """Who needs a child that comes in the same transaction is stored, who has none is refused."""
    author = {"name": String(required=True), "books": RefsList(coll="books", field="$.author", required=True)}
    book = {"name": String(required=True), "author": Ref(coll="authors", field="$.books")}
    backoffice = stores.backoffice({"authors": Item(author), "books": Item(book)})

    with backoffice.transaction():
        backoffice.authors.create_many([{"name": "a1"}])
        backoffice.books.create_many([{"name": "b1", "author": "a1"}])
    with pytest.raises(ValidationError) as caught:
        backoffice.authors.create_many([{"name": "a2"}, {"name": "a3"}])

    assert paths(caught.value) == ["$[0].books", "$[1].books"]
    assert links(backoffice, "authors.books") == {"a1": ["b1"]}


def test_nested_links_are_expected_too(stores: Stores) -> None:
    """A stored link inside a group is judged as one at the top."""
    author = {"name": String(required=True), "rent": Dict({"books": RefsList(coll="books", field="$.lent.to")})}
    book = {"name": String(required=True), "lent": Dict({"to": Ref(coll="authors", field="$.rent.books")})}
    backoffice = stores.backoffice({"authors": Item(author), "books": Item(book)})
    backoffice.authors.create({"name": "a1"})

    backoffice.books.create_many([{"name": "b1", "lent": {"to": "a1"}}, {"name": "b2"}])
    with pytest.raises(ValidationError) as caught:
        backoffice.books.create_many([{"name": "b3"}, {"name": "b4", "lent": {"to": "a9"}}])

    assert paths(caught.value) == ["$[1].lent.to"]
    assert links(backoffice, "authors.rent.books") == {"a1": ["b1"]}
