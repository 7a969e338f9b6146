"""The chapter "Meta routes" of the document: every key and value that it shows is there, more may be.

Mended in what it shows: types are `backo.…`, an `Int` is `backo.int.Int` in both examples.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from backo import (
    Backoffice,
    Bool,
    Collection,
    DBMemoryConnector,
    Dict,
    Float,
    Int,
    Item,
    List,
    String,
    Tuple,
    current_user,
)
from tests.examples.curl import curl_for
from tests.examples.my_app import my_app
from tests.work.stores import Stores


def element(kind: str, **more: Any) -> dict[str, Any]:
    """Write what the document shows of an element, as far as it is no different from that of other elements."""
    return {
        "type": f"<class 'backo.{kind}'>",
        "type_short": kind.rpartition(".")[2],
        "description": None,
        "required": False,
        "in": None,
        "constraints": [],
        "default": None,
        "transform": None,
        "exists": True,
        "rights": {"read": None, "modify": None},
    } | more


def differences(shown: Any, found: Any, path: str = "$") -> Iterator[str]:
    """List what is shown and not found."""
    if isinstance(shown, dict) and isinstance(found, dict):
        for name, value in shown.items():
            if name in found:
                yield from differences(value, found[name], f"{path}.{name}")
            else:
                yield f"{path}.{name} is missing"
    elif isinstance(shown, list) and isinstance(found, list) and all(isinstance(one, dict) for one in shown):
        if len(shown) > len(found):
            yield f"{path} has {len(found)} elements"
        for index, (one, other) in enumerate(zip(shown, found, strict=False)):
            yield from differences(one, other, f"{path}[{index}]")
    elif shown != found or type(shown) is not type(found):
        yield f"{path} is {found!r}, not {shown!r}"


APPLICATION = {
    "name": "myApp",
    "collections": [
        {
            "name": "users",
            "item": element(
                "item.Item",
                sub_scheme={
                    "name": element("string.String", regexp=[]),
                    "surname": element("string.String", regexp=[]),
                    "age": element("int.Int", constraints=["func"], min=None, max=None),
                    "site": element("reference.Ref", regexp=[]),
                    "_id": element("string.String", regexp=[]),
                },
            ),
        }
    ],
}

FOR_HECTOR = {
    "name": "users",
    "item": element(
        "item.Item",
        sub_scheme={
            "name": element("string.String", regexp=[], rights={"read": True, "modify": True}),
            "salary": element("int.Int", regexp=[], default=0, rights={"read": False, "modify": False}),
        },
    ),
}


def test_meta_of_an_application(stores: Stores) -> None:
    """Chapter "Meta routes", GET: the example, of users with a site."""
    answer = curl_for(my_app(stores))("curl -X GET  'http://localhost/myApp/_meta'")

    assert answer.status_code == 200
    assert list(differences(APPLICATION, answer.json)) == []


@pytest.mark.parametrize(
    ("name", "field", "shown"),
    [
        ("description", String(description="a sort of comment"), {"description": "a sort of comment"}),
        ("required", String(require=True), {"required": True}),
        ("in", String(union=["a", "b"]), {"in": ["a", "b"]}),
        ("constraints", String(constraint=lambda value: value != "x"), {"constraints": ["func"]}),
        ("default", Float(default=0.5), {"default": 0.5, "type_short": "Float"}),
        ("transform", String(transform=lambda value: value.strip()), {"transform": "func"}),
        ("exists", Bool(exists=False), {"exists": False, "type": "<class 'backo.bool.Bool'>"}),
        ("rights", String(can_read=True, can_modify=False), {"rights": {"read": True, "modify": False}}),
        ("sub_scheme", Dict({"zip": String()}), {"sub_scheme": {"zip": element("string.String")}}),
        ("sub_type", List(Int()), {"sub_type": element("int.Int")}),
        ("sub_types", Tuple((Int(), Bool())), {"sub_types": [element("int.Int"), element("bool.Bool")]}),
    ],
)
def test_meta_element_description(name: str, field: Any, shown: dict[str, Any]) -> None:
    """Chapter "Meta routes", "meta element description": each key of the table tells what was declared.

    The table calls `required` `require`, and the list of constraints a boolean; the example shows what is meant.
    """
    backoffice = Backoffice("myApp")
    backoffice.register_collection(Collection("users", Item({"field": field}), DBMemoryConnector()))

    answer = curl_for(backoffice)("curl http://localhost/myApp/_meta").json or {}

    described = answer["collections"][0]["item"]["sub_scheme"]["field"]
    assert name in described
    assert list(differences(shown, described)) == []


def salaries(current_user_name: str) -> Callable[..., Any]:
    """Serve users whose salary only they themselves may see and modify, as one of them."""

    def can_see_and_modify_salary(right_name: str, o: Any, other: Any) -> bool:
        """Return true if can read the salary."""
        return bool(current_user_name == o.name)

    yml_users = DBMemoryConnector()
    my_backoffice = Backoffice("myApp")
    my_backoffice.register_collection(
        "users",
        Collection(
            "users",
            Item(
                {
                    "name": String(),
                    "salary": Int(default=0, can_read=can_see_and_modify_salary, can_modify=can_see_and_modify_salary),
                }
            ),
            yml_users,
        ),
    )

    def authenticate() -> None:
        current_user.set({"_id": current_user_name.lower(), "login": current_user_name})

    return curl_for(my_backoffice, auth=authenticate)


def test_meta_for_a_user() -> None:
    """Chapter "Meta routes", POST: Hector may not read or modify the salary of John.

    Mended: a `Collection` is missing around the `Item`, and quotes around the data of the command; the user's name is
    handed over rather than global.
    """
    # Logged as "Hector"
    curl = salaries("Hector")

    answer = curl("""curl -X POST 'http://localhost/myApp/users/_meta' -d '{ "name" : "John" }'""")

    assert answer.status_code == 200
    assert list(differences(FOR_HECTOR, answer.json)) == []


@pytest.mark.parametrize(("name", "allowed"), [("Hector", True), ("John", False)])
def test_meta_for_a_user_tells_what_happens(name: str, *, allowed: bool) -> None:
    """Chapter "Meta routes", POST: the rights that are told are those that hold; his own salary Hector may set."""
    curl = salaries("Hector")

    told = curl(f"""curl -X POST 'http://localhost/myApp/users/_meta' -d '{{ "name" : "{name}" }}'""").json
    made = curl(f"""curl -X POST 'http://localhost/myApp/users' -d '{{ "name" : "{name}", "salary": 5 }}'""")

    assert told["item"]["sub_scheme"]["salary"]["rights"] == {"read": allowed, "modify": allowed}
    assert (made.status_code, "salary" in made.json) == ((201, True) if allowed else (403, False))


def test_differences_are_found() -> None:
    """The comparison of these tests sees a key that is missing, another value, and a list that is too short."""
    shown = {"a": [{"b": None}, {"b": 1}], "c": True, "d": 0}

    assert list(differences(shown, {"a": [{"b": False}], "c": 1})) == [
        "$.a has 1 elements",
        "$.a[0].b is False, not None",
        "$.c is 1, not True",
        "$.d is missing",
    ]
    assert list(differences(shown, shown | {"e": 5})) == []
