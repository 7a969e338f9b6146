import re
from typing import Any

import pytest

from backo import (
    Bool,
    Bytes,
    Date,
    DefinitionError,
    Dict,
    FreeDict,
    In,
    Int,
    Item,
    List,
    Ref,
    RefsList,
    String,
    Tuple,
)
from backo.items.generating import record_class
from backo.items.record import Record
from backo.schema.compiler import compile_schema
from tests.items.making import schema_of
from tests.schema.declaring import declared


def anything(*arguments: Any) -> Any:
    """Be a function."""


def in_group(options: Any) -> dict[str, Any]:
    """Declare a field in a group of a list."""
    return {"lines": List(Dict({"a": declared(String, **options)}))}


def texts(options: Any) -> Any:
    """Declare a text with any options."""
    return declared(String, **options)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        pytest.param({"a": List(Int(), unique=True)}, "cat: $.a: 'unique' is for single values", id="unique-list"),
        pytest.param({"a": List(Int(), index=True)}, "cat: $.a: 'index' is for single values", id="index-list"),
        pytest.param({"a": Tuple((Int(),), unique=True)}, "cat: $.a: 'unique' is for single values", id="unique-tuple"),
        pytest.param(
            {"a": Dict({"b": Int()}, unique=True)}, "cat: $.a: 'unique' is for single values", id="unique-group"
        ),
        pytest.param({"a": FreeDict(index=True)}, "cat: $.a: 'index' is for single values", id="index-free"),
        pytest.param({"a": In([Int()], index=True)}, "cat: $.a: 'index' is for single values", id="index-in"),
        pytest.param(
            {"a": RefsList(coll="x", unique=True)}, "cat: $.a: 'unique' is for single values", id="unique-refs"
        ),
        pytest.param(
            {"a": Int(unique=True, views=["!save"])}, "cat: $.a: 'unique' is for what is stored", id="not-stored"
        ),
        pytest.param({"a": Int(index=True, exists=False)}, "cat: $.a: 'index' is for what is stored", id="no-field"),
        pytest.param({"a": Int(set=anything, index=True)}, "cat: $.a: 'index' is for what is stored", id="computed"),
        pytest.param(
            {"g": Dict({"a": List(Int(), index=True)})}, "cat: $.g.a: 'index' is for single values", id="nested"
        ),
        *(
            pytest.param(
                in_group(options),
                f"cat: $.lines.a: {option!r} cannot be given to a String in a list",
                id=f"in-list-{option}",
            )
            for option, options in {
                "default": {"default": "a"},
                "set": {"set": anything},
                "transform": {"transform": anything},
                "onchange": {"onchange": anything},
                "on": {"on": ("saved", anything)},
                "index": {"index": True},
                "unique": {"unique": True},
            }.items()
        ),
        *(
            pytest.param(
                {"a": List(texts(options))},
                f"cat: $.a: {option!r} cannot be given to a String of a list",
                id=f"element-{option}",
            )
            for option, options in {
                "default": {"default": "a"},
                "transform": {"transform": anything},
                "onchange": {"onchange": anything},
                "exists": {"exists": anything},
                "views": {"views": ["!client"]},
                "can_read": {"can_read": False},
                "unique": {"unique": True},
            }.items()
        ),
        *(
            pytest.param(
                {"a": kind([texts(options)])},
                f"cat: $.a: {option!r} cannot be given to a String inside a {kind.__name__}",
                id=f"{kind.__name__}-{option}",
            )
            for kind in (Tuple, In)
            for option, options in {
                "constraints": {"constraint": anything},
                "enum=function": {"enum": anything},
                "pattern=function": {"pattern": anything},
                "default": {"default": "a"},
                "set": {"set": anything},
                "exists": {"exists": False},
            }.items()
        ),
        pytest.param(
            {"a": List(In([Dict({"b": Int(default=5)})]))},
            "cat: $.a: 'default' cannot be given to a Int inside a Dict",
            id="deep",
        ),
    ],
)
def test_an_option_that_nothing_would_come_of(fields: dict[str, Any], message: str) -> None:
    """It fails when the item is compiled, with the item, the path and the option."""
    with pytest.raises(DefinitionError, match=re.escape(message)):
        schema_of(fields)


@pytest.mark.parametrize("option", ["index", "unique"])
def test_a_hint_for_computed_fields(option: str) -> None:
    """A computed field that is stored can be indexed."""
    with pytest.raises(DefinitionError) as error:
        schema_of({"a": declared(Int, set=anything, **{option: True})})

    assert error.value.hint == "a computed field is stored with views=['save']"
    assert schema_of({"a": declared(Int, set=anything, views=["save"], **{option: True})}).nodes["a",].stored


@pytest.mark.parametrize(
    "options",
    [
        {"set": anything},
        {"enum": [1]},
        {"enum": anything},
        {"exists": False},
        {"views": ["a"]},
        {"index": True},
        {"unique": True},
        {"default": {"a": 1}},
    ],
    ids=lambda options: next(iter(options)),
)
def test_options_that_items_do_not_have(options: dict[str, Any]) -> None:
    """An option that only a field can have is refused on an item."""
    with pytest.raises(DefinitionError, match="is an option of fields, not of items"):
        compile_schema("cat", {}, Item({}, **options)._options, system={})


@pytest.mark.parametrize(
    ("views", "problem", "hint"),
    [
        ({"short": ["$.nmae"]}, "the view 'short' names $.nmae, which does not exist", "did you mean '$.name'?"),
        ({"short": ["$.group.zpi"]}, "the view 'short' names $.group.zpi", "did you mean '$.group.zip'?"),
        ({"save": ["$.name"]}, "a view cannot be called 'save'", "names are identifiers; 'save' is what is stored"),
        ({"+a": ["$.name"]}, "a view cannot be called '+a'", "names are identifiers; 'save' is what is stored"),
    ],
)
def test_views_that_cannot_be(views: dict[str, list[str]], problem: str, hint: str) -> None:
    """A view names fields that exist."""
    with pytest.raises(DefinitionError, match=re.escape(problem)) as error:
        schema_of({"name": String(), "group": Dict({"zip": Int()})}, views=views)

    assert error.value.hint == hint


@pytest.mark.parametrize(
    "name", ["set", "patch", "select", "new", "create", "get_value", "trigg", "load", "match_", "add_to_model"]
)
def test_names_of_methods(name: str) -> None:
    """A field cannot be called like a method of items; the hint says what to do."""
    schema = schema_of({name: Int()})
    if name == "match_":
        record_class(schema, Record)
        return

    with pytest.raises(
        DefinitionError, match=f"a field cannot be called '{name}', which is a method of items"
    ) as error:
        record_class(schema, Record)
    assert error.value.hint == f"call it {name}_ or cat_{name}"


def test_names_of_methods_of_ones_own() -> None:
    """Nor like one of the class of the declaration."""

    class Cat(Item):
        def meow(self) -> str:
            return "meow"

    with pytest.raises(DefinitionError, match="a field cannot be called 'meow'"):
        record_class(schema_of({"meow": Int()}), Record, kind=Cat)


def test_what_is_compiled() -> None:
    """A schema answers what depends on the declaration alone."""
    schema = schema_of(
        {
            "name": String(required=True),
            "group": Dict({"zip": Int(default=1), "deep": Dict({"x": Int()})}),
            "lines": List(Dict({"day": Date(), "free": FreeDict()})),
            "matrix": List(List(Int())),
            "link": Ref(coll="x"),
            "total": Int(set=anything),
            "kept": Int(set=anything, views=["save"]),
            "secret": Bytes(views=["!save"]),
            "gone": Bool(exists=False),
        }
    )
    nodes = {".".join(path): node for path, node in schema.nodes.items()}

    assert list(schema.children) == [
        "name", "group", "lines", "matrix", "link", "total", "kept", "secret", "gone", "_id", "_meta",
    ]  # fmt: skip
    assert {name for name, node in nodes.items() if node.many} == {"lines", "lines.day", "lines.free", "matrix"}
    assert {name for name, node in nodes.items() if not node.stored} == {"total", "secret", "gone"}
    assert {name for name, node in nodes.items() if node.read_only and not name.startswith("_")} == {"total", "kept"}
    assert {name for name, node in nodes.items() if node.is_group and not name.startswith("_")} == {
        "group",
        "group.deep",
        "lines",
    }
    assert {name for name, node in nodes.items() if node.is_list} == {"lines", "matrix"}
    assert {name for name, node in nodes.items() if node.is_free} == {"lines.free"}
    assert [node.path for node in schema.defaulted] == [("group", "zip")]
    assert [node.name for node in nodes["group"].walk()] == ["group", "zip", "deep", "x"]
    assert nodes["matrix"].inner is not nodes["matrix"].field
    below = nodes["lines.free"].below(("lines", "free", "any", "name"))
    assert (below.name, below.many, below.operand([1]), below.from_text("1")) == ("name", True, [1], "1")
