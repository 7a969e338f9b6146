"""Reading and writing one item: plain values out, checked values in, all or nothing."""

import copy
import pickle
from datetime import UTC, date, datetime
from decimal import Decimal as Number
from typing import Any, cast

import pytest

from backo import (
    Bool,
    Bytes,
    Date,
    Datetime,
    Decimal,
    Dict,
    Email,
    Float,
    FreeDict,
    In,
    Int,
    Ipaddress,
    Item,
    List,
    State,
    StateError,
    String,
    Time,
    Tuple,
    Url,
    Uuid,
    ValidationError,
    state_of,
)
from backo.items.generating import record_class
from backo.items.record import Record
from tests.items.making import found, problems_of, record_of, schema_of, stored

PERSON = schema_of(
    {
        "name": String(required=True, max_length=10),
        "age": Int(min=0),
        "male": Bool(),
        "size": Float(),
        "birth": Date(),
        "seen": Datetime(),
        "wage": Decimal(),
        "photo": Bytes(),
        "tags": List(String(), max=3),
        "home": Dict({"city": String(), "zip": Int(), "place": Dict({"x": Float(), "y": Float()})}),
        "pair": Tuple((Int(), String())),
        "either": In([Int(), String()]),
        "free": FreeDict(),
        "mail": Email(),
        "page": Url(),
        "host": Ipaddress(),
        "key": Uuid(),
        "hour": Time(),
    }
)
VALUES: dict[str, Any] = {
    "name": "Jo",
    "age": 12,
    "male": True,
    "size": 1.5,
    "birth": date(2012, 1, 31),
    "seen": datetime(2024, 1, 31, tzinfo=UTC),
    "wage": Number("1.50"),
    "photo": b"hi",
    "tags": ["a", "b"],
    "home": {"city": "Lyon", "zip": 69000, "place": {"x": 1.0, "y": None}},
    "pair": (1, "a"),
    "either": "x",
    "free": {"a": [1, {"b": None}]},
}


def test_values_are_plain() -> None:
    """An attribute is a value of Python, not a wrapper."""
    item = record_of(PERSON, VALUES)

    for name, value in VALUES.items():
        read = getattr(item, name)
        assert read == value
        assert item[name] == value
        assert repr(item.get_value()[name]) == repr(value)
        if name != "home":
            assert isinstance(read, type(value))
    assert item.home.city == item["home"]["city"] == "Lyon"
    assert item.mail is None


def test_get_value_gives_copies() -> None:
    """What is given away can be changed without the item noticing."""
    item = record_of({"lines": List(Dict({"f": FreeDict()})), "free": FreeDict(), "tags": List(Int())})
    item.set({"lines": [{"f": {"a": []}}], "free": {"a": {}}, "tags": [1]})
    before = repr(item._values)

    given = item.get_value()
    given["lines"][0]["f"]["a"].append(1)
    given["lines"].append(2)
    given["free"]["a"]["b"] = 1
    given["tags"].append(2)
    selected = item.select("$.free")
    selected["a"]["c"] = 1

    assert repr(item._values) == before


def test_set_merges() -> None:
    """The given keys change, nested ones too; lists are replaced, and null unsets."""
    item = record_of(PERSON, VALUES)

    item.set({"age": None, "home": {"zip": 1, "place": {"y": 2}}, "tags": ["c"], "free": {"c": 1}})

    assert item.get_value() == {
        **dict.fromkeys(PERSON.children),
        **VALUES,
        "age": None,
        "home": {"city": "Lyon", "zip": 1, "place": {"x": 1.0, "y": 2.0}},
        "tags": ["c"],
        "free": {"c": 1},
    }


def test_set_is_all_or_nothing() -> None:
    """Every problem is told, with its path, and nothing has changed."""
    item = record_of(PERSON, VALUES)

    problems = problems_of(
        item,
        {
            "name": "x" * 11,
            "age": -1,
            "male": "yes",
            "birth": "tomorrow",
            "tags": ["a", 5, None],
            "home": {"zip": "x", "place": {"x": float("nan")}, "zpi": 1},
            "pair": [1],
            "either": 1.5,
            "free": {"a": {"b": 2**64}},
            "size": 3,
            "nmae": "x",
            "_id": "x",
            5: 6,
        },
    )

    assert problems == {
        ("$.name", "max_length"),
        ("$.age", "min"),
        ("$.male", "type"),
        ("$.birth", "type"),
        ("$.tags[1]", "type"),
        ("$.tags[2]", "null"),
        ("$.home.zip", "type"),
        ("$.home.place.x", "finite"),
        ("$.home.zpi", "unknown"),
        ("$.pair", "length"),
        ("$.either", "type"),
        ("$.free.a.b", "range"),
        ("$.nmae", "unknown"),
        ("$._id", "read_only"),
        ("$.<int>", "unknown"),
    }


@pytest.mark.parametrize("values", [None, 5, "ab", ["name"], [("name", "x")]], ids=repr)
def test_set_takes_an_object(values: Any) -> None:
    """Anything else is invalid as a whole."""
    assert problems_of(record_of(PERSON), values) == {("$", "type")}


def test_assignment_is_checked() -> None:
    """It raises, with the path, and nothing has changed; null unsets."""
    item = record_of(PERSON, VALUES)

    for name, value in {"age": "12", "tags": "ab", "home": 5, "free": [], "name": "x" * 11}.items():
        with pytest.raises(ValidationError) as error:
            setattr(item, name, value)
        assert {path for path, _ in found(error)} == {f"$.{name}"}
        with pytest.raises(ValidationError):
            item[name] = value
    assert item.get_value() == record_of(PERSON, VALUES).get_value()

    item.age = 13
    item["male"] = False
    item.name = None
    del item.tags
    assert (item.age, item.male, item.name, item.tags) == (13, False, None, None)


def test_misspelt_attributes() -> None:
    """They raise when read and when written, with the nearest name, and set nothing."""
    item = record_of(PERSON, VALUES)

    with pytest.raises(AttributeError, match=r"cat has no field 'nmae'; did you mean 'name'\?"):
        _ = item.nmae
    with pytest.raises(AttributeError, match=r"cat has no field 'nmae'; did you mean 'name'\?"):
        item.nmae = "x"
    with pytest.raises(KeyError, match=r"did you mean 'name'\?"):
        item["nmae"]
    with pytest.raises(KeyError, match=r"did you mean 'name'\?"):
        item["nmae"] = "x"
    with pytest.raises(AttributeError, match=r"did you mean 'select'\?"):
        item.selct("$.name")
    with pytest.raises(AttributeError, match=r"\$\.home has no field 'ctiy'; did you mean 'city'\?"):
        item.home.ctiy = "x"
    with pytest.raises(AttributeError, match=r"did you mean 'city'\?"):
        _ = item.home.ctiy
    with pytest.raises(KeyError, match=r"did you mean 'city'\?"):
        item.home["ctiy"]
    with pytest.raises(KeyError, match=r"did you mean 'city'\?"):
        item.home["ctiy"] = 1
    for method in ("save_", "set", "status"):
        with pytest.raises(AttributeError):
            setattr(item, method, 1)
    assert item.get_value() == record_of(PERSON, VALUES).get_value()
    assert not hasattr(item, "__dict__")


def test_an_attribute_error_of_a_function_is_told() -> None:
    """It does not look as if the field itself were missing."""
    item = record_of({"a": Int(), "b": Int(set=lambda item: item.aa)})

    with pytest.raises(AttributeError, match=r"has no field 'aa'; did you mean 'a'\?"):
        _ = item.b


def test_names_of_fields_can_be_walked() -> None:
    """An item and its groups know the names of their fields."""
    item = record_of(PERSON, VALUES)

    assert list(item) == list(PERSON.children)
    assert "age" in item
    assert "aeg" not in item
    assert list(item.home) == ["city", "zip", "place"]
    assert "zip" in item.home
    assert set(dir(item.home)) == {"city", "zip", "place"}


def test_read_only_fields() -> None:
    """They cannot be set, except to what they are, in JSON or in Python."""
    schema = schema_of(
        {"a": Int(), "twice": Int(set=lambda item: item.a * 2), "g": Dict({"b": Int(set=lambda item: 5)})}
    )
    item = record_of(schema, {"a": 2})
    item._stamping = True
    item.set({"_id": "x", "_meta": {"ctime": "2024-01-31T12:00:00Z", "created_by": {"_id": "u", "login": "l"}}})
    item._stamping = False

    sent_back: tuple[dict[str, Any], ...] = (
        item._json(),
        item.get_value(),
        {"_meta": {"ctime": "2024-01-31T12:00:00Z"}},
        {"_meta": {}},
        {"_id": "x"},
    )
    for values in sent_back:
        item.set(values)
    assert problems_of(item, {"_id": "y", "twice": 5, "g": {"b": 6}}) == {
        ("$._id", "read_only"),
        ("$.twice", "read_only"),
        ("$.g.b", "read_only"),
    }
    assert problems_of(item, {"_meta": {"ctime": None}}) == {("$._meta", "read_only")}
    assert problems_of(item, {"_meta": None, "_id": None}) == {("$._meta", "read_only"), ("$._id", "read_only")}
    for name, value in {"_id": "y", "twice": 5}.items():
        with pytest.raises(ValidationError):
            setattr(item, name, value)
    with pytest.raises(ValidationError):
        item.g.b = 6


def test_a_computed_field_sent_before_it_can_be_computed() -> None:
    """A client cannot make the function fail by sending half an item."""
    item = record_of({"a": Int(), "half": Float(set=lambda item: item.a / 2)})

    assert problems_of(item, {"half": 1}) == {("$.half", "read_only")}
    item.set({"half": None})


def status_of(item: Any) -> State:
    """Read the status anew: it changes with what is set."""
    status: State = item.status
    return status


def test_states() -> None:
    """UNSET until something was set, SAVED while nothing differs from what is stored."""
    item: Any = record_of(PERSON)
    assert status_of(item) is State.UNSET

    item.set({})
    assert status_of(item) is State.UNSAVED

    item.set(VALUES)
    loaded: Any = stored(item)
    assert status_of(loaded) is State.SAVED
    loaded.name = "Jim"
    assert status_of(loaded) is State.UNSAVED
    loaded.name = "Jo"
    assert status_of(loaded) is State.SAVED
    loaded.home.place.y = 3
    assert status_of(loaded) is State.UNSAVED
    loaded.home.place.y = None
    assert status_of(loaded) is State.SAVED
    loaded.free["a"] = [True, {"b": None}]
    assert status_of(loaded) is State.UNSAVED


def test_a_new_item_with_defaults_is_unset() -> None:
    """A default is no change."""
    assert record_of({"a": Int(default=5)}).status is State.UNSET


def test_an_assignment_makes_a_new_item_unsaved() -> None:
    """Every way of setting counts."""
    for change in (
        lambda item: setattr(item, "age", 5),
        lambda item: setattr(item, "tags", ["a"]),
        lambda item: item.__setitem__("age", 5),
        lambda item: item.patch("add", "$.age", 5),
        lambda item: setattr(item.home, "zip", 5),
    ):
        item = record_of(PERSON)
        change(item)
        assert item.status is State.UNSAVED


def test_a_field_called_status() -> None:
    """It is a field; `state_of` then gives the state."""
    item: Any = record_of({"status": String(enum=["open", "done"])}, {"status": "open"})

    assert item.status == "open"
    assert state_of(item) is State.UNSAVED
    with pytest.raises(ValidationError):
        item.status = "x"


def test_equality() -> None:
    """Values are compared; a dict need not name what is unset, nor the fields of the system."""
    item, same = record_of(PERSON, VALUES), record_of(PERSON, VALUES)
    same._values["_id"] = "x"

    assert item == same
    assert item == VALUES
    assert item == {**VALUES, "age": 12.0, "mail": None}
    assert item != {**VALUES, "age": 13}
    assert item != {}
    assert same == {**VALUES, "_id": "x"}
    assert same != {**VALUES, "_id": "y"}
    assert item != 5
    same.home.city = None
    assert item != same
    with pytest.raises(TypeError, match="unhashable"):
        hash(item)


def test_copies_are_items_of_their_own() -> None:
    """Neither notices what happens to the other; a record of a new class cannot be pickled."""
    item = stored(record_of(PERSON, VALUES))

    for twin in (copy.copy(item), copy.deepcopy(item), copy.deepcopy([item])[0]):
        assert twin == item
        assert status_of(twin) is State.SAVED
        twin.age = 99
        twin.free["x"] = 1
        twin.home.city = "x"
        assert item == VALUES
        assert status_of(twin) is State.UNSAVED
    with pytest.raises(TypeError, match="pickle its get_value"):
        pickle.dumps(item)


def pickled(value: Any) -> Any:
    """Give what comes back of a value that was pickled."""
    return pickle.loads(pickle.dumps(value))  # noqa: S301  # ours


def test_values_can_be_copied_and_pickled() -> None:
    """What an item gives becomes plain when it leaves."""
    item = record_of(PERSON, VALUES)

    for name in ("tags", "home", "free", "pair", "birth"):
        for make in (copy.copy, copy.deepcopy, pickled):
            copied = make(getattr(item, name))
            assert copied == VALUES[name]
            assert type(copied) is type(VALUES[name])
    copied = copy.deepcopy(item.tags)
    copied.append("anything")
    assert item.tags == ["a", "b"]


def test_a_free_object_is_checked_when_it_is_stored() -> None:
    """It is a plain dict, so nobody sees it change; the path is told later."""
    item = record_of({"free": FreeDict(), "g": Dict({"more": List(FreeDict())})})
    item.set({"free": {}, "g": {"more": [{}, {}]}})
    item.free["x"] = {"y": object()}
    item.g.more[1]["z"] = {1: 2}

    with pytest.raises(ValidationError) as error:
        item._encode()
    assert found(error) == {("$.free.x.y", "type")}
    del item.free["x"]
    with pytest.raises(ValidationError) as error:
        item._encode()
    assert found(error) == {("$.g.more[1].z.<int>", "type")}


def test_an_item_shows_itself() -> None:
    """Its values, without what is unset."""
    item = record_of({"a": Int(), "b": Int(), "g": Dict({"x": Int()})}, {"a": 1, "g": {"x": 2}})

    assert repr(item) == "<cat a=1, g={'x': 2}>"
    assert repr(item.g) == "<$.g {'x': 2}>"


def test_methods_of_the_declaration() -> None:
    """A class of items of one's own lends its methods to the records, and they may call ours."""

    class Cat(Item):
        def __init__(self) -> None:
            super().__init__({"name": String()})

        def meow(self) -> str:
            return f"{self.name} meows"

        def set(self, values: Any) -> None:
            super().set({**values, "name": values["name"].title()})  # type: ignore[misc]  # of the records

        @property
        def loud(self) -> str:
            return self.meow().upper()

    schema = schema_of(Cat()._fields)
    item: Any = record_class(schema, Record, kind=Cat)()
    item.set({"name": "tom"})

    assert isinstance(item, Cat)
    item = cast("Any", item)  # its attributes are made at run time
    assert (item.meow(), item.loud) == ("Tom meows", "TOM MEOWS")
    with pytest.raises(AttributeError, match=r"did you mean 'name'\?"):
        item.nmae = "x"
    with pytest.raises(AttributeError):
        item.meow = 5
    item._note = "private names are free"


def test_the_model_of_a_record_is_closed() -> None:
    """A model belongs to the declaration."""
    item = record_of(PERSON)

    with pytest.raises(StateError, match="cannot change once"):
        item.add_to_model("x", Int())
    with pytest.raises(StateError, match="cannot change once"):
        item.remove_model("name")


def test_what_is_missing_is_told_with_what_is_wrong() -> None:
    """A new item that does not fit tells what it lacks too, in one go."""
    schema = schema_of(
        {
            "name": String(required=True),
            "kind": String(required=True, default="x"),
            "other": String(required=True, exists=lambda value, item: item.zzz),
            "age": Int(),
            "given": String(required=True),
        }
    )
    item = record_of(schema)

    with pytest.raises(ValidationError) as error:
        item._fill({"age": "x", "given": 5})

    assert found(error) == {("$.age", "type"), ("$.given", "type"), ("$.name", "required")}
    item._fill({"age": 5})
