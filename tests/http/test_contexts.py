import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from typing import Any

import flask
import pytest
from flask import Flask
from flask.typing import ResponseReturnValue
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Response
from werkzeug.wsgi import FileWrapper

from backo import SYSTEM, acting_as, current_user
from backo.context import is_lifted, running_request
from backo.http.contexts import InOwnContext
from backo.http.flask import build_routes
from tests.http.fakes import FakeOperations, application_of


def guard() -> ResponseReturnValue | None:
    """Let those with a name pass."""
    name = flask.request.headers.get("Name")
    if name is None:
        return {"who": "are you"}, 401
    current_user.set({"_id": name, "login": name})
    return None


def decorate(view: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
    """Do the same as a decorator."""

    @wraps(view)
    def decorated(*args: Any, **kwargs: Any) -> ResponseReturnValue:
        refusal = guard()
        return view(*args, **kwargs) if refusal is None else refusal

    return decorated


@pytest.fixture
def operations() -> FakeOperations:
    """What the back office is asked."""
    return FakeOperations()


@pytest.fixture(params=[guard, decorate], ids=["before", "decorator"])
def app(request: pytest.FixtureRequest, operations: FakeOperations) -> Iterator[Flask]:
    """An application with routes of its own and a back office at `/shop`."""
    app = Flask("app")
    build_routes(application_of(operations), app, auth=request.param)

    @app.get("/who")
    def who() -> str:
        return current_user.login

    @app.get("/login/<name>")
    def login(name: str) -> str:
        before = current_user.login
        current_user.set({"_id": name, "login": name})
        return f"{before} {current_user.login}"

    @app.get("/fail/<name>")
    def fail(name: str) -> str:
        current_user.set({"_id": name, "login": name})
        raise ZeroDivisionError

    @app.get("/stream/<name>")
    def stream(name: str) -> Response:
        current_user.set({"_id": name, "login": name})

        def parts() -> Iterator[str]:
            with acting_as(SYSTEM):
                yield f"{current_user.login} {is_lifted()} "
                yield f"{current_user.login} {is_lifted()} "
            yield "end"

        response = flask.Response(parts())
        response.call_on_close(lambda: app.config["CLOSED"].append(current_user.login))
        return response

    @app.get("/flask-stream/<name>")
    def flask_stream(name: str) -> Response:
        current_user.set({"_id": name, "login": name})

        def parts() -> Iterator[str]:
            yield f"{current_user.login} "
            yield flask.request.path

        return flask.Response(flask.stream_with_context(parts()))

    app.config["CLOSED"] = []
    yield app
    assert current_user.is_anonymous()
    assert not is_lifted()


def test_the_routes_of_the_application_itself(app: Flask) -> None:
    """Each request starts as nobody, whatever the one before it said."""
    client = app.test_client()

    assert [client.get(f"/login/{name}").text for name in ("jo", "ann")] == ["ANONYMOUS jo", "ANONYMOUS ann"]
    assert client.get("/who").text == "ANONYMOUS"


def test_our_routes_after_those_of_the_application(app: Flask, operations: FakeOperations) -> None:
    """What a route of the application said is not true for ours, nor the other way round."""
    seen: list[str] = []
    operations.during = lambda: seen.append(current_user.login)
    client = app.test_client()

    client.get("/login/jo")
    assert client.get("/shop/users/42").status_code == 401
    client.get("/shop/users/42", headers={"Name": "ann"})

    assert (seen, client.get("/who").text) == (["ann"], "ANONYMOUS")


def test_hooks_of_the_application(app: Flask, operations: FakeOperations) -> None:
    """They belong to the request: who is named before is there afterwards, until the end."""
    seen: list[str] = []
    app.before_request(lambda: current_user.set({"_id": "hook", "login": "hook"}))
    app.teardown_request(lambda _: seen.append(current_user.login))

    assert app.test_client().get("/who").text == "hook"
    assert app.test_client().get("/shop/users/42", headers={"Name": "ann"}).status_code == 200
    assert seen == ["hook", "ann"]


@pytest.mark.parametrize("propagate", [True, False])
def test_a_handler_that_fails(app: Flask, propagate: bool) -> None:
    """Its user goes with it."""
    app.testing = propagate
    client = app.test_client()
    if propagate:
        with pytest.raises(ZeroDivisionError):
            client.get("/fail/jo")
    else:
        assert client.get("/fail/jo").status_code == 500

    assert current_user.is_anonymous()
    assert client.get("/who").text == "ANONYMOUS"


@pytest.mark.parametrize("auth_fails", ["before", "decorator"])
def test_an_auth_that_fails_after_it_named_somebody(operations: FakeOperations, auth_fails: str) -> None:
    """Nobody stays named, and the back office is not asked."""

    def failing() -> None:
        guard()
        raise ZeroDivisionError

    def failing_decorator(view: Callable[..., Any]) -> Callable[..., Any]:
        return lambda **_: failing()

    app = Flask("app")
    build_routes(application_of(operations), app, auth=failing if auth_fails == "before" else failing_decorator)
    app.add_url_rule("/who", view_func=lambda: current_user.login)
    client = app.test_client()

    assert client.get("/shop/users/42", headers={"Name": "jo"}).status_code == 500
    assert client.get("/who").text == "ANONYMOUS"
    assert operations.asked == ()


def test_streaming(app: Flask) -> None:
    """An answer that is made part by part sees its user to the end, and nobody else does in between."""
    environ = EnvironBuilder("/stream/jo").get_environ()
    client = app.test_client()

    body = app(environ, lambda *_: lambda _: None)
    parts = iter(body)
    assert next(parts) == b"jo True "
    assert (current_user.login, is_lifted()) == ("ANONYMOUS", False)
    assert client.get("/login/ann").text == "ANONYMOUS ann"
    assert list(parts) == [b"jo True ", b"end"]
    body.close()  # type: ignore[attr-defined]

    assert app.config["CLOSED"] == ["jo"]


def test_streams_side_by_side(app: Flask) -> None:
    """Two answers that are read in turns keep their users."""
    bodies = [app(EnvironBuilder(f"/stream/{name}").get_environ(), lambda *_: lambda _: None) for name in ("jo", "ann")]

    turns = [next(iter(body)) for _ in range(2) for body in bodies]
    for body in bodies:
        body.close()  # type: ignore[attr-defined]

    assert turns == [b"jo True ", b"ann True "] * 2
    assert app.config["CLOSED"] == ["jo", "ann"]


def test_a_stream_that_nobody_reads_to_the_end(app: Flask) -> None:
    """It ends where it is closed, with its blocks."""
    body = app(EnvironBuilder("/stream/jo").get_environ(), lambda *_: lambda _: None)
    next(iter(body))
    body.close()  # type: ignore[attr-defined]

    assert app.config["CLOSED"] == ["jo"]
    assert not is_lifted()


def test_the_test_client_of_flask(app: Flask) -> None:
    """It keeps the context of a request as it always does, and streams through it."""
    with app.test_client() as client:
        assert client.get("/login/jo").text == "ANONYMOUS jo"
        assert flask.request.path == "/login/jo"
        assert client.get("/flask-stream/jo").text == "jo /flask-stream/jo"
        assert flask.request.path == "/flask-stream/jo"


def test_threads(app: Flask, operations: FakeOperations) -> None:
    """64 requests at once, each of another user, on our routes and the application's: nobody sees another one."""
    together = threading.Barrier(64)
    seen: dict[str, set[str]] = {}

    def during() -> None:
        together.wait()
        seen.setdefault(flask.request.headers["Name"], set()).add(current_user.login)
        together.wait()

    operations.during = during

    def work(number: int) -> list[str]:
        client = app.test_client()
        name = f"user-{number}"
        ours = client.get("/shop/users/42", headers={"Name": name})
        return [str(ours.status_code), client.get(f"/login/{name}").text, client.get("/who").text]

    with ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(work, range(64)))

    assert answers == [["200", f"ANONYMOUS user-{number}", "ANONYMOUS"] for number in range(64)]
    assert seen == {f"user-{number}": {f"user-{number}"} for number in range(64)}


def test_several_back_offices_in_one_application(operations: FakeOperations) -> None:
    """The application is wrapped once."""
    app = Flask("app")
    build_routes(application_of(operations), app)
    once = app.wsgi_app
    build_routes(application_of(operations), app, prefix="/other")

    assert app.wsgi_app is once
    assert app.test_client().get("/other/shop/users/42").status_code == 200


def test_a_request_that_does_not_come_through_the_server(app: Flask, operations: FakeOperations) -> None:
    """Also where Flask is asked directly, our routes start as nobody and leave nobody behind."""
    seen: list[str] = []
    operations.during = lambda: seen.append(current_user.login)
    try:
        current_user.set({"_id": "7", "login": "around"})
        with app.test_request_context("/shop/users/42", headers={"Name": "ann"}):
            assert app.full_dispatch_request().status_code == 200
        seen.append(current_user.login)
    finally:
        current_user.logout()

    assert seen == ["ann", "around"]


def test_a_request_inside_a_block_that_lifts_rights(app: Flask) -> None:
    """It does not inherit them."""
    app.add_url_rule("/lifted", view_func=lambda: str(is_lifted()))

    with acting_as(SYSTEM):
        assert app.test_client().get("/lifted").text == "False"
        assert is_lifted()


# The wrapping itself.


@pytest.mark.parametrize("body", [[b"a", b"b"], (b"a",)])
def test_answers_that_are_ready(body: Any) -> None:
    """They go out as they are: nothing runs any more."""
    environ = EnvironBuilder("/").get_environ()

    assert InOwnContext(lambda *_: body)(environ, lambda *_: lambda _: None) is body


def test_an_answer_of_plain_bytes() -> None:
    """Who answers with bytes says so, and nothing stands between them and the server."""

    def answer(*_: Any) -> Any:
        running = running_request()
        assert running is not None
        running.is_over = True
        return body

    body: Any = iter([b"a"])

    assert InOwnContext(answer)(EnvironBuilder("/").get_environ(), lambda *_: lambda _: None) is body
    assert running_request() is None


def test_files() -> None:
    """They stay what the server knows how to send."""
    environ = EnvironBuilder("/").get_environ()
    environ["wsgi.file_wrapper"] = FileWrapper
    with open(__file__, "rb") as file:  # noqa: PTH123  # any file
        body = FileWrapper(file)

        assert InOwnContext(lambda *_: body)(environ, lambda *_: lambda _: None) is body


def test_an_answer_without_an_end() -> None:
    """One that is only iterable has nothing to close."""
    body: Any = InOwnContext(lambda *_: iter([b"a"]))(EnvironBuilder("/").get_environ(), lambda *_: lambda _: None)

    assert list(body) == [b"a"]
    assert body.close() is None
