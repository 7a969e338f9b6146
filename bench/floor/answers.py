"""The answers of the floor: JSON bodies with their headers, and problem documents."""

from __future__ import annotations

from hashlib import blake2b

import msgspec
from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from bench.floor.checks import Problems
from bench.floor.listing import BadQueryError

_HEADERS = {"Cache-Control": "private, no-cache", "Vary": "Cookie, Authorization"}
_TITLES = {
    400: "Bad Request",
    404: "Not Found",
    409: "Conflict",
    412: "Precondition Failed",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
}


class RefusedError(Exception):
    """Raised when a request ends in a problem document."""

    def __init__(self, status: int, detail: str, problems: Problems | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.problems = problems or []


def etag_of(body: bytes) -> str:
    """Return the strong tag of a body, without its quotes."""
    return blake2b(body, digest_size=16).hexdigest()


def json_answer(status: int, body: bytes, headers: dict[str, str]) -> Response:
    """Return an answer of JSON."""
    return Response(body, status, {**_HEADERS, **headers}, content_type="application/json")


def bare_answer(status: int, headers: dict[str, str]) -> Response:
    """Return an answer without a body."""
    response = Response(status=status, headers={**_HEADERS, **headers})
    del response.headers["Content-Type"]  # Flask gives one to every answer
    return response


def answer_errors(app: Flask) -> None:
    """Let `app` answer refusals, bad queries and the errors of Flask with problem documents."""
    app.register_error_handler(RefusedError, lambda error: _problem(error.status, error.detail, error))
    app.register_error_handler(BadQueryError, lambda error: _problem(400, str(error)))
    app.register_error_handler(HTTPException, _http_problem)


def _http_problem(error: HTTPException) -> Response:
    answer = _problem(error.code or 500, error.description or error.name, title=error.name)
    for name, value in error.get_headers():
        if name == "Allow":
            answer.headers[name] = value
    return answer


def _problem(status: int, detail: str, error: RefusedError | None = None, title: str = "") -> Response:
    title = title or _TITLES[status]
    document = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "code": title.lower().replace(" ", "_"),
        "detail": detail,
        "errors": error.problems if error else [],
    }
    body = msgspec.json.encode(document)
    return Response(body, status, _HEADERS, content_type="application/problem+json")
