"""Turn what the driver raises into errors of ours, without showing what was stored or how one logs in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bson.errors import BSONError
from pymongo.errors import (
    BulkWriteError,
    ConfigurationError,
    ConnectionFailure,
    DocumentTooLarge,
    DuplicateKeyError,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)

from backo.errors import DBError, TransientError

DRIVER_ERRORS = (PyMongoError, BSONError)
"""What the driver raises; documents of others may be no BSON."""

DUPLICATE_KEY = 11000
_TOO_LARGE = frozenset({10334, 17280, 17419, 17420})
_DENIED = frozenset({13, 18, 8000})
_AGAIN = frozenset(
    {
        24,  # LockTimeout
        112,  # WriteConflict
        246,  # SnapshotUnavailable
        251,  # NoSuchTransaction: the server gave the transaction up
    }
)


def code_of(error: Exception) -> int:
    """Give the code of what a server answered (0 when the driver itself raised)."""
    return _written(error).get("code") or (error.code if isinstance(error, OperationFailure) else None) or 0


def _written(error: Exception) -> Mapping[str, Any]:
    """Give what the server says of the write that failed."""
    details = getattr(error, "details", None) or {}
    failed = details.get("writeErrors")
    first: Mapping[str, Any] = failed[0] if failed else details
    return first


def taken_place(error: Exception) -> str | None:
    """Name the place whose value must be unique and is not; None where this is no such error."""
    if code_of(error) != DUPLICATE_KEY and not isinstance(error, DuplicateKeyError):
        return None
    pattern: Mapping[str, Any] = _written(error).get("keyPattern") or {"_id": 1}
    return next(iter(pattern))


def is_too_large(error: Exception) -> bool:
    """Tell whether a document is larger than the server takes."""
    return isinstance(error, DocumentTooLarge) or code_of(error) in _TOO_LARGE


def is_outcome_unknown(error: Exception) -> bool:
    """Tell whether a commit may have happened; it can be asked for again."""
    return isinstance(error, PyMongoError) and error.has_error_label("UnknownTransactionCommitResult")


def failure(error: Exception, database: str) -> DBError:
    """Make the `DBError` for an error of the driver; raise it `from` that error.

    Args:
        error: of the driver.
        database: the name of the database.
    """
    if isinstance(error, ServerSelectionTimeoutError):  # it has been waited for long enough
        return DBError(f"the MongoDB server of {database!r} is away")
    if is_transient(error):
        return TransientError(f"the MongoDB server of {database!r} asks for the same again")
    if isinstance(error, ConnectionFailure):
        return DBError(f"the MongoDB server of {database!r} went away")
    if isinstance(error, ConfigurationError):  # its text may show the connection string
        return DBError(f"the MongoDB server of {database!r} cannot be used with this connection string")
    if isinstance(error, ExecutionTimeout):
        return DBError(f"the MongoDB server of {database!r} took too long")
    code = code_of(error)
    if code in _DENIED:
        return DBError(f"the MongoDB server of {database!r} does not allow this to the user of the connection string")
    named = f" ({code})" if code else ""
    return DBError(f"the MongoDB server of {database!r} failed: {type(error).__name__}{named}")


def is_transient(error: Exception) -> bool:
    """Tell whether the same unit of work may succeed when it is begun anew."""
    if isinstance(error, ServerSelectionTimeoutError):
        return False
    if isinstance(error, PyMongoError) and error.has_error_label("TransientTransactionError"):
        return True
    if isinstance(error, BulkWriteError):
        return code_of(error) in _AGAIN
    return isinstance(error, OperationFailure) and error.code in _AGAIN
