import inspect
import json
import logging
from typing import Any

import pytest

import backo.errors
import backo.http.refusals
from backo.context import current_user, request_context
from backo.errors import (
    BackoError,
    ConflictError,
    DBError,
    DefinitionError,
    FileError,
    NotFoundError,
    PathNotFoundError,
    PreconditionError,
    Problem,
    QueryError,
    RightError,
    SessionError,
    StateError,
    StoredDataError,
    TransientError,
    ValidationError,
)
from backo.files.refusals import ContentMissingError, FileTooLargeError, FormError
from backo.http.messages import Response
from backo.http.problems import MAX_PROBLEMS, STATUS_OF, TITLES, problem, status_of
from backo.http.refusals import MalformedError, MediaTypeError, MethodError, OriginError, RangeError, TooLargeError

ERRORS = [
    (MalformedError("no"), 400),
    (QueryError("no"), 400),
    (RightError("no"), 401),
    (OriginError("no"), 403),
    (NotFoundError("no"), 404),
    (PathNotFoundError("no"), 404),
    (MethodError("FOO", "GET"), 405),
    (ConflictError("no"), 409),
    (StateError("no"), 409),
    (PreconditionError("no"), 412),
    (TooLargeError(5), 413),
    (MediaTypeError("no"), 415),
    (RangeError("bytes */5"), 416),
    (ContentMissingError("no"), 404),
    (FileTooLargeError(5), 413),
    (FormError("no"), 400),
    (FileError("no"), 422),
    (ValidationError("no"), 422),
    (BackoError("no"), 500),
    (DefinitionError("no"), 500),
    (SessionError("no"), 500),
    (StoredDataError("no"), 500),
    (DBError("no"), 503),
    (TransientError("no"), 503),
    (TypeError("no"), 500),
    (PermissionError("no"), 500),
    (LookupError("no"), 500),
]


def answered(error: Exception) -> tuple[Response, dict[str, Any]]:
    """Give the answer to an error, and its document."""
    answer = problem(error, "GET '/shop'")
    assert isinstance(answer.body, bytes)
    return answer, json.loads(answer.body)


@pytest.mark.parametrize(("error", "status"), ERRORS, ids=lambda one: type(one).__name__)
def test_statuses(error: Exception, status: int) -> None:
    """Each class of errors has its status, and a document that says it too."""
    answer, document = answered(error)

    assert answer.status == document["status"] == status
    assert list(document) == ["type", "title", "status", "code", "detail", "errors"]
    assert document["title"] == TITLES[status]
    assert dict(answer.headers)["Content-Type"] == "application/problem+json"


def test_every_error_is_in_the_table_above() -> None:
    """No class is forgotten."""
    modules = (backo.errors, backo.http.refusals)
    classes = {one for module in modules for _, one in inspect.getmembers(module, inspect.isclass)}

    assert {one for one in classes if issubclass(one, BackoError)} <= {type(error) for error, _ in ERRORS}
    assert set(STATUS_OF.values()) | {401} == set(TITLES)


def test_a_refused_user() -> None:
    """Nobody should say who he is; somebody is told no."""
    with request_context():
        assert status_of(RightError("no")) == 401
        current_user.set({"_id": "7", "login": "jo", "roles": []})
        assert status_of(RightError("no")) == 403
        assert status_of(OriginError("no")) == 403


def test_problems_are_told() -> None:
    """Every problem comes with its path, its code and a sentence, and the hint with the detail."""
    error = ValidationError("it is wrong", problems=[Problem("$.a", "type", "Must be text")], hint="mend it")

    _, document = answered(error)

    assert document == {
        "type": "about:blank",
        "title": "Unprocessable Content",
        "status": 422,
        "code": "invalid",
        "detail": "it is wrong (mend it)",
        "errors": [{"path": "$.a", "code": "type", "message": "Must be text"}],
    }


def test_many_problems() -> None:
    """A document tells a hundred of them."""
    error = ValidationError("no", problems=[Problem(f"$.a[{one}]", "type", "no") for one in range(1000)])

    assert len(answered(error)[1]["errors"]) == MAX_PROBLEMS


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("password=hunter2"),
        DBError("postgres://me:hunter2@host", problems=[Problem("$", "x", "hunter2")], hint="hunter2"),
        DefinitionError("hunter2"),
    ],
)
def test_our_failures_are_logged_and_not_told(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    """The client learns nothing of what failed here; the log has it once, with its traceback."""
    with caplog.at_level(logging.ERROR, "backo"):
        answer, document = answered(error)

    assert b"hunter2" not in answer.body
    assert document["errors"] == []
    [record] = caplog.records
    assert record.name == "backo.backoffice"
    assert record.exc_info is not None
    assert record.exc_info[1] is error
    assert "GET '/shop'" in record.getMessage()


def test_refusals_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """What the client did wrong is no failure of ours."""
    with caplog.at_level(logging.DEBUG):
        answered(ValidationError("no"))

    assert caplog.records == []


def test_headers() -> None:
    """405 says what is allowed, 503 when to come back; nothing is cached."""
    assert ("Allow", "GET, HEAD") in answered(MethodError("PUT", "GET, HEAD"))[0].headers
    assert ("Retry-After", "1") in answered(DBError("away"))[0].headers
    assert ("Cache-Control", "private, no-cache") in answered(NotFoundError("no"))[0].headers
    assert "Retry-After" not in dict(answered(TypeError("no"))[0].headers)


def test_texts_that_utf_8_cannot_hold() -> None:
    """Half a surrogate pair in somebody's message does not break the answer."""
    error = ValidationError("a \ud800", problems=[Problem("$.\ud800", "x", "\udfff")])

    assert answered(error)[1]["detail"] == "a ?"
