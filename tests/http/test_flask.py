import io
import logging
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import flask
import pytest
from flask import Flask
from flask.typing import ResponseReturnValue
from werkzeug.test import EnvironBuilder, TestResponse, run_wsgi_app

from backo.context import current_user
from backo.errors import DefinitionError, RightError
from backo.http.flask import build_routes
from backo.work.catalog import Limits
from tests.http.fakes import ITEM, CountingStream, FakeOperations, application_of

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def operations() -> FakeOperations:
    """What the back office is asked."""
    return FakeOperations()


@pytest.fixture
def app(operations: FakeOperations) -> Flask:
    """A Flask application with a back office at `/shop`."""
    app = Flask("app")
    build_routes(application_of(operations, limits=Limits(body=100)), app)
    return app


def test_answers(app: Flask) -> None:
    """The bytes of the back office go out as they are."""
    answer = app.test_client().get("/shop/users/42")

    assert (answer.status_code, answer.data) == (200, ITEM.body)
    assert dict(answer.headers) == {
        "Content-Type": "application/json",
        "Cache-Control": "private, no-cache",
        "Vary": "Cookie, Authorization",
        "ETag": '"e7a9"',
        "Content-Length": str(len(ITEM.body)),
    }


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/shop/users", 200),
        ("GET", "/shop/users/", 200),
        ("POST", "/shop/users/", 201),
        ("GET", "/shop/users/42/", 200),
        ("DELETE", "/shop/users/42/", 204),
        ("OPTIONS", "/shop/users/42/", 204),
        ("GET", "/shop/users/_selections/_all/", 200),
        ("POST", "/shop/users/_check/", 200),
        ("FOO", "/shop/users/42/", 405),
        ("GET", "/shop", 404),
        ("GET", "/shop/", 404),
    ],
)
def test_a_slash_at_the_end(app: Flask, method: str, path: str, status: int) -> None:
    """It is accepted everywhere, without a redirect."""
    assert app.test_client().open(path, method=method, json={}).status_code == status


def test_head(app: Flask) -> None:
    """HEAD is GET without the body."""
    answer = app.test_client().head("/shop/users/42")

    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(ITEM.body))
    assert answer.headers["ETag"] == '"e7a9"'


@pytest.mark.parametrize(
    ("method", "headers", "status"), [("DELETE", {}, 204), ("GET", {"If-None-Match": "*"}, 304), ("OPTIONS", {}, 204)]
)
def test_answers_without_a_body(app: Flask, method: str, headers: dict[str, str], status: int) -> None:
    """They say nothing about one."""
    answer = app.test_client().open("/shop/users/42", method=method, headers=headers)

    assert (answer.status_code, answer.data) == (status, b"")
    assert not {"Content-Type", "Content-Length"} & set(answer.headers.keys())
    assert answer.headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize("method", ["FOO", "TRACE", "CONNECT", "POST", "PROPFIND"])
def test_methods_that_an_address_does_not_know(app: Flask, method: str) -> None:
    """Even those that nobody knows get a 405 with what is allowed."""
    answer = app.test_client().open("/shop/users/42", method=method)

    assert (answer.status_code, answer.mimetype) == (405, "application/problem+json")
    assert answer.headers["Allow"] == "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"


@pytest.mark.parametrize(
    "path",
    [
        "/shop/nothing",
        "/shop/nothing/42",
        "/shop//users",
        "/shop/users//",
        "/shop/users/a/b/c",
        "/shop/users/a%2Fb%2Fc",
        "/shop/users/%00",
        "/shop/users/a%0Ab",
        "/shop/%0A",
        "/shop/users/" + "x" * 129,
        "/shop/_nothing",
        "/shop/<int:x>",
        "/shop/%",
        "/shop/../users/../../etc/passwd/..",
        "/shop/\N{EURO SIGN}",
        "/shop/%FF%FE",
    ],
)
@pytest.mark.parametrize("method", ["GET", "DELETE", "FOO"])
def test_addresses_where_there_is_nothing(app: Flask, operations: FakeOperations, method: str, path: str) -> None:
    """They are a problem document of ours, and nobody is asked."""
    answer = app.test_client().open(path, method=method)

    assert (answer.status_code in {404, 405}, answer.mimetype) == (True, "application/problem+json")
    assert operations.asked == ()


@pytest.mark.parametrize(
    ("path", "id_"),
    [("a%20b", "a b"), ("%C3%A9", "é"), ("..", ".."), ("%2E%2E", ".."), ("%FF", "\ufffd"), ("a+b", "a+b")],
)
def test_ids(app: Flask, operations: FakeOperations, path: str, id_: str) -> None:
    """An id is percent-decoded, once."""
    app.test_client().get(f"/shop/users/{path}")

    assert operations.asked == ("read", "users", id_, "client")


def test_slashes_before_the_path(app: Flask, operations: FakeOperations) -> None:
    """Flask takes several for one, and so does the back office."""
    app.test_client().get("/", environ_overrides={"PATH_INFO": "//shop/users/42"})

    assert operations.asked == ("read", "users", "42", "client")


@pytest.mark.parametrize("headers", [{"Connection": "Upgrade", "Upgrade": "websocket"}])
def test_a_web_socket_is_not_opened(app: Flask, headers: dict[str, str]) -> None:
    """Who asks for one gets the usual answer."""
    assert app.test_client().get("/shop/users/42", headers=headers).data == ITEM.body
    assert app.test_client().get("/shop/nothing", headers=headers).mimetype == "application/problem+json"


# Where the routes stand.


@pytest.mark.parametrize(
    ("prefix", "base"),
    [
        ("", "/shop"),
        ("/", "/shop"),
        ("api", "/api/shop"),
        ("/api", "/api/shop"),
        ("/api/v1.0/", "/api/v1.0/shop"),
        ("/é", "/%C3%A9/shop"),
        ("/a:b@c", "/a:b@c/shop"),
    ],
)
def test_prefixes(operations: FakeOperations, prefix: str, base: str) -> None:
    """A prefix stands before the name, with slashes or without."""
    app = Flask("app")
    build_routes(application_of(operations), app, prefix)

    answer = app.test_client().post(f"{base}/users", json={})

    assert (answer.status_code, answer.headers["Location"]) == (201, f"{base}/users/42")


@pytest.mark.parametrize("prefix", ["/<tenant>", "a b", "/../x", "/./x", "/a?b", "/a#b", "/a%20b", "\n", "/a|b"])
def test_prefixes_that_are_no_path(operations: FakeOperations, prefix: str) -> None:
    """Anything else is refused when the routes are built."""
    with pytest.raises(DefinitionError):
        build_routes(application_of(operations), Flask("app"), prefix)


def test_several_back_offices() -> None:
    """One Flask application may serve several; the same address can be had once."""
    app = Flask("app")
    first, second, third = FakeOperations(), FakeOperations(), FakeOperations()
    build_routes(application_of(first), app)
    build_routes(application_of(second, name="store"), app)
    build_routes(application_of(third), app, "/shop")
    client = app.test_client()

    client.get("/shop/users/1")
    client.get("/store/users/2")
    client.get("/shop/shop/users/3")

    assert [one.asked[2] for one in (first, second, third)] == ["1", "2", "3"]
    with pytest.raises(DefinitionError, match="already"):
        build_routes(application_of(first), app)


def test_routes_that_come_too_late(operations: FakeOperations) -> None:
    """Flask takes no routes any more once it has served a request."""
    app = Flask("app")
    app.test_client().get("/")

    with pytest.raises(DefinitionError, match="first request") as refused:
        build_routes(application_of(operations), app)

    assert refused.value.hint


def test_behind_a_mount_point(app: Flask) -> None:
    """Addresses in answers begin where the application is mounted."""
    client = app.test_client()

    answer = client.post("/shop/users", json={}, environ_overrides={"SCRIPT_NAME": "/m\xc3\xa9"})

    assert answer.headers["Location"] == "/m%C3%A9/shop/users/42"


def test_rules(app: Flask) -> None:
    """`flask routes` shows what can be asked; HEAD too."""
    rules = {rule.rule: rule.methods for rule in app.url_map.iter_rules()}

    assert rules["/shop/<collection>"] == {"GET", "HEAD", "POST"}
    assert rules["/shop/<collection>/<id>"] == {"GET", "HEAD", "PUT", "PATCH", "DELETE"}


def test_the_rest_of_the_application(app: Flask) -> None:
    """Its own routes, error handlers and redirects stay as they are, next to ours and below them."""
    app.add_url_rule("/", "index", lambda: "index")
    app.add_url_rule("/shop/health", "health", lambda: "well")
    app.add_url_rule("/folder/", "folder", lambda: "folder")
    app.register_error_handler(404, lambda error: ("gone", 404))
    app.after_request(_stamped)
    client = app.test_client()

    assert client.get("/").text == "index"
    assert client.get("/shop/health").text == "well"
    assert client.get("/nothing").text == "gone"
    assert client.get("/shops").text == "gone"
    assert client.get("/folder").status_code == 308
    assert client.post("/").status_code == 405
    assert client.get("/shop/nothing").mimetype == "application/problem+json"
    assert client.get("/shop/users/42").headers["X-Stamp"] == "1"


def _stamped(response: flask.Response) -> flask.Response:
    response.headers["X-Stamp"] = "1"
    return response


# Bodies.


def send(app: Flask, body: Any, **environ: Any) -> TestResponse:
    """POST a body as a WSGI server hands it over."""
    builder = EnvironBuilder(path="/shop/users", method="POST", headers=list(JSON.items()))
    known = builder.get_environ()
    known.pop("CONTENT_LENGTH", None)
    known |= {"wsgi.input": body, **environ}
    iterable, status, headers = run_wsgi_app(app, known, buffered=True)
    return TestResponse(iterable, status, headers, request=builder.get_request())


def test_a_body(app: Flask, operations: FakeOperations) -> None:
    """It is read to its end."""
    assert send(app, io.BytesIO(b'{"a": 1} and more'), CONTENT_LENGTH="8").status_code == 201
    assert operations.asked == ("create", "users", {"a": 1}, "client")


def test_a_body_in_chunks(app: Flask, operations: FakeOperations) -> None:
    """Without a length it is read where the server knows its end."""
    body = b'{"a": "' + b"x" * 91 + b'"}'

    assert send(app, io.BytesIO(body), **{"wsgi.input_terminated": True}).status_code == 201
    assert send(app, io.BytesIO(body + b" "), **{"wsgi.input_terminated": True}).status_code == 413
    assert send(app, io.BytesIO(body)).status_code == 400


@pytest.mark.parametrize(
    ("size", "environ"),
    [
        pytest.param(None, {"wsgi.input_terminated": True}, id="endless"),
        pytest.param(None, {"CONTENT_LENGTH": "1000000000"}, id="large"),
        pytest.param(None, {"CONTENT_LENGTH": "101"}, id="one-too-many"),
        pytest.param(1000, {"CONTENT_LENGTH": "5", "wsgi.input_terminated": True}, id="more-than-it-says"),
    ],
)
def test_too_much(app: Flask, operations: FakeOperations, size: int | None, environ: dict[str, Any]) -> None:
    """A body that is too large is not read to its end."""
    stream = CountingStream(size)

    answer = send(app, stream, **environ)

    assert (answer.status_code, answer.mimetype) == (413, "application/problem+json")
    assert stream.given <= 101
    assert operations.asked == ()


@pytest.mark.parametrize("length", ["", "abc", "-5", "1e3", "99999999999999999999999"])
def test_lengths_that_are_none(app: Flask, length: str) -> None:
    """A length that is no number is not believed."""
    assert send(app, io.BytesIO(b"{}"), CONTENT_LENGTH=length).status_code in {400, 413}


def test_a_body_that_is_cut(app: Flask) -> None:
    """Who hangs up before the end has asked nothing."""
    answer = send(app, io.BytesIO(b'{"a": 1}'), CONTENT_LENGTH="50")

    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")


@pytest.mark.parametrize("limit", [1, 10_000_000])
def test_the_limit_of_the_application_is_its_own(app: Flask, limit: int) -> None:
    """What Flask is told about forms does not count here."""
    app.config["MAX_CONTENT_LENGTH"] = limit

    assert app.test_client().post("/shop/users", json={"a": 1}).status_code == 201
    assert app.test_client().post("/shop/users", json={"a": "x" * 100}).status_code == 413


def test_a_body_that_a_hook_has_read(app: Flask, operations: FakeOperations) -> None:
    """It is still there."""
    read: list[bytes] = []
    app.before_request(lambda: read.append(flask.request.get_data()))

    app.test_client().post("/shop/users", data=b'{"a": 1}', content_type="application/x-www-form-urlencoded")

    assert operations.asked == ("create", "users", {"a": 1}, "client")


# Errors.


def test_our_failures(app: Flask, operations: FakeOperations, caplog: pytest.LogCaptureFixture) -> None:
    """They are a 500 of ours, in debug mode too, and logged once."""
    operations.error = RuntimeError("secret")
    app.debug = app.testing = True

    with caplog.at_level(logging.DEBUG):
        answer = app.test_client().get("/shop/users/42?token=1")

    assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")
    assert b"secret" not in answer.data
    [record] = caplog.records
    assert record.getMessage() == "GET '/shop/users/42' failed: RuntimeError"


def test_a_handler_that_aborts(app: Flask, operations: FakeOperations) -> None:
    """An answer of the application itself stays one."""
    operations.during = lambda: flask.abort(418, description="short and stout")

    answer = app.test_client().get("/shop/users/42")

    assert (answer.status_code, "short and stout" in answer.text) == (418, True)


# Who is asking.


def guard() -> ResponseReturnValue | None:
    """Let the one with the ticket pass, as Jo."""
    ticket = flask.request.headers.get("Ticket")
    if ticket == "abort":
        flask.abort(410)
    if ticket == "error":
        raise ZeroDivisionError("secret")
    if ticket == "right":
        raise RightError("no ticket")
    if ticket != "good":
        return {"who": "are you"}, 401
    current_user.set({"_id": "7", "login": "jo"})
    return None


def decorate(view: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
    """Do the same as a decorator."""

    @wraps(view)
    def decorated(*args: Any, **kwargs: Any) -> ResponseReturnValue:
        refusal = guard()
        return view(*args, **kwargs) if refusal is None else refusal

    return decorated


class Decorator:
    """The same as an object."""

    def __call__(self, view: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
        """Decorate."""
        return decorate(view)


@pytest.fixture(params=[guard, decorate, Decorator()], ids=["before", "decorator", "object"])
def guarded(request: pytest.FixtureRequest, operations: FakeOperations) -> Iterator[Flask]:
    """A back office that asks for a ticket, in each form."""
    app = Flask("app")
    build_routes(application_of(operations), app, auth=request.param)
    app.register_error_handler(ZeroDivisionError, lambda error: ("divided", 400))
    yield app
    assert current_user.is_anonymous()


PATHS = [
    ("GET", "/shop/_meta"),
    ("GET", "/shop/users"),
    ("POST", "/shop/users/_check"),
    ("GET", "/shop/users/_selections/_all"),
    ("GET", "/shop/users/42"),
    ("DELETE", "/shop/users/42"),
    ("POST", "/shop/users/42"),
    ("FOO", "/shop/users/42"),
    ("GET", "/shop"),
    ("GET", "/shop/nothing/at/all"),
]


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_every_route_is_guarded(guarded: Flask, operations: FakeOperations, method: str, path: str) -> None:
    """Without a ticket nothing is told, not even that there is nothing."""
    answer = guarded.test_client().open(path, method=method, json={})

    assert (answer.status_code, answer.json) == (401, {"who": "are you"})
    assert operations.asked == ()


def test_a_guard_that_lets_pass(guarded: Flask, operations: FakeOperations) -> None:
    """Who has a ticket is somebody for the time of the request."""
    seen: list[str] = []
    operations.during = lambda: seen.append(current_user.login)

    answer = guarded.test_client().get("/shop/users/42", headers={"Ticket": "good"})

    assert (answer.data, seen) == (ITEM.body, ["jo"])
    assert guarded.test_client().get("/shop/users/42").status_code == 401


def test_options_are_not_guarded(guarded: Flask) -> None:
    """They say only what is allowed."""
    answer = guarded.test_client().options("/shop/users/42")

    assert (answer.status_code, answer.headers["Allow"]) == (204, "GET, HEAD, PUT, PATCH, DELETE, OPTIONS")


@pytest.mark.parametrize(
    ("ticket", "status", "mimetype"),
    [("abort", 410, "text/html"), ("error", 400, "text/html"), ("right", 401, "application/problem+json")],
)
def test_a_guard_that_raises(guarded: Flask, ticket: str, status: int, mimetype: str) -> None:
    """Its errors are the application's affair, except ours."""
    answer = guarded.test_client().get("/shop/users/42", headers={"Ticket": ticket})

    assert (answer.status_code, answer.mimetype) == (status, mimetype)


@pytest.mark.parametrize("auth", [guard, decorate], ids=["before", "decorator"])
def test_a_guard_that_fails(
    operations: FakeOperations, caplog: pytest.LogCaptureFixture, auth: Callable[..., Any]
) -> None:
    """What the application does not know is a 500 of ours that tells nothing, logged once."""
    app = Flask("app")
    build_routes(application_of(operations), app, auth=auth)
    app.debug = app.testing = True

    with caplog.at_level(logging.DEBUG):
        answer = app.test_client().get("/shop/users/42", headers={"Ticket": "error"})

    assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")
    assert (answer.get_json()["code"], b"secret" in answer.data) == ("internal", False)
    assert [record.getMessage() for record in caplog.records] == ["GET '/shop/users/42' failed: ZeroDivisionError"]
    assert operations.asked == ()


def test_an_error_handler_that_aborts(guarded: Flask) -> None:
    """What an error handler of the application makes of a failure of `auth` is the answer."""
    guarded.register_error_handler(ZeroDivisionError, lambda error: flask.abort(418))

    assert guarded.test_client().get("/shop/users/42", headers={"Ticket": "error"}).status_code == 418


@pytest.mark.parametrize("auth", [lambda one, two: None, "token", 3])
def test_guards_that_are_none(operations: FakeOperations, auth: Any) -> None:
    """Anything else is refused when the routes are built."""
    with pytest.raises(DefinitionError, match="auth"):
        build_routes(application_of(operations), Flask("app"), auth=auth)


def test_each_request_starts_as_nobody(app: Flask, operations: FakeOperations) -> None:
    """Who was somebody around the request is so again afterwards."""
    seen: list[str] = []
    operations.during = lambda: seen.append(current_user.login)
    try:
        current_user.set({"_id": "7", "login": "jo"})
        app.test_client().get("/shop/users/42")
        seen.append(current_user.login)
    finally:
        current_user.logout()

    assert seen == ["ANONYMOUS", "jo"]


# Other sites.


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://localhost"}, 204),
        ({"Origin": "http://evil.org"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "http://shop.org:8000", "Host": "shop.org:8000"}, 204),
        ({"Origin": "null"}, 403),
    ],
)
def test_origins(app: Flask, headers: dict[str, str], status: int) -> None:
    """A page of another site can change nothing."""
    assert app.test_client().delete("/shop/users/42", headers=headers).status_code == status
