import json
from types import SimpleNamespace
from typing import Any, cast

from backo.collections.actions import Action, compile_action
from backo.http import handlers
from backo.http.messages import Request
from backo.http.service import Service
from backo.schema.compiler import compile_schema
from backo.schema.options import Options
from backo.schema.scalars import String
from tests.http.fakes import FakeSource


def service() -> Service:
    """Give a back office with one declared collection."""
    schema = compile_schema("users", {"name": String()}, Options(), system={"_id": String()})
    pay = compile_action("users", "pay", Action({"sum": String()}, print, can_execute=False))
    users = SimpleNamespace(schema=schema, actions={"pay": pay}, selections={})
    stand_in = SimpleNamespace(name="shop", collections={"users": users}, limits=None, operations=None)
    return Service(cast("Any", stand_in))


def test_the_description() -> None:
    """The application, its collections, what their items are made of."""
    description = json.loads(service().description.body)

    assert list(description) == ["name", "collections"]
    assert description["name"] == "shop"
    [users] = description["collections"]
    assert list(users) == ["name", "item", "actions", "selections"]
    assert [(one["name"], one["rights"]) for one in users["actions"]] == [("pay", {"see": None, "execute": False})]
    assert users["selections"] == []
    assert users["name"] == "users"
    assert list(users["item"]["sub_scheme"]) == ["name", "_id"]


def test_the_description_is_made_once() -> None:
    """It depends on the declaration alone."""
    known = service()

    assert known.description is known.description


def test_the_route() -> None:
    """Who has the description gets a 304."""
    known = service()
    answer = handlers.describe_application(known, Request("GET", "/shop", "", {}, FakeSource()))
    etag = dict(answer.headers)["ETag"]

    again = handlers.describe_application(known, Request("GET", "/shop", "", {}, FakeSource({"If-None-Match": etag})))

    assert (answer.status, answer.body) == (200, known.description.body)
    assert (again.status, again.body) == (304, b"")
