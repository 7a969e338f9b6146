"""Turn errors into problem documents (RFC 9457), by one lookup along the MRO.

What is our own failure is logged here, once, with its traceback; its answer tells nothing of it.
"""

from __future__ import annotations

import logging
from typing import Any

from backo import jsontext
from backo.context import current_user
from backo.errors import (
    BackoError,
    ConflictError,
    DBError,
    FileError,
    NotFoundError,
    PathNotFoundError,
    PreconditionError,
    QueryError,
    RightError,
    StateError,
    StoredDataError,
    ValidationError,
)
from backo.files.refusals import ContentMissingError, FileTooLargeError, FormError
from backo.http.messages import Header, Response
from backo.http.refusals import MalformedError, MediaTypeError, MethodError, OriginError, RangeError, TooLargeError

MAX_PROBLEMS = 100  # of one document
RETRY_AFTER = 1  # seconds until a store that is away is worth another try

COMMON_HEADERS: tuple[Header, ...] = (("Cache-Control", "private, no-cache"), ("Vary", "Cookie, Authorization"))

STATUS_OF: dict[type[BaseException], int] = {
    MalformedError: 400,
    QueryError: 400,
    OriginError: 403,
    RightError: 403,  # 401 for nobody
    NotFoundError: 404,
    PathNotFoundError: 404,
    MethodError: 405,
    ConflictError: 409,
    StateError: 409,
    PreconditionError: 412,
    ContentMissingError: 404,
    FileTooLargeError: 413,
    FormError: 400,
    TooLargeError: 413,
    MediaTypeError: 415,
    RangeError: 416,
    FileError: 422,
    ValidationError: 422,
    StoredDataError: 500,
    DBError: 503,
    BaseException: 500,
}

TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    412: "Precondition Failed",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
    500: "Internal Server Error",
    503: "Service Unavailable",
}

_UNSAID = {
    500: "something went wrong here; it is logged",
    503: "the store is away",
}

_log = logging.getLogger("backo.backoffice")


def problem(error: Exception, request: str) -> Response:
    """Answer an error with a problem document, and log it when it is our failure.

    Args:
        error: of this library, or any other (500).
        request: method and path, for the log.
    """
    status = status_of(error)
    if status >= 500:
        _log.error("%s failed: %s", request, type(error).__name__, exc_info=error)
    headers: list[Header] = [("Content-Type", "application/problem+json"), *COMMON_HEADERS]
    if isinstance(error, MethodError):
        headers.append(("Allow", error.allow))
    if isinstance(error, RangeError):
        headers.append(("Content-Range", error.content_range))
    if status == 503:
        headers.append(("Retry-After", str(RETRY_AFTER)))
    return Response(status, _encoded(document(error, status)), tuple(headers))


def status_of(error: BaseException) -> int:
    """Look up the status of an error: that of its class, else of the nearest class above."""
    status = next(STATUS_OF[one] for one in type(error).__mro__ if one in STATUS_OF)
    return 401 if isinstance(error, RightError) and current_user.is_anonymous() else status


def document(error: BaseException, status: int) -> dict[str, Any]:
    """Give the problem document of an error, as plain JSON values."""
    told = error if isinstance(error, BackoError) and status < 500 else None
    return {
        "type": "about:blank",
        "title": TITLES[status],
        "status": status,
        "code": error.code if isinstance(error, BackoError) else "internal",
        "detail": _detail(told) if told else _UNSAID[status],
        "errors": [
            {"path": one.path, "code": one.code, "message": one.message}
            for one in (told.problems[:MAX_PROBLEMS] if told else ())
        ],
    }


def _detail(error: BackoError) -> str:
    return f"{error.message} ({error.hint})" if error.hint else str(error.message)


def _encoded(tree: dict[str, Any]) -> bytes:
    try:
        return jsontext.encode(tree)
    except UnicodeEncodeError:  # a text of somebody else's function holds half a surrogate pair
        return jsontext.encode(_storable(tree))


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {key: _storable(one) for key, one in value.items()}
    return [_storable(one) for one in value] if isinstance(value, list) else value
