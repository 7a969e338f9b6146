"""What declared functions do: defaults, transforms, constraints, conditions, computed values, changes, events."""

import re
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from backo import (
    Date,
    Decimal,
    DefinitionError,
    Dict,
    Float,
    FreeDict,
    Int,
    List,
    State,
    StateError,
    String,
    ValidationError,
)
from backo.items.presenting import plain
from tests.items.making import found, problems_of, record_of, schema_of, stored


def complete(item: Any) -> set[tuple[str, str]]:
    """Give what is wrong with an item that is about to be stored."""
    try:
        item._judge_complete()
    except ValidationError as error:
        return found(error)
    return set()


# Defaults.


def test_defaults_are_given_to_new_items() -> None:
    """A value, or what a function gives, each time anew; it is converted, and transformed."""
    numbers = count(1)
    schema = schema_of(
        {
            "a": Int(default=5.0),
            "b": Int(default=lambda: next(numbers)),
            "c": List(Int(), default=[1]),
            "d": String(default="x", transform=str.upper),
            "e": Date(default="2024-01-31"),
            "f": FreeDict(default={"a": []}),
            "g": List(Int(), default=list),
            "h": Int(),
            "i": Int(default=0),
            "j": Int(exists=lambda value, item: item.h == 1, default=7),
        }
    )
    one, other = record_of(schema), record_of(schema)
    one.f["a"].append(1)
    one.c.append(2)

    assert other.get_value() == {
        "a": 5, "b": 2, "c": [1], "d": "X", "e": other.e, "f": {"a": []}, "g": [], "h": None, "i": 0,
        "_id": None, "_meta": None,
    }  # fmt: skip
    assert repr(other.a) == "5"
    other.h = 1
    assert other.j == 7


def test_a_default_is_never_given_again() -> None:
    """What was unset stays unset, also when it is read from a document that does not mention it."""
    schema = schema_of({"a": Int(default=5), "b": Int()})
    item = record_of(schema)

    item.a = None
    assert item.a is None
    loaded = type(item)()
    loaded._decode({"b": 1}, 1)
    assert loaded.a is None
    loaded._stamping = True
    loaded.set({"b": 2})
    assert loaded.a is None


def test_a_default_that_does_not_fit() -> None:
    """A function that gives nonsense fails when the item is made, with the path."""
    with pytest.raises(ValidationError) as error:
        record_of({"g": Dict({"a": Int(default=lambda: "x")})})

    assert found(error) == {("$.g.a", "type")}


def test_defaults_inside_groups() -> None:
    """They are given when that leaves nothing required in the group without a value, else once it is set."""
    schema = schema_of(
        {
            "free": Dict({"a": Int(default=1), "b": Int()}),
            "held": Dict({"a": Int(default=2), "name": String(required=True)}),
            "deep": Dict(
                {"x": Int(), "in": Dict({"a": Int(default=3), "b": Int(default=4, required=True)}, required=True)}
            ),
            "own": Dict({"a": Int(default=5), "name": String(required=True)}, default={"name": "n"}),
        }
    )
    item = record_of(schema)

    assert item.get_value() == {
        "free": {"a": 1, "b": None},
        "held": None,
        "deep": {"x": None, "in": {"a": 3, "b": 4}},
        "own": {"a": 5, "name": "n"},
        "_id": None,
        "_meta": None,
    }
    item.held = {"a": None, "name": "x"}
    assert item.held == {"a": None, "name": "x"}
    item.held = None
    item.set({"held": {"name": "y"}})
    assert item.held == {"a": 2, "name": "y"}
    item.held.a = None
    item.held.name = "z"
    assert item.held == {"a": None, "name": "z"}


def test_a_stored_group_gets_no_default() -> None:
    """A document that is taken over, of another schema or made by hand, stays what it is."""
    item = record_of({"g": Dict({"a": Int(default=1), "b": Int()})})
    item.g = None
    item._stamping = True

    item.set({"g": {"b": 2}})

    assert item.g == {"a": None, "b": 2}


# Transforms.


def test_transforms_come_before_the_check() -> None:
    """They get what was given and the item, for fields and groups, and not for null."""
    schema = schema_of(
        {
            "name": String(transform=lambda value: value.strip().title(), max_length=5),
            "age": Int(trans=int),
            "tags": List(String(), transform=lambda value: value.split(",") if isinstance(value, str) else value),
            "sum": Int(transform=lambda value, item: value + (item.age or 0)),
            "g": Dict({"x": Int(transform=lambda value: -value)}, transform=lambda value: {"x": value.get("y", 0)}),
        }
    )
    item = record_of(schema, {"name": "  jo  ", "age": "12", "tags": "a,b", "g": {"y": 5}})

    assert (item.name, item.age, item.tags, item.g.x) == ("Jo", 12, ["a", "b"], -5)
    item.sum = 1
    assert item.sum == 13
    item.name = None
    assert item.name is None
    assert problems_of(item, {"name": "x" * 9}) == {("$.name", "max_length")}


def test_a_transform_that_meets_what_it_was_not_made_for() -> None:
    """A value of the wrong type is refused as such; a `ValueError` is told."""
    item = record_of({"name": String(transform=lambda value: value.strip()), "age": Int(transform=int)})

    assert problems_of(item, {"name": 5}) == {("$.name", "type")}
    assert problems_of(item, {"name": ["a"], "age": []}) == {("$.name", "type"), ("$.age", "type")}
    assert problems_of(item, {"age": "x"}) == {("$.age", "transform")}
    with pytest.raises(ValidationError, match="invalid literal for int"):
        item.age = "x"


def test_a_transform_that_fails_on_a_good_value() -> None:
    """That is a mistake of the transform, and nobody else is blamed."""
    item = record_of({"age": Int(transform=lambda value: value / 0)}, {})

    with pytest.raises(ZeroDivisionError):
        item.age = 5
    assert item.age is None


def test_a_transform_of_the_item() -> None:
    """It gets all that is set at once."""
    item = record_of({"a": Int(), "b": Int()}, transform=lambda values, item: {**values, "b": 1})

    item.set({"a": 5})
    assert (item.a, item.b) == (5, 1)
    item.a = 6
    for wrong in (5, None):
        with pytest.raises((ValidationError, TypeError)):
            item.set(wrong)  # type: ignore[arg-type]  # on purpose


# Constraints, and enums and patterns that are functions.


def refuse(value: Any) -> bool:
    """Refuse with a text."""
    raise ValueError("never")


def test_constraints() -> None:
    """`False` refuses, a `ValueError` refuses with its text, all are asked; null is not judged."""
    schema = schema_of(
        {
            "a": Int(constraint=lambda value: value < 10),
            "b": Int(constraints=[lambda value, item: value != item.a, refuse]),
            "c": Int(constraint=lambda value: None),
            "tags": List(String(constraint=lambda value: value != "x"), constraint=lambda value: len(value) < 3),
            "g": Dict(
                {"x": Int(constraint=refuse)},
                constraint=lambda value, item: value.x != value["y"] if "y" in value else True,
            ),
            "lines": List(Dict({"x": Int(constraint=refuse), "y": Int()})),
        }
    )
    item = record_of(schema, {"a": 1, "c": 5, "tags": ["a"], "lines": [{"y": 1}]})

    assert problems_of(item, {"a": 10, "tags": ["a", "x", "b"], "g": {"x": 1}, "lines": [{"y": 1}, {"x": 1}]}) == {
        ("$.a", "constraint"),
        ("$.tags", "constraint"),
        ("$.tags[1]", "constraint"),
        ("$.g.x", "constraint"),
        ("$.lines[1].x", "constraint"),
    }
    with pytest.raises(ValidationError) as error:
        item.b = 1
    assert [problem.message for problem in error.value.problems] == ["Is refused by a constraint", "never"]
    item.b = None
    item.set({"a": None})


def test_a_constraint_sees_the_new_values() -> None:
    """Those that are set together are judged together, and what it sees is as attributes show it."""
    seen: list[Any] = []
    schema = schema_of(
        {
            "low": Int(constraint=lambda value, item: item.high is None or value <= item.high),
            "high": Int(),
            "home": Dict({"city": String()}, constraint=lambda value, item: seen.append((value.city, item.home.city))),
            "lines": List(Dict({"x": Int()}), constraint=lambda value: all(line.x > 0 for line in value)),
        }
    )
    item = record_of(schema, {"low": 5, "high": 9})

    item.set({"low": 20, "high": 30})
    assert problems_of(item, {"low": 40}) == {("$.low", "constraint")}
    item.home = {"city": "x"}
    item.home.city = "y"
    assert seen == [("x", "x"), ("y", "y")]
    item.lines = [{"x": 1}]
    with pytest.raises(ValidationError):
        item.lines[0].x = -1
    assert item.lines[0].x == 1


def test_all_is_judged_again_when_the_item_is_stored() -> None:
    """A constraint that another field broke is found then."""
    schema = schema_of({"low": Int(constraint=lambda value, item: value <= item.high), "high": Int()})
    item = record_of(schema, {"low": 5, "high": 9})

    item.high = 1

    assert complete(item) == {("$.low", "constraint")}


def test_constraints_of_the_item() -> None:
    """They are asked about the whole item, once it is one."""
    schema = schema_of({"a": Int(), "b": Int(required=True)}, constraint=lambda value, item: value.a != item.b)
    item = record_of(schema)

    item.a = 5
    assert complete(item) == {("$.b", "required")}
    item.b = 5
    assert complete(item) == {("$", "constraint")}
    item.b = 6
    assert complete(item) == set()


def test_enums_that_are_functions() -> None:
    """What they allow may depend on the item, and is converted as values are; None allows all."""
    allowed: list[Any] | None = ["1.0", "2", "x"]
    schema = schema_of(
        {
            "kind": String(enum=lambda item: ["a"] if item.big else ["b"]),
            "big": Int(),
            "wage": Decimal(enum=lambda: allowed),
            "tags": List(String(enum=lambda item: ["p", "q"])),
        }
    )
    item = record_of(schema, {"kind": "b", "wage": "1", "tags": ["p"]})

    assert problems_of(item, {"kind": "a", "wage": "3", "tags": ["q", "r"]}) == {
        ("$.kind", "enum"),
        ("$.wage", "enum"),
        ("$.tags[1]", "enum"),
    }
    item.set({"kind": "a", "big": 1})
    allowed = None
    item.wage = "77"


def test_patterns_that_are_functions() -> None:
    """They give one pattern, several or none."""
    given: Any = "^a"
    item = record_of({"name": String(pattern=lambda item: given)})

    item.name = "ab"
    assert problems_of(item, {"name": "b"}) == {("$.name", "pattern")}
    given = ["^b", re.compile("C", re.IGNORECASE)]
    item.name = "bc"
    assert problems_of(item, {"name": "b"}) == {("$.name", "pattern")}
    given = None
    item.name = "anything"
    given = "("
    with pytest.raises(DefinitionError, match="the pattern function of 'name': '\\(' is not a pattern"):
        item.name = "x"


# Conditions.


SHOP = schema_of(
    {
        "kind": String(),
        "size": Int(exists=lambda value, item: item.kind == "shoe", required=True),
        "g": Dict({"a": Int(), "b": Int(exists=lambda value, item: item.g.a == 1)}),
        "h": Dict({"x": Int(), "y": Int(required=True)}, exists=lambda value, item: item.kind == "hat"),
        "lines": List(Dict({"a": Int(), "b": Int(exists=lambda value, item: value != 5)})),
        "never": Int(exists=False),
        "double": Int(set=lambda item: item.size * 2, exists=lambda value, item: item.kind == "shoe", views=["save"]),
    }
)


def test_a_field_that_does_not_exist() -> None:
    """It cannot be set, is not stored, not shown, and not required."""
    item = record_of(SHOP, {"kind": "sock"})

    assert problems_of(item, {"size": 5, "g": {"a": 2, "b": 1}, "h": {"x": 1}, "never": 1}) == {
        ("$.size", "exists"),
        ("$.g.b", "exists"),
        ("$.h", "exists"),
        ("$.never", "exists"),
    }
    item.set({"g": {"a": 2}, "size": None})
    assert complete(item) == set()
    assert item.get_value() == {"kind": "sock", "g": {"a": 2}, "lines": None, "_id": None, "_meta": None}
    assert item._json() == {"kind": "sock", "g": {"a": 2}, "lines": None, "_id": None, "_meta": None}
    assert item._encode() == {
        "kind": "sock",
        "size": None,
        "g": {"a": 2},
        "h": None,
        "lines": None,
        "double": None,
        "_id": None,
        "_meta": None,
    }
    assert (item.size, item.g.b, item.h.x, item.double, item.never) == (None, None, None, None, None)


def test_a_field_that_exists() -> None:
    """It is a field like others."""
    item = record_of(SHOP, {"kind": "shoe", "size": 5, "g": {"a": 1, "b": 2}})

    assert (item.size, item.g.b, item.double) == (5, 2, 10)
    assert item._encode()["double"] == 10
    item.size = None
    assert ("$.size", "required") in complete(item)


def test_a_field_that_ceases_to_exist() -> None:
    """Its value is not shown and not stored; until then it may come back."""
    item = record_of(SHOP, {"kind": "shoe", "size": 5})

    item.kind = "hat"
    assert item.size is None
    assert item._encode()["size"] is None
    assert stored(item).status is State.SAVED
    item.kind = "shoe"
    assert item.size == 5
    item.kind = "hat"
    loaded = stored(item)
    loaded.kind = "shoe"
    assert loaded.size is None


def test_conditions_inside_lists() -> None:
    """They are asked for each element."""
    item = record_of(SHOP, {"kind": "x", "lines": [{"a": 1, "b": 2}]})

    assert problems_of(item, {"lines": [{"b": 2}, {"b": 5}]}) == {("$.lines[1].b", "exists")}
    assert item._encode()["lines"] == [{"a": 1, "b": 2}]


def test_a_condition_may_ask_for_its_own_field() -> None:
    """It sees the value as if the field existed, and two may look at one another."""
    schema = schema_of(
        {
            "a": Int(exists=lambda value, item: item.a is None or item.a > 5),
            "b": Int(exists=lambda value, item: item.c is None),
            "c": Int(exists=lambda value, item: item.b is None),
        }
    )
    item = record_of(schema, {"a": 6, "b": 1})

    assert problems_of(item, {"a": 3}) == {("$.a", "exists")}
    assert (item.a, item.b, item.c) == (6, 1, None)


# Computed fields.


def test_computed_fields() -> None:
    """They are computed when they are read, stored only when the view `save` names them."""
    schema = schema_of(
        {
            "price": Int(),
            "count": Int(),
            "total": Int(set=lambda item: (item.price or 0) * (item.count or 0)),
            "tax": Float(compute=lambda item: item.total / 5, views=["save"]),
            "g": Dict({"x": Int(), "twice": Int(set=lambda item: (item.g.x or 0) * 2, views=["save"])}),
            "only": Dict({"n": Int(set=lambda item: item.total)}),
            "whole": Dict({"a": Int(), "b": Int()}, set=lambda item: {"a": item.price}),
            "list": List(Dict({"x": Int()}), set=lambda item: [{"x": item.count}]),
            "none": Int(set=lambda item: None),
        }
    )
    item = record_of(schema, {"price": 10, "count": 2})

    assert (item.total, item.tax, item.g.twice, item.only.n, item.whole.a, item.list[0].x) == (20, 4.0, 0, 20, 10, 2)
    item.count = 3
    assert (item.total, item["tax"], item.only.n) == (30, 6.0, 30)
    assert item.get_value() == {
        "price": 10,
        "count": 3,
        "total": 30,
        "tax": 6.0,
        "g": {"x": None, "twice": 0},
        "only": {"n": 30},
        "whole": {"a": 10, "b": None},
        "list": [{"x": 3}],
        "none": None,
        "_id": None,
        "_meta": None,
    }
    assert item._json() == item.get_value()
    assert item._encode() == {
        "price": 10, "count": 3, "tax": 6.0, "g": {"x": None, "twice": 0}, "only": None, "_id": None, "_meta": None,
    }  # fmt: skip
    assert "tax" not in item._encode(computed=False)


def test_a_stored_computed_value_does_not_set_its_group() -> None:
    """After loading, what is required in the group is no more required than before."""
    schema = schema_of(
        {"g": Dict({"name": String(required=True), "n": Int(set=lambda item: 5, views=["save"])}), "a": Int()}
    )
    item = stored(record_of(schema, {"a": 1}))

    assert item._encode()["g"] == {"name": None, "n": 5}
    assert item.status is State.SAVED
    assert complete(item) == set()
    item.g.name = "x"
    assert stored(item)._encode()["g"] == {"name": "x", "n": 5}


def test_what_a_computed_value_must_be() -> None:
    """It is converted and checked as any other, and the error names its path."""
    schema = schema_of(
        {
            "day": Date(set=lambda item: "2024-01-31"),
            "wrong": Int(set=lambda item: "x"),
            "list": List(Int(), set=lambda item: [1, "x"]),
            "late": Int(set=refuse),
            "much": Int(set=lambda item: 50, constraint=lambda value: value < 10),
        }
    )
    item = record_of(schema)

    assert str(item.day) == "2024-01-31"
    for name, problem in {
        "wrong": ("$.wrong", "type"),
        "list": ("$.list[1]", "type"),
        "late": ("$.late", "computed"),
    }.items():
        with pytest.raises(ValidationError) as error:
            item[name]
        assert found(error) == {problem}
    assert complete(item) == {("$.much", "constraint")}


def test_a_circle_that_hides() -> None:
    """It is found when a value is computed, and written out; the item is as good as before."""
    schema = schema_of(
        {
            "a": Int(set=lambda item: getattr(item, "b")),  # noqa: B009  # hidden on purpose
            "b": Int(set=lambda item: item["cc"[1:]]),
            "c": Int(set=lambda item: getattr(item, "a")),  # noqa: B009  # hidden on purpose
            "d": Int(),
        }
    )
    item = record_of(schema, {"d": 1})

    for _ in range(2):
        with pytest.raises(StateError, match=r"in a circle: \$\.a -> \$\.b -> \$\.c -> \$\.a"):
            _ = item.a
    assert item.d == 1


def test_a_computed_field_is_computed_once_for_a_question() -> None:
    """Fields that read one another twice do not double the work with each step."""
    calls = 0

    def first(item: Any) -> int:
        nonlocal calls
        calls += 1
        return 1

    fields: dict[str, Any] = {"f0": Int(set=first)}
    for number in range(1, 40):
        fields[f"f{number}"] = Int(set=lambda item, name=f"f{number - 1}": item[name] + item[name] - 1)
    item = record_of(fields)

    assert item.f39 == 1
    assert calls == 1
    assert item.f39 == 1
    assert calls == 2


# Changes.


def test_onchange_is_called_after_a_change() -> None:
    """With the old and the new value, plain, and the item; not when nothing changed, nor for defaults."""
    changes: list[Any] = []

    def changed(old: Any, new: Any, item: Any) -> None:
        changes.append((old, new, item.a))

    schema = schema_of(
        {
            "a": Int(onchange=changed, default=1),
            "g": Dict({"x": Int(on_change=changed), "y": Int()}, onChange=changed),
            "tags": List(Int(), onchange=changed),
        }
    )
    item = record_of(schema)
    assert changes == []

    item.a = 1
    item.a = 2
    item.set({"a": 3, "g": {"y": 1}})
    item.g.x = 5
    item.tags = [1]
    item.tags.append(2)
    item.g = None

    assert changes == [
        (1, 2, 2),
        (2, 3, 3),
        (None, {"x": None, "y": 1}, 3),
        ({"x": None, "y": 1}, {"x": 5, "y": 1}, 3),
        (None, 5, 3),
        (None, [1], 3),
        ([1], [1, 2], 3),
        ({"x": 5, "y": 1}, None, 3),
        (5, None, 3),
    ]


def test_onchange_may_change_more() -> None:
    """What it sets is checked as usual."""
    schema = schema_of({"a": Int(onchange=lambda old, new, item: setattr(item, "b", new * 2)), "b": Int(max=10)})
    item = record_of(schema, {"a": 2})

    assert (item.a, item.b) == (2, 4)
    with pytest.raises(ValidationError):
        item.a = 6
    assert (item.a, item.b) == (2, 4)


def test_onchange_that_raises_undoes_the_change() -> None:
    """All or nothing."""
    schema = schema_of(
        {"a": Int(onchange=lambda old, new, item: item.__setattr__("c", 1) or 1 / 0), "b": Int(), "c": Int()}
    )
    item = record_of(schema)

    with pytest.raises(ZeroDivisionError):
        item.set({"b": 1, "a": 1})
    assert (item.a, item.b, item.c, item.status) == (None, None, None, State.UNSET)


def test_onchange_of_the_item() -> None:
    """It is told of every change of a value, however it was made."""
    changes: list[Any] = []
    item = record_of(
        {"a": Int(), "b": Int()}, onchange=lambda old, new, item: changes.append((old["a"], new["a"], new["b"]))
    )

    item.a = 1
    item.a = 1
    item.set({"a": 2, "b": 3})

    assert changes == [(None, 1, None), (1, 2, 3)]


# Events.


def test_handlers() -> None:
    """Those of the item come first; those of a field get a handle of it."""
    told: list[Any] = []

    def tell(event: str, root: Any, me: Any, **kwargs: Any) -> None:
        told.append((event, root is me, getattr(me, "path", None), kwargs))

    def loud(event: str, root: Any, me: Any) -> None:
        me.set(me.value.upper())

    schema = schema_of(
        {
            "name": String(on=[("mine", tell), ("mine", loud)]),
            "g": Dict({"x": Int(on=("mine", tell))}, on=("other", tell)),
        },
        on=[("mine", tell), ("saved", tell)],
    )
    item = record_of(schema, {"name": "jo", "g": {"x": 1}})

    item.trigg("mine", reason=5)
    item.trigg("other")
    item.trigg("nobody")

    assert told == [
        ("mine", True, None, {"reason": 5}),
        ("mine", False, "$.name", {"reason": 5}),
        ("mine", False, "$.g.x", {"reason": 5}),
        ("other", False, "$.g", {}),
    ]
    assert item.name == "JO"


def test_a_handle_is_checked() -> None:
    """A handler cannot set what does not fit."""
    item = record_of({"g": Dict({"x": Int(on=("mine", lambda event, root, me: me.set("x")))})})

    with pytest.raises(ValidationError) as error:
        item.trigg("mine")
    assert found(error) == {("$.g.x", "type")}


def test_a_handler_that_raises() -> None:
    """The error reaches who fired the event, and the others are not called."""

    def fail(*arguments: Any) -> Iterator[None]:
        raise RuntimeError("no")

    told: list[str] = []
    item = record_of({}, on=[("mine", fail), ("mine", lambda: told.append("second"))])

    with pytest.raises(RuntimeError, match="no"):
        item.trigg("mine")
    assert told == []


# Functions that fail.


def fail(*_: Any) -> Any:
    """Be a function with a mistake."""
    raise TypeError("unsupported operand")


@pytest.mark.parametrize(
    ("fields", "act", "note"),
    [
        pytest.param({"a": Int(constraint=fail)}, {"a": 1}, "in the constraint of cat.$.a", id="constraint"),
        pytest.param(
            {"g": Dict({"l": List(Int(constraint=fail))})},
            {"g": {"l": [1]}},
            "in the constraint of cat.$.g.l",
            id="in-a-list",
        ),
        pytest.param({"a": Int(transform=fail)}, {"a": 1}, "in the transform of cat.$.a", id="transform"),
        pytest.param({"a": Int(onchange=fail)}, {"a": 1}, "in the onchange of cat.$.a", id="onchange"),
        pytest.param({"a": Int(enum=fail)}, {"a": 1}, "in the enum of cat.$.a", id="enum"),
        pytest.param({"a": Int(enum=lambda item: 5)}, {"a": 1}, "in the enum of cat.$.a", id="what-enum-gives"),
        pytest.param({"a": String(pattern=fail)}, {"a": "x"}, "in the pattern of cat.$.a", id="pattern"),
        pytest.param({"a": Int(exists=fail)}, {"a": 1}, "in the exists of cat.$.a", id="exists"),
        pytest.param({"a": Int(set=fail)}, "a", "in the compute of cat.$.a", id="computed"),
        pytest.param({"g": Dict({"a": Int(set=fail)})}, "g", "in the compute of cat.$.g.a", id="computed-in-a-group"),
    ],
)
def test_a_function_that_fails_is_named(fields: dict[str, Any], act: Any, note: str) -> None:
    """The error stays what it is, and a note says which function of which field raised it."""
    item = record_of(fields)

    with pytest.raises(TypeError) as error:
        item.set(act) if isinstance(act, dict) else plain(item[act])

    assert error.value.__notes__ == [note]


def test_a_default_that_fails_is_named() -> None:
    """A new item says which default it lacks."""
    with pytest.raises(TypeError) as error:
        record_of({"g": Dict({"a": Int(default=fail)})})

    assert error.value.__notes__ == ["in the default of cat.$.g.a"]


@pytest.mark.parametrize("option", ["transform", "onchange", "constraint"])
def test_a_function_of_the_item_that_fails_is_named(option: str) -> None:
    """A note names the item."""
    options: dict[str, Any] = {option: fail}
    item = record_of({"a": Int()}, **options)

    with pytest.raises(TypeError) as error:
        item.set({"a": 1})
        item._judge_complete()

    assert error.value.__notes__ == [f"in the {option} of cat"]


def test_a_handler_that_fails_is_named() -> None:
    """A note names the event, and the field that the handler was declared on."""
    item = record_of({"a": Int(on=("mine", fail))}, on=("other", fail))

    for event, note in (("mine", "in the handler of 'mine' of cat.$.a"), ("other", "in the handler of 'other' of cat")):
        with pytest.raises(TypeError) as error:
            item.trigg(event)
        assert error.value.__notes__ == [note]


def test_functions_that_fail_in_one_another_are_all_named() -> None:
    """A constraint that reads what cannot be computed is told after it, and each once."""
    always = TypeError("always the same")

    def again(*_: Any) -> Any:
        raise always

    item = record_of({"a": Int(set=again), "b": Int(constraint=lambda value, item: item.a)})

    for _ in range(2):
        with pytest.raises(TypeError) as error:
            item.b = 1
        assert error.value.__notes__ == ["in the compute of cat.$.a", "in the constraint of cat.$.b"]
