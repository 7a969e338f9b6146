import json

from backo import Action, Backoffice, Collection, DBMemoryConnector, Item, String
from backo.http import handlers
from backo.http.messages import Request
from backo.http.service import Service
from tests.http.fakes import FakeSource


def service() -> Service:
    """Give a back office with one declared collection."""
    backoffice = Backoffice("shop")
    users = Collection("users", Item({"name": String()}), DBMemoryConnector(), meta_data_handler=None, can_delete=False)
    users.register_action("pay", Action({"sum": String()}, print, can_execute=False))
    backoffice.register_collection(users)
    return Service(backoffice)


def test_the_description() -> None:
    """The application, its collections, what their items are made of."""
    description = json.loads(service().description.body)

    assert list(description) == ["name", "collections"]
    assert description["name"] == "shop"
    [users] = description["collections"]
    assert list(users) == ["name", "item", "rights", "actions", "selections"]
    assert users["rights"] == {"read": None, "create": None, "modify": None, "delete": False}
    assert [(one["name"], one["rights"]) for one in users["actions"]] == [("pay", {"see": None, "execute": False})]
    assert [one["name"] for one in users["selections"]] == ["_all"]
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
