import enum
from collections.abc import Callable
from dataclasses import fields, replace
from functools import partial
from typing import Any, ClassVar

import pytest

from backo import DefinitionError, Dict, Field, Float, Int, Item, List, Ref, RefsList, String
from backo.schema.options import ALIASES, Options, adapted
from backo.schema.scalars import Decimal
from tests.schema.declaring import declared


def takes_all(*arguments: Any) -> tuple[Any, ...]:
    """Give what it gets."""
    return arguments


# For each option of SPEC 1.1: its names, a value, and the attribute of `Options` that holds it.
TABLE: list[tuple[list[str], Any, str]] = [
    (["required", "require"], True, "required"),
    (["default"], "a", "default"),
    (["description", "desc"], "a text", "description"),
    (["enum", "in", "union", "in_"], ["a", "b"], "enum"),
    (["transform", "trans"], takes_all, "transform"),
    (["constraint", "constraints"], [takes_all], "constraints"),
    (["onchange", "onChange", "on_change"], takes_all, "onchange"),
    (["set", "compute"], takes_all, "compute"),
    (["exists"], takes_all, "exists"),
    (["can_read", "read"], takes_all, "can_read"),
    (["can_modify", "modify", "write", "can_write"], takes_all, "can_modify"),
    (["on"], ("saved", lambda event, root, me, **kwargs: None), "on"),
    (["views", "view"], ["short", "!long"], "views"),
    (["index"], True, "index"),
    (["unique"], True, "unique"),
]


def test_the_table_is_complete() -> None:
    """Every option and every alias of the code is in the table of this test."""
    names = {name for spellings, _, _ in TABLE for name in spellings}

    assert {attribute for _, _, attribute in TABLE} == {one.name for one in fields(Options)}
    assert names >= ALIASES.keys()


@pytest.mark.parametrize(
    ("spelling", "value", "attribute"),
    [
        pytest.param(spelling, value, attribute, id=spelling)
        for spellings, value, attribute in TABLE
        for spelling in spellings
    ],
)
def test_each_spelling_of_an_option(spelling: str, value: Any, attribute: str) -> None:
    """An alias is accepted wherever the name is, and means the same, in fields, groups and items."""
    name = next(spellings[0] for spellings, _, one in TABLE if one == attribute)

    field, same = String(**{spelling: value}), String(**{name: value})

    assert field.options == replace(same.options)
    assert getattr(field.options, attribute) != getattr(Options(), attribute)
    if attribute not in {"default", "enum", "index", "unique", "compute", "exists", "views"}:
        assert Item({}, **{spelling: value})._options == Dict({}, **{spelling: value}).options


@pytest.mark.parametrize(
    ("kind", "spelling", "value", "attribute"),
    [
        (String, "pattern", "^a", "patterns"),
        (String, "patterns", ["^a"], "patterns"),
        (String, "regexp", "^a", "patterns"),
        (String, "min_length", 2, "min_length"),
        (String, "max_length", 3, "max_length"),
        (Int, "min", 2, "min"),
        (Int, "minimum", 2, "min"),
        (Int, "max", 2, "max"),
        (Int, "maximum", 2, "max"),
        (Float, "minimum", 2.5, "min"),
        (Float, "maximum", 2.5, "max"),
        (Decimal, "minimum", "2.5", "min"),
        (Decimal, "maximum", "2.5", "max"),
    ],
)
def test_each_spelling_of_an_option_of_a_type(kind: type[Field], spelling: str, value: Any, attribute: str) -> None:
    """So it is with the options of types."""
    name = kind.own_options[spelling]

    assert getattr(kind(**{spelling: value}), attribute) == getattr(kind(**{name: value}), attribute)
    assert getattr(kind(**{spelling: value}), attribute) not in (None, ())


@pytest.mark.parametrize("kind", [Ref, RefsList])
@pytest.mark.parametrize(
    ("spellings", "value", "attribute"),
    [
        (["coll", "collection"], "people", "coll"),
        (["field", "reverse", "rev"], "$.home", "reverse"),
        (["ods", "on_delete"], "delete", "strategy"),
        (["ofs", "on_fill"], "fill", "fill"),
    ],
    ids=["coll", "field", "ods", "ofs"],
)
def test_each_spelling_of_an_option_of_a_reference(
    kind: Callable[..., Any], spellings: list[str], value: Any, attribute: str
) -> None:
    """And with those of references."""
    from backo import DeleteStrategy, FillStrategy  # noqa: PLC0415  # used here only

    value = {"delete": DeleteStrategy.UNLINK_REFERENCED_ITEMS, "fill": FillStrategy.NOT_FILL}.get(value, value)
    found = [
        getattr(kind(**{"coll": "people"} | {one: value} if one != "collection" else {one: value}), attribute)
        for one in spellings
    ]

    assert len(set(found)) == 1
    assert found[0] is not None


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("requierd", "did you mean 'required'?"),
        ("defualt", "did you mean 'default'?"),
        ("minlength", "did you mean 'min_length'?"),
        ("can_raed", "did you mean 'can_read'?"),
        ("zzz", None),
    ],
)
def test_an_unknown_option_is_refused(given: str, hint: str | None) -> None:
    """The error names the type, the option and the nearest one."""
    with pytest.raises(DefinitionError, match=f"String has no option '{given}'") as error:
        declared(String, **{given: 1})

    assert error.value.hint == hint


def test_an_option_of_another_type_is_unknown() -> None:
    """A bound is no option of a text."""
    with pytest.raises(DefinitionError, match="String has no option 'min'"):
        String(min=1)  # type: ignore[call-arg]  # on purpose


def test_an_option_is_given_once() -> None:
    """Two spellings of one option contradict one another."""
    with pytest.raises(DefinitionError, match="'required' is given twice"):
        String(required=True, require=False)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"required": 1}, "required must be True or False"),
        ({"index": None}, "index must be True or False"),
        ({"description": 5}, "description must be text"),
        ({"enum": "abc"}, "enum must be a list of values or a function"),
        ({"enum": 5}, "enum must be a list of values or a function"),
        ({"enum": []}, "enum must name at least one value"),
        ({"transform": 5}, "transform must be a function"),
        ({"constraint": "x"}, "constraints must be a function"),
        ({"constraints": [len, 5]}, "constraints must be a function"),
        ({"onchange": 5}, "onchange must be a function"),
        ({"set": 5}, "set must be a function"),
        ({"exists": None}, "exists must be a function"),
        ({"exists": "no"}, "exists must be a function"),
        ({"can_read": "ADMIN"}, "can_read must be a function"),
        ({"on": 5}, "on must be a pair"),
        ({"on": [("saved",)]}, "on must hold pairs"),
        ({"on": [(5, len)]}, "on must hold pairs"),
        ({"on": ("saved", 5)}, "on must be a function"),
        ({"views": 5}, "views must hold names"),
        ({"views": ["a b"]}, "views must hold names"),
        ({"views": ["+a"]}, "views must hold names"),
        ({"views": ["a", "!a"]}, "views cannot hold both 'a' and '!a'"),
        ({"set": len, "required": True}, "nobody sets a computed field, so it cannot have 'required'"),
        ({"set": len, "default": "a"}, "nobody sets a computed field, so it cannot have 'default'"),
        ({"set": len, "transform": len}, "nobody sets a computed field, so it cannot have 'transform'"),
        ({"set": len, "onchange": len}, "nobody sets a computed field, so it cannot have 'onchange'"),
    ],
    ids=repr,
)
def test_a_wrong_value_of_an_option_is_refused(options: dict[str, Any], problem: str) -> None:
    """The declaration itself fails, naming type and option."""
    with pytest.raises(DefinitionError, match=problem):
        String(**options)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        pytest.param(("saved", takes_all), ["saved"], id="pair"),
        pytest.param([("saved", takes_all), ("mine", takes_all)], ["saved", "mine"], id="list"),
        pytest.param((("saved", takes_all), ("mine", takes_all)), ["saved", "mine"], id="tuple"),
        pytest.param([["saved", takes_all]], ["saved"], id="list-of-lists"),
        pytest.param(None, [], id="none"),
    ],
)
def test_handlers(given: Any, kept: list[str]) -> None:
    """One pair or several may be given."""
    assert [event for event, _ in String(on=given).options.on] == kept


def test_an_enum_may_be_one() -> None:
    """The values of an `Enum` are the allowed ones."""

    class Colour(enum.Enum):
        RED = "red"
        BLUE = "blue"

    assert String(enum=Colour).options.enum == ("red", "blue")


# How many arguments a function gets: as many as it requires.


class Methods:
    """Functions in other forms."""

    def method(self, one: Any) -> Any:
        """Take one."""
        return ("method", one)

    @classmethod
    def of_class(cls, one: Any, two: Any) -> Any:
        """Take two."""
        return ("class", one, two)

    @staticmethod
    def static(one: Any, two: Any = 9) -> Any:
        """Take one, perhaps two."""
        return ("static", one, two)

    def __call__(self, one: Any, two: Any, three: Any) -> Any:
        """Take three."""
        return ("call", one, two, three)


def positional_only(one: Any, /) -> Any:
    """Take one."""
    return one


class Made:
    """A class is a function too."""

    def __init__(self, one: Any) -> None:
        self.one = one

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Made) and self.one == other.one

    __hash__: ClassVar[None] = None  # type: ignore[assignment]  # not needed


def many(one: Any, two: Any, three: Any, *rest: Any) -> Any:
    """Take three or more."""
    return (one, two, three, rest)


def by_keyword(one: Any, *, flag: int = 7) -> Any:
    """Take a keyword that has a default."""
    return (one, flag)


@pytest.mark.parametrize(
    ("function", "result"),
    [
        pytest.param(lambda: "none", "none", id="none"),
        pytest.param(lambda one: one, "a", id="one"),
        pytest.param(lambda one, two: (one, two), ("a", "b"), id="two"),
        pytest.param(lambda one, two, three: (one, two, three), ("a", "b", None), id="one-too-many"),
        pytest.param(lambda one, two=9: (one, two), ("a", 9), id="default-kept"),
        pytest.param(lambda one=8, two=9: (one, two), (8, 9), id="defaults-kept"),
        pytest.param(takes_all, ("a", "b"), id="star"),
        pytest.param(lambda one, *rest: (one, rest), ("a", ("b",)), id="one-and-star"),
        pytest.param(many, ("a", "b", None, ()), id="too-many-and-star"),
        pytest.param(by_keyword, ("a", 7), id="keyword"),
        pytest.param(lambda one, **named: (one, named), ("a", {}), id="keywords"),
        pytest.param(positional_only, "a", id="positional-only"),
        pytest.param(Methods().method, ("method", "a"), id="method"),
        pytest.param(Methods.of_class, ("class", "a", "b"), id="classmethod"),
        pytest.param(Methods.static, ("static", "a", 9), id="staticmethod"),
        pytest.param(Methods(), ("call", "a", "b", None), id="callable-object"),
        pytest.param(partial(lambda one, two, three: (one, two, three), 1), (1, "a", "b"), id="partial"),
        pytest.param(partial(lambda one, two: (one, two), two=5), ("a", 5), id="partial-by-name"),
        pytest.param(Made, Made("a"), id="class"),
        pytest.param(str.upper, "A", id="method-of-a-built-in-type"),
        pytest.param(len, 1, id="built-in"),
        pytest.param(str, "a", id="without-a-signature"),
    ],
)
def test_the_arity_of_functions(function: Any, result: Any) -> None:
    """A function gets as many arguments as it requires: its defaults stay, what it has too many is None."""
    assert adapted(function, 2, what="x")("a", "b") == result


def test_a_function_without_a_signature_gets_the_value_only() -> None:
    """That is all that can be known about it."""
    assert adapted(int, 2, what="transform")("12", "the item") == 12
    assert adapted(dict, 0, what="default")() == {}


@pytest.mark.parametrize(
    ("function", "result"),
    [
        pytest.param(lambda event, root, me, **kwargs: kwargs, {"reason": "x", "me": 5}, id="all"),
        pytest.param(lambda event, *, reason=None: reason, "x", id="the-one-it-names"),
        pytest.param(lambda event, reason=None: reason, "x", id="by-name"),
        pytest.param(lambda event: event, "saved", id="none"),
        pytest.param(lambda *arguments, reason=None: (arguments, reason), (("saved", "root", "me"), "x"), id="star"),
    ],
)
def test_the_keywords_of_handlers(function: Any, result: Any) -> None:
    """A handler gets those keyword arguments of an event that it can take."""
    handler = adapted(function, 3, what="on", named=True)

    if result == {"reason": "x", "me": 5}:
        assert handler("saved", "root", "it", reason="x") == {"reason": "x"}
    else:
        assert handler("saved", "root", "me", reason="x", other=1) == result


def test_the_arity_is_read_once() -> None:
    """A function that is exactly right is called as it is."""

    def right(one: Any, two: Any) -> Any:
        return (one, two)

    assert adapted(right, 2, what="x") is right


@pytest.mark.parametrize("function", [lambda one, *, flag: flag, lambda *, flag: flag])
def test_a_keyword_that_nobody_gives(function: Any) -> None:
    """A function that requires one could never be called."""
    with pytest.raises(DefinitionError, match="requires 'flag' by keyword"):
        adapted(function, 2, what="constraints")


def test_a_field_is_frozen() -> None:
    """A declaration is shared, so nobody may change it."""
    field = String(required=True)

    with pytest.raises(DefinitionError, match="cannot be changed"):
        field.max_length = 5
    assert repr(field) == "String(…)"
    assert repr(List(Int())) == "List(…)"
