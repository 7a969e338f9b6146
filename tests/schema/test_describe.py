import json
from collections.abc import Mapping
from typing import Any

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
    List,
    Ref,
    RefsList,
    String,
    Tuple,
    Uuid,
)
from backo.schema.compiler import compile_schema
from backo.schema.describe import describe_field, describe_item
from backo.schema.fields import Field
from backo.schema.options import Options

# The first example of SEED.txt, chapter "Meta routes"; `stricto` in types is a slip of the document.
COMMON: dict[str, Any] = {
    "description": None,
    "required": False,
    "in": None,
    "constraints": [],
    "default": None,
    "transform": None,
    "exists": True,
    "rights": {"read": None, "modify": None},
}
STRING = {"type_short": "String", **COMMON, "regexp": []}
SEED_ITEM = {
    "type": "<class 'backo.item.Item'>",
    "type_short": "Item",
    **COMMON,
    "sub_scheme": {
        "name": STRING,
        "surname": STRING,
        "age": {"type_short": "Int", **COMMON, "constraints": ["func"], "min": None, "max": None},
        "site": {"type": "<class 'backo.reference.Ref'>", "type_short": "Ref", **COMMON, "regexp": []},
        "_id": STRING,
    },
}


def is_part(part: Any, whole: Any) -> bool:
    """Tell whether every key and value of a part is there."""
    if isinstance(part, Mapping):
        return isinstance(whole, Mapping) and all(key in whole and is_part(part[key], whole[key]) for key in part)
    return bool(part == whole)


def test_the_example_of_the_document() -> None:
    """What the document shows is there."""
    fields: dict[str, Field] = {
        "name": String(),
        "surname": String(),
        "age": Int(constraint=lambda value: value > 0),
        "site": Ref(coll="sites"),
    }
    schema = compile_schema("users", fields, Options(), system={"_id": String()})

    described = describe_item(schema)

    assert is_part(SEED_ITEM, described)
    assert list(described["sub_scheme"]) == ["name", "surname", "age", "site", "_id"]


def test_the_order_of_keys() -> None:
    """It is the one of the document."""
    described = describe_field(Int())

    assert list(described)[:10] == ["type", "type_short", *COMMON]


@pytest.mark.parametrize(
    ("field", "short"),
    [
        (Bool(), "Bool"),
        (Bytes(), "Bytes"),
        (Date(), "Date"),
        (Datetime(), "Datetime"),
        (Decimal(), "Decimal"),
        (Dict({}), "Dict"),
        (Email(), "Email"),
        (Float(), "Float"),
        (FreeDict(), "FreeDict"),
        (In([String()]), "In"),
        (Ipaddress(), "Ipaddress"),
        (List(String()), "List"),
        (RefsList(coll="users"), "RefsList"),
        (Tuple([String()]), "Tuple"),
        (Uuid(), "Uuid"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_types(field: Field, short: str) -> None:
    """A type is named as a class of the package and in short, and all of it is JSON."""
    described = describe_field(field)

    assert described["type"].startswith("<class 'backo.")
    assert described["type"].endswith(f".{short}'>")
    assert described["type_short"] == short
    assert json.loads(json.dumps(described)) == described


def test_a_type_of_ones_own() -> None:
    """It is named as Python names it, and its facts do not hide what all have."""

    class Shout(String):
        def facts(self) -> dict[str, Any]:
            return {"loud": True, "type_short": "no"}

    described = describe_field(Shout(required=True))

    assert described["type"] == str(Shout)
    assert described["type_short"] == "Shout"
    assert (described["required"], described["loud"], described["regexp"]) == (True, True, [])


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        pytest.param(String(description="a name"), {"description": "a name"}, id="description"),
        pytest.param(String(required=True), {"required": True}, id="required"),
        pytest.param(String(enum=["a", "b"]), {"in": ["a", "b"]}, id="enum"),
        pytest.param(Date(enum=["2024-01-31"]), {"in": ["2024-01-31"]}, id="enum-of-another-form"),
        pytest.param(String(enum=lambda item: ["a"]), {"in": "func"}, id="enum-computed"),
        pytest.param(Int(constraints=[bool, bool]), {"constraints": ["func", "func"]}, id="constraints"),
        pytest.param(Int(default=0), {"default": 0}, id="default"),
        pytest.param(Bool(default=False), {"default": False}, id="default-false"),
        pytest.param(Int(default=lambda: 1), {"default": "func"}, id="default-computed"),
        pytest.param(
            Datetime(default="2024-01-31T00:00:00+01:00"), {"default": "2024-01-30T23:00:00Z"}, id="default-time"
        ),
        pytest.param(List(Decimal(), default=["1.50"]), {"default": ["1.50"]}, id="default-list"),
        pytest.param(Dict({"a": Int()}, default={"a": 1}), {"default": {"a": 1}}, id="default-group"),
        pytest.param(Dict({"a": Int()}, default={}), {"default": {}}, id="default-empty-group"),
        pytest.param(String(transform=str.strip), {"transform": "func"}, id="transform"),
        pytest.param(String(exists=False), {"exists": False}, id="exists"),
        pytest.param(String(exists=lambda value: True), {"exists": "func"}, id="exists-computed"),
        pytest.param(
            String(can_read=True, can_modify=lambda: False), {"rights": {"read": True, "modify": "func"}}, id="rights"
        ),
        pytest.param(String(pattern=["^a", "b$"]), {"regexp": ["^a", "b$"]}, id="patterns"),
        pytest.param(String(pattern=lambda item: "a"), {"regexp": ["func"]}, id="patterns-computed"),
        pytest.param(String(min_length=1, max_length=9), {"min_length": 1, "max_length": 9}, id="lengths"),
        pytest.param(Int(min=1, max=9), {"min": 1, "max": 9, "regexp": []}, id="bounds"),
        pytest.param(Decimal(min="1.50"), {"min": "1.50", "max": None}, id="bounds-of-another-form"),
        pytest.param(List(Int(min=1), min=2, uniq=True), {"min": 2, "max": None, "uniq": True}, id="list"),
        pytest.param(
            Ref(coll="addrs", field="$.rent.users"),
            {"collection": "addrs", "reverse": "$.rent.users", "regexp": []},
            id="reference",
        ),
        pytest.param(RefsList(coll="users"), {"collection": "users", "reverse": None}, id="references"),
    ],
)
def test_options(field: Field, expected: dict[str, Any]) -> None:
    """What is declared is described; what is a function shows as one."""
    assert is_part(expected, describe_field(field))


def test_groups() -> None:
    """A group describes its fields."""
    described = describe_field(Dict({"street": String(), "place": Dict({"zip": Int()})}))

    assert described["sub_scheme"]["street"]["type_short"] == "String"
    assert described["sub_scheme"]["place"]["sub_scheme"]["zip"]["type_short"] == "Int"
    assert "regexp" not in described


def test_lists() -> None:
    """A list describes its elements."""
    described = describe_field(List(List(Dict({"zip": Int()}))))

    assert described["sub_type"]["sub_type"]["sub_scheme"]["zip"]["type_short"] == "Int"


@pytest.mark.parametrize("field", [Tuple([String(), Int()]), In([String(), Int()])])
def test_parts(field: Field) -> None:
    """Tuples and alternatives describe each part."""
    assert [one["type_short"] for one in describe_field(field)["sub_types"]] == ["String", "Int"]


def test_options_of_the_item() -> None:
    """The item as a whole is described too."""
    schema = compile_schema("users", {}, Options(description="people", can_read=False), system={})

    described = describe_item(schema)

    assert (described["description"], described["rights"]) == ("people", {"read": False, "modify": None})
    assert described["sub_scheme"] == {}
