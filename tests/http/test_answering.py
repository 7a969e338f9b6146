from collections.abc import Mapping

import pytest

from backo.errors import NotFoundError
from backo.http.answering import respond
from backo.http.messages import Response
from backo.http.refusals import MethodError, OriginError
from backo.http.routes import find
from tests.http.fakes import FakeOperations, request_of, service_of


def ask(method: str, path: str, headers: Mapping[str, str] | None = None) -> Response:
    """Answer a request at a path, with a trusted origin."""
    resource, arguments = find(path) or (None, {})
    service = service_of(FakeOperations(), trusted=["https://friend.org"])
    return respond(service, resource, request_of(method, arguments, headers=headers))


def test_a_route_answers() -> None:
    """The method chooses the route."""
    assert ask("GET", "/users/42").status == 200
    assert ask("HEAD", "/users/42").status == 200
    assert ask("DELETE", "/users/42").status == 204


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "DELETE", "FOO"])
@pytest.mark.parametrize("path", ["/", "/nothing", "/nothing/42", "/nothing/_check", "/users/a/b"])
def test_addresses_where_there_is_nothing(method: str, path: str) -> None:
    """Where there is nothing, no method is better than another."""
    with pytest.raises(NotFoundError):
        ask(method, path)


@pytest.mark.parametrize("method", ["POST", "FOO", "TRACE", "get", ""])
def test_methods_that_an_address_does_not_know(method: str) -> None:
    """They are refused with those that it knows."""
    with pytest.raises(MethodError) as refused:
        ask(method, "/users/42")

    assert refused.value.allow == "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"


def test_options() -> None:
    """OPTIONS says what is allowed and nothing else."""
    answer = ask("OPTIONS", "/users")

    assert (answer.status, answer.body, dict(answer.headers)["Allow"]) == (204, b"", "GET, HEAD, POST, OPTIONS")


def test_origins() -> None:
    """Unsafe requests of other sites are refused, unless they are trusted."""
    with pytest.raises(OriginError):
        ask("DELETE", "/users/42", {"Origin": "https://evil.org"})
    assert ask("DELETE", "/users/42", {"Origin": "https://friend.org"}).status == 204
    assert ask("GET", "/users/42", {"Origin": "https://evil.org"}).status == 200
