import json
from typing import Any

import pytest

from backo.collections.operations import Page
from backo.errors import NotFoundError, PreconditionError, QueryError, ValidationError
from backo.http import handlers
from backo.http.messages import Request, Response
from backo.http.refusals import MalformedError
from backo.http.routes import Handler
from backo.work.catalog import Limits
from tests.http.fakes import ITEM, FakeOperations, request_of, service_of

ONE = {"collection": "users", "id": "42"}
JSON = {"Content-Type": "application/json"}


def call(
    handler: Handler, request: Request, operations: FakeOperations | None = None
) -> tuple[Response, tuple[Any, ...]]:
    """Give the answer of a handler, and what it asked."""
    operations = operations or FakeOperations()
    return handler(service_of(operations), request), operations.asked


def test_reading() -> None:
    """An item goes out as it is, with its tag."""
    answer, asked = call(handlers.read_item, request_of("GET", ONE))

    assert asked == ("read", "users", "42", "client")
    assert (answer.status, answer.body) == (200, ITEM.body)
    assert answer.headers == (
        ("Content-Type", "application/json"),
        ("Cache-Control", "private, no-cache"),
        ("Vary", "Cookie, Authorization"),
        ("ETag", '"e7a9"'),
    )


@pytest.mark.parametrize(
    ("query", "view"),
    [("_view=short", "short"), ("_view=%2Bshort", "+short"), ("_view=+short", "+short"), ("x=1", "client")],
)
def test_reading_a_view(query: str, view: str) -> None:
    """Any view may be asked for; the plus of `+name` survives."""
    assert call(handlers.read_item, request_of("GET", ONE, query))[1] == ("read", "users", "42", view)


@pytest.mark.parametrize(
    "handler", [handlers.create_item, handlers.change_item, handlers.patch_item, handlers.delete_item]
)
def test_writing_in_a_view(handler: Handler) -> None:
    """A view may be asked for with everything that is about an item."""
    assert call(handler, request_of("PUT", ONE, "_view=+short", JSON, b"{}"))[1][-1] == "+short"


def test_reading_two_views() -> None:
    """A view is asked for once."""
    with pytest.raises(QueryError):
        call(handlers.read_item, request_of("GET", ONE, "_view=a&_view=b"))


@pytest.mark.parametrize(
    ("body", "values", "answer"),
    [
        (b"", None, b"null"),
        (b"{}", {}, b"null"),
        (b'{"give": "text"}', {"give": "text"}, b'"done"'),
        (b'{"give": "item"}', {"give": "item"}, ITEM.body),
    ],
)
def test_running_an_action(body: bytes, values: Any, answer: bytes) -> None:
    """The body holds the parameters and may be left out; only a stored item has a tag."""
    request = request_of("POST", {**ONE, "name": "pay"}, "_view=short", {**JSON, "If-Match": '"e7a9"'}, body)

    given, asked = call(handlers.run_action, request)

    assert asked == ("run_action", "users", "pay", "42", values, True, "short")
    assert (given.status, given.body) == (200, answer)
    assert dict(given.headers).get("ETag") == ('"e7a9"' if answer == ITEM.body else None)


def test_reading_what_is_known() -> None:
    """What the client has is not sent again."""
    answer, _ = call(handlers.read_item, request_of("GET", ONE, headers={"If-None-Match": 'W/"e7a9"'}))

    assert (answer.status, answer.body) == (304, b"")
    assert ("ETag", '"e7a9"') in answer.headers
    assert "Content-Type" not in dict(answer.headers)


def test_reading_another_version() -> None:
    """`If-Match` holds for reading too."""
    assert call(handlers.read_item, request_of("GET", ONE, headers={"If-Match": '"e7a9"'}))[0].status == 200
    with pytest.raises(PreconditionError):
        call(handlers.read_item, request_of("GET", ONE, headers={"If-Match": '"other"'}))


@pytest.mark.parametrize(
    "handler", [handlers.read_item, handlers.change_item, handlers.patch_item, handlers.delete_item]
)
def test_an_id_that_looks_like_nothing(handler: Handler) -> None:
    """The application is not even asked."""
    operations = FakeOperations()

    with pytest.raises(NotFoundError):
        call(handler, request_of("GET", {"collection": "users", "id": "a\0"}), operations)
    assert operations.asked == ()


def test_a_page() -> None:
    """A page names its rows, the total, and where it is."""
    operations = FakeOperations(Page([b'{"a":1}', b'{"a":2}'], 7, "short", 4, 2, None))

    answer, asked = call(handlers.list_items, request_of("GET", query="a=1&a=2"), operations)

    assert asked == ("list", "users", [("a", "1"), ("a", "2")])
    assert answer.body == b'{"result":[{"a":1},{"a":2}],"total":7,"_view":"short","_skip":4,"_page":2}'
    assert ("X-Total-Count", "7") in answer.headers
    assert "Link" not in dict(answer.headers)


def test_a_page_without_total() -> None:
    """A total that was not asked for is left out."""
    answer, _ = call(handlers.list_items, request_of("GET"), FakeOperations(Page([], None, "client", 0, 100, None)))

    assert answer.body == b'{"result":[],"_view":"client","_skip":0,"_page":100}'
    assert "X-Total-Count" not in dict(answer.headers)


def test_a_page_that_another_follows() -> None:
    """The address of the next page is told."""
    operations = FakeOperations(Page([], 7, "client", 0, 2, ("_after", "cursor")))

    listed, _ = call(handlers.list_items, request_of("GET", query="_page=2&_skip=4"), operations)
    arguments = {"collection": "users", "name": "_all"}
    selected, _ = call(handlers.select_items, request_of("GET", arguments), operations)

    assert ("Link", '</shop/users?_page=2&_after=cursor>; rel="next"') in listed.headers
    assert ("Link", '</shop/users/_selections/_all?_after=cursor>; rel="next"') in selected.headers


@pytest.mark.parametrize(("body", "filter_"), [(b"", None), (b'{"a": 1}', {"a": 1}), (b"[1]", [1])])
def test_a_selection_narrowed(body: bytes, filter_: Any) -> None:
    """A filter may come in the body of a POST."""
    arguments = {"collection": "users", "name": "_all"}
    request = request_of("POST", arguments, "b=2", JSON, body)

    assert call(handlers.select_items, request)[1] == ("select", "users", "_all", [("b", "2")], filter_)


def test_a_selection_asked_for_with_get() -> None:
    """The body of a GET is not looked at."""
    arguments = {"collection": "users", "name": "_all"}
    request = request_of("GET", arguments, body=b"{")

    assert call(handlers.select_items, request)[1] == ("select", "users", "_all", [], None)


def test_creating() -> None:
    """The answer is the item, and where it is."""
    answer, asked = call(handlers.create_item, request_of("POST", headers=JSON, body=b'{"name": "Jo"}'))

    assert asked == ("create", "users", {"name": "Jo"}, "client")
    assert (answer.status, answer.body) == (201, ITEM.body)
    assert ("Location", "/shop/users/42") in answer.headers
    assert ("ETag", '"e7a9"') in answer.headers


@pytest.mark.parametrize(
    ("headers", "matches"), [({}, None), ({"If-Match": '"e7a9"'}, True), ({"If-Match": '"x"'}, False)]
)
def test_changing(headers: dict[str, str], matches: bool | None) -> None:
    """Values are merged, if the version is the right one."""
    answer, asked = call(handlers.change_item, request_of("PUT", ONE, headers=JSON | headers, body=b'{"name": "Jo"}'))

    assert asked == ("change", "users", "42", {"name": "Jo"}, matches, "client")
    assert (answer.status, answer.body) == (200, ITEM.body)


@pytest.mark.parametrize(
    ("content_type", "operation"),
    [
        ("application/json", "patch"),
        ("application/json-patch+json", "patch"),
        ("application/merge-patch+json", "merge"),
    ],
)
def test_patching(content_type: str, operation: str) -> None:
    """The content type says which kind of patch it is."""
    headers = {"Content-Type": content_type, "If-Match": "*"}

    answer, asked = call(handlers.patch_item, request_of("PATCH", ONE, headers=headers, body=b"[]"))

    assert asked == (operation, "users", "42", [], True, "client")
    assert answer.status == 200


def test_deleting() -> None:
    """There is nothing to say about what is gone."""
    answer, asked = call(handlers.delete_item, request_of("DELETE", ONE, headers={"If-Match": '"e7a9"'}))

    assert asked == ("delete", "users", "42", True, "client")
    assert (answer.status, answer.body) == (204, b"")


@pytest.mark.parametrize(
    ("body", "item", "path"),
    [
        ({"item": {"name": 1}, "path": "$.name"}, {"name": 1}, "$.name"),
        ({"item": {"name": 1}}, {"name": 1}, "$"),
        ({"path": "$"}, None, "$"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_checking(method: str, body: Any, item: Any, path: str) -> None:
    """The answer is the text of the problem."""
    request = request_of(method, headers=JSON, body=json.dumps(body).encode())

    answer, asked = call(handlers.check_field, request)

    assert asked == ("check", "users", item, path)
    assert (answer.status, answer.body) == (200, b'{"error":"Must be a string"}')


@pytest.mark.parametrize("body", [b"[]", b"1", b"null", b'{"item": {}, "path": 3}', b'{"path": null}'])
def test_checking_something_else(body: bytes) -> None:
    """The question has a form of its own."""
    with pytest.raises(ValidationError):
        call(handlers.check_field, request_of("POST", headers=JSON, body=body))


@pytest.mark.parametrize(
    "handler", [handlers.create_item, handlers.change_item, handlers.patch_item, handlers.check_field]
)
def test_a_body_that_is_missing(handler: Handler) -> None:
    """Some routes need one."""
    with pytest.raises(MalformedError):
        call(handler, request_of("POST", ONE))


def test_a_shorter_limit_of_ids() -> None:
    """The limits of the application count."""
    service = service_of(FakeOperations(), limits=Limits(id=1))

    with pytest.raises(NotFoundError):
        handlers.read_item(service, request_of("GET", ONE))
