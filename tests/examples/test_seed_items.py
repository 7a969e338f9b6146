"""The chapters "Item", "Methods", "_id", "_meta", "Workflow and events" and "Transactions" of the document.

The chapter "Item" keeps its cats in MongoDB, as is done here; and in each other store in turn.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from backo import (
    BackoError,
    Backoffice,
    Collection,
    Datetime,
    Int,
    Item,
    NotFoundError,
    QueryError,
    State,
    StateError,
    String,
    ValidationError,
    acting_as,
)
from tests.examples.shown import CATS, shown, shown_stores
from tests.work.stores import EVERY, Stores

NOON = datetime(2024, 1, 31, 12, tzinfo=UTC)
EVENTS = ["loaded", "before_save", "saved", "before_delete", "created"]


@pytest.fixture(params=EVERY)
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stores]:
    """Each of our stores in turn."""
    with shown_stores(request.param, tmp_path, CATS[0]) as found:
        yield found


def with_cats(stores: Stores, cat_item: Item, **options: Any) -> Backoffice:
    """Register cats, as the chapter "Item" does."""
    backoffice = Backoffice("zoo", **options)
    stores.opened.append(backoffice)

    # --- Storage for cats
    db_for_cats = shown(stores, "cats", CATS)

    # Add the cat object into the Collection object by adding a name and a db connector
    cats = Collection("cats", cat_item, db_for_cats)

    # Then add collection to the backoffice
    backoffice.register_collection("cats", cats)
    return backoffice


def a_cat() -> Item:
    """Describe what a 'cat' is."""
    return Item(
        {
            "name": String(required=True, default="Felix"),
            "address": String(),
            "age": Int(),
            # And so on...
        }
    )


def test_item_example(stores: Stores) -> None:
    """Chapter "Item": a cat is described, stored, and called Felix where nobody says otherwise."""
    backoffice = with_cats(stores, a_cat())

    cat: Any = backoffice.cats.create({"age": 3})

    assert (cat.name, cat.address, cat.age) == ("Felix", None, 3)
    assert isinstance(cat, Item)
    found: Any = backoffice.cats.get_by_id(cat._id)
    assert found == cat


def test_methods(stores: Stores) -> None:
    """Chapter "Methods": each of the seven does what the table says."""
    cat_item = a_cat()
    backoffice = with_cats(stores, cat_item)

    cat: Any = cat_item.create({"name": "Tom", "age": 2})
    cat.age = 3
    cat.save()
    same: Any = cat_item.load(cat._id)
    assert (same.name, same.age) == ("Tom", 3)

    same.set({"age": 4})
    same.save()
    cat.reload()
    assert cat.age == 4

    other = cat.new()
    other.set({"name": "Kitty", "age": 1})
    other.save()
    assert [one.name for one in cat.select({"age": ("$gt", 2)})] == ["Tom"]
    assert sorted(one.name for one in cat_item.select()) == ["Kitty", "Tom"]

    fresh: Any = backoffice.cats.new()
    fresh.load(other._id)
    fresh.delete()
    assert [one["name"] for one in backoffice.cats.select()] == ["Tom"]


@pytest.mark.parametrize(
    ("error", "call"),
    [
        pytest.param(ValidationError, lambda cat: cat.create({"age": "old"}), id="create"),
        pytest.param(StateError, lambda cat: cat.save(), id="save"),
        pytest.param(NotFoundError, lambda cat: cat.load("nobody"), id="load"),
        pytest.param(StateError, lambda cat: cat.reload(), id="reload"),
        pytest.param(StateError, lambda cat: cat.delete(), id="delete"),
        pytest.param(QueryError, lambda cat: list(cat.select({"colour": "red"})), id="select"),
        pytest.param(StateError, lambda cat: a_cat().new(), id="new"),
    ],
)
def test_methods_errors(stores: Stores, error: type[BackoError], call: Callable[[Any], Any]) -> None:
    """Chapter "Methods": for each function an error is raised when something goes wrong."""
    backoffice = with_cats(stores, a_cat())

    with pytest.raises(error):
        call(backoffice.cats.new())

    assert list(backoffice.cats.select()) == []


def test_id(stores: Stores) -> None:
    """Chapter "_id": nobody declares it, each item has one, and one only."""
    backoffice = with_cats(stores, a_cat())

    one, other = (backoffice.cats.create({}) for _ in range(2))

    assert isinstance(one["_id"], str)
    assert one["_id"] != other["_id"]
    assert "_id" in backoffice.cats.schema.children


def test_meta(stores: Stores) -> None:
    """Chapter "_meta": each item is stamped with when and by whom it was made and changed."""
    now = [NOON]
    backoffice = with_cats(stores, a_cat(), clock=lambda: now[0])
    with acting_as({"_id": "1", "login": "ann"}):
        cat: Any = backoffice.cats.create({})
    now[0] += timedelta(hours=1)
    with acting_as({"_id": "2", "login": "bob"}):
        cat.age = 3
        cat.save()

    found: Any = backoffice.cats.get_by_id(cat._id)

    assert found._meta == {
        "ctime": NOON,
        "mtime": NOON + timedelta(hours=1),
        "created_by": {"_id": "1", "login": "ann"},
        "modified_by": {"_id": "2", "login": "bob"},
    }
    with pytest.raises(ValidationError):
        cat.set({"_meta": {"ctime": NOON + timedelta(days=1)}})


def test_workflow(stores: Stores) -> None:
    """Chapter "workflow": every arrow of the diagram, and that UNSET cannot be saved."""
    backoffice = with_cats(stores, a_cat())
    cat: Any = backoffice.cats.new()
    states = [cat.status]
    with pytest.raises(StateError):
        cat.save()

    for step in (
        lambda: cat.set({"name": "Tom"}),  # UNSET --> UNSAVED
        cat.save,  # UNSAVED --> SAVED
        lambda: cat.set({"age": 3}),  # SAVED --> UNSAVED
        cat.save,
        cat.delete,  # SAVED --> UNSET
        lambda: cat.load(backoffice.cats.create({})._id),  # UNSET --> SAVED
        lambda: cat.set({"age": 4}),
        cat.delete,  # UNSAVED --> UNSET
    ):
        step()
        states.append(cat.status)

    unset, unsaved, saved = State.UNSET, State.UNSAVED, State.SAVED
    assert states == [unset, unsaved, saved, unsaved, saved, unset, saved, unsaved, unset]
    assert [str(state) for state in (unset, unsaved, saved)] == ["UNSET", "UNSAVED", "SAVED"]
    assert list(backoffice.cats.select()) == []


@pytest.mark.parametrize(
    ("call", "events"),
    [
        (lambda cat: cat.new().load(cat._id), ["loaded"]),
        (lambda cat: cat.save(), ["before_save", "saved"]),
        (lambda cat: cat.delete(), ["before_delete"]),
        (lambda cat: cat.new().create({}), ["created"]),
    ],
    ids=["load", "save", "delete", "create"],
)
def test_events(stores: Stores, call: Callable[[Any], Any], events: list[str]) -> None:
    """Chapter "Events": what is triggered around each function, in its order."""
    happened: list[str] = []

    def note(event_name: str, root: Any, me: Any, **kwargs: Any) -> None:
        happened.append(event_name)

    cat_item = Item({"name": String(), "age": Int()}, on=[(event, note) for event in EVENTS])
    cat: Any = with_cats(stores, cat_item).cats.create({"name": "Tom"})
    cat.age = 3
    happened.clear()

    call(cat)

    assert happened == events


def test_events_example(stores: Stores) -> None:
    """Chapter "Events", the example: a handler is called before a cat is deleted.

    Mended: two commas are missing.
    """
    rest: list[tuple[str, Any, Any]] = []

    def rip(event_name: str, root: Any, me: Any, **kwargs: Any) -> None:
        # Do what you want
        rest.append((event_name, root.name, me is root))

    cat_item = Item({"name": String(), "birth": Datetime()}, on=[("before_delete", rip)])
    cat = with_cats(stores, cat_item).cats.create({"name": "Tom", "birth": NOON})
    assert rest == []

    cat.delete()

    assert rest == [("before_delete", "Tom", True)]


def test_transactions(stores: Stores) -> None:
    """Chapter "Transactions": the document says "Soon"; several operations happen whole, or not at all."""
    backoffice = with_cats(stores, a_cat())
    tom: Any = backoffice.cats.create({"name": "Tom"})

    def change(age: int) -> None:
        with backoffice.transaction():
            backoffice.cats.create({"name": "Kitty"})
            tom.age = age
            tom.save()
            if age > 30:
                message = "no cat is so old"
                raise ValueError(message)

    with pytest.raises(ValueError, match="no cat is so old"):
        change(31)
    assert [(one["name"], one["age"]) for one in backoffice.cats.select()] == [("Tom", None)]

    change(3)
    assert [(one["name"], one["age"]) for one in backoffice.cats.select(sort="name")] == [
        ("Kitty", None),
        ("Tom", 3),
    ]
