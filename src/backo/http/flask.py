"""Serve a back office from a Flask application; the only module that imports Flask.

The application keeps its behaviour: its own routes, hooks and error handlers are not touched, and
no body is parsed, no answer encoded and no address redirected by Flask.
"""

from __future__ import annotations

import inspect
import io
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import IO, Any, TypeAlias
from urllib.parse import quote

from flask import Flask, request
from flask import Request as FlaskRequest
from flask import Response as FlaskResponse
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import Headers
from werkzeug.exceptions import ClientDisconnected, HTTPException, RequestEntityTooLarge
from werkzeug.routing import BaseConverter

from backo.collections.application import Application
from backo.context import request_context, running_request
from backo.errors import BackoError, DefinitionError, shown
from backo.http.answering import respond
from backo.http.contexts import InOwnContext
from backo.http.messages import Request, Response
from backo.http.problems import problem
from backo.http.refusals import MalformedError, TooLargeError
from backo.http.routes import RESOURCES, find
from backo.http.service import Service

Auth: TypeAlias = Callable[..., Any]
View: TypeAlias = Callable[..., ResponseReturnValue]

_log = logging.getLogger("backo.backoffice")

_SEGMENT = re.compile(r"[\w.~!$&'()*+,;=:@-]+")
_SAFE = "/!$&'()*+,;=:@"  # in the path of an address, beside letters, digits and -._~
_ANYTHING = "backo_anything"
_EXTENSION = "backo"  # among the extensions of an application that knows us


class _Anything(BaseConverter):
    """The rest of a path, whatever it is: slashes, line ends, nothing at all."""

    regex = r"[\s\S]*"
    part_isolating = False
    weight = 1000


def build_routes(application: Application, flask: Flask, prefix: str = "", auth: Auth | None = None) -> None:
    """Add the routes of a back office to a Flask application.

    Args:
        application: the back office, assembled.
        flask: the application.
        prefix: what stands before the name of the back office, such as `"/api"`.
        auth: what guards every route but OPTIONS: called before each request without a parameter
            (what it returns, if anything, is the answer), or a decorator of one parameter.

    Raises:
        DefinitionError: the prefix is no path, there are routes at this address already, `auth` is
            neither of the two, or the application has served a request already.
    """
    base = _base(prefix, application.name)
    endpoint = f"backo:{base}".replace(".", "%2E")  # a dot would name a blueprint
    if endpoint in flask.view_functions:
        message = f"this Flask application has a back office at {base} already"
        raise DefinitionError(message, hint="give one of them another prefix")
    view = _view(flask, Service(application), base, auth)
    _give_contexts(flask)
    try:
        _add_rules(flask, base, endpoint, view)
    except AssertionError as error:  # how Flask refuses what comes after its first request
        message = "the routes come too late: this Flask application has served its first request"
        raise DefinitionError(message, hint="call build_routes(…) where the application is set up") from error
    _log.info("%r has routes below %s", application.name, base)


def _give_contexts(flask: Flask) -> None:
    """Run all requests of an application in contexts of their own, those of its own routes too; once."""
    if _EXTENSION not in flask.extensions:
        inside = InOwnContext(flask.wsgi_app)
        flask.extensions[_EXTENSION] = inside
        flask.wsgi_app = inside  # type: ignore[method-assign]  # the documented way


def _add_rules(flask: Flask, base: str, endpoint: str, view: View) -> None:
    """Lead every request below an address to a view."""
    flask.url_map.converters[_ANYTHING] = _Anything
    for resource in RESOURCES:
        flask.add_url_rule(
            base + resource.template.replace("{path}", f"<{_ANYTHING}:path>").replace("{", "<").replace("}", ">"),
            endpoint + resource.template,
            view,
            methods=list(resource.routes),
            provide_automatic_options=False,
            strict_slashes=False,
        )
    # What no rule above takes: other methods, and addresses where there is nothing.
    flask.endpoint(endpoint)(view)
    for rule in (base, f"{base}/<{_ANYTHING}:path>"):
        for websocket in (False, True):
            flask.url_map.add(flask.url_rule_class(rule, endpoint=endpoint, websocket=websocket))


def _base(prefix: str, name: str) -> str:
    """Join prefix and name to a path without a slash at its end."""
    segments = [*filter(None, prefix.split("/")), name]
    if not all(_SEGMENT.fullmatch(segment) and segment not in {".", ".."} for segment in segments):
        message = f"routes cannot stand below {shown(prefix)}"
        raise DefinitionError(message, hint="a prefix is a path such as '/api'")
    return "/" + "/".join(segments)


def _view(flask: Flask, service: Service, base: str, auth: Auth | None) -> View:
    """Make the view of all requests below a back office; the table of routes says what each one means.

    Each request runs as nobody until somebody says who it is. What fails in the back office becomes a
    problem document; what fails in `auth` does too, unless it is an HTTP error of Flask's or has an
    error handler in the application.
    """
    root = quote(base, safe=_SAFE)

    def answer(**_: str) -> ResponseReturnValue:
        current: FlaskRequest = request._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001  # documented; each look through the proxy costs
        environ = current.environ
        mounted = quote(environ["SCRIPT_NAME"].encode("latin-1"), safe=_SAFE) if environ.get("SCRIPT_NAME") else ""
        resource, arguments = find(current.path[len(base) :]) or (None, {})
        asked = Request(current.method, mounted + root, environ.get("QUERY_STRING", ""), arguments, _Source(current))
        try:
            return _sent(flask, respond(service, resource, asked))
        except HTTPException:  # a handler of the application said `abort(…)`
            raise
        except Exception as error:  # noqa: BLE001  # the edge turns errors into answers, and logs them
            return _refused(flask, error)

    guarded = _guarded(auth, answer)

    def answer_guarded(**arguments: str) -> ResponseReturnValue:
        try:
            return answer() if request.method == "OPTIONS" else guarded(**arguments)
        except BackoError as error:
            return _refused(flask, error)
        except Exception as error:  # noqa: BLE001  # as above
            return _handled(flask, error)

    def view(**arguments: str) -> ResponseReturnValue:
        if running_request() is not None:
            return answer_guarded(**arguments)
        with request_context():  # the request did not come through `wsgi_app`
            return answer_guarded(**arguments)

    return view


def _sent(flask: Flask, answer: Response) -> FlaskResponse:
    running = running_request()
    if running is not None:
        running.is_over = isinstance(answer.body, bytes)
    response = flask.response_class(answer.body, answer.status, Headers(answer.headers))
    if not answer.body:
        response.headers.remove("Content-Type")  # Flask gives one to every answer
    return response


def _refused(flask: Flask, error: Exception) -> FlaskResponse:
    return _sent(flask, problem(error, f"{request.method} {request.path!r}"))


def _handled(flask: Flask, error: Exception) -> ResponseReturnValue:
    """Answer what `auth` raised as the application does, where it knows the error."""
    try:
        return flask.handle_user_exception(error)
    except HTTPException:
        raise
    except Exception as unknown:  # noqa: BLE001  # as above
        return _refused(flask, unknown)


def _guarded(auth: Auth | None, view: View) -> View:
    """Make a view ask `auth` first."""
    if auth is None:
        return view
    try:
        parameters = inspect.signature(auth).parameters.values()
    except (TypeError, ValueError) as error:
        message = f"auth= must be a function, not {shown(auth)}"
        raise DefinitionError(message) from error
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    required = sum(one.kind in positional and one.default is one.empty for one in parameters)
    if required > 1:
        message = f"auth= must have no parameter, or one (the view that it decorates), not {required}"
        raise DefinitionError(message)
    if required == 1:
        decorated: View = auth(view)
        if not callable(decorated):
            message = f"auth= is a decorator that gives {shown(decorated)} instead of a view"
            raise DefinitionError(message, hint="return the function that stands in for the view")
        return decorated

    def guarded(**arguments: str) -> ResponseReturnValue:
        refusal: ResponseReturnValue | None = auth()
        return view(**arguments) if refusal is None else refusal

    return guarded


class _Source:
    """The headers and the body of a request."""

    __slots__ = ("_environ", "_request")

    def __init__(self, request: FlaskRequest) -> None:
        self._request = request
        self._environ = request.environ

    def header(self, name: str) -> str | None:
        """Give a header, None when it was not sent."""
        value: str | None = self._environ.get(_key(name))
        return value

    def origin(self) -> str:
        """Give scheme and host that the request was sent to."""
        environ = self._environ
        host = environ.get("HTTP_HOST") or f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"
        return f"{environ['wsgi.url_scheme']}://{host}".lower()

    def read(self, limit: int) -> bytes:
        """Read the body, through Flask: a hook of the application may have read it already."""
        self._request.max_content_length = limit + 1  # not the application's own; one more shows that it is too much
        with _refusals(limit):
            body = self._request.get_data()
        if len(body) > limit:
            raise TooLargeError(limit)
        return body

    def stream(self, limit: int) -> Callable[[int], bytes]:
        """Read the body piece by piece, unless a hook of the application has read it already."""
        self._request.max_content_length = limit + 1  # as above
        with _refusals(limit):
            arriving: IO[bytes] = self._request.stream
        read = 0

        def piece(size: int) -> bytes:
            nonlocal arriving, read
            with _refusals(limit):
                found = arriving.read(size)
                if not found and not read:
                    arriving = io.BytesIO(self._request.get_data())
                    found = arriving.read(size)
            read += len(found)
            if read > limit:
                raise TooLargeError(limit)
            return found

        return piece


@contextmanager
def _refusals(limit: int) -> Iterator[None]:
    """Say in our words how a body ended too late, or too early."""
    try:
        yield
    except RequestEntityTooLarge:
        raise TooLargeError(limit) from None
    except ClientDisconnected:
        message = "the body ended before it was complete"
        raise MalformedError(message) from None


@lru_cache
def _key(name: str) -> str:
    """Give the name under which WSGI keeps a header."""
    key = name.upper().replace("-", "_")
    return key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"
