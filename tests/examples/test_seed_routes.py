"""The chapters "CRUD Routes" and "Validation routes" of the document: its commands, letter by letter."""

import json
from typing import Any

import pytest

from backo import Backoffice, Collection, Item, String
from tests.examples.curl import Curl, curl_for
from tests.examples.my_app import USERS, with_users
from tests.work.stores import Stores


@pytest.fixture
def curl(stores: Stores) -> Curl:
    """Runs commands on three users."""
    return curl_for(with_users(stores))


def names(curl: Curl, query: str) -> list[str]:
    """List users, and give their names in order."""
    answer = curl(f"curl -X GET 'http://localhost/myApp/users?{query}'")
    assert answer.status_code == 200, answer.text
    return sorted(one["name"] for one in (answer.json or {})["result"])


def test_routes_of_an_application(stores: Stores) -> None:
    """Chapter "Routes": `build_routes` gives each collection its addresses."""
    curl = curl_for(with_users(stores))

    assert {curl(f"curl http://localhost/myApp/{name}").status_code for name in ("users", "sites")} == {200}
    assert curl("curl http://localhost/myApp/nothing").status_code == 404


def test_get_an_item(curl: Curl) -> None:
    """Chapter "CRUD Routes", GET by `_id`: in the view `client`, which is the default; 404 when there is none."""
    answer = curl("curl -X GET 'http://localhost/myApp/users/123'")
    same = curl("curl -X GET 'http://localhost/myApp/users/123?_view=client'")

    assert (answer.status_code, answer.content_type) == (200, "application/json")
    assert (answer.json or {}).items() >= {**USERS["123"], "_id": "123"}.items()
    assert same.json == answer.json
    assert curl("curl -X GET 'http://localhost/myApp/users/125'").status_code == 404


def test_get_an_item_in_another_view(stores: Stores) -> None:
    """Chapter "CRUD Routes", GET by `_id`: another view shows what was declared to be in it."""
    item = Item({"name": String(), "password": String(views=["!otherviewname"])})
    backoffice = stores.backoffice({"users": item}, app="myApp", ids=lambda user: "123")
    backoffice.users.create({"name": "John", "password": "x"})
    curl = curl_for(backoffice)

    other = curl("curl -X GET 'http://localhost/myApp/users/123?_view=otherviewname'")
    whole = curl("curl -X GET 'http://localhost/myApp/users/123'")

    assert set(whole.json or {}) - set(other.json or {}) == {"password"}


@pytest.mark.parametrize(
    ("right", "status"), [(True, 200), (lambda right_name, user: False, 401)], ids=["allowed", "refused"]
)
def test_get_an_item_that_is_not_for_this_user(stores: Stores, right: Any, status: int) -> None:
    """Chapter "CRUD Routes", GET by `_id`: 401 for who is not authorized to view it."""
    backoffice = Backoffice("myApp")
    stores.opened.append(backoffice)
    connector: Any = stores.connector("users")
    connector.generate_id = lambda user: "123"
    backoffice.register_collection(Collection("users", Item({"name": String()}), connector, can_read=right))
    backoffice.users.create({"name": "John"})

    assert curl_for(backoffice)("curl -X GET 'http://localhost/myApp/users/123'").status_code == status


def test_get_an_item_that_makes_the_server_fail(stores: Stores) -> None:
    """Chapter "CRUD Routes", GET by `_id`: 500 for an error of the server, here of a handler of its owner."""

    def fail(event_name: str, root: Any, me: Any) -> None:
        raise ZeroDivisionError

    item = Item({"name": String()}, on=[("loaded", fail)])
    backoffice = stores.backoffice({"users": item}, app="myApp", ids=lambda user: "123")
    backoffice.users.create({"name": "John"})

    answer = curl_for(backoffice)("curl -X GET 'http://localhost/myApp/users/123'")

    assert (answer.status_code, answer.content_type) == (500, "application/problem+json")
    assert "ZeroDivisionError" not in answer.text


def test_list_items(curl: Curl) -> None:
    """Chapter "CRUD Routes", GET a list: fields, operators and fields inside groups say what matches."""
    assert names(curl, "surname=donald") == ["Fedora"]
    assert names(curl, "age.$lt=12") == ["John"]
    assert names(curl, "address.number=1") == ["John"]
    assert names(curl, "address.number.$gte=2&name.$re=do") == ["Fedora", "donald"]


def test_list_items_in_pages(curl: Curl) -> None:
    """Chapter "list of available operators": the view, the page and what is skipped; the answer repeats them."""
    answer = curl("curl -X GET 'http://localhost/myApp/users?_view=client&_page=2&_skip=1&_sort=name'")

    assert answer.status_code == 200
    body = answer.json or {}
    assert [one["name"] for one in body.pop("result")] == ["John", "donald"]
    assert body == {"total": 3, "_view": "client", "_skip": 1, "_page": 2}


def test_list_items_example(curl: Curl) -> None:
    """Chapter "list of available operators", the example: all users whose name includes 'do', 10 a page."""
    answer = curl("curl -X GET 'http://localhost/myApp/users/?name.$re=do&_page=10'")

    assert answer.status_code == 200
    body = answer.json or {}
    assert sorted(one["name"] for one in body["result"]) == ["Fedora", "donald"]
    assert (body["total"], body["_page"]) == (2, 10)


def test_get_a_file(curl: Curl) -> None:
    """Chapter "CRUD Routes", GET a file: its content and type where the path is one of a file, else an error."""
    found = curl("curl -X GET 'http://localhost/myApp/users/1234/pict'")

    assert (found.status_code, found.data) == (200, b"John pict")
    assert found.content_type.startswith("text/plain")
    for path in ("1234/name", "1234/nothing", "123/pict", "125/pict"):
        assert curl(f"curl -X GET 'http://localhost/myApp/users/{path}'").status_code == 404


def test_create_an_item(curl: Curl) -> None:
    """Chapter "CRUD Routes", POST: the created user comes back with an `_id` and metadata, or else an error."""
    answer = curl("""curl -X POST 'http://localhost/myApp/users/' -d '{"name":"John","surname":"Rambo"}'""")

    assert answer.status_code == 201
    body = answer.json or {}
    assert body.items() >= {"name": "John", "surname": "Rambo"}.items()
    assert set(body["_meta"]) == {"ctime", "mtime", "created_by", "modified_by"}
    assert curl(f"curl http://localhost/myApp/users/{body['_id']}").json == body
    refused = curl("""curl -X POST 'http://localhost/myApp/users/' -d '{"name":32}'""")
    assert (refused.status_code, refused.content_type) == (422, "application/problem+json")


def test_modify_an_item(curl: Curl) -> None:
    """Chapter "CRUD Routes", PUT: what is sent is changed, and the modified object comes back."""
    answer = curl("""curl -X PUT 'http://localhost/myApp/users/1234' -d '{"name":"Johnny"}'""")

    assert answer.status_code == 200
    assert (answer.json or {}).items() >= {"_id": "1234", "name": "Johnny", "surname": "Rambo"}.items()
    assert curl("curl http://localhost/myApp/users/1234").json == answer.json


def test_delete_an_item(curl: Curl) -> None:
    """Chapter "CRUD Routes", DELETE: the user is gone."""
    assert curl("curl -X DELETE 'http://localhost/myApp/users/1234'").status_code == 204
    assert curl("curl http://localhost/myApp/users/1234").status_code == 404
    assert curl("curl -X DELETE 'http://localhost/myApp/users/1234'").status_code == 404


def test_patch_an_item(curl: Curl) -> None:
    """Chapter "CRUD Routes", PATCH: one operation changes a part of the user."""
    answer = curl(
        "curl -X PATCH  'http://localhost/myApp/users/1234' "
        """-d '{"op": "replace", "path" : "$.name", "value": "Gilda"}'"""
    )

    assert answer.status_code == 200
    assert (answer.json or {}).items() >= {"_id": "1234", "name": "Gilda", "surname": "Rambo"}.items()


def test_patch_an_item_with_a_list(curl: Curl) -> None:
    """Chapter "CRUD Routes", PATCH: the content can be a list of operations, of which all are done or none."""
    operations = [
        {"op": "replace", "path": "$.name", "value": "Gilda"},
        {"op": "test", "path": "$.surname", "value": "Rambo"},
        {"op": "remove", "path": "$.age"},
    ]
    command = f"curl -X PATCH 'http://localhost/myApp/users/1234' -d '{json.dumps(operations)}'"

    answer = curl(command)
    operations[0]["value"], operations[1]["value"] = "Nobody", "Rimbaud"
    refused = curl(f"curl -X PATCH 'http://localhost/myApp/users/1234' -d '{json.dumps(operations)}'")

    assert (answer.status_code, refused.status_code) == (200, 409)
    found = curl("curl http://localhost/myApp/users/1234").json or {}
    assert found.items() >= {"name": "Gilda", "surname": "Rambo", "age": None}.items()


@pytest.mark.parametrize(
    ("method", "data", "error"),
    [
        ("POST", '{ "item" : { "name" : "John", "surname" : 32 }, "path" : "$.surname" }', "Must be a string"),
        ("POST", '{ "item" : { "surname" : "Johnny" }, "path" : "$.surname" }', None),
        ("GET", '{ "item" : { "name" : 23, "surname" : "Johnny" }, "path" : "$.surname" }', None),
    ],
    ids=["not-a-string", "right", "only-the-surname"],
)
def test_validation_routes(curl: Curl, method: str, data: str, error: str | None) -> None:
    """Chapter "Validation routes": one field of a partial item is judged; the answer is 200 either way."""
    answer = curl(f"curl -X {method} 'http://localhost/myApp/users/_check' -d '{data}'")

    assert (answer.status_code, answer.json) == (200, {"error": error})
