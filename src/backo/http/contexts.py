"""Run each request of a WSGI application in a context of its own, until its answer is closed.

Each step of a request (the call, each part of its answer, the end) enters the context and leaves
it again, so that the thread is as it was in between, and the application's own context variables
are not touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from backo.context import RequestContext, request_context

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class InOwnContext:
    """A WSGI application whose requests start as nobody and never see one another's user."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        context = request_context()
        with context:
            body = self._application(environ, start_response)
        if context.is_over:
            return body
        files = environ.get("wsgi.file_wrapper")
        if isinstance(body, list | tuple) or (isinstance(files, type) and isinstance(body, files)):
            return body  # nothing runs while it is sent, and servers know how to send it faster
        return _Body(body, context)


class _Body:
    """The parts of an answer, each made in the context of its request."""

    __slots__ = ("_body", "_context", "_parts")

    def __init__(self, body: Iterable[bytes], context: RequestContext) -> None:
        self._body = body
        self._context = context
        self._parts: Iterator[bytes] | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        with self._context:
            if self._parts is None:
                self._parts = iter(self._body)
            return next(self._parts)

    def close(self) -> None:
        """End the request."""
        close: Any = getattr(self._body, "close", None)
        if close is not None:
            with self._context:
                close()
