"""What code does with actions, beyond what the features show, and which declarations are refused."""

import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from backo import (
    Action,
    Backoffice,
    Bool,
    Collection,
    Datetime,
    DBMemoryConnector,
    DefinitionError,
    Dict,
    Int,
    Item,
    List,
    NotFoundError,
    Ref,
    RefsList,
    RightError,
    StateError,
    String,
    ValidationError,
)
from backo.files.fields import BlobFile
from tests.features.lending import fill, lending
from tests.work.stores import Stores, dump


def nothing(action: Any, item: Any) -> None:
    """Do nothing."""


def cats(**actions: Action) -> Any:
    """Declare cats in memory, with actions."""
    collection = Collection("cats", Item({"name": String(required=True), "age": Int(min=0)}), DBMemoryConnector())
    Backoffice("app").register_collection(collection)
    for name, action in actions.items():
        collection.register_action(name, action)
    return collection


# Running.


def test_what_a_function_gets() -> None:
    """A record of checked parameters, the item, and what was handed along."""
    got: list[Any] = []
    feed = Action({"when": Datetime(), "grams": Int(default=50)}, lambda *given, **kwargs: got.append((given, kwargs)))
    tom = cats(feed=feed).create({"name": "Tom"})

    tom.run_action("feed", {"when": "2024-01-31T12:00:00Z"}, transaction_id="t")

    [((action, item), kwargs)] = got
    assert item is tom
    assert kwargs == {"transaction_id": "t"}
    assert isinstance(action, Action)
    assert (action.when, action.grams) == (datetime(2024, 1, 31, 12, tzinfo=UTC), 50)
    assert action.get_value() == {"when": action.when, "grams": 50}
    with pytest.raises(ValidationError):
        action.grams = "much"
    with pytest.raises(AttributeError, match="did you mean 'grams'"):
        _ = action.gram


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda: "none", "none"),
        (lambda action: action.grams, 50),
        (lambda action, cat: (action.grams, cat.name), (50, "Tom")),
        (lambda action, cat, more: more, None),
        (lambda action, cat, transaction_id=0: transaction_id, 7),
        (lambda action, cat, *, transaction_id=0: transaction_id, 7),
        (lambda action, cat, **kwargs: kwargs, {"transaction_id": 7}),
        (lambda *given: len(given), 2),
    ],
)
def test_functions_get_what_they_require(function: Any, expected: Any) -> None:
    """As all declared functions; what they return is what the call gives."""
    tom = cats(feed=Action({"grams": Int(default=50)}, function)).create({"name": "Tom"})

    assert tom.run_action("feed", transaction_id=7) == expected


def test_each_call_has_parameters_of_its_own() -> None:
    """Nothing of one call is there in the next, whatever a function does with its record."""
    seen: list[Any] = []

    def feed(action: Any, cat: Any) -> None:
        seen.append((action.get_value(), action))
        action.food = "mice"
        action.notes.append("changed")

    tom = cats(feed=Action({"food": String(), "notes": List(String(), default=["a"])}, feed)).create({"name": "Tom"})
    tom.run_action("feed", {"food": "fish"})
    tom.run_action("feed")

    assert [values for values, _ in seen] == [{"food": "fish", "notes": ["a"]}, {"food": None, "notes": ["a"]}]
    assert seen[0][1] is not seen[1][1]


def test_parameters_know_conditions_and_constraints() -> None:
    """They are declared as the fields of an item are: one may depend on another."""
    parameters = {
        "sick": Bool(default=False),
        "medicine": String(exists=lambda value, action: action.sick),
        "grams": Int(constraint=lambda value, action: value < 100 or action.sick),
        "label": String(set=lambda action: f"{action.grams} g"),
    }
    tom = cats(feed=Action(parameters, lambda action: action.label)).create({"name": "Tom"})

    assert tom.run_action("feed", {"sick": True, "medicine": "drops", "grams": 200}) == "200 g"
    wrong: Any
    for wrong in ({"medicine": "drops"}, {"grams": 200}, {"label": "x"}, {"gram": 1}, {"sick": "yes"}, []):
        with pytest.raises(ValidationError):
            tom.run_action("feed", wrong)


def test_files_are_parameters() -> None:
    """Their content arrives as that of an item's files does."""
    read = Action(
        {"picture": BlobFile(max_size=10)}, lambda action: (action.picture.get_content(), action.picture.size)
    )
    tom = cats(read=read).create({"name": "Tom"})

    assert tom.run_action("read", {"picture": "base64:SGk="}) == (b"Hi", 2)
    with pytest.raises(ValidationError):
        tom.run_action("read", {"picture": "x" * 11})


def test_an_action_that_fails(stores: Stores) -> None:
    """Stores and items are as before, the one that it ran on too."""
    backoffice = lending(stores)
    fill(backoffice)
    book: Any = backoffice.books.get_by_id("b1")
    book.title = "mine"
    before = dump(backoffice), book.get_value()

    with pytest.raises(ZeroDivisionError) as failed:
        book.run_action("fail", {"how": "bug"})

    assert (dump(backoffice), book.get_value()) == before
    assert failed.value.__notes__ == ["in the action 'fail' of books"]
    with backoffice.transaction():
        book.save()
        with pytest.raises(ZeroDivisionError):
            book.run_action("fail", {"how": "bug"})
    assert backoffice.books.get_by_id("b1").title == "mine"


def test_the_item_of_an_action(stores: Stores) -> None:
    """It must be stored, and still be there."""
    backoffice = lending(stores)
    fill(backoffice)
    book: Any = backoffice.books.get_by_id("b4")
    twin: Any = backoffice.books.get_by_id("b4")

    book.run_action("remove")

    assert book.status == "UNSET"
    with pytest.raises(StateError, match="that is stored"):
        book.run_action("remove")
    with pytest.raises(NotFoundError):
        twin.run_action("remove")
    with pytest.raises(NotFoundError, match="did you mean 'give'"):
        backoffice.books.get_by_id("b1").run_action("gve")


def test_rights_hold_in_python_too(stores: Stores, caplog: pytest.LogCaptureFixture) -> None:
    """What items do is guarded as the current user; a right that raises denies, and is logged without values."""
    backoffice = lending(stores)
    fill(backoffice)
    book: Any = backoffice.books.get_by_id("b1")

    with caplog.at_level(logging.WARNING, "backo.backoffice"):
        for name in ("borrow", "hidden", "closed", "not_there"):
            with pytest.raises(RightError):
                book.run_action(name)

    [told] = [record.getMessage() for record in caplog.records]
    assert told.startswith("the right 'see' raised KeyError at ")
    assert told.endswith(", so it denies")


def test_rights_are_asked_in_turn() -> None:
    """First whether it can be seen, then whether it may be executed, each on the item."""
    asked: list[Any] = []

    def right(name: str, item: Any) -> bool:
        asked.append((name, item))
        return name == "see"

    tom = cats(feed=Action({}, nothing, can_see=right, can_execute=right)).create({"name": "Tom"})

    with pytest.raises(RightError):
        tom.run_action("feed")
    assert [(name, item is tom) for name, item in asked] == [("see", True), ("execute", True)]


# Declaring.


def test_one_action_of_two_collections() -> None:
    """It may be offered by several, under several names; a subclass gives its parameters methods."""

    class Feed(Action):
        def double(self) -> int:
            return int(self.grams * 2)

    feed = Feed({"grams": Int(required=True)}, lambda action, item: (item.name, action.double()), desc="Feeds.")
    backoffice = Backoffice("app")
    for name in ("cats", "dogs"):
        home = backoffice.register_collection(Collection(name, Item({"name": String()}), DBMemoryConnector()))
        home.register_action("feed", feed)
        home.add_action(f"feed_{name}", feed)

    for name, item in (("cats", "Tom"), ("dogs", "Rex")):
        home = backoffice.collections[name]
        stored = home.create({"name": item})
        assert stored.run_action("feed", {"grams": 2}) == (item, 4)
        assert stored.run_action(f"feed_{name}", {"grams": 3}) == (item, 6)
        with pytest.raises(ValidationError, match="feed is not valid"):
            stored.run_action("feed")
        assert home.actions["feed"].description == "Feeds."


def test_registering() -> None:
    """Names are identifiers, each is given once, and only before assembly."""
    action = Action({}, nothing)
    home = cats(feed=action)
    names: list[Any] = ["feed", "_feed", "a-b", "", None]
    for name in names:
        with pytest.raises(DefinitionError):
            home.register_action(name, action)
    with pytest.raises(DefinitionError, match="must be an Action"):
        home.register_action("other", nothing)
    assert home.create({"name": "Tom"}).run_action("feed") is None
    with pytest.raises(StateError, match="cannot be registered once"):
        home.register_action("other", action)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (({}, "feed"), {}, "Action: the function must be a function, not 'feed'"),
        (({}, lambda *, how: None), {}, "Action: the function requires 'how' by keyword"),
        (([], nothing), {}, "Action takes a dict of fields, not []"),
        (({"_x": Int()}, nothing), {}, "Action: a field cannot be called '_x'"),
        (({"x": int}, nothing), {}, "Action: 'x' must be a field"),
        (({}, nothing), {"can_execute": 1}, "Action: can_execute must be a function, not 1"),
        (({}, nothing), {"can_see": "x"}, "Action: can_see must be a function"),
        (({}, nothing), {"exists": "x"}, "Action: can_see must be a function"),
        (({}, nothing), {"exists": True, "can_see": True}, "Action: the option 'can_see' is given twice"),
        (({}, nothing), {"can_excute": True}, "Action has no option 'can_excute' (did you mean 'can_execute'?)"),
        (({}, nothing), {"description": 1}, "Action: description must be text, not 1"),
    ],
)
def test_wrong_declarations(arguments: Any, options: dict[str, Any], message: str) -> None:
    """They are refused where they are written."""
    with pytest.raises(DefinitionError) as refused:
        Action(*arguments, **options)

    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    ("field", "message"),
    [
        (Ref(coll="cats"), "$.x: a reference cannot be a parameter (declare it as a String(), and assign the id"),
        (RefsList(coll="cats"), "$.x: a reference cannot be a parameter"),
        (Dict({"y": Ref(coll="cats")}), "$.x.y: a reference cannot be a parameter"),
        (List(Ref(coll="cats")), "$.x: a reference inside a list"),
        (String(unique=True), "$.x: 'unique' means nothing for a parameter (parameters are not stored)"),
        (String(index=True), "$.x: 'index' means nothing for a parameter"),
        (String(can_modify=False), "$.x: 'can_modify' means nothing for a parameter (use can_execute of the action)"),
        (Dict({"y": String(read=True)}), "$.x.y: 'can_read' means nothing for a parameter"),
    ],
)
def test_parameters_that_assembly_refuses(field: Any, message: str) -> None:
    """What would not hold is refused, with the collection, the action and the path."""
    home = cats(feed=Action({"x": field}, nothing))

    with pytest.raises(DefinitionError) as refused:
        home.application.assemble()
    assert str(refused.value).startswith(f"cats: the action 'feed': {message}")


def test_parameters_called_like_methods() -> None:
    """They are refused as those of items are; what a declaration keeps for itself takes no name away."""
    with pytest.raises(DefinitionError, match="cats: the action 'feed': a field cannot be called 'select'"):
        cats(feed=Action({"select": Int()}, nothing)).application.assemble()

    names = ("function", "fields", "description", "name", "exists", "status", "save", "item", "can_see")
    tom = cats(feed=Action({name: Int() for name in names}, lambda action: action.save)).create({"name": "Tom"})
    assert tom.run_action("feed", dict.fromkeys(names, 1)) == 1


def test_an_item_offers_the_method() -> None:
    """So no field can have its name."""
    home = Collection("cats", Item({"run_action": Int()}), DBMemoryConnector())
    with pytest.raises(DefinitionError, match="cannot be called 'run_action'"):
        Backoffice("app").register_collection(home).application.assemble()
